//! jitd under load: many clients at once, with some that mean no good among them, and as many live grants as a host may have.
//!
//! The clients are one program inside the bed, which takes the uid of each for the moment of its connection and holds all of the
//! connections itself ([`crate::workspace::example`] `crowd` of jit-common). So what is measured is jitd, and not the start of a
//! thousand processes. Memory and descriptors are read from the process table; when a grant is off is seen by a look at sudo's
//! file, whatever jitd says of it.

mod crowd;
mod ends;
mod figures;
mod held;
mod host;
mod record;
mod watch;

use std::io::Write;
use std::time::Duration;

use crate::measure::Verdict;
use crate::{Error, Release, Result, RootBed};

pub use crowd::Crowd;
pub use figures::Times;
pub use held::{Held, Sudo};
use host::Host;

/// Clients at once.
pub const CLIENTS: u32 = 1000;

/// As many live grants as a host may have.
pub const GRANTS: u32 = 10_000;

/// Seconds from the first of those to the end of all of them, with a release build.
const SECONDS: u64 = 120;

/// What jitd may take, in KiB.
const MEMORY: u64 = 64 * 1024;

/// How late an end may be.
const LATE: Duration = Duration::from_secs(1);

/// So many clients at once on this bed, which has the product.
///
/// # Errors
/// When the bed does not do as it should. What jitd misses is no error: see [`Crowd::missed`].
pub fn crowd(bed: RootBed, clients: u32) -> Result<Crowd> {
    crowd::load(&Host::set_up(bed, clients + crowd::DUE)?, clients)
}

/// So many live grants on this bed, which has the product, all due `seconds` after the first was asked for.
///
/// # Errors
/// As [`crowd()`].
pub fn held(bed: RootBed, grants: u32, seconds: u64, sudo: Sudo) -> Result<Held> {
    held::load(&Host::set_up(bed, grants.div_ceil(host::ROLES))?, grants, seconds, sudo)
}

/// How long after its deadline a grant is verified to be off; tells `out`, a line for each figure.
///
/// # Errors
/// When there can be no such bed, or it does not do as it should.
pub fn ends(release: Release, out: &mut impl Write) -> Result<Verdict> {
    tell(out, &format!("{release}, from the deadline to the end"))?;
    ends::ends(release, |line| tell(out, &format!("  {line}")))?;
    Ok(Verdict::Met)
}

/// The whole load on this release; tells `out`, a line for each figure.
///
/// # Errors
/// When there can be no such bed, or it does not do as it should.
pub fn whole(release: Release, grants: u32, out: &mut impl Write) -> Result<Verdict> {
    tell(out, &format!("{release}, {CLIENTS} clients at once"))?;
    let crowd = crowd(RootBed::with_product_on_disk(release)?, CLIENTS)?;
    tell_all(out, &crowd.lines())?;
    tell(out, &format!("{release}, {grants} live grants"))?;
    let held = held(RootBed::with_product_on_disk(release)?, grants, SECONDS, Sudo::AskedBefore)?;
    tell_all(out, &held.lines())?;
    let missed: Vec<String> = crowd.missed().into_iter().chain(held.missed()).collect();
    for what in &missed {
        tell(out, &format!("MISSED: {what}"))?;
    }
    Ok(if missed.is_empty() { Verdict::Met } else { Verdict::Missed })
}

fn tell_all(out: &mut impl Write, lines: &[String]) -> Result<()> {
    lines.iter().try_for_each(|line| tell(out, &format!("  {line}")))
}

fn tell(out: &mut impl Write, line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(Error::io("print a figure"))
}
