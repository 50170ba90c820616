//! Who has to go, by what is known.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_mechanisms::applied::{Applied, AppliedGrant, Undo};
use jit_mechanisms::groups::Given;
use jit_mechanisms::{BootId, Deadline};

use super::*;

fn id(text: &str) -> RequestId {
    text.parse().unwrap()
}

fn member(user: &str) -> Membership {
    Membership { gid: 999, group: "docker".into(), uid: 1000, user: user.into() }
}

fn grant(text: &str, users: &[&str]) -> AppliedGrant {
    AppliedGrant {
        id: id(text),
        uid: 1000,
        deadline: Deadline { wall: 0, boot: 0, boot_id: BootId("a".into()) },
        undo: vec![Undo::Sudoers, Undo::Groups],
        groups: users.iter().map(|user| member(user)).collect(),
    }
}

fn known(grants: &[AppliedGrant], given: &[&str]) -> Known {
    let given: Given = given.iter().map(|user| member(user)).collect();
    Known::Grants(Applied { grants: grants.to_vec(), given })
}

fn these(ids: &[&str]) -> TakeOff {
    TakeOff::These(ids.iter().map(|text| (id(text), Why::Overdue)).collect())
}

fn noted(notes: &[Note]) -> Noted {
    let mut noted = Noted::default();
    noted.extend(notes);
    noted
}

fn out(user: &str, ids: &[&str]) -> Note {
    let grants = ids.iter().map(|text| id(text)).collect();
    Note::Member { of: member(user), off: Off::TakenOut, wall: 0, why: Why::Overdue, grants }
}

fn removed(text: &str) -> Note {
    Note::Removed { id: id(text), wall: 0, why: Why::Asked }
}

/// Who goes, and why.
fn who(known: &Known, take_off: &TakeOff, notes: &[Note]) -> Vec<(String, Why)> {
    let leaving = leaving(known, take_off, &noted(notes));
    leaving.into_iter().map(|(of, leaving)| (of.user, leaving.why)).collect()
}

#[test]
fn who_was_given_it_and_is_wanted_by_no_live_grant_goes() {
    let known = known(
        &[grant("aaaaaaaa", &["al", "both", "natural"]), grant("bbbbbbbb", &["both", "live"])],
        &["al", "both", "live", "lost"],
    );
    let gone = |user: &str, why| (user.to_owned(), why);
    let lost = gone("lost", Why::NotApplied);
    assert_eq!(who(&known, &these(&[]), &[]), std::slice::from_ref(&lost), "nobody wants it");
    assert_eq!(who(&known, &these(&["aaaaaaaa"]), &[]), [gone("al", Why::Overdue), lost.clone()]);
    let all = who(&known, &TakeOff::Everything(Why::Asked), &[]);
    assert_eq!(all, ["al", "both", "live", "lost"].map(|user| gone(user, Why::Asked)));
    let asked = who(&known, &these(&[]), &[removed("aaaaaaaa")]);
    assert_eq!(asked, [gone("al", Why::Asked), lost], "a removal that was noted before it was done");
}

#[test]
fn what_is_noted_as_out_is_left_alone_until_a_grant_wants_it_anew() {
    let first = known(&[grant("aaaaaaaa", &["al"])], &["al"]);
    assert!(who(&first, &these(&["aaaaaaaa"]), &[out("al", &["aaaaaaaa"])]).is_empty());
    assert!(who(&first, &TakeOff::Everything(Why::Asked), &[out("al", &["aaaaaaaa"])]).is_empty());
    let anew = known(&[grant("aaaaaaaa", &["al"]), grant("bbbbbbbb", &["al"])], &["al"]);
    let notes = [out("al", &["aaaaaaaa"]), removed("aaaaaaaa")];
    assert!(who(&anew, &these(&["aaaaaaaa"]), &notes).is_empty(), "the new one is live");
    assert_eq!(who(&anew, &these(&["aaaaaaaa", "bbbbbbbb"]), &notes), [("al".to_owned(), Why::Overdue)]);
    assert!(who(&known(&[], &["al"]), &these(&[]), &[out("al", &["aaaaaaaa"])]).is_empty());
}

#[test]
fn nothing_is_guessed_when_the_list_cannot_be_read() {
    for known in [Known::Nothing, Known::Damaged("x".into()), Known::Unreadable("x".into())] {
        assert!(who(&known, &TakeOff::Everything(Why::AppliedDamaged), &[removed("aaaaaaaa")]).is_empty());
    }
}
