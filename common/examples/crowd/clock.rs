//! The clocks of this program.

use std::time::{Instant, SystemTime};

/// Now, for telling how long something took.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Seconds since 1970.
pub(crate) fn unix() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map(|time| time.as_secs()).unwrap_or_default()
}
