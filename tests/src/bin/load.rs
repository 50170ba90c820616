//! `cargo load [GRANTS] [bookworm|trixie]`: a thousand clients at once, and as many live grants as a host may have if nothing is said.
//! Exits with 1 when a limit is missed.

use std::process::ExitCode;

use jit_e2e::load;
use jit_e2e::measure::Verdict;
use jit_e2e::{Error, Release, Result};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(Verdict::Met) => ExitCode::SUCCESS,
        Ok(Verdict::Missed) => ExitCode::FAILURE,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn run(words: &[String]) -> Result<Verdict> {
    let (mut grants, mut release) = (load::GRANTS, Release::Bookworm);
    for word in words {
        match (word.parse(), Release::ALL.into_iter().find(|release| release.suite() == word)) {
            (Ok(number), _) => grants = number,
            (Err(_), Some(named)) => release = named,
            (Err(_), None) => {
                return Err(Error::Odd(format!("{word:?} is neither a number of grants nor a release")));
            }
        }
    }
    load::whole(release, grants, &mut std::io::stdout())
}
