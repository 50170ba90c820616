//! `cargo soak [MINUTES] [bookworm|trixie]`: our group editor beside loops of the real shadow-utils; ten minutes if nothing is said.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jit_e2e::group_soak::GroupSoak;
use jit_e2e::{Error, Release, Result, RootBed};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn run(words: &[String]) -> Result<()> {
    let (mut minutes, mut release) = (10, Release::Bookworm);
    for word in words {
        match (word.parse(), Release::ALL.into_iter().find(|release| release.suite() == word)) {
            (Ok(number), _) => minutes = number,
            (Err(_), Some(named)) => release = named,
            (Err(_), None) => {
                return Err(Error::Odd(format!("{word:?} is neither a number of minutes nor a release")));
            }
        }
    }
    let bed = RootBed::bare(release)?;
    let mut soak = GroupSoak::set_up(&bed)?;
    let (start, end) = (Instant::now(), Duration::from_secs(60 * minutes));
    while start.elapsed() < end {
        soak.round(40)?;
        let line = format!("{:>4} s: {}", start.elapsed().as_secs(), soak.tally());
        // Nobody may be there to read it.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    Ok(())
}
