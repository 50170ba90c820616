//! A jitd that is away, of another version, talks rubbish, or says nothing; and a reader that has gone.

use std::process::Stdio;
use std::sync::mpsc::channel;

use jit_common::frame;
use jit_common::refusal::Refusal;
use jit_common::response::{LogEntry, Response};

use crate::fake::{self, Act, Fake};
use crate::program::{Ran, Scratch, jitctl_at};

#[test]
fn a_daemon_that_is_away_is_5_with_the_cause_and_what_to_try() {
    let dir = Scratch::new();
    let socket = dir.join("none.sock");
    let ran = Ran::run(jitctl_at(&socket, &["status"]));
    assert_eq!((ran.code, ran.out.as_str()), (5, ""));
    assert!(
        ran.err.contains("none.sock; is it running? Try: systemctl status jitd: No such file"),
        "{ran:?}"
    );
    assert_eq!(ran.err.lines().count(), 1, "one sentence");
    let ran = Ran::run(jitctl_at(&socket, &["status", "--json"]));
    let json = ran.json();
    assert_eq!((json["answer"].as_str(), json["exit"].as_u64()), (Some("failed"), Some(5)));
    assert!(json["causes"][0].as_str().unwrap().contains("No such file"), "{json}");
}

#[test]
fn another_version_says_so() {
    let jitd = Fake::new(|_| Act::WrongVersion);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["status"]));
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("jitd 9.9.9 speaks version"), "{ran:?}");
}

#[test]
fn rubbish_is_no_answer_and_no_crash() {
    let too_long = u32::try_from(frame::MAX_RESPONSE + 1).unwrap().to_le_bytes().to_vec();
    let not_ours = frame::wrap(&[0xff; 64], frame::MAX_RESPONSE).unwrap();
    let half = vec![100, 0, 0, 0, 1, 2];
    for bytes in
        [vec![0; 4], vec![0xff; 4096], too_long, not_ours, half, b"HTTP/1.1 400 Bad Request\r\n".to_vec()]
    {
        let jitd = Fake::new(move |_| Act::Bytes(bytes.clone()));
        let ran = Ran::run(jitctl_at(&jitd.socket, &["status"]));
        assert_eq!((ran.code, ran.out.as_str()), (5, ""), "{ran:?}");
        assert!(ran.err.starts_with("jitctl: "), "{ran:?}");
    }
}

#[test]
fn a_daemon_that_hangs_up_is_said() {
    let jitd = Fake::new(|_| Act::HangUp);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["status"]));
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("the connection to jitd broke"), "{ran:?}");
}

#[test]
fn a_daemon_that_says_nothing_is_not_waited_for_longer_than_told() {
    let jitd = Fake::new(|_| Act::Silence);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["status", "--timeout", "1s"]));
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("jitd did not answer in time"), "{ran:?}");
}

#[test]
fn an_answer_to_another_question_is_none() {
    let jitd = Fake::answering(Response::Done);
    let ran = Ran::run(jitctl_at(&jitd.socket, &["elevate", "web-restart"]));
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("answered something else than was asked"), "{ran:?}");
}

/// Runs jitctl with nobody reading its standard output.
fn unread(args: &[&str], response: Response) -> Ran {
    let (go, wait) = channel::<()>();
    let jitd = Fake::new(move |_| {
        wait.recv().unwrap();
        Act::Answer(vec![response.clone()])
    });
    let mut command = jitctl_at(&jitd.socket, args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    go.send(()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn a_reader_that_has_gone_is_a_silent_end() {
    let ran = unread(&["status"], Response::Status(Box::new(fake::status())));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let entry = LogEntry {
        seq: 1,
        at: 0,
        kind: "stopped".to_owned(),
        request: None,
        body: "{}".to_owned(),
        hash: [0; 32],
        texts: vec![],
    };
    // There is no end to this answer: it is the missing reader that ends it.
    let ran = unread(&["log", "--follow"], Response::Log(vec![entry]));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn a_no_that_nobody_reads_is_still_a_no() {
    let refusal = Refusal::AccountLocked;
    let ran = unread(&["elevate", "x", "--json"], Response::Refused { refusal, explanation: None });
    assert_eq!((ran.code, ran.err.as_str()), (3, ""));
}
