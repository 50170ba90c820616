//! What time it is, as an argument: two clocks that are never mixed, and the boot they belong to.

use alloc::sync::Arc;
use core::fmt;

use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
pub const NANOS: i64 = 1_000_000_000;

/// The kernel's random id of one boot (`/proc/sys/kernel/random/boot_id`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub Arc<str>);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One reading of both clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// `CLOCK_REALTIME`, nanoseconds since 1970 in UTC. An admin or NTP may step it.
    pub wall: i64,
    /// `CLOCK_BOOTTIME`, nanoseconds since boot. It counts suspend and is never stepped.
    pub boot: i64,
    /// Which boot `boot` counts from.
    pub boot_id: BootId,
}

impl Now {
    /// The moment at which the wall clock shows `wall`, if nobody sets it.
    #[must_use]
    pub fn at_wall(&self, wall: i64) -> Self {
        let ahead = wall.saturating_sub(self.wall);
        Self { wall, boot: self.boot.saturating_add(ahead), boot_id: self.boot_id.clone() }
    }
}

/// Seconds from which on a part of a second is not missed.
const WORTH_CUTTING: u32 = 10;

/// When a grant ends: fixed in the intent record on both clocks, and whichever comes first ends it.
///
/// So stepping the wall clock back never lengthens a grant, stepping it forward may end it early, suspend
/// counts, and another boot means that it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Nanoseconds of `CLOCK_REALTIME`.
    pub wall: i64,
    /// Nanoseconds of `CLOCK_BOOTTIME`.
    pub boot: i64,
    /// The boot that `boot` counts from.
    pub boot_id: BootId,
}

impl Deadline {
    /// The deadline `seconds` after `now`, cut to a whole second of the wall clock: grants that are due in the same second
    /// are due together, and sudo's own limit, which counts whole seconds, is the same moment. Nobody has a privilege
    /// for longer than the rule permits, so it is cut and not rounded up; a grant of a few seconds is left as it is.
    #[must_use]
    pub fn after(now: &Now, seconds: u32) -> Self {
        let over = if seconds < WORTH_CUTTING { 0 } else { now.wall.rem_euclid(NANOS) };
        let length = i64::from(seconds) * NANOS - over;
        Self {
            wall: now.wall.saturating_add(length),
            boot: now.boot.saturating_add(length),
            boot_id: now.boot_id.clone(),
        }
    }

    /// The same deadline `seconds` later, on both clocks.
    #[must_use]
    pub fn later_by(&self, seconds: u32) -> Self {
        let length = i64::from(seconds) * NANOS;
        Self {
            wall: self.wall.saturating_add(length),
            boot: self.boot.saturating_add(length),
            boot_id: self.boot_id.clone(),
        }
    }

    /// What is left, in nanoseconds: zero or less when the deadline has been reached on either clock.
    #[must_use]
    pub fn left(&self, now: &Now) -> i64 {
        if self.boot_id != now.boot_id {
            return 0;
        }
        self.wall.saturating_sub(now.wall).min(self.boot.saturating_sub(now.boot))
    }

    /// Whether the deadline has been reached.
    #[must_use]
    pub fn reached(&self, now: &Now) -> bool {
        self.left(now) <= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, boot: i64, id: &str) -> Now {
        Now { wall: wall * NANOS, boot: boot * NANOS, boot_id: BootId(id.into()) }
    }

    #[test]
    fn what_is_due_in_one_second_is_due_together() {
        let asked = |wall, boot| Now { wall, boot, boot_id: BootId("a".into()) };
        let early = Deadline::after(&asked(1_000 * NANOS + 1, 50 * NANOS), 60);
        let late = Deadline::after(&asked(1_000 * NANOS + 900_000_000, 50 * NANOS + 899_999_999), 60);
        assert_eq!(early.wall, 1_060 * NANOS);
        assert_eq!(early, late);
        let whole = Deadline::after(&at(1_001, 51, "a"), 60);
        assert_eq!(whole.wall, 1_061 * NANOS, "a whole second is not cut");
        let short = Deadline::after(&asked(1_000 * NANOS + 900_000_000, 0), 1);
        assert_eq!(short.wall, 1_001 * NANOS + 900_000_000, "a second stays a second");
    }

    #[test]
    fn whichever_clock_is_first_ends_it() {
        let until = Deadline::after(&at(1000, 50, "a"), 60);
        assert!(!until.reached(&at(1059, 109, "a")));
        assert!(until.reached(&at(1059, 110, "a")), "boot clock");
        assert!(until.reached(&at(1060, 51, "a")), "wall clock stepped forward");
        assert!(until.reached(&at(0, 110, "a")), "wall clock stepped back does not lengthen");
        assert!(until.reached(&at(1001, 1, "b")), "another boot");
    }

    #[test]
    fn with_a_wall_clock_that_is_decades_off_a_grant_keeps_its_length_and_gets_no_more() {
        let year = 365 * 86_400 * NANOS;
        let today = 57 * year;
        let clocks = [i64::MIN, -today, 0, 1, today - 50 * year, today, today + 90 * year, i64::MAX];
        for given in clocks {
            let now = |wall, boot: i64| Now { wall, boot: boot * NANOS, boot_id: BootId("a".into()) };
            let until = Deadline::after(&now(given, 50), 60);
            let left = until.left(&now(given, 50));
            // At the very end of time there is none left to give.
            assert!(left <= 60 * NANOS && (left > 58 * NANOS || given == i64::MAX), "{given}: {left}");
            for later in clocks {
                assert!(until.reached(&now(later, 110)), "given at {given}, over at {later}");
                assert!(until.left(&now(later, 50)) <= 60 * NANOS, "given at {given}, seen at {later}");
            }
        }
    }
}
