//! What a group for a while costs beside a group for good: `jitctl elevate` and `gpasswd -a` in turn, on one bed.
//!
//! Both are whole processes, from right before they are started to right after they were waited for, started the same way by a
//! program inside the bed ([`pairs`]). What undoes them is not timed, and nothing is timed before jitd is at rest. The bed's
//! files lie on a disk, so that a sync costs what it costs; `/run` and `/tmp` lie in memory, as on a real host.

pub mod figures;
mod host;
pub mod pairs;
pub mod pam;
mod syncs;

use std::io::Write;

use crate::{Error, Release, Result};

use figures::{Figures, Target};

/// Pairs that are timed for each length of the group file if nothing is said.
pub const PAIRS: usize = 60;

/// The most syncs before the answer.
const SYNCS: usize = 4;

/// Each length of the group file, in lines, with the ratio to reach.
const LENGTHS: [(usize, Target); 3] =
    [(50, Target { at_most: 0.45 }), (10_000, Target { at_most: 0.15 }), (100_000, Target { at_most: 0.10 })];

/// Whether everything that was to be reached was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It was.
    Met,
    /// Something was not.
    Missed,
}

/// Measures on this release and tells `out`, a line for each figure.
///
/// # Errors
/// When there can be no such bed, or a program fails that is to be timed.
pub fn groups(release: Release, pairs: usize, out: &mut impl Write) -> Result<Verdict> {
    let mut verdict = Verdict::Met;
    tell(out, &format!("{release}, {pairs} pairs each, load {}", load()))?;
    for (lines, target) in LENGTHS {
        let host = host::Host::set_up(release, lines)?;
        let figures = Figures::of(&host.pairs(pairs)?)?;
        let syncs = host.syncs()?;
        let met = figures.ratio <= target.at_most;
        if !met || syncs > SYNCS {
            verdict = Verdict::Missed;
        }
        tell(out, &format!("{lines:>7} lines: {figures}, to reach {:.2}: {}", target.at_most, word(met)))?;
        let of = format!("{syncs} syncs before the answer, to reach {SYNCS}");
        tell(out, &format!("{lines:>7} lines: {of}: {}", word(syncs <= SYNCS)))?;
    }
    tell(out, &format!("load {}", load()))?;
    Ok(verdict)
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn tell(out: &mut impl Write, line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(Error::io("print a figure"))
}

/// The load of this machine, as uptime(1) has it: others who work on it spoil the figures.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}
