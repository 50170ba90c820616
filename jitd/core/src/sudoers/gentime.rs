//! Unix seconds in the form that sudoers takes: generalized time (RFC 4517, section 3.3.13), always in UTC.

use core::fmt;

/// The last second of the year 9999, after which there are not four digits for the year.
const LATEST: i64 = 253_402_300_799;

/// Shows `20261122143200Z`. The `Z` is what makes it safe: without it the caller's `TZ` moves the time by up to a day
/// (CVE-2026-96512).
pub(super) struct GeneralizedTime(pub(super) i64);

impl fmt::Display for GeneralizedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.clamp(0, LATEST);
        let (year, month, day) = civil_from_days(seconds / 86_400);
        let (hour, minute, second) = (seconds % 86_400 / 3_600, seconds % 3_600 / 60, seconds % 60);
        write!(f, "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z")
    }
}

/// Days since 1970-01-01 as year, month, day, for days from then on (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms"): eras of 400 years, and years that begin in March, so that a leap day is the last of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + days / 146_097 * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn known_times_come_out_right() {
        for (seconds, shown) in [
            (0, "19700101000000Z"),
            (951_782_399, "20000228235959Z"),
            (951_782_400, "20000229000000Z"),
            (1_795_357_920, "20261122143200Z"),
            (4_102_444_799, "20991231235959Z"),
            (4_107_542_400, "21000301000000Z"),
            (LATEST, "99991231235959Z"),
        ] {
            assert_eq!(GeneralizedTime(seconds).to_string(), shown);
        }
    }

    #[test]
    fn what_has_no_four_digit_year_is_held_at_the_edge() {
        assert_eq!(GeneralizedTime(-1).to_string(), "19700101000000Z");
        assert_eq!(GeneralizedTime(i64::MIN).to_string(), "19700101000000Z");
        assert_eq!(GeneralizedTime(i64::MAX).to_string(), "99991231235959Z");
    }
}
