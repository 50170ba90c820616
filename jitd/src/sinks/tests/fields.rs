//! Kinds and fields: fixed ids, the catalog, and what every message says alone.

use std::collections::BTreeSet;

use jitd_core::record::{About, Entry, Origin};

use super::super::fields::{fields, own as own_fields};
use super::super::{catalog, message};
use super::{rows, waiting_rows};
use crate::ledger::Row;

#[test]
fn each_kind_has_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    for row in [rows(), waiting_rows()].concat() {
        let kind = message(&row.entry().unwrap());
        assert_eq!(kind.kind, row.kind);
        assert!(kind.id.len() == 32 && kind.id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", kind.id);
        ids.insert(kind.id);
    }
    // These kinds came after the rows that all tests share.
    let by = || jitd_core::record::Person { uid: 1000, name: "mallory".to_owned() };
    let rule = || jit_common::refusal::RuleRef { name: "r".to_owned(), location: "f:1".to_owned() };
    let from = Origin::default();
    let (call, code, text) = ("lock".to_owned(), "not-permitted".to_owned(), String::new());
    let erased = Entry::TextsErased { by: by(), from: from.clone() };
    let about = About { by: by(), role: "web".to_owned(), rule: rule(), until: 0 };
    let report = Entry::Report { about, report: jitd_core::record::Report::default() };
    let later = [erased, Entry::CallRefused { by: by(), from, call, code, text }, report];
    for entry in later.into_iter().chain(sessions()) {
        assert_eq!(message(&entry).kind, entry.kind());
        ids.insert(message(&entry).id);
    }
    assert_eq!(ids.len(), catalog().matches("\n-- ").count());
}

/// An entry of each kind about what runs with a grant.
fn sessions() -> [Entry; 4] {
    let rule = jit_common::refusal::RuleRef { name: "rule".into(), location: "10-web.toml:1".into() };
    let by = jitd_core::record::Person { uid: 1000, name: "alice".to_owned() };
    let about = jitd_core::record::About { by, role: "web".into(), rule, until: 0 };
    let from = jitd_core::record::Origin { pid: Some(4711), ..Default::default() };
    let (command, directory, outside) =
        (jitd_core::record::TypedHash("00".into()), Some("/".to_owned()), Some("no home".to_owned()));
    [
        Entry::SessionCommands {
            about: about.clone(),
            pid: 4711,
            commands: command.clone(),
            count: 2,
            left_out: 1,
            read_to: 3,
        },
        Entry::SessionBegan {
            about: about.clone(),
            from,
            command,
            target: None,
            directory,
            outside,
            read_from: None,
        },
        Entry::SessionEnded { about: about.clone(), pid: 4711, status: Some(0) },
        Entry::Swept { about, what: jitd_core::record::Swept::Over { killed: 1, late_ms: 2 } },
    ]
}

#[test]
fn the_catalog_is_the_table() {
    let file = include_str!("../../../../systemd/catalog/jit.catalog");
    assert!(file == catalog(), "systemd/catalog/jit.catalog should be:\n{}", catalog());
    for field in file.split('@').skip(1).step_by(2) {
        assert!(field.starts_with("JIT_"), "{field}");
    }
}

#[test]
fn the_page_about_the_ledger_names_every_field() {
    let page = include_str!("../../../../docs/ledger-format.md");
    for row in [rows(), waiting_rows()].concat() {
        for (name, _) in fields(&row, &row.entry().unwrap()) {
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/ledger-format.md");
        }
    }
    for (name, _) in sessions().iter().flat_map(own_fields) {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/ledger-format.md");
    }
}

#[test]
fn a_granted_role_says_alone_who_what_why_and_until_when() {
    let row = rows().into_iter().find(|row| row.kind == "applied").unwrap();
    for (name, value) in [
        ("JIT_SEQ", "10"),
        ("JIT_AT", "2026-11-22T14:02:00Z"),
        ("JIT_KIND", "applied"),
        ("JIT_REQUEST", "7k2m9xqa"),
        ("JIT_USER", "alice"),
        ("JIT_UID", "1000"),
        ("JIT_ROLE", "web-restart"),
        ("JIT_RULE", "\"on-call restarts web at once\" (10-web.toml:12)"),
        ("JIT_UNTIL", "2026-11-22T14:32:00Z"),
        ("JIT_REASON", "INC-42 nginx stuck"),
        ("JIT_TICKET", "INC-42"),
    ] {
        assert_eq!(of(&row, name), [value], "{name}");
    }
    assert!(of(&row, "JIT_CAUSE").is_empty());
}

/// The values of one field.
fn of(row: &Row, name: &str) -> Vec<String> {
    let all = fields(row, &row.entry().unwrap());
    all.into_iter().filter(|(field, _)| *field == name).map(|(_, value)| value).collect()
}

/// The fields of the entry with this number, `NAME=value`, but for those that every entry has.
fn own(seq: usize) -> Vec<String> {
    const EVERY: [&str; 11] = [
        "JIT_SEQ",
        "JIT_AT",
        "JIT_KIND",
        "JIT_REQUEST",
        "JIT_USER",
        "JIT_UID",
        "JIT_ROLE",
        "JIT_REASON",
        "JIT_TICKET",
        "JIT_HASH",
        "JIT_BODY",
    ];
    let row = waiting_rows().remove(seq - 1);
    let all = fields(&row, &row.entry().unwrap()).into_iter();
    let own = all.filter(|(name, _)| !EVERY.contains(name));
    own.map(|(name, value)| format!("{name}={value}"))
        .filter(|field| !field.starts_with("JIT_RULE="))
        .collect()
}

#[test]
fn a_request_that_waits_says_what_it_waits_for() {
    assert_eq!(
        own(2),
        [
            "JIT_SECONDS=1800",
            "JIT_LAPSE=2026-11-22T16:02:00Z",
            "JIT_MISSING=1 person in leads",
            "JIT_MISSING=1 person in security",
            "JIT_GROUP=docker"
        ]
    );
    assert_eq!(
        own(9),
        ["JIT_SECONDS=600", "JIT_START=2026-11-22T14:07:00Z", "JIT_EXTENDS=3c8d0fgh", "JIT_GROUP=docker"]
    );
    assert_eq!(own(10), ["JIT_START=2026-11-22T14:07:00Z"]);
}

#[test]
fn what_became_of_it_says_who_decided_and_from_where() {
    let (bob, carol) =
        (["JIT_APPROVER=bob", "JIT_APPROVER_UID=1001"], ["JIT_APPROVER=carol", "JIT_APPROVER_UID=1002"]);
    let note = ["JIT_NOTE=fine with me", "JIT_TTY=pts/5"];
    assert_eq!(own(3), [&note[..], &bob, &["JIT_SECONDS=1200", "JIT_MISSING=1 person in security"]].concat());
    assert_eq!(own(4), carol);
    assert_eq!(own(5), [&["JIT_UNTIL=2026-11-22T14:23:30Z"][..], &bob, &carol].concat());
    assert_eq!(own(19), ["JIT_NOTE=not tonight", "JIT_TTY=pts/5", "JIT_CAUSE=denied", "JIT_CLOSED_BY=bob"]);
    assert_eq!(own(22), ["JIT_CAUSE=lapsed"]);
}

#[test]
fn a_grant_of_groups_says_which_what_it_replaces_and_what_is_left() {
    let until = "JIT_UNTIL=2026-11-22T14:33:30Z";
    let start = "JIT_START=2026-11-22T14:07:00Z";
    assert_eq!(own(12), [until, start, "JIT_REPLACES=3c8d0fgh", "JIT_GROUP=docker"]);
    assert_eq!(own(16), [until, "JIT_CAUSE=expired", "JIT_RESIDUE=bash (4720) on pts/3 still holds docker"]);
    assert!(of(&waiting_rows()[1], "JIT_RULE")[0].contains("two people behind it"));
}
