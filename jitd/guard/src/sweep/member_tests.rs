//! Sweeps that take people out of groups, over a temporary tree.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::fs;
use std::time::Duration;

use jit_mechanisms::applied::{Applied, AppliedGrant, Undo};
use jit_mechanisms::dir::{Dir, Durability};
use jit_mechanisms::groups::locks::{PasswordLock, PasswordLocked};
use jit_mechanisms::paths::name_of;
use jit_mechanisms::scratch::{Scratch, sudoers_text};
use jit_mechanisms::sudoers_file::converge;
use jit_mechanisms::{BootId, Deadline, NANOS};

use super::*;

const END: i64 = 1_000 * NANOS;
const GROUP: &str = "root:x:0:\ndocker:x:999:natural,alice,bob\n";

fn now(boot: i64) -> Now {
    Now { wall: boot, boot, boot_id: BootId("a".into()) }
}

fn late() -> Now {
    now(END + GRACE)
}

fn member(user: &str, uid: u32) -> Membership {
    Membership { gid: 999, group: "docker".into(), uid, user: user.into() }
}

fn alice() -> Membership {
    member("alice", 1000)
}

fn grant(id: &str, end: i64, groups: &[Membership]) -> AppliedGrant {
    let deadline = Deadline { wall: end, boot: end, boot_id: BootId("a".into()) };
    let undo = vec![Undo::Sudoers, Undo::Groups];
    AppliedGrant { id: id.parse().unwrap(), uid: 1000, deadline, undo, groups: groups.to_vec() }
}

fn write(paths: &HostPaths, grants: Vec<AppliedGrant>, given: &[Membership]) {
    let applied = Applied { grants, given: given.iter().cloned().collect() };
    applied::write(paths, &applied, Durability::ThisBoot).unwrap();
}

/// `aaaaaaaa` ends at [`END`] and wants alice in docker, `bbbbbbbb` a long time after and wants bob.
fn host() -> (Scratch, HostPaths, Guard) {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    fs::write(&paths.etc_group, GROUP).unwrap();
    fs::write(&paths.etc_gshadow, "docker:!::natural,alice,bob\n").unwrap();
    fs::write(&paths.etc_passwd, "alice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n").unwrap();
    let bob = member("bob", 1001);
    let grants =
        vec![grant("aaaaaaaa", END, &[alice()]), grant("bbbbbbbb", END * 1000, std::slice::from_ref(&bob))];
    write(&paths, grants, &[alice(), bob]);
    converge(&paths, &sudoers_text(&["aaaaaaaa", "bbbbbbbb"])).unwrap();
    let guard = Guard::new(&paths);
    (scratch, paths, guard)
}

fn members(paths: &HostPaths) -> String {
    let text = fs::read_to_string(&paths.etc_group).unwrap();
    text.lines().find_map(|line| line.strip_prefix("docker:x:999:")).unwrap().to_owned()
}

fn join(paths: &HostPaths, members: &str) {
    fs::write(&paths.etc_group, GROUP.replace("natural,alice,bob", members)).unwrap();
}

fn notes(paths: &HostPaths) -> String {
    fs::read_to_string(&paths.guard_notes).unwrap_or_default()
}

fn hold(paths: &HostPaths) -> PasswordLocked {
    let dir = Dir::open(&paths.etc_dir, paths.owner).unwrap();
    PasswordLock::take(&dir, name_of(&paths.password_lock), Duration::ZERO).unwrap()
}

#[test]
fn who_is_due_goes_with_sudo_and_is_noted_and_whoever_is_put_in_by_hand_later_stays() {
    let (_scratch, paths, mut guard) = host();
    assert!(guard.sweep(&now(END)).said.is_empty());
    assert_eq!(members(&paths), "natural,alice,bob");
    let swept = guard.sweep(&late());
    assert_eq!(swept.said, ["removed aaaaaaaa: overdue", "taken out: alice of group docker: overdue"]);
    assert_eq!(members(&paths), "natural,bob");
    let wall = END + GRACE;
    let both = format!(
        "member out 999:docker:1000:alice {wall} overdue aaaaaaaa\nremoved aaaaaaaa {wall} overdue\n"
    );
    assert_eq!(notes(&paths), both);
    assert!(guard.sweep(&late()).said.is_empty(), "once");
    join(&paths, "natural,bob,alice");
    assert!(guard.sweep(&late()).said.is_empty());
    assert!(Guard::new(&paths).sweep(&late()).said.is_empty(), "a guard that is started again knows it, too");
    assert_eq!(members(&paths), "natural,bob,alice");
    assert_eq!(notes(&paths), both);
}

#[test]
fn somebody_who_was_gone_is_noted_so_that_he_can_come_back_by_hand() {
    let (_scratch, paths, mut guard) = host();
    converge(&paths, &sudoers_text(&["bbbbbbbb"])).unwrap();
    join(&paths, "natural,bob");
    fs::write(&paths.etc_gshadow, "docker:!::natural,bob\n").unwrap();
    guard.sweep(&late());
    let wall = END + GRACE;
    assert_eq!(notes(&paths), format!("member gone 999:docker:1000:alice {wall} overdue aaaaaaaa\n"));
    join(&paths, "natural,bob,alice");
    assert!(guard.sweep(&late()).said.is_empty());
    assert_eq!(members(&paths), "natural,bob,alice");
}

#[test]
fn an_overlapping_grant_keeps_its_member_until_it_ends_too() {
    let (_scratch, paths, mut guard) = host();
    let grants = vec![grant("aaaaaaaa", END, &[alice()]), grant("cccccccc", END * 2, &[alice()])];
    write(&paths, grants, &[alice()]);
    guard.sweep(&late());
    assert_eq!(members(&paths), "natural,alice,bob");
    assert!(notes(&paths).starts_with("removed aaaaaaaa"), "{}", notes(&paths));
    let swept = guard.sweep(&now(END * 2 + GRACE));
    assert_eq!(swept.said, ["taken out: alice of group docker: overdue"]);
    assert!(notes(&paths).contains("overdue aaaaaaaa cccccccc\nremoved cccccccc"), "{}", notes(&paths));
}

#[test]
fn a_held_lock_keeps_nothing_of_sudo_is_told_once_and_the_note_waits_for_all_of_it() {
    let (_scratch, paths, mut guard) = host();
    let held = hold(&paths);
    assert!(matches!(held, PasswordLocked::Held(_)));
    let swept = guard.sweep(&late());
    assert_eq!(fs::read_to_string(&paths.sudoers_file).unwrap(), sudoers_text(&["bbbbbbbb"]));
    assert_eq!(swept.said.len(), 2, "{:?}", swept.said);
    assert!(swept.said.iter().any(|line| line.contains("is locked by")), "{:?}", swept.said);
    assert!(guard.sweep(&late()).said.is_empty(), "once");
    assert_eq!((members(&paths).as_str(), notes(&paths).as_str()), ("natural,alice,bob", ""));
    drop(held);
    guard.sweep(&late());
    assert_eq!(members(&paths), "natural,bob");
    assert_eq!(notes(&paths).lines().count(), 2, "{}", notes(&paths));
    assert!(notes(&paths).contains("removed aaaaaaaa"));
}

#[test]
fn what_is_wrong_with_sudo_keeps_nobody_in_a_group() {
    let (_scratch, paths, mut guard) = host();
    fs::remove_file(&paths.sudoers_file).unwrap();
    fs::create_dir(&paths.sudoers_file).unwrap();
    let swept = guard.sweep(&late());
    assert_eq!(members(&paths), "natural,bob", "{:?}", swept.said);
    assert!(!notes(&paths).contains("removed "), "not all of it is off: {}", notes(&paths));
    fs::remove_dir(&paths.sudoers_file).unwrap();
    guard.sweep(&late());
    assert!(notes(&paths).contains("removed aaaaaaaa"));
}

#[test]
fn somebody_else_of_that_name_stays_and_the_grant_is_not_called_over() {
    let (_scratch, paths, mut guard) = host();
    fs::write(&paths.etc_passwd, "alice:x:1007:1007::/:/bin/sh\n").unwrap();
    let swept = guard.sweep(&late());
    assert!(swept.said.iter().any(|line| line.contains("alice of group docker stays")), "{:?}", swept.said);
    assert_eq!(members(&paths), "natural,alice,bob");
    assert_eq!(notes(&paths), "");
    assert!(guard.sweep(&late()).said.is_empty(), "said once");
}

#[test]
fn with_no_room_for_notes_it_is_done_once_all_the_same() {
    let (_scratch, paths, mut guard) = host();
    fs::create_dir(&paths.guard_notes).unwrap();
    guard.sweep(&late());
    assert_eq!(members(&paths), "natural,bob");
    join(&paths, "natural,bob,alice");
    guard.sweep(&late());
    assert_eq!(members(&paths), "natural,bob,alice", "it remembers what it could not write");
    fs::remove_dir(&paths.guard_notes).unwrap();
    guard.sweep(&late());
    assert_eq!(notes(&paths).lines().count(), 2, "{}", notes(&paths));
}

#[test]
fn what_no_grant_wants_goes_after_a_grace_period() {
    let (_scratch, paths, mut guard) = host();
    write(&paths, vec![], &[alice()]);
    assert_eq!(guard.sweep(&now(0)).next, Next::Within(LOOK));
    assert_eq!(members(&paths), "natural,alice,bob");
    guard.sweep(&now(GRACE));
    assert_eq!(members(&paths), "natural,bob");
    assert!(notes(&paths).ends_with(" not-applied\n"), "{}", notes(&paths));
    assert_eq!(guard.sweep(&now(GRACE)).next, Next::OnChange);
}

#[test]
fn a_damaged_list_takes_nobody_out_and_says_that_nobody_knows() {
    let (_scratch, paths, mut guard) = host();
    fs::write(&paths.applied, "jit-applied 2\n").unwrap();
    let swept = guard.sweep(&now(0));
    assert!(swept.said.iter().any(|line| line == members::UNKNOWN), "{:?}", swept.said);
    assert_eq!(fs::read_to_string(&paths.sudoers_file).unwrap(), sudoers_text(&[]));
    assert_eq!(members(&paths), "natural,alice,bob");
}

#[test]
fn a_gpasswd_that_read_an_older_list_brings_nobody_back_and_the_note_waits_for_its_end() {
    let (scratch, paths, mut guard) = host();
    let (program, process) = (scratch.path().join("usr/bin/gpasswd"), scratch.path().join("proc/10"));
    for dir in [program.parent().unwrap(), &process] {
        fs::create_dir_all(dir).unwrap();
    }
    fs::write(&program, "").unwrap();
    std::os::unix::fs::symlink(program, process.join("exe")).unwrap();
    fs::write(process.join("status"), "Uid:\t0\t0\t0\t0\n").unwrap();
    let swept = guard.sweep(&late());
    assert!(
        swept.said.iter().any(|line| line.contains("is out, and may come back: process 10")),
        "{swept:?}"
    );
    assert_eq!((swept.next, notes(&paths)), (Next::Within(LOOK), String::new()));
    fs::write(&paths.etc_group, GROUP).unwrap();
    fs::remove_dir_all(process).unwrap();
    let swept = guard.sweep(&late());
    assert_eq!(swept.said, ["taken out: alice of group docker: overdue"]);
    assert_eq!(members(&paths), "natural,bob");
    assert_eq!(notes(&paths).lines().count(), 2, "{}", notes(&paths));
    join(&paths, "natural,bob,alice");
    assert!(guard.sweep(&late()).said.is_empty());
    assert_eq!(members(&paths), "natural,bob,alice", "by hand");
}
