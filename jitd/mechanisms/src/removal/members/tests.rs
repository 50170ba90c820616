//! Members who have to go, members from before, and whatever is in the way, in a temporary `/etc`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

use std::fs;

use super::*;
use crate::dir::Dir;
use crate::groups::locks::{PasswordLock, PasswordLocked};
use crate::paths::name_of;
use crate::scratch::Scratch;

const GROUP: &str = "root:x:0:\ndocker:x:999:bob,alice,eve\nadm:x:4:alice\n";
const GSHADOW: &str = "root:*::\ndocker:!::bob,alice,eve\nadm:*::alice\n";
const PASSWD: &str = "alice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n";

fn host() -> (Scratch, HostPaths) {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    fs::write(&paths.etc_group, GROUP).unwrap();
    fs::write(&paths.etc_gshadow, GSHADOW).unwrap();
    fs::write(&paths.etc_passwd, PASSWD).unwrap();
    (scratch, paths)
}

fn member(group: &str, gid: u32, user: &str, uid: u32) -> Membership {
    Membership { gid, group: group.into(), uid, user: user.into() }
}

fn alice() -> Membership {
    member("docker", 999, "alice", 1000)
}

/// Removes, and gives back what was noted meanwhile as well.
fn remove(
    paths: &HostPaths,
    going: &[Membership],
) -> (Result<MembersRemoved, GroupsError>, BTreeMap<Membership, Off>) {
    let mut noted = BTreeMap::new();
    let going = going.iter().cloned().collect();
    let removed =
        remove_members(paths, &going, Duration::from_millis(20), (&mut Doubts::default(), 0), &mut |off| {
            noted.extend(off.clone());
        });
    (removed, noted)
}

fn group(paths: &HostPaths) -> String {
    fs::read_to_string(&paths.etc_group).unwrap()
}

#[test]
fn who_has_to_go_goes_from_both_files_and_nobody_else_does() {
    let (_scratch, paths) = host();
    let (removed, noted) = remove(&paths, &[alice()]);
    let removed = removed.unwrap();
    assert_eq!(removed.off, BTreeMap::from([(alice(), Off::TakenOut)]));
    assert!(removed.stays.is_empty() && removed.untold.is_empty());
    assert_eq!(noted, removed.off);
    assert_eq!(group(&paths), GROUP.replace("bob,alice,eve", "bob,eve"));
    assert_eq!(fs::read_to_string(&paths.etc_gshadow).unwrap(), GSHADOW.replace("bob,alice,eve", "bob,eve"));
}

#[test]
fn who_is_gone_already_is_off_and_seen_under_the_lock() {
    let (_scratch, paths) = host();
    let gone = member("adm", 4, "bob", 1001);
    let (removed, noted) = remove(&paths, std::slice::from_ref(&gone));
    assert_eq!(removed.unwrap().off, BTreeMap::from([(gone.clone(), Off::WasGone)]));
    assert_eq!(noted, BTreeMap::from([(gone.clone(), Off::WasGone)]));
    assert_eq!(group(&paths), GROUP);
    let dir = Dir::open(&paths.etc_dir, paths.owner).unwrap();
    let held = PasswordLock::take(&dir, name_of(&paths.password_lock), Duration::ZERO).unwrap();
    assert!(matches!(held, PasswordLocked::Held(_)));
    let (removed, noted) = remove(&paths, &[gone]);
    assert!(matches!(removed, Err(GroupsError::Locked { .. })));
    assert!(noted.is_empty(), "somebody may be putting him in at this moment");
}

/// How often this process has a file open.
fn openings(path: &std::path::Path) -> usize {
    let fds = fs::read_dir("/proc/self/fd").unwrap().flatten();
    fds.filter(|fd| fs::read_link(fd.path()).is_ok_and(|link| link == path)).count()
}

#[test]
fn who_is_put_in_between_the_look_and_the_lock_is_taken_out_and_only_then_noted() {
    let (_scratch, paths) = host();
    // As jitd does it: noted as given and with the lock held, but not yet renamed.
    fs::write(&paths.etc_group, GROUP.replace("bob,alice,eve", "bob,eve")).unwrap();
    fs::write(&paths.etc_gshadow, GSHADOW.replace("bob,alice,eve", "bob,eve")).unwrap();
    let dir = Dir::open(&paths.etc_dir, paths.owner).unwrap();
    let held = PasswordLock::take(&dir, name_of(&paths.password_lock), Duration::ZERO).unwrap();
    let (going, host) = (Given::from([alice()]), paths.clone());
    let guard = std::thread::spawn(move || {
        let mut noted = Vec::new();
        let wait = Duration::from_secs(20);
        let removed = remove_members(&host, &going, wait, (&mut Doubts::default(), 0), &mut |off| {
            noted.push((off.clone(), group(&host)));
        });
        (removed, noted)
    });
    // It waits for the lock: it has seen that she is out.
    while openings(&paths.password_lock) < 2 {
        std::thread::yield_now();
    }
    fs::write(&paths.etc_group, GROUP).unwrap();
    fs::write(&paths.etc_gshadow, GSHADOW).unwrap();
    drop(held);
    let (removed, noted) = guard.join().unwrap();
    let (removed, off) = (removed.unwrap(), BTreeMap::from([(alice(), Off::TakenOut)]));
    assert_eq!(group(&paths), GROUP.replace("bob,alice,eve", "bob,eve"));
    assert_eq!((&removed.off, removed.stays.len()), (&off, 0));
    assert_eq!(noted, [(off, group(&paths))], "she was out when it was noted");
}

#[test]
fn nothing_to_do_touches_nothing() {
    let (_scratch, paths) = host();
    assert_eq!(remove(&paths, &[]).0.unwrap(), MembersRemoved::default());
    assert!(!paths.password_lock.exists());
}

#[test]
fn somebody_else_under_the_same_name_or_a_renamed_group_stays_and_the_rest_goes() {
    let (_scratch, paths) = host();
    let newcomer = member("docker", 999, "bob", 1002);
    let renamed = member("wheel", 4, "alice", 1000);
    let (removed, noted) = remove(&paths, &[newcomer.clone(), renamed.clone(), alice()]);
    let removed = removed.unwrap();
    assert_eq!(removed.off, BTreeMap::from([(alice(), Off::TakenOut)]));
    assert_eq!(noted, removed.off);
    assert!(removed.stays[&newcomer].contains("is uid 1001 now"), "{:?}", removed.stays);
    assert!(removed.stays[&renamed].contains("is adm now"), "{:?}", removed.stays);
    assert_eq!(group(&paths), GROUP.replace("bob,alice,eve", "bob,eve"));
}

#[test]
fn the_name_of_a_deleted_user_goes_out_of_the_list() {
    let (_scratch, paths) = host();
    let eve = member("docker", 999, "eve", 1005);
    assert_eq!(
        remove(&paths, std::slice::from_ref(&eve)).0.unwrap().off,
        BTreeMap::from([(eve, Off::TakenOut)])
    );
    assert_eq!(group(&paths), GROUP.replace("bob,alice,eve", "bob,alice"));
}

#[test]
fn a_held_lock_is_an_error_that_names_it_and_the_next_try_does_it() {
    let (_scratch, paths) = host();
    let dir = Dir::open(&paths.etc_dir, paths.owner).unwrap();
    let held = PasswordLock::take(&dir, name_of(&paths.password_lock), Duration::ZERO).unwrap();
    let (removed, noted) = remove(&paths, &[alice()]);
    assert!(removed.unwrap_err().to_string().contains(".pwd.lock is locked"));
    assert!(noted.is_empty());
    assert_eq!(group(&paths), GROUP);
    drop(held);
    assert_eq!(remove(&paths, &[alice()]).0.unwrap().off.len(), 1);
}

#[test]
fn a_gshadow_that_cannot_be_changed_is_told_and_what_counts_is_done() {
    let (_scratch, paths) = host();
    fs::remove_file(&paths.etc_gshadow).unwrap();
    std::os::unix::fs::symlink("elsewhere", &paths.etc_gshadow).unwrap();
    let (removed, noted) = remove(&paths, &[alice()]);
    assert!(removed.unwrap().stays[&alice()].contains("gshadow"));
    assert!(noted.is_empty());
    assert_eq!(group(&paths), GROUP.replace("bob,alice,eve", "bob,eve"));
}

/// A process of the host's gpasswd.
fn gpasswd(scratch: &Scratch, pid: u32) -> std::path::PathBuf {
    let (program, folder) =
        (scratch.path().join("usr/bin/gpasswd"), scratch.path().join(format!("proc/{pid}")));
    for dir in [program.parent().unwrap(), &folder] {
        fs::create_dir_all(dir).unwrap();
    }
    fs::write(&program, "").unwrap();
    std::os::unix::fs::symlink(program, folder.join("exe")).unwrap();
    fs::write(folder.join("status"), "Name:\tx\nPPid:\t1\nUid:\t0\t0\t0\t0\n").unwrap();
    folder
}

#[test]
fn beside_a_gpasswd_nobody_is_called_out_before_it_has_ended_or_for_a_minute() {
    let (scratch, paths) = host();
    let at = |seconds: i64, doubts: &mut Doubts| {
        let (mut noted, going) = (BTreeMap::new(), Given::from([alice()]));
        let wait = Duration::from_millis(20);
        let removed = remove_members(&paths, &going, wait, (doubts, seconds * 1_000_000_000), &mut |off| {
            noted.extend(off.clone());
        });
        (removed.unwrap(), noted)
    };
    let out = BTreeMap::from([(alice(), Off::TakenOut)]);
    for round in 0..2 {
        let mut doubts = Doubts::default();
        let folder = gpasswd(&scratch, 10);
        let (removed, noted) = at(0, &mut doubts);
        assert_eq!((removed.off.len(), removed.stays.len(), noted.len()), (0, 0, 0));
        assert!(removed.unsure[&alice()].contains("process 10, "), "{:?}", removed.unsure);
        // It writes what it had read.
        fs::write(&paths.etc_group, GROUP).unwrap();
        assert_eq!(at(1, &mut doubts).1.len(), 0);
        assert_eq!(group(&paths), GROUP.replace("bob,alice,eve", "bob,eve"), "out again");
        assert_eq!(at(50, &mut doubts).1.len(), 0);
        if round == 0 {
            fs::remove_dir_all(&folder).unwrap();
            assert_eq!(
                at(51, &mut doubts),
                (MembersRemoved { off: out.clone(), ..Default::default() }, out.clone())
            );
            fs::write(&paths.etc_group, GROUP).unwrap();
        } else {
            assert_eq!(at(61, &mut doubts).1, out, "somebody stopped it: a minute is enough");
        }
    }
}
