//! Exports that stay as they were written, for the tests of the record.
#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jitd_core::record::Entry;
use jitd_core::record::export::ExportLine;
use jitd_core::record::sentence::{Typed, sentence};
use jitd_core::record::verify::{Fault, Report, Verifier};

/// One entry of each kind, as a ledger of version 1 exported them.
pub(crate) const FIXTURE: &str = include_str!("../../src/record/ledger-1.jsonl");

/// Requests that wait for people or for their start, as the first version that knew them exported them.
pub(crate) const WAITING: &str = include_str!("../../src/record/ledger-1-waiting.jsonl");

pub(crate) fn lines() -> Vec<ExportLine> {
    lines_of(FIXTURE)
}

pub(crate) fn lines_of(fixture: &str) -> Vec<ExportLine> {
    fixture.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn verify(lines: &[ExportLine]) -> Report {
    // The signature itself is checked where there is the cryptography for it.
    let mut verifier = Verifier::new(|_: &[u8; 32], _: &[u8], _: &[u8; 64]| true);
    lines.iter().for_each(|line| verifier.line(&serde_json::to_string(line).unwrap()));
    verifier.report().clone()
}

pub(crate) fn fault(lines: &[ExportLine]) -> (u64, Fault) {
    let problem = verify(lines).problem.unwrap();
    (problem.seq, problem.fault)
}

pub(crate) fn said(line: &ExportLine) -> String {
    let entry: Entry = serde_json::from_str(&line.body).unwrap();
    let text = |field: &str| line.texts.get(field).map(|text| text.text.as_str());
    let typed = Typed {
        reason: text("reason"),
        ticket: text("ticket"),
        note: text("note"),
        command: text("command"),
        commands: text("commands"),
    };
    sentence(&entry, line.request.parse().ok(), typed)
}
