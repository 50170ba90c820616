//! Many clients of jitd at once, each as a uid of its own, and some that mean no good: for the tests of load. To be run as
//! root inside a throwaway machine.
//!
//! `crowd ask AT_A_TIME SECONDS` reads a question a line from standard input, `UID status`, `UID roles` or `UID elevate ROLE
//! UNTIL` (Unix seconds), and says of each how long its answer took and what it was. `crowd flood|deaf|mute|half UID` goes on
//! until it is killed.

mod ask;
mod clock;
mod trouble;

use std::error::Error;
use std::io::{Write as _, stderr, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

use trouble::Trouble;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(stderr(), "crowd: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Box<dyn Error>> {
    match words {
        ["ask", at_a_time, seconds] => {
            let questions =
                stdin().lines().map(|line| ask::Question::read(&line?)).collect::<Result<_, _>>()?;
            let limit = Duration::from_secs(seconds.parse()?);
            let mut out = stdout().lock();
            for heard in ask::all(questions, at_a_time.parse()?, limit)? {
                writeln!(out, "{heard}")?;
            }
            Ok(())
        }
        [what, uid] => trouble::make(Trouble::named(what).ok_or("no such trouble")?, uid.parse()?),
        _ => Err("usage: crowd ask AT_A_TIME SECONDS | crowd flood|deaf|mute|half UID".into()),
    }
}
