//! `cargo walk [MINUTES|full] [bookworm|trixie] [SCENARIO [POINT]]`: jitd and the guard are killed, or their disks fail, at every step of what
//! they do; ten minutes if nothing is said. SCENARIO is a part of a scenario's name: those with it are walked, and no others; POINT is how one begins, as "fsync 3".

use std::process::ExitCode;
use std::time::Duration;

use jit_e2e::walk::{Extent, Plan, told_offset, varying_offset, walk};
use jit_e2e::{Release, Result};

/// How many scenarios at once: much of each is waiting.
const AT_ONCE: usize = 3;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn run(words: &[String]) -> Result<()> {
    let mut plan = Plan {
        release: Release::Bookworm,
        extent: Extent::For(Duration::from_secs(600)),
        offset: told_offset().unwrap_or_else(varying_offset),
        at_once: AT_ONCE,
        only: None,
        point: None,
    };
    for word in words {
        match (word.parse::<u64>(), Release::ALL.into_iter().find(|release| release.suite() == word)) {
            (Ok(minutes), _) => plan.extent = Extent::For(Duration::from_secs(60 * minutes)),
            (Err(_), Some(release)) => plan.release = release,
            (Err(_), None) if word == "full" => plan.extent = Extent::All,
            (Err(_), None) if plan.only.is_none() => plan.only = Some(word.clone()),
            (Err(_), None) => plan.point = Some(word.clone()),
        }
    }
    walk(&plan, &mut std::io::stdout()).map(drop)
}
