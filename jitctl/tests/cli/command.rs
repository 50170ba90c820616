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

/// A jitd that shows the role `web-restart` with this command. What it grants then has another one.
fn jitd_with(command: &str, act: impl FnMut(&Request) -> Act + Send + 'static) -> Fake {
    let mut gives = fake::grant().gives;
    gives.sudo.as_mut().unwrap().commands = vec![command.to_owned()];
    Fake::with_roles(vec![fake::role("web-restart", gives)], act)
}

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
    let refused = Response::Refused { refusal, explanation: None };
    let jitd = jitd_with("/bin/true", move |_| Act::Answer(vec![refused.clone()]));
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
    let args = ["elevate", "web-restart", "--", "true"];
    let jitd = jitd_with("/bin/true", |_| Act::HangUp);
    let ran = Ran::run(jitctl_at(&jitd.socket, &args));
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("it is not known whether the role was granted: see `jitctl status`"), "{ran:?}");
    let jitd = Fake::new(|_| Act::HangUp);
    let ran = Ran::run(jitctl_at(&jitd.socket, &args));
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(!ran.err.contains("it is not known"), "only the roles were asked for: {ran:?}");
}

#[test]
fn a_command_outside_the_role_is_not_asked_for() {
    let jitd = jitd_with("/bin/true", |request| Act::Answer(vec![obliging(request)]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true", "--now"]));
    assert_eq!((ran.code, ran.out.as_str()), (125, ""));
    let said =
        "jitctl: true --now is not in the role web-restart, which allows: /bin/true; nothing was asked for\n";
    assert_eq!(ran.err, said);
    let nowhere = jitd_with("ALL", |request| Act::Answer(vec![obliging(request)]));
    let ran = Ran::run(jitctl_at(&nowhere.socket, &["elevate", "web-restart", "--", "jit-no-such-program"]));
    assert_eq!(ran.code, 127, "{ran:?}");
    assert!(ran.err.contains("the command jit-no-such-program was not found in your PATH"), "{ran:?}");
    assert!(ran.err.ends_with("; nothing was asked for\n"), "{ran:?}");
    assert!(jitd.asked.try_recv().is_err() && nowhere.asked.try_recv().is_err());
}

#[test]
fn a_role_that_cannot_be_seen_is_left_to_jitd() {
    let denied = Response::Refused { refusal: Refusal::AccountLocked, explanation: None };
    let jitd = Fake::with_roles(vec![], move |_| Act::Answer(vec![denied.clone()]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true"]));
    assert!(ran.code == 125 && ran.err.contains("refused: your account is locked"), "{ran:?}");
    assert!(matches!(jitd.request(), Request::Elevate(_)));
}

#[test]
fn a_command_that_the_role_has_lost_meanwhile_does_not_run_and_the_grant_is_given_back() {
    let jitd = jitd_with("/bin/true ...", |request| Act::Answer(vec![obliging(request)]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "true", "--now"]));
    assert_eq!((ran.code, ran.out.as_str()), (125, ""));
    let said = "true --now is not in the role web-restart, which allows: /usr/bin/jit-no-such-program; it was not run, \
                and the role is given back\n";
    assert!(ran.err.ends_with(said), "{ran:?}");
    assert!(matches!(jitd.request(), Request::Elevate(_)));
    assert_eq!(jitd.request(), dropped());
}

#[test]
fn a_command_that_runs_with_the_group_of_a_role_with_both_is_told_so() {
    let mut gives = fake::grant().gives;
    gives.groups = fake::open().gives.groups;
    let refused = Response::Refused { refusal: Refusal::AccountLocked, explanation: None };
    let jitd = Fake::with_roles(vec![fake::role("both", gives)], move |_| Act::Answer(vec![refused.clone()]));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "both", "--", "true"]));
    let said = "jitctl: true is not among the role's sudo commands, so it runs as you with group docker\n";
    assert!(ran.err.starts_with(said), "{ran:?}");
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
    let jitd = jitd_with("/bin/true", |request| Act::LastAnswer(Box::new(obliging(request))));
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
    let jitd = jitd_with("/bin/true", move |request| {
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
    let jitd = jitd_with("/bin/true", |request| Act::Answer(vec![obliging(request)]));
    let dir = Scratch::new();
    let evil = dir.join("evil");
    std::fs::write(&evil, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&evil, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = jitctl_at(&jitd.socket, &["elevate", "web-restart", "--", "evil"]);
    command.env("PATH", evil.parent().unwrap());
    let ran = Ran::run(command);
    assert_eq!(ran.code, 125, "{ran:?}");
    let said = "evil is not in the role web-restart, which allows: /bin/true; nothing was asked for\n";
    assert!(ran.err.ends_with(said), "{ran:?}");
    assert!(jitd.asked.try_recv().is_err(), "nothing was asked for");
}

#[test]
fn what_is_to_run_with_a_grant_runs_when_jitd_has_put_it_there_and_not_otherwise() {
    let run = |answer: Response, program: &[&str]| {
        let jitd = Fake::answering(answer);
        let ran = Ran::run(jitctl_at(&jitd.socket, &[&["run-with", "7k2m9xqa", "--"], program].concat()));
        let entered = Request::Enter { id: fake::grant().id, command: program.join(" ") };
        assert_eq!(jitd.request(), entered);
        ran
    };
    let ran = run(Response::Entered { outside: None }, &["/bin/echo", "here"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "here\n", ""));
    let ran = run(Response::Entered { outside: Some("no home".to_owned()) }, &["/bin/false"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("what this starts is NOT ended with the role: no home"), "{ran:?}");
    let refusal = Refusal::LedgerUnavailable { why: "the disk is full".to_owned() };
    let ran = run(Response::Refused { refusal, explanation: None }, &["/bin/echo", "here"]);
    assert_eq!((ran.code, ran.out.as_str()), (125, ""));
    assert!(
        ran.err.contains("it was not run: nothing is granted while the record cannot be written"),
        "{ran:?}"
    );
    let ran = run(Response::Entered { outside: None }, &["/bin/jit-no-such-program"]);
    assert_eq!(ran.code, 125);
    assert!(ran.err.contains("/bin/jit-no-such-program cannot be run"), "{ran:?}");
    let away = Scratch::new();
    let ran = Ran::run(jitctl_at(&away.join("none.sock"), &["run-with", "7k2m9xqa", "--", "/bin/true"]));
    assert!(ran.code == 125 && ran.err.contains("is it running?"), "{ran:?}");
}
