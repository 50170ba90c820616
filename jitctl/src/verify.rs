//! `log verify`: an export is checked here, without jitd and without trust in the host it came from.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use ed25519_dalek::{Signature, VerifyingKey};
use jitd_core::record::chain;
use jitd_core::record::verify::{Report, Verifier};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{AnswerJson, VerifiedJson};
use crate::output::Output;
use crate::show::page::Ink;
use crate::show::{Page, Text};

/// Checks the export in `file`, and that `key` signed it when one is given.
pub(crate) fn verify(file: &Path, key: Option<&str>, output: &Output) -> Result<Exit, Failure> {
    if key.is_some_and(|key| chain::unhex::<32>(key).is_none()) {
        return Err(Failure::usage(
            "--key takes the public host key itself, 64 hexadecimal digits, and no file: --key \"$(cat host.key.pub)\"",
        ));
    }
    let report = if file == Path::new("-") {
        read(io::stdin().lock(), file)?
    } else {
        let opened = File::open(file).map_err(|source| Failure::Read { path: file.to_owned(), source })?;
        read(BufReader::new(opened), file)?
    };
    let problems = problems(&report, key);
    let exit = if problems.is_empty() { Exit::Done } else { Exit::Failed };
    let page = page(&report, &problems);
    output.answer(&page, &AnswerJson::Verified(json(&report, problems)))?;
    Ok(exit)
}

fn read(lines: impl BufRead, path: &Path) -> Result<Report, Failure> {
    let mut verifier = Verifier::new(signed);
    for line in lines.split(b'\n') {
        let line = line.map_err(|source| Failure::Read { path: path.to_owned(), source })?;
        // What is not UTF-8 becomes a line whose hash cannot match.
        verifier.line(&String::from_utf8_lossy(&line));
    }
    Ok(verifier.report().clone())
}

/// Ed25519 (RFC 8032), without the signatures that more than one key or text would fit (`verify_strict`).
fn signed(key: &[u8; 32], text: &[u8], signature: &[u8; 64]) -> bool {
    let signature = Signature::from_bytes(signature);
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(text, &signature).is_ok())
}

/// Why the export cannot be relied on; empty when it can.
fn problems(report: &Report, key: Option<&str>) -> Vec<String> {
    let mut problems: Vec<String> =
        report.problem.iter().map(|problem| format!("broken at {problem}")).collect();
    if problems.is_empty() && report.entries == 0 {
        problems.push("there is no entry in it".to_owned());
    }
    if let Some(key) = key.map(str::to_lowercase) {
        problems.extend(
            report
                .host_keys
                .iter()
                .filter(|signer| **signer != key)
                .map(|signer| format!("another key has signed it: {signer}")),
        );
        if !report.host_keys.contains(&key) {
            problems.push("no checkpoint in it is signed by the key you gave".to_owned());
        }
    }
    problems
}

fn page(report: &Report, problems: &[String]) -> Page {
    let mut page = Page::default();
    let verdict = Text::default();
    page.line(
        0,
        match problems {
            [] => verdict.then(Ink::Good, "verified"),
            _ => verdict.then(Ink::Bad, "NOT verified"),
        },
    );
    for problem in problems {
        page.line(2, Text::default().then(Ink::Bad, problem));
    }
    let facts = Report { problem: None, ..report.clone() };
    for line in facts.to_string().lines() {
        page.line(2, Text::of(line));
    }
    page
}

fn json(report: &Report, problems: Vec<String>) -> VerifiedJson {
    VerifiedJson {
        first: report.first,
        last: report.last,
        entries: report.entries,
        before: chain::hex(&report.before),
        head: chain::hex(&report.head),
        texts: report.texts,
        erased: report.erased,
        checkpoints: report.checkpoints,
        signed_up_to: report.signed_up_to,
        host_keys: report.host_keys.iter().cloned().collect(),
        problems,
    }
}
