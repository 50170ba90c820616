//! A jitd that does not know what the guard has done.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

use std::fs;
use std::time::Duration;

use super::*;
use crate::groups::{Caller, Given, Outcome, Report, converge};
use crate::guard_notes::{Note, Off, Why, append, finish, take};
use crate::scratch::Scratch;

const GROUP: &str = "docker:x:999:\n";

struct Book;

impl Caller for Book {
    fn about_to_add(&mut self, _adding: &Given) -> Result<(), String> {
        Ok(())
    }

    fn uid_elsewhere(&mut self, _user: &str) -> Option<u32> {
        None
    }
}

fn host() -> (Scratch, HostPaths) {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    fs::write(&paths.etc_group, GROUP).unwrap();
    fs::write(&paths.etc_passwd, "alice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n").unwrap();
    (scratch, paths)
}

fn member(user: &str, uid: u32) -> Membership {
    Membership { gid: 999, group: "docker".into(), uid, user: user.into() }
}

fn run(paths: &HostPaths, wanted: &[(&Membership, &str)], given: &[&Membership]) -> Report {
    let mut all = Wanted::default();
    for (of, id) in wanted {
        all.add((*of).clone(), id.parse().unwrap());
    }
    let given = given.iter().map(|of| (*of).clone()).collect();
    converge(paths, &all, &given, Duration::from_millis(20), &mut Book).unwrap()
}

fn waits(report: &Report, of: &Membership) -> bool {
    matches!(report.outcomes[of], Outcome::Refused(Refusal::NotesWaiting { .. }))
}

#[test]
fn a_noted_membership_is_neither_put_in_nor_back_until_the_note_is_taken() {
    let (_scratch, paths) = host();
    let (alice, bob) = (member("alice", 1000), member("bob", 1001));
    let grants = ["aaaaaaaa".parse().unwrap()].into();
    let note = Note::Member { of: alice.clone(), off: Off::TakenOut, wall: 1, why: Why::Overdue, grants };
    append(&paths, &[note]).unwrap();
    let wanted = [(&alice, "bbbbbbbb"), (&bob, "bbbbbbbb")];
    let report = run(&paths, &wanted, &[&alice]);
    assert!(waits(&report, &alice), "{report:?}");
    assert_eq!(report.outcomes[&bob], Outcome::Added, "others are not held up");
    assert_eq!(report.given_after([alice.clone()].into()).len(), 2, "what was given stays known");
    take(&paths).unwrap();
    assert!(waits(&run(&paths, &wanted, &[&bob]), &alice), "taken is not yet on the record");
    finish(&paths).unwrap();
    assert_eq!(run(&paths, &wanted, &[&bob]).outcomes[&alice], Outcome::Added);
}

#[test]
fn a_membership_whose_grants_were_all_removed_is_not_put_back() {
    let (_scratch, paths) = host();
    let alice = member("alice", 1000);
    append(&paths, &[Note::Removed { id: "aaaaaaaa".parse().unwrap(), wall: 1, why: Why::Asked }]).unwrap();
    assert!(waits(&run(&paths, &[(&alice, "aaaaaaaa")], &[&alice]), &alice));
    let report = run(&paths, &[(&alice, "aaaaaaaa"), (&alice, "bbbbbbbb")], &[&alice]);
    assert_eq!(report.outcomes[&alice], Outcome::PutBack, "another grant wants it as well");
}

#[test]
fn with_notes_that_cannot_be_read_nobody_is_put_in_and_removals_go_on() {
    let (_scratch, paths) = host();
    let (alice, bob) = (member("alice", 1000), member("bob", 1001));
    fs::write(&paths.etc_group, "docker:x:999:bob\n").unwrap();
    let mut blind = paths.clone();
    // Longer than NAME_MAX: opening it fails.
    blind.guard_notes = paths.state_dir.join("x".repeat(300));
    let report = run(&blind, &[(&alice, "aaaaaaaa")], &[&bob]);
    assert_eq!(report.outcomes[&alice], Outcome::Refused(Refusal::NotesUnknown));
    assert_eq!(report.outcomes[&bob], Outcome::Removed);
    assert_eq!(fs::read_to_string(&paths.etc_group).unwrap(), GROUP);
}
