//! Exports of the record: whatever the lines, nothing is called whole that no jitd has written; and whatever an entry says, in a
//! chain that holds, it is told in one line or refused in one.
//!
//! Bytes that begin with `#` are linked anew first, as somebody would who knows how the hashes are made.

use std::collections::BTreeMap;
use std::time::Duration;

use jit_common::escape::is_plain;
use jitd::ledger::signature_holds;
use jitd_core::record::chain::{self, GENESIS, Hash, Stored};
use jitd_core::record::export::ExportLine;
use jitd_core::record::sentence::{Typed, sentence};
use jitd_core::record::verify::{self, Report, Verifier};

use crate::{ledger_base, measure, sentence};

const WORK: Duration = Duration::from_millis(500);

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    measure::within(WORK, || match data.split_first() {
        Some((b'#', data)) => is_read(data),
        Some(_) | None => is_genuine(data),
    });
}

/// As `jitctl log verify` reads it.
fn verified<'l>(lines: impl Iterator<Item = &'l [u8]>) -> (Report, usize) {
    let mut verifier = Verifier::new(signature_holds);
    let mut taken = 0;
    for line in lines {
        verifier.line(&String::from_utf8_lossy(line));
        taken += usize::from(verifier.report().problem.is_none());
    }
    (verifier.report().clone(), taken)
}

fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n')
}

fn is_blank(line: &[u8]) -> bool {
    String::from_utf8_lossy(line).trim().is_empty()
}

fn is_told(report: &Report) {
    let text = report.to_string();
    let odd = text.chars().find(|c| *c != '\n' && !is_plain(*c));
    assert!(odd.is_none(), "{odd:?} in {text:?}");
    if let Some(problem) = &report.problem {
        sentence::is_one(&problem.to_string());
    }
}

/// Every line that is taken is one of those that were written, in their order.
fn is_genuine(data: &[u8]) {
    let (report, taken) = verified(lines(data));
    is_told(&report);
    let genuine = ledger_base::genuine();
    let mut before: Option<Hash> = None;
    let mut entries = 0;
    for line in lines(data).take(taken).filter(|line| !is_blank(line)) {
        let line: ExportLine = serde_json::from_slice(line).unwrap();
        let written =
            genuine.get(&line.hash.to_lowercase()).unwrap_or_else(|| panic!("nobody wrote {line:?}"));
        assert_eq!((line.seq, line.at, &line.kind), (written.seq, written.at, &written.kind));
        assert_eq!((&line.request, &line.body), (&written.request, &written.body));
        for (field, text) in &line.texts {
            assert_eq!(Some(&text.text), written.texts.get(field).map(|text| &text.text));
        }
        assert!(before.is_none_or(|before| chain::link(&before, &line.stored()).as_slice() == hash(&line)));
        before = Some(hash(&line));
        entries += 1;
    }
    assert_eq!(report.entries, entries);
    assert_eq!(before.unwrap_or(report.head), report.head);
}

fn hash(line: &ExportLine) -> Hash {
    chain::unhex(&line.hash).unwrap()
}

/// A chain that holds, of entries that say anything.
fn is_read(data: &[u8]) {
    let mut previous = GENESIS;
    let mut seq = 0;
    let mut linked = Vec::new();
    for text in lines(data) {
        let Ok(mut line) = serde_json::from_slice::<ExportLine>(text) else {
            linked.push(text.to_vec());
            continue;
        };
        seq += 1;
        previous = link(&mut line, seq, &previous);
        linked.push(serde_json::to_vec(&line).unwrap());
    }
    let (report, taken) = verified(linked.iter().map(Vec::as_slice));
    is_told(&report);
    assert!(
        report.signed_up_to.is_none_or(|of| was_signed(&report, of, &linked)),
        "a forged signature holds"
    );
    for line in linked.iter().take(taken).filter(|line| !is_blank(line)) {
        let line: ExportLine = serde_json::from_slice(line).unwrap();
        let entry = verify::read(&line.stored()).unwrap();
        let text = |field: &str| line.texts.get(field).map(|text| text.text.as_str());
        let typed = Typed {
            reason: text("reason"),
            ticket: text("ticket"),
            note: text("note"),
            command: text("command"),
            commands: text("commands"),
        };
        let told = sentence(&entry, line.request.parse().ok(), typed);
        assert!(told.chars().all(is_plain), "{told:?}");
        assert!(!told.is_empty());
    }
}

/// Gives a line its place, its hash, and the hashes of the texts beside it.
fn link(line: &mut ExportLine, seq: u64, previous: &Hash) -> Hash {
    (line.seq, line.prev) = (seq, None);
    for (field, text) in &line.texts {
        let Some(salt) = chain::unhex::<16>(&text.salt) else { continue };
        let hash = chain::typed(&salt, &text.text);
        if let Ok(mut body) = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(&line.body)
            && body.get(field).is_some_and(serde_json::Value::is_string)
        {
            body.insert(field.clone(), hash.into());
            line.body = serde_json::to_string(&body).unwrap();
        }
    }
    let stored = Stored { seq, at: line.at, kind: &line.kind, request: &line.request, body: &line.body };
    let hash = chain::link(previous, &stored);
    line.hash = chain::hex(&hash);
    hash
}

/// Whether the host of the samples signed the entry before this one.
fn was_signed(report: &Report, of: u64, linked: &[Vec<u8>]) -> bool {
    let genuine = ledger_base::genuine();
    let lines = linked.iter().filter_map(|line| serde_json::from_slice::<ExportLine>(line).ok());
    report.checkpoints > 0 && lines.into_iter().any(|line| line.seq == of && genuine.contains_key(&line.hash))
}
