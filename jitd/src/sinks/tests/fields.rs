//! Kinds and fields: fixed ids, the catalog, and what every message says alone.

use std::collections::BTreeSet;

use jitd_core::record::Entry;

use super::super::fields::fields;
use super::super::{catalog, message};
use super::rows;

#[test]
fn each_kind_has_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    for row in rows() {
        let kind = message(&row.entry().unwrap());
        assert_eq!(kind.kind, row.kind);
        assert!(kind.id.len() == 32 && kind.id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", kind.id);
        ids.insert(kind.id);
    }
    // These kinds came after the rows that all tests share.
    let by = jitd_core::record::Person { uid: 1000, name: "mallory".to_owned() };
    let from = jitd_core::record::Origin::default();
    let (call, code, text) = ("lock".to_owned(), "not-permitted".to_owned(), String::new());
    let erased = Entry::TextsErased { by: by.clone(), from: from.clone() };
    for entry in [erased, Entry::CallRefused { by, from, call, code, text }] {
        assert_eq!(message(&entry).kind, entry.kind());
        ids.insert(message(&entry).id);
    }
    assert_eq!(ids.len(), catalog().matches("\n-- ").count());
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
fn a_granted_role_says_alone_who_what_why_and_until_when() {
    let row = rows().into_iter().find(|row| row.kind == "applied").unwrap();
    let fields = fields(&row, &row.entry().unwrap());
    let of = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
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
        assert_eq!(of(name), Some(value), "{name}");
    }
    assert_eq!(of("JIT_CAUSE"), None);
}
