//! Exports: what a ledger exports verifies, elsewhere and without jitd.

use std::io::Write;
use std::process::{Command, Stdio};

use jitd_core::record::chain;
use jitd_core::record::verify::{Fault, Report, Verifier};

use super::super::{Purpose, Row, signature_holds};
use super::{TempDir, WAITING, child, one_of_each, open};

fn exported() -> (Vec<Row>, Vec<String>) {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    ledger.append(&one_of_each(), Purpose::Raise).unwrap();
    let rows = ledger.rows_after(0, 100).unwrap();
    let lines = rows.iter().map(|row| serde_json::to_string(&row.export(None)).unwrap()).collect();
    (rows, lines)
}

fn verify(lines: &[String]) -> Report {
    let mut verifier = Verifier::new(signature_holds);
    lines.iter().for_each(|line| verifier.line(line));
    verifier.report().clone()
}

#[test]
fn an_export_of_a_whole_ledger_verifies() {
    let (rows, lines) = exported();
    let report = verify(&lines);
    assert_eq!(report.problem, None);
    assert_eq!((report.first, report.entries, report.last), (Some(1), 19, 19));
    assert_eq!(report.head, rows[18].hash);
    assert_eq!((report.texts, report.erased, report.checkpoints), (6, 0, 1));
    assert!(report.to_string().contains("entries 1 to 19 are unbroken"));
}

#[test]
fn an_export_may_begin_in_the_middle_and_says_behind_what() {
    let (rows, mut lines) = exported();
    assert_eq!(verify(&lines[4..]).problem.unwrap().fault, Fault::NoBeginning);
    lines[4] = serde_json::to_string(&rows[4].export(Some(&rows[3].hash))).unwrap();
    let report = verify(&lines[4..]);
    assert_eq!((report.problem, report.before), (None, rows[3].hash));
    assert_eq!((report.first, report.entries), (Some(5), 15));
    assert!(verify(&lines).problem.is_none(), "the same line in a whole export");
    lines[4] = serde_json::to_string(&rows[4].export(Some(&rows[2].hash))).unwrap();
    assert_eq!(verify(&lines[4..]).problem.unwrap().fault, Fault::Hash);
    assert_eq!(verify(&lines).problem.unwrap().seq, 5);
}

#[test]
fn a_forged_signature_is_found() {
    let (_, mut lines) = exported();
    let index = lines.iter().position(|line| line.contains("\"kind\":\"checkpoint\"")).unwrap();
    let mut verifier = Verifier::new(|_: &[u8; 32], _: &[u8], _: &[u8; 64]| false);
    lines.iter().for_each(|line| verifier.line(line));
    assert_eq!(verifier.report().problem.as_ref().unwrap().fault, Fault::Signature);
    lines.truncate(index);
    assert_eq!(verify(&lines).problem, None);
}

/// The program in docs/ledger-format.md.
fn documented_verifier() -> String {
    let page = include_str!("../../../../docs/ledger-format.md");
    let (_, rest) = page.split_once("```python\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn python(export: &str) -> std::process::Output {
    let mut python = Command::new("python3")
        .args(["-c", &documented_verifier()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(export.as_bytes()).unwrap();
    python.wait_with_output().unwrap()
}

#[test]
fn the_documented_program_verifies_the_same_export() {
    if !child::has("python3") {
        return child::not_tested("the program in docs/ledger-format.md, for there is no python3");
    }
    let (rows, lines) = exported();
    let done = python(&lines.join("\n"));
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("19 entries") && said.contains(&chain::hex(&rows[18].hash)), "{said}");
    for (from, to) in
        [("alice", "carol"), ("INC-42 nginx stuck", "INC-43 nginx stuck"), ("\"seq\":5", "\"seq\":6")]
    {
        let done = python(&lines.join("\n").replace(from, to));
        assert!(!done.status.success(), "{from} became {to} and was not noticed");
    }
}

#[test]
fn the_documented_program_holds_the_notes_of_approvers_against_their_hashes() {
    if !child::has("python3") {
        return child::not_tested("the program in docs/ledger-format.md, for there is no python3");
    }
    let done = python(WAITING);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for (from, to) in [("fine with me", "fine with us"), ("not tonight", "tonight")] {
        let done = python(&WAITING.replace(from, to));
        assert!(!done.status.success(), "{from} became {to} and was not noticed");
    }
}

/// Ledgers of every version that was ever released have to be read for ever. These are of the first one, and of the
/// first that knew requests that wait.
#[test]
fn ledgers_of_old_still_verify() {
    let first = include_str!("../../../core/src/record/ledger-1.jsonl");
    for (export, entries, checkpoints) in [(first, 19, 1), (WAITING, 22, 0)] {
        let report = verify(&export.lines().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!((report.problem, report.entries, report.checkpoints), (None, entries, checkpoints));
    }
}
