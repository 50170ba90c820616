//! The file of JSON lines: an export that verifies, through crashes, full disks and rotation.

use jitd_core::record::verify::{Fault, Report, Verifier};

use super::super::{JsonFile, Sink};
use super::{TempDir, rows, waiting_rows};
use crate::ledger::signature_holds;

fn verify(text: &str) -> Report {
    let mut verifier = Verifier::new(signature_holds);
    text.lines().for_each(|line| verifier.line(line));
    verifier.report().clone()
}

#[test]
fn the_file_verifies_as_an_export_even_after_a_crash() {
    let dir = TempDir::new();
    let path = dir.join("log").join("events.jsonl");
    let rows = rows();
    let mut sink = JsonFile::new(&path);
    rows[..9].iter().for_each(|row| sink.send(row).unwrap());
    drop(sink);
    // Half a line, and a cursor that was saved before the last few entries.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"seq\":10,\"at\":1795");
    std::fs::write(&path, &text).unwrap();
    let mut sink = JsonFile::new(&path);
    rows[6..].iter().for_each(|row| sink.send(row).unwrap());
    let report = verify(&std::fs::read_to_string(&path).unwrap());
    assert_eq!((report.problem, report.entries), (None, 19));
}

#[test]
fn a_file_that_was_moved_away_is_followed_by_a_new_one_that_verifies_too() {
    let dir = TempDir::new();
    let path = dir.join("events.jsonl");
    let rows = rows();
    let mut sink = JsonFile::new(&path);
    rows[..9].iter().for_each(|row| sink.send(row).unwrap());
    std::fs::rename(&path, dir.join("events.jsonl.1")).unwrap();
    rows[9..].iter().for_each(|row| sink.send(row).unwrap());
    let report = verify(&std::fs::read_to_string(&path).unwrap());
    assert_eq!((report.problem, report.first, report.entries), (None, Some(10), 10));
    assert_eq!(report.before, rows[8].hash);
    assert_eq!(verify(&std::fs::read_to_string(dir.join("events.jsonl.1")).unwrap()).entries, 9);
}

#[test]
fn approvals_and_denials_verify_in_the_file_with_their_notes() {
    let dir = TempDir::new();
    let path = dir.join("events.jsonl");
    let mut sink = JsonFile::new(&path);
    waiting_rows().iter().for_each(|row| sink.send(row).unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, crate::ledger::tests::WAITING, "the file is an export");
    let report = verify(&text);
    assert_eq!((report.problem, report.entries, report.texts), (None, 22, 6));
    for (from, to) in [("fine with me", "fine with us"), ("not tonight", "tonight")] {
        let fault = verify(&text.replace(from, to)).problem.unwrap().fault;
        assert_eq!(fault, Fault::Text("note".to_owned()), "{from}");
    }
}
