//! The record read back: the sentence of every kind, and exports with one thing wrong, over fixtures that stay.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod record_world;

use std::collections::BTreeSet;

use jitd_core::record::chain::{self, Hash};
use jitd_core::record::export::ExportLine;
use jitd_core::record::sentence::{Typed, sentence, sentence_at};
use jitd_core::record::verify::{Fault, Verifier};
use jitd_core::record::{Entry, Origin, Person};

use self::record_world::{FIXTURE, WAITING, fault, lines, lines_of, said, verify};

/// Computes all hashes anew, as somebody would who changes more than one thing.
fn rehash(lines: &mut [ExportLine]) {
    let mut previous: Hash = chain::GENESIS;
    for line in lines {
        previous = chain::link(&previous, &line.stored());
        line.hash = chain::hex(&previous);
    }
}

/// Came after the fixture, which stays as it was written.
#[test]
fn a_refused_call_is_read_back_and_has_its_sentence() {
    let by = Person { uid: 1000, name: "mallory".into() };
    let from = Origin { tty: Some("pts/3".into()), ..Origin::default() };
    let text = "you may not revoke grants: it takes an operator or root".to_owned();
    let (call, code) = ("revoke --all".to_owned(), "not-permitted".to_owned());
    let entry = Entry::CallRefused { by, from, call, code, text };
    let read: Entry = serde_json::from_str(&serde_json::to_string(&entry).unwrap()).unwrap();
    assert_eq!(read, entry);
    assert_eq!(
        sentence(&entry, None, Typed::default()),
        "mallory was refused `jitctl revoke --all` (not-permitted): you may not revoke grants: it takes an operator \
         or root [on pts/3]"
    );
}

#[test]
fn every_kind_is_on_the_list() {
    let mut kinds: BTreeSet<&str> = Entry::KINDS.into_iter().collect();
    assert_eq!(kinds.len(), Entry::KINDS.len());
    for line in [lines(), lines_of(WAITING)].concat() {
        let entry: Entry = serde_json::from_str(&line.body).unwrap();
        assert!(Entry::KINDS.contains(&entry.kind()), "{}", entry.kind());
        kinds.remove(entry.kind());
    }
    // Came after the fixtures.
    let later = [
        "call-refused",
        "report",
        "session-began",
        "session-commands",
        "session-ended",
        "swept",
        "texts-erased",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), later);
}

#[test]
fn what_ran_with_a_grant_is_told_in_sentences() {
    let about = r#""by":{"uid":1000,"name":"alice"},"role":"web","rule":{"name":"r","location":"w.toml:1"},"until":0"#;
    let said = |rest: &str| {
        let entry: Entry = serde_json::from_str(&format!("{{{about},{rest}}}")).unwrap();
        sentence(&entry, None, Typed { command: Some("/bin/sh -c 'a\nb'"), ..Typed::default() })
    };
    let from = r#""from":{"pid":7,"exe":null,"tty":"pts/3","remote":null,"login_uid":null},"command":"00","directory":"/srv""#;
    assert_eq!(
        said(&format!(r#""kind":"session-began",{from},"outside":null"#)),
        "alice runs /bin/sh -c 'a\\nb' in /srv with web (process 7) [on pts/3]"
    );
    assert!(
        said(&format!(r#""kind":"session-began",{from},"outside":"no home""#))
            .contains("it does NOT end with the role: no home")
    );
    let commands = |count, left_out| {
        let body = format!(
            r#"{{{about},"kind":"session-commands","pid":7,"commands":"00","count":{count},"left-out":{left_out},"read-to":5}}"#
        );
        let entry: Entry = serde_json::from_str(&body).unwrap();
        let typed = Typed { commands: Some("/usr/bin/id -u\n/bin/echo \u{1b}[2J"), ..Typed::default() };
        [sentence(&entry, None, typed), sentence(&entry, None, Typed::default())]
    };
    let started = "process 7, which alice ran with web, started";
    assert_eq!(
        commands(2, 0),
        [
            format!("{started} \"/usr/bin/id -u\", \"/bin/echo \\u{{1b}}[2J\""),
            format!("{started} 2 commands")
        ]
    );
    assert!(commands(2, 3)[0].ends_with("[2J\", and 3 more that are not written down"));
    assert_eq!(commands(0, 1)[0], format!("{started} 1 that are not written down"));
    assert_eq!(
        said(r#""kind":"session-ended","pid":7,"status":3"#),
        "process 7, which alice ran with web, has ended with status 3, as jitctl said"
    );
    for (what, sentence) in [
        (r#"{"over":{"killed":0,"late-ms":0}}"#, "nothing of what alice ran with web runs any more"),
        (
            r#"{"over":{"killed":2,"late-ms":31}}"#,
            "nothing of what alice ran with web runs any more: 2 processes were killed, the last gone after 31 ms",
        ),
        (r#"{"finishing":{"processes":1}}"#, "1 process of what alice ran with web may finish"),
        (
            r#"{"frozen":{"processes":2}}"#,
            "2 processes of what alice ran with web frozen, and go on when web is granted again",
        ),
    ] {
        let text = said(&format!(r#""kind":"swept","what":{what}"#));
        assert!(text.starts_with(sentence), "{text}");
    }
}

#[test]
fn every_kind_has_its_sentence() {
    let rule = "until 2026-11-22T14:32:00Z by rule \"on-call restarts web at once\" (10-web.toml:12)";
    let from = "[on pts/3, from 192.0.2.7, login uid 1000]";
    let expected = [
        "jitd 0.1.0 started on web1 (boot b5e0b4f2-5c1d-4b9e-9a52-0f1f4c3c2a11; sudo 1.9.13p3, NOTAFTER honoured)",
        "policy 3f3f3f3f3f3f went live: 10-web.toml, 20-db.toml; role db-admin is disabled: /usr/bin/psql is not there",
        "a policy was rejected and policy 3f3f3f3f3f3f stays in force: 10-web.toml:3:5: unknown key \"rols\"",
        "the host was not as the live grants say: /run/jit/sudoers.d/jit was changed; written again",
        "the guard acted while jitd was away: removed 7k2m9xqa 1795357921000000000 overdue",
        "the ledger can be written again; since 2026-11-22T14:01:59Z it could not (the disk is full), nothing was granted \
         and 2 entries were kept back",
        &format!("7k2m9xqa: alice asked for web-restart for 30m: INC-42 nginx stuck (ticket INC-42) {from}"),
        &format!("7k2m9xqa: alice may have web-restart {rule}; as they were told: alice is in group oncall"),
        &format!(
            "7k2m9xqa: alice is about to get web-restart {rule}, through: sudo /usr/bin/systemctl restart nginx"
        ),
        &format!("7k2m9xqa: alice was granted web-restart {rule}"),
        "7k2m9xqa: web-restart is being taken from alice: revoked by bob: over for today",
        "7k2m9xqa: web-restart could NOT be taken from alice (revoked) in 2 tries and is retried: /run/jit is read-only",
        "7k2m9xqa: alice no longer has web-restart: revoked",
        &format!(
            "0h1n2p3q: alice was refused web-restart (reason-pattern): Start with the incident or change number {from}"
        ),
        "alice was refused 40 more times within 60 s",
        &format!("bob locked jitd, so that nothing is granted: intruder on web2 {from}"),
        "bob unlocked jitd: false alarm",
        "",
        "jitd stopped; 1 grant stays live and ends on time",
    ];
    let lines = lines();
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(expected) {
        if line.kind == "checkpoint" {
            assert!(said(line).starts_with("the ledger up to entry 17 has hash "), "{}", said(line));
        } else {
            assert_eq!(said(line), expected);
        }
    }
}

#[test]
fn a_sentence_is_one_harmless_line_whatever_is_in_the_entry() {
    for line in [lines(), lines_of(WAITING)].concat() {
        // Every string of the entry is made to hold what acts on a terminal or forges a line.
        let mut body: serde_json::Value = serde_json::from_str(&line.body).unwrap();
        poison(&mut body);
        let Ok(entry) = serde_json::from_value::<Entry>(body) else {
            let has_commands = line.kind == "intent" && line.body.contains("\"sudo\":{");
            assert!(has_commands, "only a sudo role refuses such strings by itself: {}", line.body);
            continue;
        };
        let evil = Some("reason\n\u{1b}[2Jjitd[1]: \u{202e}granted");
        let typed = Typed { reason: evil, ticket: evil, note: evil, command: evil, commands: evil };
        let text = sentence(&entry, None, typed);
        assert!(text.chars().all(jit_common::escape::is_plain), "{text:?}");
    }
}

fn poison(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => text.insert_str(0, "\u{1b}]0;x\u{7}\n\u{9b}"),
        serde_json::Value::Array(items) => items.iter_mut().for_each(poison),
        serde_json::Value::Object(fields) => {
            fields
                .iter_mut()
                .filter(|(name, _)| !["kind", "cause", "extends", "replaces"].contains(&name.as_str()))
                .for_each(|(_, v)| poison(v));
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[test]
fn times_are_shown_as_the_reader_wants_them() {
    let line = lines().remove(9);
    let entry: Entry = serde_json::from_str(&line.body).unwrap();
    let text = sentence_at(&entry, None, Typed::default(), &|_| "16:32 (in 30 min)".to_owned());
    assert!(text.starts_with("alice was granted web-restart until 16:32 (in 30 min) by rule"), "{text}");
}

#[test]
fn every_entry_is_read_and_written_byte_for_byte() {
    let mut kinds = BTreeSet::new();
    for line in [lines(), lines_of(WAITING)].concat() {
        let entry: Entry = serde_json::from_str(&line.body).unwrap();
        let mut body = serde_json::to_string(&entry).unwrap();
        // What entries of these kinds did not say yet reads as nothing.
        for later in [",\"approved-by\":[]", ",\"groups\":[]", ",\"span\":null", ",\"residue\":[]"] {
            body = if line.body.contains(later) { body } else { body.replacen(later, "", 1) };
        }
        assert_eq!(body, line.body);
        kinds.insert(line.kind);
    }
    assert_eq!(kinds.len(), 23);
    for line in FIXTURE.lines().chain(WAITING.lines()) {
        assert_eq!(serde_json::to_string(&serde_json::from_str::<ExportLine>(line).unwrap()).unwrap(), line);
    }
}

#[test]
fn the_fixture_is_whole() {
    let report = verify(&lines());
    assert_eq!((report.problem, report.entries, report.texts, report.checkpoints), (None, 19, 6, 1));
    assert_eq!(report.signed_up_to, Some(17));
    let report = verify(&lines_of(WAITING));
    assert_eq!((report.problem, report.entries, report.texts, report.erased), (None, 22, 6, 0));
}

#[test]
fn whatever_is_changed_is_found_where_it_is() {
    type Change = fn(&mut ExportLine);
    let changes: [(&str, Change, Fault); 9] = [
        ("at", |line| line.at += 1, Fault::Hash),
        ("kind", |line| line.kind.push('x'), Fault::Hash),
        ("request", |line| line.request = "0h1n2p3q".to_owned(), Fault::Hash),
        ("body", |line| line.body.push(' '), Fault::Hash),
        ("hash", |line| line.hash = "00".repeat(32), Fault::Hash),
        ("seq", |line| line.seq += 1, Fault::Number { expected: 7 }),
        ("a text", |line| line.texts.get_mut("reason").unwrap().text.push('.'), Fault::Text("reason".into())),
        (
            "a salt",
            |line| line.texts.get_mut("ticket").unwrap().salt = "00".repeat(16),
            Fault::Text("ticket".into()),
        ),
        (
            "a text too many",
            |line| {
                let text = line.texts["reason"].clone();
                line.texts.insert("note".into(), text);
            },
            Fault::StrayText("note".into()),
        ),
    ];
    for (what, change, expected) in changes {
        let mut lines = lines();
        change(&mut lines[6]);
        let seq = lines[6].seq;
        assert_eq!(fault(&lines), (seq, expected), "{what}");
        assert_eq!(verify(&lines).entries, 6, "what is before it is whole");
    }
}

#[test]
fn what_was_hashed_anew_is_still_no_entry() {
    let mut changed = lines();
    changed[6].kind = "refused".into();
    rehash(&mut changed);
    assert_eq!(fault(&changed), (7, Fault::Kind { column: "refused".into(), body: "requested".into() }));
    let mut changed = lines();
    changed[6].request = "../../etc".into();
    rehash(&mut changed);
    assert_eq!(fault(&changed), (7, Fault::Request("../../etc".into())));
    let mut changed = lines();
    changed[6].body = "{\"kind\":\"from-the-future\"}".into();
    rehash(&mut changed);
    assert!(matches!(fault(&changed), (7, Fault::Body(_))));
    let mut changed = lines();
    changed[2].at += 1;
    rehash(&mut changed);
    assert_eq!(fault(&changed), (18, Fault::Checkpoint), "the checkpoint signed another history");
}

#[test]
fn erased_texts_are_counted_and_missing_lines_found() {
    let mut erased = lines();
    erased.iter_mut().for_each(|line| line.texts.clear());
    let report = verify(&erased);
    assert_eq!((report.problem, report.texts, report.erased), (None, 0, 6));
    let mut missing = lines();
    missing.remove(11);
    assert_eq!(fault(&missing), (13, Fault::Number { expected: 12 }));
    let mut swapped = lines();
    swapped.swap(3, 4);
    assert_eq!(fault(&swapped), (5, Fault::Number { expected: 4 }));
    assert_eq!(fault(&lines()[1..]), (2, Fault::NoBeginning));
    assert_eq!(verify(&[]).to_string().lines().next(), Some("no entry"));
}

#[test]
fn a_line_with_anything_more_in_it_is_refused() {
    let mut verifier = Verifier::new(|_: &[u8; 32], _: &[u8], _: &[u8; 64]| true);
    let first = FIXTURE.lines().next().unwrap();
    verifier.line(&first.replacen('{', "{\"approved-by\":\"ceo\",", 1));
    let problem = verifier.report().problem.clone().unwrap();
    assert!(
        matches!(problem, jitd_core::record::verify::Problem { seq: 1, fault: Fault::Line(_) }),
        "{problem}"
    );
    verifier.line(first);
    assert_eq!(verifier.report().entries, 0, "nothing behind a problem is looked at");
}
