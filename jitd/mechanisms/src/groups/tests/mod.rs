//! Whole changes in a temporary `/etc`: what is given, kept, taken and refused, and what the files are like after.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use rustix::fs::XattrFlags;

use super::*;
use crate::scratch::Scratch;

mod renamed;
mod told;
mod turn;

const GROUP: &str = "root:x:0:\ndocker:x:999:bob\nwheel:x:10:\nnewgroup:x:1001:\n+::::\n";
const GSHADOW: &str = "root:*::\ndocker:!:carol:bob\nwheel:*::\n";
const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001:10::/:/bin/sh\n";

fn host() -> Scratch {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    for (path, text, mode) in [
        (&paths.etc_group, GROUP, 0o644),
        (&paths.etc_gshadow, GSHADOW, 0o640),
        (&paths.etc_passwd, PASSWD, 0o644),
    ] {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    scratch
}

fn member(group: &str, gid: u32, user: &str, uid: u32) -> Membership {
    Membership { gid, group: group.into(), uid, user: user.into() }
}

fn alice() -> Membership {
    member("docker", 999, "alice", 1000)
}

fn wanted(memberships: &[Membership]) -> Wanted {
    let mut wanted = Wanted::default();
    for membership in memberships {
        wanted.add(membership.clone(), "aaaaaaaa".parse().unwrap());
    }
    wanted
}

/// Notes what it is told, or says no.
#[derive(Default)]
struct Book {
    noted: Given,
    refuses: Option<String>,
}

impl Caller for Book {
    fn about_to_add(&mut self, adding: &Given) -> Result<(), String> {
        self.noted.extend(adding.iter().cloned());
        self.refuses.clone().map_or(Ok(()), Err)
    }

    fn uid_elsewhere(&mut self, user: &str) -> Option<u32> {
        (user == "remote").then_some(70_000)
    }
}

fn run(scratch: &Scratch, want: &[Membership], given: &Given) -> Result<Report, GroupsError> {
    converge(&scratch.paths(), &wanted(want), given, Duration::from_millis(20), &mut Book::default())
}

fn outcome(scratch: &Scratch, want: &[Membership], given: &Given) -> Vec<Outcome> {
    run(scratch, want, given).unwrap().outcomes.into_values().collect()
}

fn texts(scratch: &Scratch) -> (String, String) {
    let paths = scratch.paths();
    (fs::read_to_string(paths.etc_group).unwrap(), fs::read_to_string(paths.etc_gshadow).unwrap())
}

#[test]
fn given_kept_put_back_and_taken_leaves_the_files_as_they_were() {
    let scratch = host();
    let before: Vec<_> =
        fs::read_dir(scratch.paths().etc_dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    let mut book = Book::default();
    let (paths, wait) = (scratch.paths(), Duration::ZERO);
    let report = converge(&paths, &wanted(&[alice()]), &Given::new(), wait, &mut book).unwrap();
    assert_eq!(report.outcomes[&alice()], Outcome::Added);
    assert_eq!(book.noted, Given::from([alice()]), "noted before it was done");
    let given = report.given_after(Given::new());
    assert_eq!(given, book.noted);
    let (group, gshadow) = texts(&scratch);
    assert_eq!(group, GROUP.replace("999:bob", "999:bob,alice"));
    assert_eq!(gshadow, GSHADOW.replace("carol:bob", "carol:bob,alice"));

    assert_eq!(outcome(&scratch, &[alice()], &given), [Outcome::Kept]);
    fs::write(&paths.etc_group, GROUP).unwrap();
    assert_eq!(outcome(&scratch, &[alice()], &given), [Outcome::PutBack]);
    fs::write(&paths.etc_gshadow, GSHADOW).unwrap();
    assert_eq!(outcome(&scratch, &[alice()], &given), [Outcome::PutBack]);
    assert_eq!(texts(&scratch), (group, gshadow));

    let report = run(&scratch, &[], &given).unwrap();
    assert_eq!(report.outcomes[&alice()], Outcome::Removed);
    assert_eq!(report.given_after(given.clone()), Given::new());
    assert_eq!(texts(&scratch), (GROUP.into(), GSHADOW.into()));
    assert_eq!(outcome(&scratch, &[], &given), [Outcome::WasGone]);
    let mut after: Vec<_> = fs::read_dir(paths.etc_dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(drop_spares(&scratch.paths()).unwrap(), 4);
    after.retain(|name| name != ".pwd.lock" && !before.contains(name));
    after.retain(|name| !spare::is_spare(&scratch.paths(), name));
    assert!(after.is_empty(), "{after:?}");
}

#[test]
fn natural_members_are_never_ours() {
    let scratch = host();
    let bob = member("docker", 999, "bob", 1001);
    let primary = member("wheel", 10, "bob", 1001);
    let report = run(&scratch, &[bob.clone(), primary.clone()], &Given::new()).unwrap();
    assert!(report.outcomes.values().all(|outcome| *outcome == Outcome::AlreadyNatural));
    assert_eq!(report.given_after(Given::new()), Given::new());
    assert_eq!(texts(&scratch), (GROUP.into(), GSHADOW.into()));
    assert!(!scratch.paths().password_lock.exists(), "nothing to do takes no lock");
}

#[test]
fn overlapping_grants_are_one_membership_until_the_last_ends() {
    let scratch = host();
    let mut want = wanted(&[alice()]);
    want.add(alice(), "bbbbbbbb".parse().unwrap());
    assert_eq!(want.grants(&alice()).unwrap().len(), 2);
    let (paths, given) = (scratch.paths(), Given::from([alice()]));
    converge(&paths, &want, &Given::new(), Duration::ZERO, &mut Book::default()).unwrap();
    assert_eq!(outcome(&scratch, &[alice()], &given), [Outcome::Kept], "one of two is left");
    assert_eq!(outcome(&scratch, &[], &given), [Outcome::Removed]);
}

#[test]
fn group_gid_user_and_uid_have_to_agree_on_the_way_in() {
    let scratch = host();
    for (of, refusal) in [
        (member("none", 998, "alice", 1000), Refusal::NoSuchGroup { group: "none".into() }),
        (
            member("dockers", 999, "alice", 1000),
            Refusal::Renamed { group: "dockers".into(), gid: 999, now: "docker".into() },
        ),
        (
            member("docker", 998, "alice", 1000),
            Refusal::GidDiffers { group: "docker".into(), wanted: 998, found: 999 },
        ),
        (member("docker", 999, "nobody", 65534), Refusal::NoSuchUser { user: "nobody".into() }),
        (
            member("docker", 999, "alice", 1005),
            Refusal::UidDiffers { user: "alice".into(), wanted: 1005, found: 1000 },
        ),
        (
            member("docker", 999, "remote", 1005),
            Refusal::UidDiffers { user: "remote".into(), wanted: 1005, found: 70_000 },
        ),
    ] {
        for given in [Given::new(), Given::from([of.clone()])] {
            let found = outcome(&scratch, std::slice::from_ref(&of), &given);
            assert_eq!(found, [Outcome::Refused(refusal.clone())]);
        }
    }
    assert_eq!(texts(&scratch), (GROUP.into(), GSHADOW.into()));
    let remote = member("docker", 999, "remote", 70_000);
    assert_eq!(outcome(&scratch, &[remote], &Given::new()), [Outcome::Added]);
}

#[test]
fn they_have_to_agree_on_the_way_out_where_there_is_something_to_take() {
    let given = Given::from([alice()]);
    let scratch = host();
    run(&scratch, &[alice()], &Given::new()).unwrap();
    let (group, gshadow) = texts(&scratch);
    let (etc_group, etc_passwd) = (scratch.paths().etc_group, scratch.paths().etc_passwd);
    let out = |group: &str, passwd: &str| {
        fs::write(&etc_group, group).unwrap();
        fs::write(scratch.paths().etc_gshadow, &gshadow).unwrap();
        fs::write(&etc_passwd, passwd).unwrap();
        outcome(&scratch, &[], &given).remove(0)
    };
    let renamed = Refusal::Renamed { group: "docker".into(), gid: 999, now: "moved".into() };
    assert_eq!(out(&group.replace("docker", "moved"), PASSWD), Outcome::Refused(renamed));
    let differs = Refusal::GidDiffers { group: "docker".into(), wanted: 999, found: 7 };
    assert_eq!(out(&group.replace("999", "7"), PASSWD), Outcome::Refused(differs));
    let other = Refusal::UidDiffers { user: "alice".into(), wanted: 1000, found: 2000 };
    assert_eq!(out(&group, &PASSWD.replace("1000", "2000")), Outcome::Refused(other));
    assert_eq!(out(&group, ""), Outcome::Removed, "a name that is nobody's goes");
    let doubled = format!("{group}docker:x:999:alice\n");
    assert_eq!(out(&doubled, PASSWD), Outcome::Removed, "from both lines");
    assert!(!texts(&scratch).0.contains("alice"));
    assert_eq!(out("wheel:x:10:\n", PASSWD), Outcome::Removed, "from gshadow");
}

#[test]
fn many_changes_are_one_rewrite_and_every_other_byte_stays() {
    let scratch = host();
    let people: Vec<String> = (0..1000).map(|number| format!("u{number}")).collect();
    let passwd: String = (0..1000).map(|n| format!("u{n}:x:{}:100::/:/bin/sh\n", 5000 + n)).collect();
    let odd = "+@nis::::\r\n#\n\n:::\nz:x:5:\u{e9}";
    let text = |list: &str| format!("docker:x:999:bob{list}\n{odd}");
    fs::write(scratch.paths().etc_passwd, passwd).unwrap();
    fs::write(scratch.paths().etc_group, text(&format!(",{}", people.join(",")))).unwrap();
    let of = |(number, user): (u32, &String)| member("docker", 999, user, 5000 + number);
    let given: Given = (0..).zip(&people).map(of).collect();
    let inode = fs::metadata(scratch.paths().etc_group).unwrap().ino();
    let report = run(&scratch, &[], &given).unwrap();
    assert!(report.outcomes.values().all(|outcome| *outcome == Outcome::Removed));
    assert_eq!(report.outcomes.len(), 1000);
    assert_eq!(texts(&scratch), (text(""), GSHADOW.into()));
    assert_ne!(fs::metadata(scratch.paths().etc_group).unwrap().ino(), inode, "replaced, not written into");
}

#[test]
fn without_a_gshadow_or_without_a_line_in_it_the_group_file_is_enough() {
    let scratch = host();
    let new = member("newgroup", 1001, "alice", 1000);
    assert_eq!(outcome(&scratch, std::slice::from_ref(&new), &Given::new()), [Outcome::Added]);
    assert_eq!(texts(&scratch), (GROUP.replace("1001:", "1001:alice"), GSHADOW.into()));
    fs::remove_file(scratch.paths().etc_gshadow).unwrap();
    let outcomes = run(&scratch, &[alice()], &Given::from([new.clone()])).unwrap().outcomes;
    assert_eq!((&outcomes[&alice()], &outcomes[&new]), (&Outcome::Added, &Outcome::Removed));
    assert_eq!(
        fs::read_to_string(scratch.paths().etc_group).unwrap(),
        GROUP.replace("999:bob", "999:bob,alice")
    );
    assert!(!scratch.paths().etc_gshadow.exists());
}

#[test]
fn a_gshadow_that_cannot_be_changed_stops_nobody_from_going_and_is_told() {
    let scratch = host();
    run(&scratch, &[alice()], &Given::new()).unwrap();
    let paths = scratch.paths();
    fs::rename(&paths.etc_gshadow, paths.etc_dir.join("elsewhere")).unwrap();
    symlink("elsewhere", &paths.etc_gshadow).unwrap();
    let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(Refusal::Gshadow { .. }));
    assert!(outcome(&scratch, &[], &Given::from([alice()])).iter().all(refused));
    assert_eq!(texts(&scratch).0, GROUP, "off where it counts");
    assert!(outcome(&scratch, &[alice()], &Given::new()).iter().all(refused));
    assert_eq!(texts(&scratch).0, GROUP, "not on by halves");
}

#[test]
fn what_cannot_be_noted_is_not_given_and_removals_go_on() {
    let scratch = host();
    let old = member("wheel", 10, "alice", 1000);
    run(&scratch, std::slice::from_ref(&old), &Given::new()).unwrap();
    let mut book = Book { refuses: Some("disk full".into()), ..Book::default() };
    let given = Given::from([old.clone()]);
    let report = converge(&scratch.paths(), &wanted(&[alice()]), &given, Duration::ZERO, &mut book).unwrap();
    let not_noted = Outcome::Refused(Refusal::NotNoted { why: "disk full".into() });
    assert_eq!(report.outcomes[&alice()], not_noted);
    assert_eq!(report.outcomes[&old], Outcome::Removed);
    assert_eq!(texts(&scratch), (GROUP.into(), GSHADOW.into()));
    // Nor is anybody put back: the guard would not know for which grant.
    let given = Given::from([alice()]);
    let report = converge(&scratch.paths(), &wanted(&[alice()]), &given, Duration::ZERO, &mut book).unwrap();
    assert_eq!(report.outcomes[&alice()], not_noted);
    assert_eq!(report.given_after(given.clone()), given, "it stays known as given");
    assert_eq!(texts(&scratch).0, GROUP);
}

#[test]
fn whatever_cannot_be_replaced_is_refused_and_left() {
    let refused = |scratch: &Scratch| run(scratch, &[alice()], &Given::new()).unwrap_err();
    let scratch = host();
    let group = scratch.paths().etc_group;
    fs::rename(&group, scratch.path().join("etc/real")).unwrap();
    assert!(matches!(refused(&scratch), GroupsError::Missing { .. }));
    symlink("real", &group).unwrap();
    assert!(matches!(refused(&scratch), GroupsError::Fixed { .. }));
    assert!(group.is_symlink());
    fs::remove_file(&group).unwrap();
    fs::create_dir(&group).unwrap();
    assert!(matches!(refused(&scratch), GroupsError::Fixed { .. }));

    let scratch = host();
    run(&scratch, &[alice()], &Given::new()).unwrap();
    fs::set_permissions(scratch.paths().etc_dir, fs::Permissions::from_mode(0o777)).unwrap();
    let bob = member("wheel", 10, "alice", 1000);
    let refused = run(&scratch, std::slice::from_ref(&bob), &Given::new()).unwrap_err();
    assert!(matches!(refused, GroupsError::Dir(crate::dir::DirError::Writable { .. })));
    let both = run(&scratch, std::slice::from_ref(&bob), &Given::from([alice()])).unwrap().outcomes;
    assert!(matches!(both[&bob], Outcome::Refused(Refusal::HeldUp { .. })), "{both:?}");
    assert_eq!(both[&alice()], Outcome::Removed, "nothing keeps anybody in");
    assert_eq!(texts(&scratch).0, GROUP);
}

#[test]
fn a_held_lock_is_told_with_its_holder_and_nothing_is_changed() {
    let scratch = host();
    let paths = scratch.paths();
    let dir = crate::dir::Dir::open(&paths.etc_dir, paths.owner).unwrap();
    let name = crate::paths::name_of(&paths.password_lock);
    let held = locks::PasswordLock::take(&dir, name, Duration::ZERO).unwrap();
    let refused = run(&scratch, &[alice()], &Given::new()).unwrap_err();
    assert!(
        matches!(&refused, GroupsError::Locked { path, .. } if *path == paths.password_lock),
        "{refused}"
    );
    drop(held);
    fs::write(paths.etc_dir.join("gshadow.lock"), "1").unwrap();
    let refused = run(&scratch, &[alice()], &Given::new()).unwrap_err();
    assert_eq!(refused.to_string().matches("process 1 ").count(), 1, "{refused}");
    assert_eq!(texts(&scratch), (GROUP.into(), GSHADOW.into()));
    assert!(!paths.etc_dir.join("group.lock").exists());
    fs::remove_file(paths.etc_dir.join("gshadow.lock")).unwrap();
    assert_eq!(outcome(&scratch, &[alice()], &Given::new()), [Outcome::Added]);
}

#[test]
fn mode_owner_and_attributes_are_kept() {
    let scratch = host();
    let path = scratch.paths().etc_group;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    let big = vec![b'x'; 3000];
    // An access list: version 2; owner rw-, user 1000 rw-, group r--, mask rw-, others r-- (linux/posix_acl_xattr.h).
    let entry = |tag: u16, perm: u16, id: u32| {
        [&tag.to_le_bytes()[..], &perm.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let none = u32::MAX;
    let entries = [(1, 6, none), (2, 6, 1000), (4, 4, none), (16, 6, none), (32, 4, none)];
    let acl = entries.iter().fold(vec![2, 0, 0, 0], |acl, &(t, p, id)| [acl, entry(t, p, id)].concat());
    let attributes: [(&str, &[u8]); 4] = [
        ("user.jit", b"kept"),
        ("user.big", &big),
        ("security.jit", b"label\0"),
        ("system.posix_acl_access", &acl),
    ];
    let set = |(name, value): &(&str, &[u8])| {
        rustix::fs::setxattr(&path, *name, value, XattrFlags::empty()).is_ok()
    };
    // Some need root, some a file system that has them; those that could be set have to be there afterwards.
    let kept: Vec<_> = attributes.iter().filter(|attribute| set(attribute)).collect();
    assert!(!kept.is_empty(), "no attribute could be tried");
    let before = fs::metadata(&path).unwrap();
    assert_eq!(outcome(&scratch, &[alice()], &Given::new()), [Outcome::Added]);
    let after = fs::metadata(&path).unwrap();
    assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()));
    for (name, value) in kept {
        assert_eq!(attribute(&path, name), *value, "{name}");
    }
}

fn attribute(path: &Path, name: &str) -> Vec<u8> {
    let mut value = Vec::with_capacity(4096);
    rustix::fs::getxattr(path, name, rustix::buffer::spare_capacity(&mut value)).unwrap();
    value
}

#[test]
fn looking_changes_nothing() {
    let scratch = host();
    let report = look(&scratch.paths(), &wanted(&[alice()]), &Given::new(), &mut Book::default()).unwrap();
    assert_eq!(report.outcomes[&alice()], Outcome::Added);
    assert_eq!(texts(&scratch), (GROUP.into(), GSHADOW.into()));
    assert!(!scratch.paths().password_lock.exists());
}
