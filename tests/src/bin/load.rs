//! `cargo load [GRANTS|ends] [bookworm|trixie]`: a thousand clients at once, and as many live grants as a host may have if nothing is said;
//! with `ends`, how long after their deadlines grants are verified to be off.
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

/// What is measured.
enum What {
    Load,
    Ends,
}

fn run(words: &[String]) -> Result<Verdict> {
    let (mut grants, mut release, mut what) = (load::GRANTS, Release::Bookworm, What::Load);
    for word in words {
        match (word.parse(), Release::ALL.into_iter().find(|release| release.suite() == word)) {
            (Ok(number), _) => grants = number,
            (Err(_), Some(named)) => release = named,
            (Err(_), None) if word == "ends" => what = What::Ends,
            (Err(_), None) => {
                return Err(Error::Odd(format!(
                    "{word:?} is neither a number of grants, nor \"ends\", nor a release"
                )));
            }
        }
    }
    match what {
        What::Load => load::whole(release, grants, &mut std::io::stdout()),
        What::Ends => load::ends(release, &mut std::io::stdout()),
    }
}
