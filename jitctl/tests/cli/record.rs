//! The record: shown, exported, and verified offline with the real hashes and a real signature.

use std::fs;

use ed25519_dalek::{Signer, SigningKey};
use jit_common::refusal::RuleRef;
use jit_common::request::{LogUntil, Request};
use jit_common::response::{LogEntry, LogText, Response};
use jitd_core::record::chain::{self, Stored};
use jitd_core::record::{About, Asked, Entry, Origin, Person, TypedHash};
use serde_json::Value;

use crate::fake::{Act, Fake};
use crate::program::{Ran, Scratch, jitctl, jitctl_at};

const SALT: [u8; 16] = [9; 16];
const REASON: &str = "INC-42 nginx stuck";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

fn host_key() -> String {
    chain::hex(key().verifying_key().as_bytes())
}

/// A request, a grant, and a checkpoint over both.
fn record() -> Vec<LogEntry> {
    let by = Person { uid: 1000, name: "alice".to_owned() };
    let role = "web-restart".to_owned();
    let reason = Some(TypedHash(chain::typed(&SALT, REASON)));
    let asked = Asked {
        by: by.clone(),
        from: Origin::default(),
        role: role.clone(),
        seconds: None,
        reason,
        ticket: None,
    };
    let rule = RuleRef { name: "on-call".to_owned(), location: "10-web.toml:12".to_owned() };
    let about = About { by, role, rule, until: 1_800_000_000_000_000_000 };
    let texts = vec![LogText { field: "reason".to_owned(), salt: SALT, text: REASON.to_owned() }];
    let mut entries = vec![];
    push(&mut entries, &Entry::Requested { asked }, texts);
    push(&mut entries, &Entry::Applied { about, refused: vec![] }, vec![]);
    let hash = chain::hex(&entries[1].hash);
    let signed = key().sign(chain::checkpoint_text(&host_key(), 2, &hash).as_bytes());
    let signature = chain::hex(&signed.to_bytes());
    push(&mut entries, &Entry::Checkpoint { of: 2, hash, host_key: host_key(), signature }, vec![]);
    entries
}

fn push(entries: &mut Vec<LogEntry>, entry: &Entry, texts: Vec<LogText>) {
    let seq = u64::try_from(entries.len()).unwrap() + 1;
    let previous = entries.last().map_or(chain::GENESIS, |entry| entry.hash);
    let body = serde_json::to_string(entry).unwrap();
    let (at, kind) = (1_795_354_320_000_000_000, entry.kind());
    let request = if kind == "checkpoint" { None } else { Some("7k2m9xqa".parse().unwrap()) };
    let id = request.map(|id: jit_common::ids::RequestId| id.to_string()).unwrap_or_default();
    let hash = chain::link(&previous, &Stored { seq, at, kind, request: &id, body: &body });
    entries.push(LogEntry { seq, at, kind: kind.to_owned(), request, body, hash, texts });
}

fn serving(entries: Vec<LogEntry>) -> Fake {
    Fake::new(move |_| {
        let mut frames: Vec<Response> =
            entries.chunks(2).map(|chunk| Response::Log(chunk.to_vec())).collect();
        frames.push(Response::LogEnd);
        Act::Answer(frames)
    })
}

fn exported() -> String {
    let jitd = serving(record());
    let ran = Ran::run(jitctl_at(&jitd.socket, &["log", "export"]));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ran.out
}

fn verify(text: &str, more: &[&str]) -> Ran {
    let dir = Scratch::new();
    let file = dir.join("export.jsonl");
    fs::write(&file, text).unwrap();
    let mut command = jitctl(&["log", "verify", file.to_str().unwrap()]);
    command.args(more);
    Ran::run(command)
}

#[test]
fn lines_and_objects_come_in_order() {
    let jitd = serving(record());
    let ran = Ran::run(jitctl_at(&jitd.socket, &["log", "--since", "2026-11-22T10:00", "--kind", "ended"]));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!((ran.code, lines.len()), (0, 3), "{ran:?}");
    assert!(lines[0].starts_with("2026-11-22 13:32:00      #1  7k2m9xqa  alice"), "{ran:?}");
    assert!(lines[0].contains(REASON), "{ran:?}");
    let Request::Log(query) = jitd.request() else { panic!("something else was asked") };
    assert_eq!(query.since, Some(1_795_341_600_000_000_000));
    assert_eq!((query.kinds, query.until), (vec!["ended".to_owned()], LogUntil::Now));
    let ran = Ran::run(jitctl_at(&jitd.socket, &["log", "--json"]));
    let objects: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 3);
    assert_eq!(objects[0]["texts"]["reason"], REASON);
    assert_eq!(objects[2]["body"]["of"], 2);
}

#[test]
fn what_was_exported_verifies() {
    let export = exported();
    let ran = verify(&export, &["--key", &host_key()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("verified\n"), "{ran:?}");
    let json = verify(&export, &["--json"]).json();
    assert_eq!(json["answer"], "verified");
    assert_eq!((json["entries"].as_u64(), json["checkpoints"].as_u64()), (Some(3), Some(1)));
    assert_eq!(json["problems"], serde_json::json!([]));
}

#[test]
fn any_change_is_found() {
    let export = exported();
    for (change, changed) in [
        ("a name", export.replace("alice", "mallory")),
        ("a text", export.replace("nginx stuck", "nginx fine")),
        ("a role", export.replacen("web-restart", "db-restart", 1)),
        ("an entry is gone", export.lines().skip(1).collect::<Vec<_>>().join("\n")),
        ("half a line", export[..export.len() - 20].to_owned()),
        ("not UTF-8 after all", export.replacen("nginx", "ngin\u{fffd}", 1)),
        ("nothing", String::new()),
    ] {
        let ran = verify(&changed, &[]);
        assert_eq!(ran.code, 1, "{change}: {ran:?}");
        assert!(ran.out.starts_with("NOT verified\n"), "{change}: {ran:?}");
    }
}

#[test]
fn an_erased_text_leaves_the_record_whole() {
    let mut lines: Vec<Value> = exported().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines[0]["texts"] = serde_json::json!({});
    let erased: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let json = verify(&erased.join("\n"), &["--json"]).json();
    assert_eq!((json["erased"].as_u64(), json["problems"].as_array().unwrap().len()), (Some(1), 0), "{json}");
}

#[test]
fn another_key_is_found() {
    let ran = verify(&exported(), &["--key", &"ab".repeat(32)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("another key has signed it"), "{ran:?}");
    assert_eq!(verify(&exported(), &["--key", "abc"]).code, 2);
}

#[test]
fn a_record_with_holes_is_not_exported() {
    let mut holes = record();
    holes.remove(0);
    let untold = record().into_iter().map(|entry| LogEntry { hash: LogEntry::NO_HASH, ..entry });
    for entries in [holes, untold.collect()] {
        let jitd = serving(entries);
        let ran = Ran::run(jitctl_at(&jitd.socket, &["log", "export"]));
        assert_eq!((ran.code, ran.out.as_str()), (7, ""));
        assert!(ran.err.contains("you see only a part of it"), "{ran:?}");
    }
}
