//! The pass at boot and the end of everything, in a temporary tree.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::cell::Cell;
use std::fs;

use jit_mechanisms::applied::{self, Applied, AppliedGrant, Undo};
use jit_mechanisms::dir::Durability;
use jit_mechanisms::groups::{Given, Membership};
use jit_mechanisms::scratch::{Scratch, sudoers_text};
use jit_mechanisms::sudoers_file::{SudoersError, converge};
use jit_mechanisms::{BootId, Deadline, NANOS};

use super::*;

fn now(boot_id: &str) -> Now {
    Now { wall: NANOS, boot: NANOS, boot_id: BootId(boot_id.into()) }
}

fn host(ids: &[&str]) -> (Scratch, HostPaths) {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    let deadline = Deadline { wall: 100 * NANOS, boot: 100 * NANOS, boot_id: BootId("a".into()) };
    let grants = ids.iter().map(|id| AppliedGrant {
        id: id.parse().unwrap(),
        uid: 1000,
        deadline: deadline.clone(),
        undo: vec![Undo::Sudoers],
        groups: vec![],
    });
    applied::write(
        &paths,
        &Applied { grants: grants.collect(), given: Given::new() },
        Durability::AcrossReboot,
    )
    .unwrap();
    converge(&paths, &sudoers_text(ids)).unwrap();
    (scratch, paths)
}

/// The pass at boot, on a host where time stands still.
fn boot_at(paths: &HostPaths, boot_id: &str) -> Result<(), OnceError> {
    boot(paths, || Ok(now(boot_id)), |_| ())
}

fn text(paths: &HostPaths) -> String {
    fs::read_to_string(&paths.sudoers_file).unwrap()
}

fn removed_ids(paths: &HostPaths) -> Vec<String> {
    guard_notes::pending(paths).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn at_boot_what_another_boot_left_goes_and_this_boots_grants_stay() {
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    boot_at(&paths, "a").unwrap();
    assert_eq!(text(&paths), sudoers_text(&["aaaaaaaa"]));
    boot_at(&paths, "b").unwrap();
    assert_eq!(text(&paths), sudoers_text(&[]));
    assert_eq!(removed_ids(&paths), ["aaaaaaaa"]);
}

#[test]
fn at_boot_a_rule_that_nobody_wrote_down_goes() {
    let (_scratch, paths) = host(&[]);
    converge(&paths, &sudoers_text(&["cccccccc"])).unwrap();
    boot_at(&paths, "a").unwrap();
    assert_eq!(text(&paths), sudoers_text(&[]));
    fs::write(&paths.sudoers_file, "ALL ALL=(ALL) NOPASSWD: ALL\n").unwrap();
    boot_at(&paths, "a").unwrap();
    assert!(!paths.sudoers_file.exists());
}

#[test]
fn at_boot_with_nothing_there_nothing_is_made() {
    let scratch = Scratch::new();
    boot_at(&scratch.paths(), "a").unwrap();
    assert!(!scratch.paths().run_dir.exists());
    assert!(!scratch.paths().guard_notes.exists());
}

#[test]
fn all_ends_everything_and_jitd_cannot_put_it_back_before_it_knows() {
    let (_scratch, paths) = host(&["aaaaaaaa", "bbbbbbbb"]);
    fs::write(paths.sudoers_dir.join(".jit.1.0.tmp"), "").unwrap();
    all(&paths, &now("a")).unwrap();
    assert_eq!(text(&paths), sudoers_text(&[]));
    assert_eq!(removed_ids(&paths), ["aaaaaaaa", "bbbbbbbb"]);
    assert!(!paths.sudoers_dir.join(".jit.1.0.tmp").exists());
    let put_back = converge(&paths, &sudoers_text(&["aaaaaaaa"]));
    assert!(matches!(put_back, Err(SudoersError::NotesWaiting { .. })));
    all(&paths, &now("a")).unwrap();
    let notes = guard_notes::take(&paths).unwrap().unwrap();
    assert_eq!(notes.len(), 2, "what is noted is not noted again: {notes:?}");
}

#[test]
fn all_also_ends_a_grant_that_is_just_being_raised() {
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    fs::remove_file(&paths.sudoers_file).unwrap();
    all(&paths, &now("a")).unwrap();
    assert_eq!(removed_ids(&paths), ["aaaaaaaa"]);
    assert!(converge(&paths, &sudoers_text(&["aaaaaaaa"])).is_err());
}

#[test]
fn all_without_room_for_notes_ends_everything_and_says_so() {
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    fs::create_dir(&paths.guard_notes).unwrap();
    assert!(matches!(all(&paths, &now("a")), Err(OnceError::NotNoted(_))));
    assert_eq!(text(&paths), sudoers_text(&[]));
}

#[test]
fn all_with_everything_damaged_still_ends_everything() {
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    fs::write(&paths.applied, "rubbish").unwrap();
    fs::write(&paths.sudoers_file, "ALL ALL=(ALL) NOPASSWD: ALL\n").unwrap();
    assert!(matches!(all(&paths, &now("a")), Err(OnceError::MembersUnknown)), "and says what it cannot know");
    assert!(!paths.sudoers_file.exists());
    assert_eq!(guard_notes::take(&paths).unwrap().unwrap().len(), 1);
}

#[test]
fn an_applied_that_cannot_be_read_is_tried_again_before_everything_goes() {
    let (_scratch, mut paths) = host(&["aaaaaaaa"]);
    // Longer than NAME_MAX: opening it fails, as with ENFILE or EIO, and says nothing about what stands in it.
    paths.applied = paths.state_dir.join("x".repeat(300));
    let (passed, tries) = (Cell::new(0), Cell::new(0));
    let clock = || Ok(Now { boot: passed.get(), ..now("a") });
    let pause = |time: Duration| {
        assert_eq!(text(&paths), sudoers_text(&["aaaaaaaa"]), "nothing goes while it is tried");
        passed.set(passed.get() + i64::try_from(time.as_nanos()).unwrap());
        tries.set(tries.get() + 1);
    };
    boot(&paths, clock, pause).unwrap();
    assert_eq!(tries.get(), 10, "for a second");
    assert_eq!(text(&paths), sudoers_text(&[]));
}

/// Puts alice into docker, as jitd would for the grant `aaaaaaaa`; `natural` was there before.
fn with_member(paths: &HostPaths) {
    fs::write(&paths.etc_group, "docker:x:999:natural,alice\n").unwrap();
    fs::write(&paths.etc_passwd, "alice:x:1000:1000::/:/bin/sh\n").unwrap();
    let mut applied = applied::read(paths).unwrap().unwrap();
    let alice = Membership { gid: 999, group: "docker".into(), uid: 1000, user: "alice".into() };
    applied.given.insert(alice.clone());
    applied.grants.iter_mut().for_each(|grant| grant.groups.push(alice.clone()));
    applied::write(paths, &applied, Durability::AcrossReboot).unwrap();
}

fn group(paths: &HostPaths) -> String {
    fs::read_to_string(&paths.etc_group).unwrap()
}

#[test]
fn at_boot_whom_jitd_put_in_goes_once_and_whoever_is_put_in_by_hand_later_stays() {
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    with_member(&paths);
    boot_at(&paths, "a").unwrap();
    assert_eq!(group(&paths), "docker:x:999:natural,alice\n", "a restart of the guard ends nothing");
    fs::remove_file(&paths.sudoers_file).unwrap();
    boot_at(&paths, "b").unwrap();
    assert_eq!(group(&paths), "docker:x:999:natural\n");
    assert_eq!(removed_ids(&paths), ["aaaaaaaa"]);
    fs::write(&paths.etc_group, "docker:x:999:natural,alice\n").unwrap();
    for boot in ["b", "c"] {
        boot_at(&paths, boot).unwrap();
        assert_eq!(group(&paths), "docker:x:999:natural,alice\n", "jitd is dead for good");
    }
    all(&paths, &now("c")).unwrap();
    assert_eq!(group(&paths), "docker:x:999:natural,alice\n");
}

#[test]
fn at_boot_an_etc_that_cannot_be_changed_is_told_and_keeps_no_guard_from_starting() {
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    with_member(&paths);
    fs::remove_file(&paths.etc_group).unwrap();
    boot_at(&paths, "b").unwrap();
    assert_eq!(text(&paths), sudoers_text(&[]));
    assert!(removed_ids(&paths).is_empty(), "not all of it is known to be off");
}

#[test]
fn all_takes_everybody_out_whom_jitd_put_in_and_says_who_is_left() {
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    with_member(&paths);
    all(&paths, &now("a")).unwrap();
    assert_eq!(group(&paths), "docker:x:999:natural\n");
    let (_scratch, paths) = host(&["aaaaaaaa"]);
    with_member(&paths);
    fs::write(&paths.etc_passwd, "alice:x:1009:1009::/:/bin/sh\n").unwrap();
    assert!(matches!(all(&paths, &now("a")), Err(OnceError::MembersLeft)));
    assert_eq!(text(&paths), sudoers_text(&[]));
}
