//! Times of the wall clock as text in UTC (RFC 3339). Local times are the client's business: this crate knows no zone.

use alloc::format;
use alloc::string::String;

use crate::now::NANOS;

const SECONDS_A_DAY: i64 = 86_400;

/// `2026-11-22T14:32:00Z`, from nanoseconds since 1970 in UTC; parts of a second are cut off.
#[must_use]
pub fn rfc3339(nanos: i64) -> String {
    let seconds = nanos.div_euclid(NANOS);
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_A_DAY));
    let second = seconds.rem_euclid(SECONDS_A_DAY);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// The arithmetic is that of Howard Hinnant's `civil_from_days`: years begin in March there, so that the leap day is
/// the last day of its year, and 400 years are one era of always the same length.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_from_march + 2) / 5 + 1;
    let month = if months_from_march < 10 { months_from_march + 3 } else { months_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_come_out_right() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_795_357_920, "2026-11-22T14:32:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds * NANOS), text, "{seconds}");
        }
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339(i64::MAX), "2262-04-11T23:47:16Z");
        assert_eq!(rfc3339(i64::MIN), "1677-09-21T00:12:43Z");
    }

    #[test]
    fn the_days_of_two_centuries_follow_one_another() {
        let mut last = civil(-36_525);
        for days in -36_524..=36_525 {
            let (year, month, day) = civil(days);
            let next_day = (last.0, last.1, last.2 + 1);
            let next_month = (last.0, last.1 + 1, 1);
            let next_year = (last.0 + 1, 1, 1);
            assert!([next_day, next_month, next_year].contains(&(year, month, day)), "{days}");
            assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            last = (year, month, day);
        }
    }
}
