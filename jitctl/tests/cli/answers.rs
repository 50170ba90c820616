//! What is printed where, and with which code it ends, for each kind of answer.

use jit_common::refusal::{Prompt, Refusal, RuleRef};
use jit_common::request::{DropTarget, Request};
use jit_common::response::{EndedView, Response, WasView};

use crate::fake::{self, Fake};
use crate::program::{Ran, jitctl_at};

fn reason_missing() -> Response {
    let rule = RuleRef { name: "on-call".to_owned(), location: "10-web.toml:12".to_owned() };
    Response::Refused {
        refusal: Refusal::ReasonMissing { rule, prompt: Prompt::default() },
        explanation: None,
    }
}

#[test]
fn a_grant_is_shown_and_ends_with_0() {
    let jitd = Fake::answering(Response::Granted(Box::new(fake::grant())));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--for", "30m", "--reason", "x"]));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.starts_with("  granted by rule \"on-call restarts web at once\" (10-web.toml:12)"),
        "{ran:?}"
    );
    assert!(ran.out.contains("7k2m9xqa\n"), "{ran:?}");
    assert!(ran.out.contains("(in 30 min)"), "{ran:?}");
    assert!(ran.out.ends_with("  give it back: jitctl drop web-restart\n"), "{ran:?}");
    let Request::Elevate(ask) = jitd.request() else { panic!("something else was asked") };
    assert_eq!((ask.duration.unwrap().as_secs(), ask.reason.as_deref()), (1800, Some("x")));
}

#[test]
fn a_refusal_is_on_standard_error_and_ends_with_3() {
    let jitd = Fake::answering(reason_missing());
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart"]));
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(ran.err.starts_with("  refused: rule \"on-call\" (10-web.toml:12) requires a reason"), "{ran:?}");
}

#[test]
fn a_refusal_in_json_has_its_code_and_its_sentence() {
    let jitd = Fake::answering(reason_missing());
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--json"]));
    assert_eq!((ran.code, ran.err.as_str()), (3, ""));
    let json = ran.json();
    assert_eq!((json["answer"].as_str(), json["code"].as_str()), (Some("refused"), Some("reason-missing")));
    assert_eq!(json["exit"], 3);
}

#[test]
fn each_kind_of_no_has_its_own_code() {
    let id = || "7k2m".to_owned();
    for (refusal, code) in [
        (Refusal::NoSuchThing { what: "grant".to_owned(), id: id() }, 6),
        (Refusal::NotPermitted { action: "revoke".to_owned(), need: "an operator".to_owned() }, 7),
        (Refusal::AmbiguousId { prefix: id(), fits: vec![] }, 2),
        (Refusal::Stopping, 5),
        (Refusal::ApplyFailed { role: id(), why: id() }, 1),
    ] {
        let jitd = Fake::answering(Response::Refused { refusal, explanation: None });
        let ran = Ran::run(jitctl_at(&jitd.socket, &["show", "7k2m"]));
        assert_eq!(ran.code, code, "{ran:?}");
    }
}

#[test]
fn without_a_command_it_is_the_status() {
    let jitd = Fake::answering(Response::Status(Box::new(fake::status())));
    let ran = Ran::run(jitctl_at(&jitd.socket, &[]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.starts_with("you have nothing live; `jitctl roles` shows what you can ask for\n"),
        "{ran:?}"
    );
    assert_eq!(jitd.request(), Request::Status);
}

#[test]
fn what_was_typed_by_others_is_escaped() {
    let status = jit_common::response::StatusView { all: Some(vec![fake::grant()]), ..fake::status() };
    let jitd = Fake::answering(Response::Status(Box::new(status)));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["status"]));
    assert!(ran.out.contains("because: INC-42 nginx \\u{1b}[31mstuck"), "{ran:?}");
    assert!(!ran.out.contains('\x1b'), "{ran:?}");
}

#[test]
fn a_grant_that_stays_is_a_failure() {
    let ended = EndedView {
        id: fake::grant().id,
        was: WasView::Live,
        person: fake::grant().person,
        role: "web-restart".to_owned(),
        stuck: Some("/run/jit is read-only".to_owned()),
        residue: vec![],
    };
    let jitd = Fake::answering(Response::Ended(vec![ended.clone()]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["drop"]));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("STUCK: /run/jit is read-only"), "{ran:?}");
    assert_eq!(jitd.request(), Request::Drop(DropTarget::Only));
    let jitd = Fake::answering(Response::Ended(vec![EndedView { stuck: None, ..ended }]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["drop", "--json"]));
    assert_eq!((ran.code, ran.json()["grants"][0]["off"].as_bool()), (0, Some(true)));
}

#[test]
fn the_kill_switch_says_what_it_did() {
    let jitd = Fake::answering(Response::Ended(vec![]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["lock", "--note", "incident"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        "  locked: nothing is granted until `jitctl unlock`; live grants run to their end (`jitctl lock --revoke` \
         ends them)\n"
    );
    for (begin, says) in [
        (0, "  unlocked\n"),
        (1, "  unlocked: 1 request that was approved begins now; `jitctl status` shows it\n"),
        (3, "  unlocked: 3 requests that were approved begin now; `jitctl status` shows them\n"),
    ] {
        let jitd = Fake::answering(Response::Unlocked { begin });
        assert_eq!(Ran::run(jitctl_at(&jitd.socket, &["unlock"])).out, says);
        let json = Ran::run(jitctl_at(&jitd.socket, &["unlock", "--json"])).json();
        assert_eq!((json["answer"].as_str(), json["begin"].as_u64()), (Some("unlocked"), Some(begin)));
    }
}

#[test]
fn mistakes_in_usage_end_with_2_and_ask_nobody() {
    let jitd = Fake::answering(Response::Done);
    for args in [&["elevate", "web", "--for", "30M"][..], &["log", "--since", "soon"], &["nonsense"]] {
        let ran = Ran::run(jitctl_at(&jitd.socket, args));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(!ran.err.is_empty());
    }
    assert!(jitd.asked.try_recv().is_err());
}
