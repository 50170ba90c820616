//! `cargo measure [PAIRS] [bookworm|trixie]`: what a group for a while costs beside `gpasswd -a`, in pairs; 60 of them if nothing
//! is said. `cargo measure pam …`: what the PAM module costs `sudo -n true`. Exits with 1 when a figure is missed.

use std::process::ExitCode;

use jit_e2e::measure::{self, Verdict};
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
    // What the program in the bed is told.
    if let [inside, numbers @ ..] = words
        && inside == "inside"
    {
        let odd = || Error::Odd(format!("{numbers:?} are not a count, a uid and a gid"));
        let numbers: Vec<u32> = numbers.iter().filter_map(|word| word.parse().ok()).collect();
        let &[pairs, uid, gid] = numbers.as_slice() else { return Err(odd()) };
        measure::pairs::inside(usize::try_from(pairs).map_err(|_| odd())?, (uid, gid))?;
        return Ok(Verdict::Met);
    }
    if let [inside, numbers @ ..] = words
        && inside == "inside-pam"
    {
        let odd = || Error::Odd(format!("{numbers:?} are not a count and three times a uid and a gid"));
        let numbers: Vec<u32> = numbers.iter().filter_map(|word| word.parse().ok()).collect();
        let &[rounds, a, b, c, d, e, f] = numbers.as_slice() else { return Err(odd()) };
        let rounds = usize::try_from(rounds).map_err(|_| odd())?;
        measure::pam::inside(rounds, [(a, b), (c, d), (e, f)])?;
        return Ok(Verdict::Met);
    }
    let (words, of_the_module) = match words {
        [first, rest @ ..] if first == "pam" => (rest, true),
        words => (words, false),
    };
    let (mut pairs, mut release) =
        (if of_the_module { measure::pam::PAIRS } else { measure::PAIRS }, Release::Bookworm);
    for word in words {
        match (word.parse(), Release::ALL.into_iter().find(|release| release.suite() == word)) {
            (Ok(number), _) => pairs = number,
            (Err(_), Some(named)) => release = named,
            (Err(_), None) => {
                return Err(Error::Odd(format!("{word:?} is neither a number of pairs nor a release")));
            }
        }
    }
    match of_the_module {
        true => measure::pam::module(release, pairs, &mut std::io::stdout()),
        false => measure::groups(release, pairs, &mut std::io::stdout()),
    }
}
