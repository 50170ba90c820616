//! Which seeds are run: fixed ones in every `cargo test`, one to look at a failure again, or new ones for as long as is asked for.
//!
//! - `JIT_SIM_SEED=N` runs that seed alone: the same events, and the same failure.
//! - `JIT_SIM_SECONDS=N` runs new seeds for so long, from `JIT_SIM_FIRST` on or from the time of day.
//! - `JIT_SIM_SEEDS=N` runs so many.

use std::env;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Steps of one run.
pub(crate) const STEPS: u64 = 2_500;

/// Runs of every `cargo test`.
pub(crate) const FIXED: u64 = 72;

/// Where the fixed seeds begin.
const FIRST: u64 = 1;

/// Which seeds.
pub(crate) struct Seeds {
    next: u64,
    left: u64,
    until: Option<Instant>,
    /// Whether these are the fixed ones, of which is known how much happens in them.
    pub(crate) fixed: bool,
}

impl Seeds {
    /// As the environment says.
    pub(crate) fn asked_for() -> Self {
        let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let of_the_day = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        let first = number("JIT_SIM_FIRST").unwrap_or(of_the_day << 16);
        let (seed, seconds, seeds) =
            (number("JIT_SIM_SEED"), number("JIT_SIM_SECONDS"), number("JIT_SIM_SEEDS"));
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        match (seed, seeds, until) {
            (Some(seed), _, _) => Self { next: seed, left: 1, until: None, fixed: false },
            (None, None, None) => Self { next: FIRST, left: FIXED, until: None, fixed: true },
            (None, left, until) => Self { next: first, left: left.unwrap_or(u64::MAX), until, fixed: false },
        }
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.left == 0 || self.until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        self.left -= 1;
        self.next += 1;
        Some(self.next - 1)
    }
}
