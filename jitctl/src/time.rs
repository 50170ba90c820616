//! What time it is, and how times are shown and read. The only file of jitctl that asks the clock.

use std::env;
use std::fs;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use jit_common::duration::GrantDuration;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The present moment, read once for a whole answer, and the person's time zone.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    now: Timestamp,
    zone: TimeZone,
}

/// A point in time that could not be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the time {0:?} is not understood: write it like 2h, today, 14:00, 2026-11-22, 2026-11-22T10:00 or 2026-11-22T10:00:00Z"
)]
pub(crate) struct NotATime(String);

/// A time to begin at that cannot be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAStart {
    /// It could not be read.
    #[error(
        "the start {0:?} is not understood: write it like 14:30 (the next such time), \"2026-11-23 08:00\" or 2026-11-23T08:00:00Z"
    )]
    Unclear(String),
    /// It lies behind.
    #[error(
        "the start {typed:?} is over, for it is {now} now: name a time to come, or leave --at away to begin at once"
    )]
    Over {
        /// As it was typed.
        typed: String,
        /// The present, in the person's zone.
        now: String,
    },
}

/// The zone of this process, as tzset(3) finds it. Without a TZ it is the file that localtime(5) names; jiff would list all zones
/// there are, in a hundred directories, to find the name of this one.
fn zone() -> TimeZone {
    let of_host = || TimeZone::tzif("Local", &fs::read("/etc/localtime").ok()?).ok();
    match env::var_os("TZ") {
        Some(_) => TimeZone::system(),
        None => of_host().unwrap_or_else(TimeZone::system),
    }
}

impl Clock {
    /// Reads the clock and the zone of this process.
    pub(crate) fn read() -> Self {
        Self { now: Timestamp::now(), zone: zone() }
    }

    #[cfg(test)]
    pub(crate) fn fixed(at: &str, zone: TimeZone) -> Self {
        Self { now: at.parse().unwrap_or_default(), zone }
    }

    /// The present in nanoseconds since 1970.
    #[cfg(test)]
    pub(crate) fn nanos(&self) -> i64 {
        nanos(self.now)
    }

    fn local(&self, at: i64) -> Zoned {
        timestamp(at).to_zoned(self.zone.clone())
    }

    /// `14:32` for today, `2026-11-23 14:32` for any other day.
    pub(crate) fn short(&self, at: i64) -> String {
        let local = self.local(at);
        let today = self.now.to_zoned(self.zone.clone()).date();
        let format = if local.date() == today { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        local.strftime(format).to_string()
    }

    /// `14:32 (in 30 min)`, for something that begins at `at`.
    pub(crate) fn coming(&self, at: i64) -> String {
        self.end(at, at.saturating_sub(nanos(self.now)))
    }

    /// `2026-11-22 14:32:07`, as lines of the record begin.
    pub(crate) fn stamp(&self, at: i64) -> String {
        self.local(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The name of the zone that times are shown in, as `CET`.
    pub(crate) fn zone(&self) -> String {
        self.now.to_zoned(self.zone.clone()).strftime("%Z").to_string()
    }

    /// `14:32 (in 30 min)` or `14:32:07 (in 45 s)`, for something that ends at `at` on the wall clock, or in `left` if that is sooner.
    ///
    /// A grant has a deadline on two clocks. When the wall clock was set back, what is left is the truth.
    pub(crate) fn end(&self, at: i64, left: i64) -> String {
        let by_left = nanos(self.now).saturating_add(left);
        // A moment passes between jitd's reading of the clock and ours: the two differ by that much anyway.
        let end = if by_left < at.saturating_sub(2 * SECOND) { by_left } else { at };
        // A minute is too coarse for a grant of seconds.
        let shown = match left < 2 * MINUTE {
            true => self.local(end).strftime("%H:%M:%S").to_string(),
            false => self.short(end),
        };
        format!("{shown} ({})", ahead(left))
    }

    /// `14:32 (8 min ago)`.
    pub(crate) fn past(&self, at: i64) -> String {
        match nanos(self.now).saturating_sub(at) {
            ago if ago < SECOND => format!("{} (just now)", self.short(at)),
            ago => format!("{} ({} ago)", self.short(at), length(ago)),
        }
    }

    /// Reads what `--since` takes: a length of time ago, a time of today, a day, or a full date and time.
    pub(crate) fn since(&self, text: &str) -> Result<i64, NotATime> {
        let text = text.trim();
        let wrong = || NotATime(text.to_owned());
        let today = self.now.to_zoned(self.zone.clone()).date();
        if let Ok(ago) = text.parse::<GrantDuration>() {
            return Ok(nanos(self.now).saturating_sub(i64::from(ago.as_secs()) * SECOND));
        }
        let date_time = match text {
            "now" => return Ok(nanos(self.now)),
            "today" => today.at(0, 0, 0, 0),
            "yesterday" => today.yesterday().map_err(|_| wrong())?.at(0, 0, 0, 0),
            text => match text.parse::<Timestamp>() {
                Ok(exact) => return Ok(nanos(exact)),
                Err(_) => civil(text, today).ok_or_else(wrong)?,
            },
        };
        date_time.to_zoned(self.zone.clone()).map(|at| nanos(at.timestamp())).map_err(|_| wrong())
    }
}

impl Clock {
    /// Reads the time something shall begin at, in nanoseconds since 1970: a time alone is the next such time.
    pub(crate) fn to_come(&self, text: &str) -> Result<i64, NotAStart> {
        let unclear = || NotAStart::Unclear(text.to_owned());
        let today = self.now.to_zoned(self.zone.clone()).date();
        let local =
            |at: DateTime| at.to_zoned(self.zone.clone()).map(|at| at.timestamp()).map_err(|_| unclear());
        let at = match (text.parse::<Timestamp>(), time_alone(text)) {
            (Ok(exact), _) => exact,
            (Err(_), Some(time)) => {
                let next = local(today.to_datetime(time))?;
                if next > self.now {
                    next
                } else {
                    local(today.tomorrow().map_err(|_| unclear())?.to_datetime(time))?
                }
            }
            (Err(_), None) => local(civil(text, today).ok_or_else(unclear)?)?,
        };
        if at <= self.now {
            let now = self.local(nanos(self.now)).strftime("%Y-%m-%d %H:%M").to_string();
            return Err(NotAStart::Over { typed: text.to_owned(), now });
        }
        Ok(nanos(at))
    }
}

/// `14:30` or `14:30:15`, and nothing with a date.
fn time_alone(text: &str) -> Option<Time> {
    if text.contains(':') && !text.contains('-') { text.parse().ok() } else { None }
}

/// A date with a time, a date alone (its midnight), or a time alone (of today).
fn civil(text: &str, today: Date) -> Option<DateTime> {
    time_alone(text).map(|time| today.to_datetime(time)).or_else(|| text.parse::<DateTime>().ok())
}

/// `2026-11-22T13:32:00Z`: RFC 3339 in UTC, with as many digits of a second as there are.
pub(crate) fn rfc3339(at: i64) -> String {
    timestamp(at).to_string()
}

/// Whole seconds of `nanos`, rounded up, so that "0" is said only when it is over.
pub(crate) fn seconds(nanos: i64) -> i64 {
    nanos.div_euclid(SECOND) + i64::from(nanos.rem_euclid(SECOND) > 0)
}

/// Unix seconds as nanoseconds.
pub(crate) fn from_unix(seconds: i64) -> i64 {
    seconds.saturating_mul(SECOND)
}

/// Whole seconds as nanoseconds.
pub(crate) fn nanos_of(seconds: u32) -> i64 {
    i64::from(seconds) * SECOND
}

/// `in 30 min`, or `over`.
fn ahead(left: i64) -> String {
    if left <= 0 { "over".to_owned() } else { format!("in {}", length(left)) }
}

/// A length of time in at most two units, rounded to the smaller one: `45 s`, `30 min`, `1 h 5 min`, `2 d 3 h`.
pub(crate) fn length(nanos: i64) -> String {
    let nanos = nanos.max(0);
    let round = |unit: i64| nanos.saturating_add(unit / 2) / unit;
    let two = |count: i64, per: i64, large: &str, small: &str| match count % per {
        0 => format!("{} {large}", count / per),
        rest => format!("{} {large} {rest} {small}", count / per),
    };
    if nanos < 90 * SECOND - SECOND / 2 {
        format!("{} s", round(SECOND))
    } else if nanos < HOUR - MINUTE / 2 {
        format!("{} min", round(MINUTE))
    } else if nanos < DAY - MINUTE / 2 {
        two(round(MINUTE), 60, "h", "min")
    } else {
        two(round(HOUR), 24, "d", "h")
    }
}

/// Nanoseconds that are left, as a length; nothing for those below zero.
pub(crate) fn span(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

/// A length of time that somebody typed for `--timeout`.
pub(crate) fn patience(duration: GrantDuration) -> Duration {
    Duration::from_secs(u64::from(duration.as_secs()))
}

fn timestamp(at: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_nanos(at)).unwrap_or_default()
}

/// Nanoseconds since 1970; the ends of what 64 bits hold for times beyond the years 1677 and 2262.
fn nanos(at: Timestamp) -> i64 {
    let bound = if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
    i64::try_from(at.as_nanosecond()).unwrap_or(bound)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    fn clock() -> Clock {
        Clock::fixed("2026-11-22T13:02:00Z", TimeZone::fixed(jiff::tz::offset(1)))
    }

    #[test]
    fn today_is_a_time_and_another_day_has_its_date() {
        let clock = clock();
        assert_eq!(clock.end(clock.nanos() + 30 * MINUTE, 30 * MINUTE - 7), "14:32 (in 30 min)");
        assert_eq!(clock.end(clock.nanos() + 5 * SECOND, 5 * SECOND - 7), "14:02:05 (in 5 s)");
        assert_eq!(clock.end(clock.nanos() + 20 * HOUR, 20 * HOUR), "2026-11-23 10:02 (in 20 h)");
        assert_eq!(clock.past(clock.nanos() - 8 * MINUTE), "13:54 (8 min ago)");
        assert_eq!(clock.stamp(clock.nanos()), "2026-11-22 14:02:00");
        assert_eq!(rfc3339(clock.nanos() + 1), "2026-11-22T13:02:00.000000001Z");
    }

    #[test]
    fn what_is_left_counts_when_the_wall_clock_was_set_back() {
        let clock = clock();
        assert_eq!(clock.end(clock.nanos() + 2 * HOUR, 5 * MINUTE), "14:07 (in 5 min)");
        assert_eq!(clock.end(clock.nanos() - MINUTE, 0), "14:01:00 (over)");
    }

    #[test]
    fn lengths_are_short_and_rounded() {
        for (nanos, shown) in [
            (-5, "0 s"),
            (45 * SECOND, "45 s"),
            (89 * SECOND, "89 s"),
            (90 * SECOND, "2 min"),
            (30 * MINUTE - 1, "30 min"),
            (HOUR - 1, "1 h"),
            (65 * MINUTE, "1 h 5 min"),
            (DAY - 1, "1 d"),
            (DAY + 3 * HOUR, "1 d 3 h"),
            (30 * DAY, "30 d"),
        ] {
            assert_eq!(length(nanos), shown, "{nanos}");
        }
        assert_eq!((seconds(1), seconds(SECOND), seconds(0)), (1, 1, 0));
    }

    #[test]
    fn a_start_is_the_next_such_time() {
        let clock = clock();
        for (text, utc) in [
            ("14:30", "2026-11-22T13:30:00Z"),
            ("14:02", "2026-11-23T13:02:00Z"),
            ("14:02:01", "2026-11-22T13:02:01Z"),
            ("08:00", "2026-11-23T07:00:00Z"),
            ("2026-11-23 08:00", "2026-11-23T07:00:00Z"),
            ("2026-11-23T08:00", "2026-11-23T07:00:00Z"),
            ("2026-11-23", "2026-11-22T23:00:00Z"),
            ("2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z"),
            ("2026-11-23T08:00:00+02:00", "2026-11-23T06:00:00Z"),
        ] {
            assert_eq!(clock.to_come(text).map(rfc3339).unwrap(), utc, "{text}");
        }
        for over in ["2026-11-22 14:02", "2026-11-22", "2020-01-01T00:00:00Z"] {
            let said = clock.to_come(over).unwrap_err().to_string();
            assert!(said.contains("is over, for it is 2026-11-22 14:02 now"), "{said}");
        }
        for bad in ["", "30", "2h", "soon", "25:00", "2026-13-01 08:00", "tomorrow 08:00"] {
            assert!(clock.to_come(bad).unwrap_err().to_string().contains("is not understood"), "{bad:?}");
        }
    }

    #[test]
    fn a_start_in_the_hour_that_a_clock_change_skips_is_the_moment_after_it() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let clock = Clock::fixed("2026-03-28T23:00:00Z", zone);
        assert_eq!(clock.to_come("02:30").map(rfc3339).unwrap(), "2026-03-29T01:30:00Z");
    }

    #[test]
    fn since_reads_what_people_write() {
        let clock = clock();
        for (text, utc) in [
            ("2h", "2026-11-22T11:02:00Z"),
            ("now", "2026-11-22T13:02:00Z"),
            ("today", "2026-11-21T23:00:00Z"),
            ("yesterday", "2026-11-20T23:00:00Z"),
            ("10:00", "2026-11-22T09:00:00Z"),
            ("2026-11-22", "2026-11-21T23:00:00Z"),
            ("2026-11-22T10:00", "2026-11-22T09:00:00Z"),
            ("2026-11-22 10:00:30", "2026-11-22T09:00:30Z"),
            ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
            ("2026-11-22T10:00:00-05:00", "2026-11-22T15:00:00Z"),
        ] {
            assert_eq!(clock.since(text).map(rfc3339).unwrap(), utc, "{text}");
        }
        for bad in ["", "30", "soon", "25:00", "2026-13-01", "-2h", "tomorrow?"] {
            assert!(clock.since(bad).is_err(), "{bad:?} was read");
        }
    }
}
