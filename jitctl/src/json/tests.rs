//! The documented shapes: a change here is a change of what other people's programs read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

use jit_common::refusal::Refusal;
use jit_common::response::{EndedView, LogEntry, WaitingView, WasView};
use serde_json::{Value, json};

use super::{AnswerJson, EntryJson, line};
use crate::exit::Exit;
use crate::show::samples;

fn read(answer: &AnswerJson<'_>) -> Value {
    let text = line(answer);
    assert_eq!(text.matches('\n').count(), 1, "one line");
    serde_json::from_str(&text).unwrap()
}

fn grant_json() -> Value {
    json!({
        "id": "7k2m9xqa",
        "person": { "uid": 1000, "name": "alice" },
        "role": "web-restart",
        "rule": { "name": "on-call restarts web at once", "location": "10-web.toml:12" },
        "state": "active",
        "sudo": {
            "run_as": "root",
            "password": false,
            "commands": ["/usr/bin/systemctl restart nginx", "/usr/bin/journalctl -u nginx"],
            "refused": [],
        },
        "reason": "INC-42 nginx stuck",
        "ticket": null,
        "start": "2026-11-22T13:02:00Z",
        "until": "2026-11-22T13:32:00Z",
        "left_seconds": 1800,
        "end": null,
        "groups": [],
        "approved_by": [],
        "replaces": null,
        "longest": "2026-11-22T13:32:00Z",
        "residue": [],
    })
}

fn open_json() -> Value {
    let person = |uid: u32, name: &str| json!({ "uid": uid, "name": name });
    let choice = |uid, name, logged_in: bool| json!({ "person": person(uid, name), "logged_in": logged_in });
    json!({
        "id": "7k2m9xqa",
        "person": person(1000, "alice"),
        "role": "docker",
        "rule": { "name": "two people behind it", "location": "20-docker.toml:4" },
        "state": "pending",
        "sudo": null,
        "groups": [{ "gid": 998, "name": "docker" }],
        "reason": "INC-42 nginx stuck",
        "ticket": null,
        "asked": "2026-11-22T12:57:00Z",
        "asked_seconds": 1800,
        "seconds": 1200,
        "start": null,
        "lapse": "2026-11-22T15:02:00Z",
        "left_seconds": 7200,
        "extends": null,
        "needs": [
            { "count": 1, "met": 1, "by": "somebody in leads", "unlisted": [],
              "could": [choice(2001, "bert", false), choice(2002, "carl", false)] },
            { "count": 1, "met": 0, "by": "somebody in security", "unlisted": [],
              "could": [choice(2003, "dora", false), choice(2004, "sara", true)] },
        ],
        "votes": [{ "person": person(2001, "bert"), "at": "2026-11-22T13:00:00Z", "seconds": 1200,
                    "note": "ok \u{1b}[2J" }],
        "held_up": null,
        "may_decide": true,
        "not_by_you": null,
    })
}

#[test]
fn open_requests() {
    let open = samples::open();
    let expected = json!({ "answer": "open", "exit": 4, "request": open_json() });
    assert_eq!(read(&AnswerJson::open(&open, Exit::Pending)), expected);
    let expected = json!({ "answer": "pending", "requests": [open_json()] });
    assert_eq!(read(&AnswerJson::pending(&[open])), expected);
    let scheduled = read(&AnswerJson::open(&samples::scheduled(), Exit::Done));
    assert_eq!(scheduled["request"]["state"], "scheduled");
    assert_eq!(scheduled["request"]["start"], "2026-11-22T13:30:00Z");
}

#[test]
fn a_grant_of_a_group() {
    let read = read(&AnswerJson::granted(&samples::docker()));
    assert_eq!(read["grant"]["sudo"], Value::Null);
    assert_eq!(read["grant"]["groups"], json!([{ "gid": 998, "name": "docker" }]));
    assert_eq!(read["grant"]["approved_by"][0]["seconds"], 1200);
    assert_eq!(read["grant"]["approved_by"][1]["note"], Value::Null);
}

#[test]
fn the_approvers_page() {
    let read = read(&AnswerJson::story(&samples::question()));
    assert_eq!(read["grant"], Value::Null);
    assert_eq!(read["open"], open_json());
    assert_eq!(read["conditions"], json!(["alice is in engineers"]));
    let earlier = json!([{
        "id": "4h1kz0ab",
        "start": "2026-11-22T08:02:00Z",
        "until": "2026-11-22T08:32:00Z",
        "end": { "cause": "dropped", "at": "2026-11-22T08:22:00Z" },
        "reason": "INC-41",
        "residue": ["bash (1234) on pts/3 still holds docker"],
    }]);
    assert_eq!(read["earlier"], earlier);
    assert_eq!(read["live"], json!([grant_json()]));
}

#[test]
fn granted() {
    let expected = json!({ "answer": "granted", "grant": grant_json() });
    assert_eq!(read(&AnswerJson::granted(&samples::grant())), expected);
}

#[test]
fn refused_has_code_sentence_and_explanation() {
    let explanation = samples::reason_missing();
    let jit_common::explanation::Outcome::Refused(refusal) = &explanation.outcome else { return };
    let read = read(&AnswerJson::refused(refusal, Some(&explanation)));
    assert_eq!(read["answer"], "refused");
    assert_eq!(read["exit"], 3);
    assert_eq!(read["code"], "reason-missing");
    assert!(read["sentence"].as_str().unwrap().contains("--reason"));
    let condition = json!({ "kind": "reason", "held": "not-held", "text": "no reason is given" });
    assert_eq!(read["explanation"]["rules"][0]["verdict"], "refuses");
    assert_eq!(read["explanation"]["rules"][0]["conditions"][1], condition);
    assert_eq!(read["explanation"]["outcome"]["decision"], "refused");
    assert!(super::AnswerJson::refused(&Refusal::Stopping, None).is_refused());
}

impl AnswerJson<'_> {
    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { explanation: None, .. })
    }
}

#[test]
fn explained() {
    let outcome = json!({
        "decision": "permitted",
        "rule": { "name": "on-call restarts web at once", "location": "10-web.toml:12" },
        "duration_seconds": 1800,
        "approvals": [],
    });
    assert_eq!(read(&AnswerJson::explained(&samples::permitted()))["explanation"]["outcome"], outcome);
}

#[test]
fn status() {
    let mut status = samples::status();
    status.all = Some(vec![samples::grant()]);
    status.waiting = Some(WaitingView { people: 3, approved: 1, scheduled: 2 });
    let expected = json!({
        "answer": "status",
        "mine": [],
        "all": [grant_json()],
        "open": [],
        "waiting": { "people": 3, "approved": 1, "scheduled": 2 },
        "not_granting": [],
        "attention": [],
        "daemon": "0.1.0",
        "sudo": "classic 1.9.16p2",
        "policy": "ab".repeat(32),
        "live": 0,
        "entries": 17,
        "sinks": [{ "name": "journald", "behind": 0, "trouble": null }],
    });
    assert_eq!(read(&AnswerJson::status(&status)), expected);
}

#[test]
fn roles() {
    let read = read(&AnswerJson::roles(&[samples::role()]));
    assert_eq!(read["answer"], "roles");
    let role = &read["roles"][0];
    assert_eq!(role["name"], "web-restart");
    assert_eq!(role["equals_root"], json!([]));
    assert_eq!(role["now"]["outcome"]["code"], "reason-missing");
}

#[test]
fn story_and_entries() {
    let read = read(&AnswerJson::story(&samples::story()));
    assert_eq!(read["answer"], "story");
    assert_eq!(read["grant"], grant_json());
    let way = json!({ "name": "jit-guard", "armed": false, "detail": "the guard does not run" });
    assert_eq!(read["ways_off"][1], way);
    let entry = &read["entries"][1];
    let alone: Value = serde_json::from_str(&line(&EntryJson::of(&samples::entry()))).unwrap();
    assert_eq!(*entry, alone);
    assert_eq!(entry["seq"], 812);
    assert_eq!(entry["at"], "2026-11-22T13:02:00Z");
    assert_eq!(entry["id"], "7k2m9xqa");
    assert_eq!(entry["body"]["kind"], "applied");
    assert_eq!(entry["hash"], "ab".repeat(32));
    let untold = LogEntry { hash: LogEntry::NO_HASH, ..samples::entry() };
    let untold: Value = serde_json::from_str(&line(&EntryJson::of(&untold))).unwrap();
    assert_eq!(untold["hash"], Value::Null);
    assert_eq!(entry["texts"]["reason"], "INC-42 \u{1b}[31mnginx", "a program gets the text itself");
}

#[test]
fn ended() {
    let ended = [EndedView {
        id: "7k2m9xqa".parse().unwrap(),
        was: WasView::Live,
        person: samples::person(),
        role: "web-restart".to_owned(),
        stuck: Some("read-only".to_owned()),
        residue: vec![],
    }];
    let expected = json!({
        "answer": "ended",
        "grants": [{
            "id": "7k2m9xqa",
            "was": "live",
            "person": { "uid": 1000, "name": "alice" },
            "role": "web-restart",
            "off": false,
            "stuck": "read-only",
            "residue": [],
        }],
    });
    assert_eq!(read(&AnswerJson::ended(&ended)), expected);
    assert_eq!(read(&AnswerJson::Done), json!({ "answer": "done" }));
    assert_eq!(read(&AnswerJson::Unlocked { begin: 2 }), json!({ "answer": "unlocked", "begin": 2 }));
}

#[test]
fn nothing_in_a_line_acts_on_a_terminal_and_a_program_reads_the_text_itself() {
    let typed = "a\u{9b}31m\u{7f}\u{202e}\u{e0041}\n\u{1b}é";
    let line = line(&typed);
    assert_eq!(line, "\"a\\u009b31m\\u007f\\u202e\\udb40\\udc41\\n\\u001bé\"\n");
    assert_eq!(serde_json::from_str::<String>(&line).unwrap(), typed);
}
