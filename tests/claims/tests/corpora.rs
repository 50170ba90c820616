//! Every claim holds for all bytes that are kept in `tests/fuzz`: what fuzzing started from and found worth keeping, and each that
//! once broke a claim.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use jit_claims::{CLAIMS, Claim};

/// What a corpus may weigh, so that it stays one that people can look through.
const MOST_FILES: usize = 300;
const MOST_BYTES: usize = 1024 * 1024;

fn folder(kind: &str, claim: &Claim) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(kind).join(claim.name)
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// On a stack as the first thread of a program has it: without optimisation a policy nested as deep as may be takes more than the
/// two mebibytes of a test's.
fn replay(name: &'static str) {
    let all = std::thread::Builder::new().stack_size(8 << 20).spawn(|| replay_all(name)).unwrap();
    assert!(all.join().is_ok(), "see above");
}

fn replay_all(name: &str) {
    let claim = CLAIMS.into_iter().find(|claim| claim.name == name).unwrap();
    let corpus = files(&folder("corpus", &claim));
    assert!(corpus.len() > 5, "the corpus of {name} is not there");
    assert!(corpus.len() <= MOST_FILES, "{} files for {name}: run cargo fuzz cmin", corpus.len());
    let weight: usize = corpus.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(weight <= MOST_BYTES, "{weight} bytes for {name}: run cargo fuzz cmin");
    let mut broken = Vec::new();
    for (path, bytes) in corpus.into_iter().chain(files(&folder("findings", &claim))) {
        if catch_unwind(|| (claim.holds)(&bytes)).is_err() {
            broken.push(path.display().to_string());
        }
    }
    assert!(broken.is_empty(), "the claim {name} is broken by\n  {}", broken.join("\n  "));
}

#[test]
fn frames_are_read_or_refused_and_cost_no_memory() {
    replay("frame");
}

#[test]
fn messages_are_read_or_refused_and_answers_fit_into_frames() {
    replay("request");
}

#[test]
fn policies_are_read_or_refused_in_sentences_and_decide_as_the_document_says() {
    replay("policy");
}

#[test]
fn group_files_come_out_as_the_plainest_editor_would_leave_them() {
    replay("group_file");
}

#[test]
fn sudo_reads_back_what_a_role_is_made_of() {
    replay("sudoers");
}

#[test]
fn no_ledger_is_opened_with_entries_that_nobody_wrote() {
    replay("ledger");
}

#[test]
fn no_export_is_called_whole_that_nobody_wrote() {
    replay("export");
}

#[test]
fn the_guard_takes_off_what_has_to_go_and_nothing_else() {
    replay("guard");
}

#[test]
fn sudos_log_is_read_as_what_it_says_and_no_line_of_it_looks_like_two() {
    replay("sudo_log");
}

#[test]
fn every_claim_has_a_target_and_every_target_a_claim() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let mut found: Vec<String> = fs::read_dir(targets)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut claimed = CLAIMS.map(|claim| claim.name.to_owned());
    found.sort();
    claimed.sort();
    assert_eq!(found, claimed);
}
