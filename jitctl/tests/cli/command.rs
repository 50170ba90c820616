//! `elevate … -- COMMAND`, as far as it goes without sudo: what runs through sudo is tried on whole machines.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::mpsc::channel;

use jit_common::refusal::Refusal;
use jit_common::request::{DropTarget, Request};
use jit_common::response::{EndedView, Response, WasView};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fake::{self, Act, Fake};
use crate::program::{Ran, Scratch, jitctl_at};

/// Grants what is asked and takes back what is given.
fn obliging(request: &Request) -> Response {
    match request {
        Request::Elevate(_) => Response::Granted(Box::new(fake::grant())),
        _ => Response::Ended(vec![EndedView {
            id: fake::grant().id,
            was: WasView::Live,
            person: fake::grant().person,
            role: "web-restart".to_owned(),
            stuck: None,
            residue: vec![],
        }]),
    }
}

fn dropped() -> Request {
    Request::Drop(DropTarget::Named("7k2m9xqa".to_owned()))
}

#[test]
fn a_refusal_is_125_and_nothing_runs() {
    let refusal = Refusal::AccountLocked;
    let jitd = Fake::answering(Response::Refused { refusal, explanation: None });
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true"]));
    assert_eq!((ran.code, ran.out.as_str()), (125, ""));
    assert!(ran.err.contains("refused: your account is locked"), "{ran:?}");
    assert!(matches!(jitd.request(), Request::Elevate(_)));
    assert!(jitd.asked.try_recv().is_err(), "there was nothing to give back");
}

#[test]
fn a_daemon_that_is_away_is_125() {
    let dir = Scratch::new();
    let socket = dir.join("none.sock");
    let ran = Ran::run(jitctl_at(&socket, &["elevate", "web-restart", "--", "true"]));
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("is it running?"), "{ran:?}");
    assert!(!ran.err.contains("it is not known"), "nothing was asked: {ran:?}");
    let ran = Ran::run(jitctl_at(&socket, &["elevate", "web-restart", "--for", "30M", "--", "true"]));
    assert_eq!(ran.code, 125, "a mistake in usage is ours as well: {ran:?}");
}

#[test]
fn a_broken_answer_leaves_no_false_certainty() {
    let jitd = Fake::new(|_| Act::HangUp);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true"]));
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("it is not known whether the role was granted: see `jitctl status`"), "{ran:?}");
}

#[test]
fn a_command_outside_the_role_does_not_run_and_the_grant_is_given_back() {
    let jitd = Fake::new(|request| Act::Answer(vec![obliging(request)]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true", "--now"]));
    assert_eq!((ran.code, ran.out.as_str()), (125, ""));
    let said = "true --now is not in the role web-restart, which allows: /usr/bin/jit-no-such-program\n";
    assert!(ran.err.ends_with(said), "{ran:?}");
    assert!(matches!(jitd.request(), Request::Elevate(_)));
    assert_eq!(jitd.request(), dropped());
}

#[test]
fn a_path_where_no_program_is_needs_no_grant() {
    let jitd = Fake::new(|request| Act::Answer(vec![obliging(request)]));
    let nowhere = ["elevate", "web-restart", "--", "/usr/bin/jit-no-such-program"];
    let ran = Ran::run(jitctl_at(&jitd.socket, &nowhere));
    assert_eq!(ran.code, 127, "{ran:?}");
    let dir = Scratch::new();
    let file = dir.join("notes");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", file.to_str().unwrap()]));
    assert_eq!(ran.code, 126, "{ran:?}");
    assert!(jitd.asked.try_recv().is_err(), "nothing was asked");
}

#[test]
fn a_grant_that_cannot_be_given_back_is_said_with_its_end() {
    let jitd = Fake::new(|request| Act::LastAnswer(Box::new(obliging(request))));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true"]));
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(
        ran.err.contains("the role web-restart (7k2m9xqa) could not be given back: jitd does not"),
        "{ran:?}"
    );
    assert!(ran.err.contains("; it stays until "), "{ran:?}");
}

#[test]
fn told_to_end_while_jitd_thinks_it_gives_the_grant_back() {
    let (go, wait) = channel::<()>();
    let (seen, asked) = channel::<()>();
    let jitd = Fake::new(move |request| {
        if matches!(request, Request::Elevate(_)) {
            seen.send(()).unwrap();
            wait.recv().unwrap();
        }
        Act::Answer(vec![obliging(request)])
    });
    let mut command = jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    asked.recv().unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    go.send(()).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 143, "{ran:?}");
    assert!(matches!(jitd.request(), Request::Elevate(_)));
    assert_eq!(jitd.request(), dropped());
}

#[test]
fn a_bare_word_that_the_role_does_not_know_is_never_looked_for_in_path() {
    let jitd = Fake::new(|request| Act::Answer(vec![obliging(request)]));
    let dir = Scratch::new();
    let evil = dir.join("evil");
    std::fs::write(&evil, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&evil, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "evil"]);
    command.env("PATH", evil.parent().unwrap());
    let ran = Ran::run(command);
    assert_eq!(ran.code, 125, "{ran:?}");
    let said = "evil is not in the role web-restart, which allows: /usr/bin/jit-no-such-program\n";
    assert!(ran.err.ends_with(said), "{ran:?}");
    assert!(matches!(jitd.request(), Request::Elevate(_)));
    assert_eq!(jitd.request(), dropped());
}
