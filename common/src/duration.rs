//! How long a grant lasts: whole seconds, between one second and thirty days.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// The length of a grant in whole seconds, 1 s to 30 d.
///
/// Written and read as `30m`, `1h30m`, `2d`, `1d12h`. A day is always 24 hours: a grant that spans a change to
/// summer time is not an hour shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct GrantDuration(u32);

/// Why a text or a number is no [`GrantDuration`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing was written.
    #[error("the duration is empty: write it like 30m, 1h30m or 2d")]
    Empty,
    /// A number without a unit, which one reader takes for seconds and the next for minutes.
    #[error("the duration {0:?} has no unit: write it like {0}s, {0}m or {0}h")]
    NoUnit(String),
    /// Not a duration as we write them.
    #[error("the duration {0:?} is not understood: write it like 45s, 30m, 1h30m or 1d12h")]
    NotUnderstood(String),
    /// Negative, by a sign or by `ago`.
    #[error("the duration {0:?} lies in the past: write it without a sign, like 30m")]
    Negative(String),
    /// A part of a second.
    #[error("the duration {0:?} is not whole seconds: the smallest unit is 1s")]
    Fraction(String),
    /// Under one second or over thirty days.
    #[error("the duration {0} is out of range: a grant lasts from 1s to 30d")]
    OutOfRange(String),
}

impl GrantDuration {
    /// The shortest grant there is, one second.
    pub const MIN: Self = Self(1);
    /// The longest grant there is, thirty days.
    pub const MAX: Self = Self(30 * DAY);

    /// Takes a number of seconds.
    ///
    /// # Errors
    /// [`DurationError::OutOfRange`] under one second or over thirty days.
    pub fn from_secs(seconds: u32) -> Result<Self, DurationError> {
        if (Self::MIN.0..=Self::MAX.0).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(DurationError::OutOfRange(alloc::format!("{seconds}s")))
        }
    }

    /// The number of seconds.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for GrantDuration {
    type Error = DurationError;

    fn try_from(seconds: u32) -> Result<Self, DurationError> {
        Self::from_secs(seconds)
    }
}

impl From<GrantDuration> for u32 {
    fn from(duration: GrantDuration) -> Self {
        duration.0
    }
}

impl fmt::Display for GrantDuration {
    /// The shortest form that reads back as the same duration: `1d12h`, `1h30m`, `45s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.0 / DAY, 'd'),
            (self.0 % DAY / HOUR, 'h'),
            (self.0 % HOUR / MINUTE, 'm'),
            (self.0 % MINUTE, 's'),
        ];
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{count}{unit}")?;
        }
        Ok(())
    }
}

impl FromStr for GrantDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(DurationError::Empty);
        }
        if trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DurationError::NoUnit(trimmed.to_string()));
        }
        if trimmed.starts_with(['-', '+']) || trimmed.ends_with("ago") {
            return Err(DurationError::Negative(trimmed.to_string()));
        }
        let out_of_range = || DurationError::OutOfRange(trimmed.to_string());
        let (days, rest) = split_days(trimmed).ok_or_else(out_of_range)?;
        let rest = match rest {
            "" => SignedDuration::ZERO,
            rest => parse_rest(trimmed, rest)?,
        };
        if rest.subsec_nanos() != 0 {
            return Err(DurationError::Fraction(trimmed.to_string()));
        }
        let seconds = days
            .checked_mul(u64::from(DAY))
            .zip(u64::try_from(rest.as_secs()).ok())
            .and_then(|(days, rest)| days.checked_add(rest))
            .and_then(|seconds| u32::try_from(seconds).ok())
            .ok_or_else(out_of_range)?;
        Self::from_secs(seconds).map_err(|_| out_of_range())
    }
}

/// Splits `2d12h` into 2 and `12h`. `None` when the number of days is beyond counting.
fn split_days(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    match rest.strip_prefix('d') {
        Some(after) if !number.is_empty() && !after.starts_with(char::is_alphabetic) => {
            Some((number.parse().ok()?, after.trim_start()))
        }
        _ => Some((0, text)),
    }
}

/// Everything below a day is jiff's to read, but only in its unit form: `PT1H` and `1:30:00` are refused, so that
/// there is one way to write a duration.
fn parse_rest(whole: &str, rest: &str) -> Result<SignedDuration, DurationError> {
    let not_understood = || DurationError::NotUnderstood(whole.to_string());
    if !rest.starts_with(|c: char| c.is_ascii_digit()) || rest.contains(':') {
        return Err(not_understood());
    }
    // What the parser stumbled over is told in its own terms, which would not help anybody.
    let parsed: SignedDuration = rest.parse().map_err(|_| not_understood())?;
    if parsed.is_negative() {
        return Err(DurationError::Negative(whole.to_string()));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        for (text, seconds) in [
            ("1s", 1),
            ("45s", 45),
            ("30m", 1_800),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("90m", 5_400),
            ("1.5h", 5_400),
            ("2 hours", 7_200),
            ("2d", 172_800),
            ("1d12h", 129_600),
            ("1d 12h", 129_600),
            ("0d1h", 3_600),
            ("30d", 2_592_000),
            (" 30m ", 1_800),
        ] {
            assert_eq!(text.parse::<GrantDuration>().map(GrantDuration::as_secs), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_or_nothing_is_refused() {
        for text in [
            "",
            " ",
            "30",
            "0",
            "30M",
            "1M",
            "1y",
            "1w",
            "1mo",
            "0s",
            "0d",
            "0h0m",
            "-5m",
            "+5m",
            "30m ago",
            "31d",
            "30d1s",
            "721h",
            "500ms",
            "1.5s",
            "PT1H",
            "1:30:00",
            "1h30",
            "d",
            "1d-12h",
            "1d1d",
            "1h1d",
            "1d12h ago",
            "forever",
            "1day1",
            "99999999999999999999d",
            "99999999999h",
            "184467440737095516d",
            "30m; 30h",
            "١h",
        ] {
            assert!(text.parse::<GrantDuration>().is_err(), "{text:?} was read");
        }
    }

    #[test]
    fn every_refusal_says_how_to_write_it() {
        for text in ["", "30", "30M", "-5m", "1.5s", "31d"] {
            let said = text.parse::<GrantDuration>().unwrap_err().to_string();
            assert!(["30m", "1s"].iter().any(|form| said.contains(form)), "{said}");
        }
    }

    #[test]
    fn the_shortest_form_is_shown_and_reads_back() {
        for (seconds, shown) in [
            (1, "1s"),
            (60, "1m"),
            (90, "1m30s"),
            (3_600, "1h"),
            (5_400, "1h30m"),
            (129_600, "1d12h"),
            (2_592_000, "30d"),
        ] {
            let duration = GrantDuration::from_secs(seconds).unwrap();
            assert_eq!(duration.to_string(), shown);
        }
        for seconds in (1..=GrantDuration::MAX.as_secs()).step_by(997) {
            let duration = GrantDuration::from_secs(seconds).unwrap();
            assert_eq!(duration.to_string().parse(), Ok(duration));
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(GrantDuration::from_secs(0).is_err());
        assert!(GrantDuration::from_secs(2_592_001).is_err());
        assert!(GrantDuration::try_from(u32::MAX).is_err());
    }
}
