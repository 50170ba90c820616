//! Those who remember groups are told that they changed: nscd and sssd, as shadow-utils tell them.

use std::path::Path;
use std::time::Duration;

use jit_common::child::{self, Ended};

use crate::paths::HostPaths;

/// How long each of them may take. The change is made by then; a cache that is not told is only stale for a while.
const LIMIT: Duration = Duration::from_secs(2);

/// What came of telling one cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The program that was run.
    pub program: &'static str,
    /// How it went.
    pub result: Result<(), String>,
}

/// Tells the caches that are there; none on most hosts.
#[must_use]
pub fn tell(paths: &HostPaths) -> Vec<Told> {
    let mut told = Vec::new();
    // nscd only when it runs: otherwise its program complains, which is no news.
    if paths.nscd.exists() && paths.nscd_socket.exists() {
        told.push(Told { program: "nscd", result: run(&paths.nscd, &["-i", "group"]) });
    }
    // sssd's cache is a file, which outlives it: it is told whether it runs or not.
    if paths.sss_cache.exists() {
        told.push(Told { program: "sss_cache", result: run(&paths.sss_cache, &["-G"]) });
    }
    told
}

fn run(program: &Path, args: &[&str]) -> Result<(), String> {
    match child::run(program, args, LIMIT) {
        Ok(Ended::Exited { status, .. }) if status.success() => Ok(()),
        Ok(Ended::Exited { status, output }) => {
            Err(format!("{} ended with {status}: {}", program.display(), output.trim()))
        }
        Ok(Ended::TimedOut { .. }) => {
            Err(format!("{} did not end within {} s", program.display(), LIMIT.as_secs()))
        }
        Err(why) => Err(format!("{} could not be run: {why}", program.display())),
    }
}
