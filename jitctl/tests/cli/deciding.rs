//! Deciding about requests, and what is said below a refusal.

use jit_common::refusal::Refusal;
use jit_common::request::Request;
use jit_common::response::{OpenView, Response, StoryView};

use crate::fake::{self, Fake};
use crate::program::{Ran, jitctl_at};
use crate::waiting::{granted, open, refused, says};

/// The story of an open request, without much in it.
fn asked_for(open: OpenView) -> StoryView {
    StoryView {
        running: vec![],
        grant: None,
        open: Some(open),
        conditions: vec![],
        earlier: vec![],
        live: vec![],
        change: vec![],
        equals_root: vec![],
        side_effects: vec![],
        not_seen: vec![],
        ways_off: vec![],
        entries: vec![],
    }
}

#[test]
fn an_approver_is_told_what_came_of_it() {
    let approve = |answer| {
        let jitd = Fake::answering(answer);
        let ran = Ran::run(jitctl_at(&jitd.socket, &["approve", "7k2m", "--for", "20m", "--note", "ok"]));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        let Request::Approve { id, duration, note } = jitd.request() else { panic!("no approval") };
        assert_eq!((id.as_str(), duration.unwrap().as_secs(), note.as_deref()), ("7k2m", 1200, Some("ok")));
        ran.out
    };
    assert!(approve(granted()).starts_with("  approved; alice has web-restart until "));
    let said = approve(open(fake::half_approved()));
    assert_eq!(said, "  approved; still needed: 1 person in security: sara (logged in)\n");
    assert!(approve(open(fake::scheduled())).starts_with("  approved; alice gets docker for 30m, from "));
}

#[test]
fn who_may_not_decide_ends_with_7() {
    let own = refused(Refusal::OwnRequest { id: "7k2m9xqa".to_owned() });
    let jitd = Fake::answering(own);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["approve", "7k2m"]));
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.err.contains("nobody decides their own"), "{ran:?}");
}

#[test]
fn a_denial_and_a_cancellation_say_what_they_did() {
    let jitd = Fake::new(|request| match request {
        Request::Show(_) => says(Response::Story(Box::new(asked_for(fake::open())))),
        _ => says(Response::Done),
    });
    let ran = Ran::run(jitctl_at(&jitd.socket, &["deny", "7k2m", "--note", "not now"]));
    assert_eq!((ran.code, ran.out.as_str()), (0, "  denied: 7k2m9xqa is closed, and nothing was granted\n"));
    let note = "not now".to_owned();
    assert_eq!(jitd.request(), Request::Deny { id: "7k2m".parse().unwrap(), note });
    assert!(matches!(jitd.request(), Request::Show(_)));
    let jitd = Fake::answering(Response::Done);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["cancel", "7k2m"]));
    let said = "  cancelled: 7k2m is closed, and nothing was granted\n";
    assert_eq!((ran.code, ran.out.as_str()), (0, said), "as it was typed, when jitd does not say");
    assert_eq!(jitd.request(), Request::Cancel("7k2m".parse().unwrap()));
}

#[test]
fn below_a_refusal_stands_what_to_type_instead() {
    let ask = |refusal: Refusal, args: &[&str]| {
        let mut status = fake::status();
        status.open = vec![fake::scheduled()];
        let jitd = Fake::new(move |request| match request {
            Request::Status => says(Response::Status(Box::new(status.clone()))),
            _ => says(refused(refusal.clone())),
        });
        let ran = Ran::run(jitctl_at(&jitd.socket, args));
        assert_eq!(ran.out, "", "{ran:?}");
        ran.err
    };
    let (id, role) = ("7k2m9xqa".to_owned(), "docker".to_owned());
    let err = ask(Refusal::AlreadyOpen { id, role }, &["elevate", "docker"]);
    assert!(err.contains("\n  it is scheduled for "), "{err}");
    assert!(err.ends_with(": jitctl cancel 7k2m9xqa first to have it now\n"), "{err}");
    let nothing = Refusal::NoSuchThing { what: "open request".to_owned(), id: "zzzz".to_owned() };
    let err = ask(nothing.clone(), &["approve", "zzzz"]);
    assert!(err.ends_with("\n  jitctl pending shows what waits for you\n"), "{err}");
    let err = ask(nothing, &["cancel", "zzzz"]);
    assert!(err.starts_with("  refused: ") && err.lines().count() == 1, "nothing is known of it: {err}");
}

#[test]
fn open_requests_and_the_approvers_page_are_shown() {
    let mut other = fake::open();
    other.not_by_you = None;
    // Whoever runs the tests is not alice.
    other.person.uid = u32::MAX - 1;
    let jitd = Fake::answering(Response::Pending(vec![other.clone()]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["pending"]));
    assert!(ran.out.starts_with("waits for you\n  7k2m9xqa  alice wants docker for 30m"), "{ran:?}");
    assert!(ran.out.contains("because: INC-42 nginx \\u{1b}[31mstuck\n"), "{ran:?}");
    let story = StoryView { change: vec!["+ docker:x:998:alice".to_owned()], ..asked_for(other) };
    let jitd = Fake::answering(Response::Story(Box::new(story)));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["show", "7k2m"]));
    assert!(ran.out.ends_with("[--note TEXT]\n  jitctl deny 7k2m9xqa --note TEXT\n"), "{ran:?}");
    assert!(!ran.out.contains('\x1b'), "{ran:?}");
}
