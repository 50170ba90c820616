//! From where on the journal is to be read: it is asked by the wall clock, which may have been set since, and what counts is its own clock,
//! which nobody sets.

use jitd_core::now::{NANOS, Now};

/// Seconds before the first line that is to be read, from which on the journal is asked.
pub(super) const BEFORE: i64 = 5;

/// In seconds of the wall clock, for what was written after this moment of the journal's clock, whose time it is now; `at` is when that was
/// by the wall clock of then.
///
/// The earlier of two: with the clock ahead then and set right since, `at` lies in the future; with the clock behind then, the lines have a
/// time that lies before the moment by the clock of now.
pub(super) fn since(read_to: i64, at: i64, journal: i64, now: &Now) -> i64 {
    let wall = now.wall.div_euclid(NANOS);
    // The journal's clock stands still in a suspend. How much of that was since then is not known: all of it, at most.
    let suspended = (now.boot / 1_000).saturating_sub(journal).max(0);
    let age = journal.saturating_sub(read_to).max(0).saturating_add(suspended);
    let by_age = wall.saturating_sub(age.div_euclid(1_000_000)).saturating_sub(1);
    by_age.min(at.div_euclid(NANOS)).saturating_sub(BEFORE).min(wall)
}

#[cfg(test)]
mod tests {
    use jitd_core::now::BootId;

    use super::*;

    const HOUR: i64 = 3_600;

    /// So many seconds of the wall clock, of the boot clock.
    fn now(wall: i64, boot: i64) -> Now {
        Now { wall: wall * NANOS, boot: boot * NANOS, boot_id: BootId("a".into()) }
    }

    /// A minute after a line was read at 1000 s of the journal's clock, that was at so many seconds by the wall clock then.
    fn since_at(at: i64, suspended: i64) -> i64 {
        let now = now(100_000, 1_060 + suspended);
        since(1_000_000_000, at * NANOS, 1_060_000_000, &now)
    }

    #[test]
    fn it_is_before_the_lines_whatever_the_wall_clock_was_then() {
        let right = 100_000 - 60;
        assert_eq!(since_at(right, 0), right - 1 - BEFORE);
        assert_eq!(since_at(right + 24 * HOUR, 0), right - 1 - BEFORE, "it was ahead");
        assert_eq!(since_at(right - HOUR, 0), right - HOUR - BEFORE, "it was behind");
        assert_eq!(since_at(right - HOUR, HOUR), right - HOUR - 1 - BEFORE, "suspended meanwhile");
        let ahead_and_suspended = since_at(right - HOUR + 24 * HOUR, HOUR);
        assert_eq!(ahead_and_suspended, right - HOUR - 1 - BEFORE);
    }

    #[test]
    fn it_is_never_in_the_future() {
        let future = 200_000 * NANOS;
        let of_another = since(i64::MAX, future, 1_060_000_000, &now(100_000, 1_060));
        assert!(of_another <= 100_000);
        assert!(since(0, i64::MAX, 0, &now(100_000, 0)) <= 100_000);
        let extremes = since(i64::MIN, i64::MIN, i64::MAX, &now(100_000, i64::MAX / NANOS));
        assert!(extremes <= 100_000);
    }
}
