//! Requests that people have to decide: waiting for them, and a jitd that restarts meanwhile.

use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use jit_common::refusal::{HowClosed, Refusal};
use jit_common::request::{DropTarget, Request};
use jit_common::response::{EndedView, OpenView, Response, RoleView, WasView};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fake::{self, Act, Fake};
use crate::program::{Ran, jitctl_at};

pub(crate) fn open(open: OpenView) -> Response {
    Response::Open(Box::new(open))
}

pub(crate) fn granted() -> Response {
    Response::Granted(Box::new(fake::grant()))
}

pub(crate) fn refused(refusal: Refusal) -> Response {
    Response::Refused { refusal, explanation: None }
}

pub(crate) fn denied() -> Response {
    let (id, by, note) = ("7k2m9xqa".to_owned(), "sara".to_owned(), "not on a Friday".to_owned());
    refused(Refusal::RequestClosed { id, how: HowClosed::Denied { by, note } })
}

/// A jitd that gives these answers one after the other, whatever is asked.
pub(crate) fn jitd(answers: Vec<Act>) -> Fake {
    let mut answers = answers.into_iter();
    Fake::new(move |_| answers.next().unwrap_or(Act::HangUp))
}

/// The same, which says by itself that the role docker gives `true`.
fn jitd_with_role(answers: Vec<Act>) -> Fake {
    let mut answers = answers.into_iter();
    Fake::with_roles(vec![role()], move |_| answers.next().unwrap_or(Act::HangUp))
}

fn role() -> RoleView {
    let mut gives = fake::grant().gives;
    gives.sudo.as_mut().unwrap().commands = vec!["/bin/true".to_owned()];
    fake::role("docker", gives)
}

pub(crate) fn says(response: Response) -> Act {
    Act::Answer(vec![response])
}

fn elevate(jitd: &Fake, more: &[&str]) -> Ran {
    Ran::run(jitctl_at(&jitd.socket, &[&["elevate", "docker"], more].concat()))
}

#[test]
fn who_waits_sees_what_changes_and_then_the_grant() {
    let jitd = jitd(vec![says(open(fake::open())), says(open(fake::half_approved())), says(granted())]);
    let ran = elevate(&jitd, &["--reason", "x"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("  granted by rule"), "standard output is for the answer: {ran:?}");
    assert!(ran.err.starts_with("  asked for docker by rule"), "{ran:?}");
    assert!(ran.err.contains("  needs  1 person in security: sara (logged in)\n"), "{ran:?}");
    assert!(ran.err.contains("  waiting for people to approve; ^C leaves it open\n"), "{ran:?}");
    let changed = "  bert approved (\"ok\")\n  still needed: 1 person in security: sara (logged in)\n";
    assert!(ran.err.ends_with(changed), "{ran:?}");
    assert!(matches!(jitd.request(), Request::Elevate(_)));
    let id = fake::open().id;
    assert_eq!(jitd.request(), Request::Await { id, seen: 1 });
    assert_eq!(jitd.request(), Request::Await { id, seen: 2 });
}

#[test]
fn a_denial_is_a_refusal_with_the_approvers_words() {
    let jitd = jitd(vec![says(open(fake::open())), says(denied())]);
    let ran = elevate(&jitd, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(ran.err.ends_with("  refused: 7k2m9xqa was denied by sara (\"not on a Friday\")\n"), "{ran:?}");
}

#[test]
fn in_json_the_answer_is_one_object_and_the_changes_are_lines_on_standard_error() {
    let jitd = jitd(vec![says(open(fake::open())), says(open(fake::half_approved())), says(granted())]);
    let ran = elevate(&jitd, &["--json"]);
    assert_eq!((ran.code, ran.json()["answer"].as_str()), (0, Some("granted")));
    let lines: Vec<serde_json::Value> =
        ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert_eq!((lines[0]["answer"].as_str(), lines[0]["exit"].as_u64()), (Some("open"), Some(4)));
    assert_eq!(lines[1]["request"]["votes"][0]["person"]["name"], "bert");
}

#[test]
fn no_wait_ends_with_4_and_the_id() {
    let jitd = Fake::answering(open(fake::open()));
    let ran = elevate(&jitd, &["--no-wait"]);
    assert_eq!((ran.code, ran.err.as_str()), (4, ""));
    assert!(ran.out.contains("look: jitctl show 7k2m9xqa; take it back: jitctl cancel 7k2m9xqa"), "{ran:?}");
    assert!(ran.out.ends_with("  wait for it: jitctl wait 7k2m9xqa\n"), "{ran:?}");
    let ran = elevate(&jitd, &["--no-wait", "--json"]);
    assert_eq!((ran.code, ran.json()["request"]["id"].as_str()), (4, Some("7k2m9xqa")));
    let ran = elevate(&jitd, &["--no-wait", "--", "true"]);
    assert_eq!(ran.code, 125, "with a command there is nothing to run yet: {ran:?}");
}

#[test]
fn a_schedule_is_done() {
    let jitd = jitd(vec![says(open(fake::open())), says(open(fake::scheduled()))]);
    let ran = elevate(&jitd, &["--at", "23:59:59"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("  scheduled: docker by rule"), "{ran:?}");
    assert!(ran.out.contains("(in 1 h) until "), "{ran:?}");
    let Request::Elevate(ask) = jitd.request() else { panic!("something else was asked") };
    assert!(ask.start.is_some());
}

/// A jitctl that waits, at the moment when it asks a second time.
fn waiting(args: &[&str], then: impl Fn(&Request) -> Act + Send + 'static) -> (Fake, Child, Receiver<()>) {
    let (awaited, seen) = channel();
    let mut asked = 0;
    let jitd = Fake::with_roles(vec![role()], move |request| {
        if !matches!(request, Request::Await { .. }) {
            return match request {
                Request::Elevate(_) => says(open(fake::open())),
                other => then(other),
            };
        }
        asked += 1;
        if asked == 1 {
            awaited.send(()).unwrap();
            return Act::Silence;
        }
        then(request)
    });
    let mut command = jitctl_at(&jitd.socket, args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (jitd, child, seen)
}

fn interrupted(child: Child, signal: Signal) -> Ran {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn who_stops_waiting_leaves_it_open() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (jitd, child, seen) = waiting(&["elevate", "docker"], |_| says(open(fake::half_approved())));
        seen.recv().unwrap();
        let ran = interrupted(child, signal);
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.out.starts_with("  7k2m9xqa stays open until "), "{ran:?}");
        assert!(ran.out.contains("  still needed: 1 person in security: sara"), "as jitd says now: {ran:?}");
        assert!(ran.out.contains("look: jitctl show 7k2m9xqa; take it back: jitctl cancel"), "{ran:?}");
        assert!(ran.out.ends_with("  wait for it: jitctl wait 7k2m9xqa\n"), "{ran:?}");
        let asked: Vec<Request> = jitd.asked.try_iter().collect();
        assert!(!asked.iter().any(|request| matches!(request, Request::Cancel(_))), "{asked:?}");
    }
}

#[test]
fn who_stops_waiting_as_it_is_decided_is_told_so() {
    let (_jitd, child, seen) = waiting(&["elevate", "docker"], |_| says(granted()));
    seen.recv().unwrap();
    let ran = interrupted(child, Signal::SIGINT);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("  granted by rule"), "{ran:?}");
}

#[test]
fn a_jitd_that_says_nothing_any_more_does_not_keep_who_wants_to_stop() {
    let (_jitd, child, seen) = waiting(&["elevate", "docker"], |_| Act::Silence);
    seen.recv().unwrap();
    let ran = interrupted(child, Signal::SIGINT);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.out.contains("stays open"), "{ran:?}");
}

#[test]
fn with_a_command_who_stops_waiting_leaves_it_open_and_runs_nothing() {
    let (_jitd, child, seen) =
        waiting(&["elevate", "docker", "--", "true"], |_| says(open(fake::half_approved())));
    seen.recv().unwrap();
    let ran = interrupted(child, Signal::SIGINT);
    assert_eq!((ran.code, ran.out.as_str()), (130, ""));
    assert!(ran.err.contains("7k2m9xqa stays open"), "{ran:?}");
}

#[test]
fn with_a_command_a_grant_that_comes_too_late_is_given_back() {
    let (jitd, child, seen) = waiting(&["elevate", "docker", "--", "true"], |request| match request {
        Request::Drop(_) => says(Response::Ended(vec![])),
        _ => says(granted()),
    });
    seen.recv().unwrap();
    let ran = interrupted(child, Signal::SIGTERM);
    assert_eq!((ran.code, ran.out.as_str()), (143, ""));
    let dropped = Request::Drop(DropTarget::Named("7k2m9xqa".to_owned()));
    assert!(jitd.asked.try_iter().any(|request| request == dropped), "{ran:?}");
}

#[test]
fn with_a_command_a_schedule_is_waited_for_and_standard_output_stays_the_commands() {
    let residue = vec!["bash (1234) on pts/3 still holds docker".to_owned()];
    let ended = EndedView {
        id: fake::grant().id,
        was: WasView::Live,
        person: fake::grant().person,
        role: "web-restart".to_owned(),
        stuck: None,
        residue,
    };
    let jitd = jitd_with_role(vec![
        says(open(fake::scheduled())),
        says(open(fake::scheduled())),
        says(granted()),
        says(Response::Ended(vec![ended])),
    ]);
    let ran = elevate(&jitd, &["--", "true"]);
    assert_eq!((ran.code, ran.out.as_str()), (125, ""));
    assert!(ran.err.contains("waiting for its start; ^C leaves it open"), "{ran:?}");
    assert!(ran.err.contains("true is not in the role web-restart"), "{ran:?}");
    assert!(ran.err.contains("is given back; bash (1234) on pts/3 still holds docker\n"), "{ran:?}");
    let asked: Vec<Request> = jitd.asked.try_iter().collect();
    assert!(matches!(asked.last(), Some(Request::Drop(_))), "{asked:?}");
}

#[test]
fn with_a_command_a_denial_is_125() {
    let jitd = jitd_with_role(vec![says(open(fake::open())), says(denied())]);
    let ran = elevate(&jitd, &["--", "true"]);
    assert_eq!((ran.code, ran.out.as_str()), (125, ""));
    assert!(ran.err.contains("was denied by sara"), "{ran:?}");
}

#[test]
fn a_restart_of_jitd_is_waited_out() {
    for away in [Act::HangUp, says(refused(Refusal::Stopping))] {
        let jitd = jitd(vec![
            says(open(fake::open())),
            away,
            Act::HangUp,
            says(open(fake::half_approved())),
            says(granted()),
        ]);
        let ran = elevate(&jitd, &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.err.matches("The request 7k2m9xqa stays open; trying to reach jitd again").count(), 1);
        let back = ran.err.find("jitctl: jitd is back\n").unwrap();
        assert!(ran.err.find("bert approved").unwrap() > back, "{ran:?}");
        let id = fake::open().id;
        let asked: Vec<Request> = jitd.asked.try_iter().skip(1).collect();
        let seen = |seen| Request::Await { id, seen };
        assert_eq!(asked[0], seen(1));
        assert!(asked[1] != seen(1) && asked[2] != seen(1), "jitd may count anew: {asked:?}");
        assert_eq!(asked[3], seen(2));
    }
}

#[test]
fn a_jitd_that_stays_away_is_5_and_the_request_is_not_lost() {
    let mut first = true;
    let jitd = Fake::new(move |_| match std::mem::take(&mut first) {
        true => Act::LastAnswer(Box::new(open(fake::open()))),
        false => Act::HangUp,
    });
    let ran = elevate(&jitd, &["--timeout", "1s", "--json"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let json = ran.json();
    assert_eq!((json["answer"].as_str(), json["exit"].as_u64()), (Some("failed"), Some(5)));
    let sentence = json["sentence"].as_str().unwrap();
    assert!(sentence.contains("it stays open: `jitctl show 7k2m9xqa`"), "{sentence}");
    assert!(sentence.contains("`jitctl wait 7k2m9xqa` waits again"), "{sentence}");
    assert!(json["causes"][0].as_str().unwrap().contains("is it running?"), "{json}");
}

#[test]
fn an_answer_about_another_request_is_none() {
    let mut other = fake::half_approved();
    other.id = "4h1kz0ab".parse().unwrap();
    let jitd = jitd(vec![says(open(fake::open())), says(open(other))]);
    let ran = elevate(&jitd, &[]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("answered something else than was asked"), "{ran:?}");
}

#[test]
fn asking_too_often_is_no_end() {
    let jitd = jitd(vec![
        says(open(fake::open())),
        says(refused(Refusal::RateLimited { wait_secs: 1 })),
        says(granted()),
    ]);
    let ran = elevate(&jitd, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn more_time_is_asked_for_and_waited_for() {
    let jitd = jitd(vec![says(open(fake::open())), says(granted())]);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["extend", "docker", "--for", "30m"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let Request::Extend { target, ask } = jitd.request() else { panic!("something else was asked") };
    assert_eq!((target, ask.duration.as_secs()), (DropTarget::Named("docker".to_owned()), 1800));
}
