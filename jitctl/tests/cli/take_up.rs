//! `wait`: a wait that is taken up again, by whoever asked.

use std::process::Stdio;
use std::sync::mpsc::channel;

use jit_common::refusal::{HowClosed, Refusal};
use jit_common::request::Request;
use jit_common::response::{GrantView, OpenView, Response, StatusView, StoryView};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};

use crate::fake::{self, Act, Fake};
use crate::program::{Ran, jitctl_at};
use crate::waiting::{denied, granted, jitd, open, refused, says};

/// The same, of whoever runs the tests.
fn of_mine(mut open: OpenView) -> OpenView {
    open.person.uid = getuid().as_raw();
    open
}

fn status(open: Vec<OpenView>, mine: Vec<GrantView>) -> Act {
    says(Response::Status(Box::new(StatusView { open, mine, ..fake::status() })))
}

fn story(open: OpenView) -> Act {
    says(Response::Story(Box::new(StoryView {
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
    })))
}

fn wait(jitd: &Fake, more: &[&str]) -> Ran {
    Ran::run(jitctl_at(&jitd.socket, &[&["wait"], more].concat()))
}

fn awaited(seen: u64) -> Request {
    Request::Await { id: fake::open().id, seen }
}

#[test]
fn it_goes_on_as_the_wait_of_elevate() {
    for which in [&[][..], &["7k2m"], &["docker"]] {
        let jitd = jitd(vec![
            status(vec![of_mine(fake::open())], vec![]),
            says(open(of_mine(fake::half_approved()))),
            says(granted()),
        ]);
        let ran = wait(&jitd, which);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.starts_with("  granted by rule"), "standard output is for the answer: {ran:?}");
        assert!(ran.err.starts_with("  asked for docker by rule"), "{ran:?}");
        assert!(ran.err.contains("  needs  1 person in security: sara (logged in)\n"), "{ran:?}");
        assert!(ran.err.contains("  waiting for people to approve; ^C leaves it open\n"), "{ran:?}");
        assert!(ran.err.contains("  bert approved (\"ok\")\n"), "{ran:?}");
        let asked: Vec<Request> = jitd.asked.try_iter().collect();
        assert_eq!(asked, [Request::Status, awaited(1), awaited(2)]);
    }
}

#[test]
fn in_json_it_is_the_answer_of_elevate() {
    let jitd = jitd(vec![status(vec![of_mine(fake::open())], vec![]), says(granted())]);
    let ran = wait(&jitd, &["--json"]);
    assert_eq!((ran.code, ran.json()["answer"].as_str()), (0, Some("granted")));
    let line: serde_json::Value = serde_json::from_str(ran.err.trim()).unwrap();
    assert_eq!((line["answer"].as_str(), line["exit"].as_u64()), (Some("open"), Some(4)));
}

#[test]
fn who_stops_waiting_again_leaves_it_open_again() {
    let (awaits, seen) = channel();
    let jitd = Fake::new(move |request| match request {
        Request::Status => status(vec![of_mine(fake::open())], vec![]),
        Request::Await { seen: 1, .. } => {
            awaits.send(()).unwrap();
            Act::Silence
        }
        _ => says(open(of_mine(fake::half_approved()))),
    });
    let mut command = jitctl_at(&jitd.socket, &["wait"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    seen.recv().unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.out.starts_with("  7k2m9xqa stays open until "), "{ran:?}");
    assert!(ran.out.ends_with("  wait for it: jitctl wait 7k2m9xqa\n"), "{ran:?}");
}

#[test]
fn what_was_granted_meanwhile_is_shown_at_once() {
    for which in ["7k2m", "web-restart"] {
        let jitd = jitd(vec![status(vec![], vec![fake::grant()]), says(granted())]);
        let ran = wait(&jitd, &[which]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        assert!(ran.out.starts_with("  granted by rule"), "{ran:?}");
        assert_eq!(jitd.asked.try_iter().nth(1), Some(awaited(0)));
    }
}

#[test]
fn what_was_denied_meanwhile_is_a_refusal_at_once() {
    let jitd = jitd(vec![status(vec![], vec![]), story(of_mine(fake::open())), says(denied())]);
    let ran = wait(&jitd, &["7k2m"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert_eq!(ran.err, "  refused: 7k2m9xqa was denied by sara (\"not on a Friday\")\n");
    let asked: Vec<Request> = jitd.asked.try_iter().collect();
    assert_eq!(asked, [Request::Status, Request::Show("7k2m".parse().unwrap()), awaited(0)]);
}

#[test]
fn a_decision_between_the_two_questions_is_the_answer() {
    let lapsed = Refusal::RequestClosed { id: "7k2m9xqa".to_owned(), how: HowClosed::Cancelled };
    let jitd = jitd(vec![status(vec![of_mine(fake::open())], vec![]), says(refused(lapsed))]);
    let ran = wait(&jitd, &["--json"]);
    assert_eq!((ran.code, ran.json()["code"].as_str()), (3, Some("request-cancelled")));
}

#[test]
fn a_schedule_is_done() {
    let jitd = jitd(vec![status(vec![of_mine(fake::scheduled())], vec![])]);
    let ran = wait(&jitd, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("  scheduled: docker by rule"), "{ran:?}");
    assert!(!ran.out.contains("jitctl wait"), "there is nothing to wait for: {ran:?}");
}

#[test]
fn nothing_and_several_are_said() {
    let mut other = fake::open();
    other.person.uid = u32::MAX - 1;
    let nothing = || jitd(vec![status(vec![other.clone()], vec![])]);
    let ran = wait(&nothing(), &[]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.err.contains("there is no open request of yours that you may see"), "{ran:?}");
    let ran = wait(&nothing(), &["docker", "--json"]);
    assert_eq!((ran.code, ran.json()["code"].as_str()), (6, Some("no-such-thing")));
    let second = OpenView { id: "4h1kz0ab".parse().unwrap(), ..of_mine(fake::open()) };
    let two = jitd(vec![status(vec![of_mine(fake::open()), second], vec![])]);
    let ran = wait(&two, &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let said = "you did not say which: 7k2m9xqa (docker), 4h1kz0ab (docker)";
    assert!(ran.err.contains(said), "{ran:?}");
}

#[test]
fn somebody_elses_is_not_waited_for() {
    let mut other = fake::open();
    other.person.uid = u32::MAX - 1;
    let jitd = jitd(vec![status(vec![other.clone()], vec![]), story(other)]);
    let ran = wait(&jitd, &["7k2m"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.err.contains("you may not wait for a request of alice: it takes whoever made it"), "{ran:?}");
}
