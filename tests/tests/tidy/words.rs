//! Words that must not be left in the sources, and reasons that must be given.

use std::fs;

use crate::no_breaches;
use crate::sources::{blanked, files, line_of, rust};

/// Put together here, so that this file does not break its own rule.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

#[test]
fn nothing_is_left_for_later() {
    let mut breaches = Vec::new();
    for source in rust() {
        for word in UNFINISHED {
            for (at, _) in source.text.match_indices(word) {
                breaches.push(format!("{}:{}: {word}", source.path, line_of(&source.text, at)));
            }
        }
    }
    no_breaches("what is unfinished is an issue, not a comment", breaches);
}

#[test]
fn no_test_is_ignored() {
    let mut breaches = Vec::new();
    for source in rust() {
        for (line, attribute) in attributes(&source.code) {
            if attribute.trim_start().starts_with("ignore") || attribute.contains(", ignore") {
                breaches.push(format!("{}:{line}", source.path));
            }
        }
    }
    no_breaches("a test runs or does not exist", breaches);
}

#[test]
fn every_exception_from_a_lint_has_a_reason() {
    let mut breaches = Vec::new();
    for source in rust() {
        for (line, attribute) in attributes(&source.code) {
            let exempts = ["allow(", "expect("].iter().any(|word| attribute.contains(word));
            if exempts && !attribute.contains("reason =") {
                breaches.push(format!("{}:{line}", source.path));
            }
        }
    }
    no_breaches("`allow` and `expect` say why: reason = \"...\"", breaches);
}

#[test]
fn a_panic_unwinds() {
    let mut breaches = Vec::new();
    for path in files("toml") {
        let manifest: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        for (name, profile) in manifest.get("profile").and_then(toml::Value::as_table).into_iter().flatten() {
            if profile.get("panic").is_some_and(|how| how.as_str() == Some("abort")) {
                breaches.push(format!("{}: profile {name}", path.display()));
            }
        }
    }
    no_breaches("the PAM module must be able to unwind inside its host program", breaches);
}

#[test]
fn tests_wait_for_events_and_never_sleep() {
    let mut breaches = Vec::new();
    for source in rust() {
        // The one place that pauses between two looks at a condition.
        if source.path == "tests/src/wait.rs" {
            continue;
        }
        for word in ["thread::sleep", "time::sleep", "sleep_ms("] {
            for (at, _) in source.test_code().match_indices(word) {
                let before = source.code.len() - source.test_code().len();
                breaches.push(format!("{}:{}", source.path, line_of(&source.code, before + at)));
            }
        }
    }
    no_breaches("a test waits for the event: jit_e2e::until, Running::wait_for", breaches);
}

/// The inside of every `#[...]` and `#![...]`, with its line.
fn attributes(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices('#') {
        let rest = &code[at + 1..];
        let Some(inside) = rest.strip_prefix("![").or_else(|| rest.strip_prefix('[')) else { continue };
        let mut depth = 1_usize;
        let end = inside.find(|c| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        found.push((line_of(code, at), &inside[..end.unwrap_or(inside.len())]));
    }
    found
}

#[test]
fn attributes_are_found_with_their_whole_inside() {
    let code = blanked("#![allow(a, reason = \"]\")]\n#[cfg_attr(test, expect(b))]\nlet x = v[0];");
    let found = attributes(&code);
    assert_eq!(found.len(), 2);
    assert!(found[0].1.contains("reason =") && found[1] == (2, "cfg_attr(test, expect(b))"));
}
