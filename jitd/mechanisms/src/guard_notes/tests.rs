//! No note is lost: not to a torn line, not to a taking in between, not to a crash.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::fs::{self, OpenOptions};
use std::thread;

use super::*;
use crate::groups::Membership;
use crate::scratch::Scratch;

fn removed(id: &str, why: Why) -> Note {
    Note::Removed { id: id.parse().unwrap(), wall: 1_763_821_920_000_000_000, why }
}

fn hostile() -> Membership {
    Membership { gid: 999, group: "a b\n".into(), uid: 1000, user: "é,=%".into() }
}

fn member(off: Off, grants: &[&str]) -> Note {
    let grants = grants.iter().map(|id| id.parse().unwrap()).collect();
    Note::Member { of: hostile(), off, wall: 9, why: Why::Overdue, grants }
}

fn all_kinds() -> Vec<Note> {
    let mut notes = vec![
        Note::Unlinked { wall: -5, why: Why::AppliedDamaged },
        Note::AppliedDamaged { wall: 7, what: "line 3: it ends before its end line".into() },
        Note::Unreadable { line: "what is this".into() },
        member(Off::TakenOut, &["aaaaaaaa", "bbbbbbbb"]),
        member(Off::WasGone, &[]),
    ];
    for why in [Why::Overdue, Why::OtherBoot, Why::Asked, Why::AppliedDamaged, Why::NotApplied, Why::CameBack]
    {
        notes.push(removed("7k2m9xqa", why));
    }
    notes
}

#[test]
fn every_note_is_read_back_and_a_garbage_line_is_kept() {
    let text: String = all_kinds().iter().map(|note| format!("{note}\n")).collect();
    assert_eq!(Note::parse_all(&text), all_kinds());
    for garbage in [
        "removed",
        "removed x 1 overdue",
        "removed 7k2m9xqa 1 because",
        "unlinked x overdue",
        "\u{1b}[2J",
        "member out 9:g:1 1 overdue",
        "member in 9:g:1:a 1 overdue",
        "member out 9:g:1:a 1 overdue ",
    ] {
        assert_eq!(Note::parse_all(garbage), [Note::Unreadable { line: garbage.into() }]);
    }
}

#[test]
fn a_line_break_in_what_was_seen_makes_no_second_note() {
    let note = Note::AppliedDamaged { wall: 1, what: "a\nremoved 7k2m9xqa 1 overdue".into() };
    assert_eq!(note.to_string().lines().count(), 1);
}

#[test]
fn taken_and_not_finished_is_taken_again_and_new_notes_wait_their_turn() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    assert_eq!(take(&paths).unwrap(), None);
    finish(&paths).unwrap();
    let (one, two) = (removed("aaaaaaaa", Why::Overdue), removed("bbbbbbbb", Why::Asked));
    append(&paths, std::slice::from_ref(&one)).unwrap();
    assert_eq!(take(&paths).unwrap(), Some(vec![one.clone()]));
    append(&paths, std::slice::from_ref(&two)).unwrap();
    assert_eq!(pending(&paths).unwrap().len(), 2);
    assert_eq!(take(&paths).unwrap(), Some(vec![one]), "jitd died before it had recorded them");
    finish(&paths).unwrap();
    assert_eq!(take(&paths).unwrap(), Some(vec![two]));
    finish(&paths).unwrap();
    assert_eq!(take(&paths).unwrap(), None);
    assert!(pending(&paths).unwrap().is_empty());
}

#[test]
fn a_torn_line_does_not_swallow_the_next() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    fs::write(&paths.guard_notes, "removed aaaa").unwrap();
    let note = removed("bbbbbbbb", Why::Overdue);
    append(&paths, std::slice::from_ref(&note)).unwrap();
    assert_eq!(take(&paths).unwrap(), Some(vec![Note::Unreadable { line: "removed aaaa".into() }, note]));
}

#[test]
fn a_writer_whose_file_was_taken_meanwhile_writes_into_a_new_one() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    append(&paths, &[removed("aaaaaaaa", Why::Overdue)]).unwrap();
    // Somebody holds the lock; the writer waits for it, and the file is taken meanwhile.
    let held = OpenOptions::new().append(true).open(&paths.guard_notes).unwrap();
    held.lock().unwrap();
    let writer = thread::spawn({
        let paths = paths.clone();
        move || append(&paths, &[removed("bbbbbbbb", Why::Overdue)])
    });
    fs::rename(&paths.guard_notes, paths.state_dir.join("guard-notes.taken")).unwrap();
    drop(held);
    writer.join().unwrap().unwrap();
    let first = take(&paths).unwrap().unwrap();
    finish(&paths).unwrap();
    let second = take(&paths).unwrap().unwrap_or_default();
    let ids: Vec<_> =
        first.iter().chain(&second).filter_map(Note::removed_id).map(|id| id.to_string()).collect();
    assert_eq!(ids, ["aaaaaaaa", "bbbbbbbb"]);
}

#[test]
fn what_cannot_be_written_is_an_error_and_a_link_is_not_followed() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    let victim = scratch.path().join("victim");
    fs::write(&victim, "").unwrap();
    std::os::unix::fs::symlink(&victim, &paths.guard_notes).unwrap();
    let refused = append(&paths, &[removed("aaaaaaaa", Why::Overdue)]);
    assert!(matches!(refused, Err(NotesError::Write { .. })));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "");
}

#[test]
fn a_membership_is_over_for_the_grants_that_its_notes_name_and_for_no_others() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<BTreeSet<RequestId>>();
    append(&paths, &[member(Off::TakenOut, &["aaaaaaaa"])]).unwrap();
    take(&paths).unwrap();
    append(&paths, &[member(Off::WasGone, &["bbbbbbbb"]), removed("cccccccc", Why::Asked)]).unwrap();
    let noted = noted(&paths).unwrap();
    assert_eq!(noted.ids(), ids(&["cccccccc"]));
    assert!(noted.is_over(&hostile(), &ids(&["aaaaaaaa", "bbbbbbbb"])));
    assert!(noted.is_over(&hostile(), &ids(&[])));
    assert!(!noted.is_over(&hostile(), &ids(&["aaaaaaaa", "cccccccc"])), "given anew");
    let other = Membership { uid: 1001, ..hostile() };
    assert!(!noted.is_over(&other, &ids(&[])));
}
