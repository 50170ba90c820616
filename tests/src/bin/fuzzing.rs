//! `cargo fuzzing [MINUTES] [TARGET…]`: looks for bytes that break a claim; ten minutes for each target if nothing is said.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use jit_e2e::fuzzing::{self, Report};
use jit_e2e::{Error, Result};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn run(words: &[String]) -> Result<()> {
    let (mut minutes, mut names) = (10, Vec::new());
    for word in words {
        match word.parse::<u64>() {
            Ok(number) => minutes = number,
            Err(_) => names.push(word.as_str()),
        }
    }
    let targets = fuzzing::named(&names)?;
    // Nobody may be there to read it.
    let told = |report: &Report| drop(writeln!(std::io::stdout(), "{report}"));
    let reports = fuzzing::run(&targets, Duration::from_secs(60 * minutes), &told)?;
    match reports.iter().find(|report| !report.crashes.is_empty()) {
        None => Ok(()),
        Some(Report { name, crashes, .. }) => Err(Error::Odd(format!(
            "the claim of {name} is broken: cargo run -p jit-claims --example claim {name} {} tells how",
            crashes.join(" ")
        ))),
    }
}
