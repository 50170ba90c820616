//! Sweeps over a temporary tree: no jitd, a slow one, a hung one, a full disk, a damaged file.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::ffi::OsStr;
use std::fs;
use std::time::Duration;

use jit_mechanisms::applied::{Applied, AppliedGrant, Undo};
use jit_mechanisms::dir::{Dir, Durability};
use jit_mechanisms::groups::Given;
use jit_mechanisms::lock::{Lock, Locked};
use jit_mechanisms::scratch::{Scratch, sudoers_text};
use jit_mechanisms::sudoers_file::converge;
use jit_mechanisms::{BootId, Deadline, NANOS};

use super::*;
use crate::plan::{GRACE, TRY_AGAIN};

const END: i64 = 1_000 * NANOS;

fn now(boot: i64) -> Now {
    Now { wall: boot, boot, boot_id: BootId("a".into()) }
}

fn late() -> Now {
    now(END + GRACE)
}

fn grant(id: &str, end: i64) -> AppliedGrant {
    let deadline = Deadline { wall: end, boot: end, boot_id: BootId("a".into()) };
    AppliedGrant { id: id.parse().unwrap(), uid: 1000, deadline, undo: vec![Undo::Sudoers], groups: vec![] }
}

/// `aaaaaaaa` ends at [`END`], `bbbbbbbb` a long time after; both are on the host.
fn host() -> (Scratch, HostPaths, Guard) {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    let grants = vec![grant("aaaaaaaa", END), grant("bbbbbbbb", END * 1000)];
    applied::write(&paths, &Applied { grants, given: Given::new() }, Durability::ThisBoot).unwrap();
    converge(&paths, &sudoers_text(&["aaaaaaaa", "bbbbbbbb"])).unwrap();
    let guard = Guard::new(&paths);
    (scratch, paths, guard)
}

fn text(paths: &HostPaths) -> Option<String> {
    fs::read_to_string(&paths.sudoers_file).ok()
}

fn notes_taken(paths: &HostPaths) -> Vec<String> {
    let notes = guard_notes::take(paths).unwrap().unwrap_or_default();
    guard_notes::finish(paths).unwrap();
    notes.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_overdue_goes_with_a_note_and_the_rest_stays() {
    let (_scratch, paths, mut guard) = host();
    let early = guard.sweep(&now(END));
    assert!(early.said.is_empty() && notes_taken(&paths).is_empty());
    assert_eq!(early.next, Next::Within(LOOK));
    let swept = guard.sweep(&late());
    assert_eq!(swept.said, ["removed aaaaaaaa: overdue"]);
    assert_eq!(text(&paths), Some(sudoers_text(&["bbbbbbbb"])));
    assert_eq!(notes_taken(&paths), [format!("removed aaaaaaaa {} overdue", END + GRACE)]);
    assert!(guard.sweep(&late()).said.is_empty(), "once");
    assert!(notes_taken(&paths).is_empty());
}

#[test]
fn what_jitd_has_done_itself_is_neither_touched_nor_noted() {
    let (_scratch, paths, mut guard) = host();
    converge(&paths, &sudoers_text(&["bbbbbbbb"])).unwrap();
    assert!(guard.sweep(&late()).said.is_empty());
    assert!(notes_taken(&paths).is_empty());
}

#[test]
fn a_jitd_that_wakes_up_and_puts_it_back_is_undone_again() {
    let (_scratch, paths, mut guard) = host();
    guard.sweep(&late());
    // It was stopped between looking for notes and the rename, so nothing of its own held it back.
    fs::write(&paths.sudoers_file, sudoers_text(&["aaaaaaaa", "bbbbbbbb"])).unwrap();
    let again = guard.sweep(&late());
    assert_eq!(again.said.len(), 1, "{:?}", again.said);
    assert_eq!(text(&paths), Some(sudoers_text(&["bbbbbbbb"])));
    assert_eq!(notes_taken(&paths).len(), 1, "jitd has not yet taken the first note");
}

#[test]
fn a_removal_that_is_noted_holds_even_when_applied_says_otherwise() {
    let (_scratch, paths, mut guard) = host();
    let note = Note::Removed { id: "bbbbbbbb".parse().unwrap(), wall: 1, why: Why::Asked };
    guard_notes::append(&paths, &[note]).unwrap();
    guard.sweep(&now(0));
    assert_eq!(text(&paths), Some(sudoers_text(&["aaaaaaaa"])));
}

#[test]
fn a_damaged_applied_takes_everything_off_and_is_told_once() {
    for damage in ["", "jit-applied 1\ngrant aaaaaaaa uid=10", "\u{0}"] {
        let (_scratch, paths, mut guard) = host();
        fs::write(&paths.applied, damage).unwrap();
        let swept = guard.sweep(&now(0));
        assert_eq!(text(&paths), Some(sudoers_text(&[])), "{damage:?}");
        assert_eq!(swept.said.len(), 3, "{:?}", swept.said);
        assert!(guard.sweep(&now(0)).said.is_empty());
        let notes = notes_taken(&paths);
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes.iter().any(|note| note.starts_with("damaged ")));
        assert!(notes.iter().any(|note| note == "removed bbbbbbbb 0 applied-damaged"));
    }
}

#[test]
fn an_applied_that_cannot_be_read_for_a_moment_ends_nothing() {
    let (_scratch, paths, mut guard) = host();
    // Longer than NAME_MAX: opening it fails, as with ENFILE or EIO, and says nothing about what stands in it.
    let out_of_reach = paths.state_dir.join("x".repeat(300));
    let both = Some(sudoers_text(&["aaaaaaaa", "bbbbbbbb"]));
    for start in [0, 10 * NANOS] {
        guard.paths.applied.clone_from(&out_of_reach);
        let swept = guard.sweep(&now(start));
        assert_eq!(swept.said.len(), 1, "{:?}", swept.said);
        assert_eq!(swept.next, Next::Within(TRY_AGAIN));
        assert!(guard.sweep(&now(start + PATIENCE - 1)).said.is_empty(), "said once");
        assert_eq!(text(&paths), both);
        guard.paths.applied.clone_from(&paths.applied);
        assert!(guard.sweep(&now(start + PATIENCE)).said.is_empty());
        assert_eq!(text(&paths), both, "it was read again in time");
    }
    assert!(notes_taken(&paths).is_empty());
    guard.paths.applied = out_of_reach;
    guard.sweep(&now(20 * NANOS));
    assert_eq!(text(&paths), both);
    guard.sweep(&now(20 * NANOS + PATIENCE));
    assert_eq!(text(&paths), Some(sudoers_text(&[])), "it stays out of reach");
    assert_eq!(notes_taken(&paths).len(), 3);
}

#[test]
fn a_missing_applied_is_nothing_to_do() {
    let (_scratch, paths, mut guard) = host();
    fs::remove_file(&paths.applied).unwrap();
    let swept = guard.sweep(&late());
    assert!(swept.said.is_empty());
    assert_eq!(swept.next, Next::OnChange);
    assert_eq!(text(&paths), Some(sudoers_text(&["aaaaaaaa", "bbbbbbbb"])));
}

#[test]
fn without_room_for_the_note_it_goes_all_the_same_and_the_note_follows() {
    let (_scratch, paths, mut guard) = host();
    fs::create_dir(&paths.guard_notes).unwrap();
    let swept = guard.sweep(&late());
    assert_eq!(text(&paths), Some(sudoers_text(&["bbbbbbbb"])));
    assert!(swept.said.iter().any(|line| line.contains("guard-notes")), "{:?}", swept.said);
    assert!(guard.sweep(&late()).said.is_empty(), "the same trouble is told once");
    fs::remove_dir(&paths.guard_notes).unwrap();
    guard.sweep(&late());
    assert_eq!(notes_taken(&paths).len(), 1);
}

#[test]
fn a_hung_jitd_with_the_lock_and_a_file_half_way_changes_nothing() {
    let (_scratch, paths, mut guard) = host();
    let run_dir = Dir::open(&paths.run_dir, paths.owner).unwrap();
    let hung = Lock::take(&run_dir, OsStr::new("converge.lock"), Duration::ZERO).unwrap();
    assert!(matches!(hung, Locked::Held(_)));
    let dir = Dir::open(&paths.sudoers_dir, paths.owner).unwrap();
    let stale = sudoers_text(&["aaaaaaaa", "bbbbbbbb"]);
    let staged = dir.stage(OsStr::new("jit"), stale.as_bytes(), 0o440, Durability::ThisBoot).unwrap();
    let swept = guard.sweep(&late());
    assert_eq!(text(&paths), Some(sudoers_text(&["bbbbbbbb"])), "{:?}", swept.said);
    assert!(staged.publish().is_err(), "it wakes up, and cannot put the old file in place");
}

#[test]
fn a_live_grant_that_went_with_the_whole_file_is_not_noted_as_ended() {
    let (_scratch, paths, mut guard) = host();
    fs::write(&paths.sudoers_file, format!("{}\n# by hand\n", sudoers_text(&["aaaaaaaa", "bbbbbbbb"])))
        .unwrap();
    guard.sweep(&late());
    assert_eq!(text(&paths), None);
    let notes = notes_taken(&paths);
    assert!(notes.iter().any(|note| note.starts_with("removed aaaaaaaa")), "{notes:?}");
    assert!(notes.iter().any(|note| note.starts_with("unlinked")), "{notes:?}");
    assert!(!notes.iter().any(|note| note.contains("bbbbbbbb")), "{notes:?}");
}

#[test]
fn missing_directories_are_nothing_to_do() {
    let scratch = Scratch::new();
    fs::remove_dir(scratch.paths().state_dir).unwrap();
    let swept = Guard::new(&scratch.paths()).sweep(&late());
    assert!(swept.said.is_empty(), "{:?}", swept.said);
    assert_eq!(swept.next, Next::OnChange);
}
