//! Days of the week and times of day: what a schedule is written in. No time zone is known here.

use alloc::string::String;
use core::fmt;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// The week, from Monday.
    pub const WEEK: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The short English name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mon => "Mon",
            Self::Tue => "Tue",
            Self::Wed => "Wed",
            Self::Thu => "Thu",
            Self::Fri => "Fri",
            Self::Sat => "Sat",
            Self::Sun => "Sun",
        }
    }

    /// The day of this short English name, in this spelling only.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::WEEK.into_iter().find(|day| day.name() == name)
    }

    /// The day before.
    #[must_use]
    pub const fn before(self) -> Self {
        match self {
            Self::Mon => Self::Sun,
            Self::Tue => Self::Mon,
            Self::Wed => Self::Tue,
            Self::Thu => Self::Wed,
            Self::Fri => Self::Thu,
            Self::Sat => Self::Fri,
            Self::Sun => Self::Sat,
        }
    }

    /// Counted from Monday = 0; anything above 6 wraps around.
    #[must_use]
    pub fn from_monday(days: u32) -> Self {
        Self::WEEK.into_iter().cycle().nth(usize::try_from(days % 7).unwrap_or(0)).unwrap_or(Self::Mon)
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a clock on the wall of some time zone shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// The day of the week.
    pub weekday: Weekday,
    /// Seconds since that day's midnight, 0 to 86 399.
    pub second_of_day: u32,
}

impl fmt::Display for LocalTime {
    /// `Sun 03:12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:{:02}", self.weekday, self.second_of_day / 3600, self.second_of_day % 3600 / 60)
    }
}

/// A date and time of day without a time zone, as test cases write it: `2026-11-22T14:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilTime {
    /// The year, 1970 to 9999.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
    /// The second, 0 to 59.
    pub second: u8,
}

impl CivilTime {
    /// Reads `2026-11-22T14:00` or `2026-11-22T14:00:30`; a space may stand for the `T`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parts(text)
            .ok_or_else(|| alloc::format!("{text:?} is no date and time: write it like 2026-11-22T14:00"))
    }

    fn parts(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', ' '])?;
        let mut date = date.split('-');
        let (year, month, day) =
            (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
        let mut time = time.split(':');
        let (hour, minute) = (digits(time.next()?, 2)?, digits(time.next()?, 2)?);
        let second = time.next().map_or(Some(0), |second| digits(second, 2))?;
        let in_range = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let small = |number: u16| u8::try_from(number).ok();
        if !in_range || date.next().is_some() || time.next().is_some() {
            return None;
        }
        Some(Self {
            year,
            month: small(month)?,
            day: small(day)?,
            hour: small(hour)?,
            minute: small(minute)?,
            second: small(second)?,
        })
    }

    /// Day of the week and time of day.
    #[must_use]
    pub fn local(&self) -> LocalTime {
        LocalTime {
            // 1970-01-01 was a Thursday.
            weekday: Weekday::from_monday(self.days_since_1970() + 3),
            second_of_day: u32::from(self.hour) * 3600 + u32::from(self.minute) * 60 + u32::from(self.second),
        }
    }

    fn days_since_1970(&self) -> u32 {
        let years = u32::from(self.year) - 1;
        // Leap days before the year, less those before 1970.
        let leap_days = years / 4 - years / 100 + years / 400 - 477;
        let months: u32 =
            (1..u16::from(self.month)).map(|month| u32::from(days_in_month(self.year, month))).sum();
        (u32::from(self.year) - 1970) * 365 + leap_days + months + u32::from(self.day) - 1
    }
}

fn days_in_month(year: u16, month: u16) -> u16 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<u16> {
    let all_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use alloc::string::ToString;

    use super::*;

    #[test]
    fn known_days_of_the_week_come_out_right() {
        for (text, shown) in [
            ("1970-01-01T00:00", "Thu 00:00"),
            ("2000-02-29T12:30", "Tue 12:30"),
            ("2000-03-01T12:30", "Wed 12:30"),
            ("2024-12-31T23:59:59", "Tue 23:59"),
            ("2026-11-22T14:00", "Sun 14:00"),
            ("2100-03-01T00:00", "Mon 00:00"),
            ("9999-12-31 23:59", "Fri 23:59"),
        ] {
            assert_eq!(CivilTime::parse(text).unwrap().local().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "14:00",
            "2026-11-31T14:00",
            "2026-02-29T14:00",
            "2026-13-01T00:00",
            "2026-00-10T00:00",
            "2026-11-22T24:00",
            "2026-11-22T14:60",
            "2026-11-22T14:00:60",
            "26-11-22T14:00",
            "2026-11-22T14:00Z",
            "2026-11-22T14:00:00:00",
            "1969-12-31T00:00",
            "2026-1-2T14:00",
            "+026-11-22T14:00",
        ] {
            assert!(CivilTime::parse(text).is_err(), "{text:?} was read");
        }
    }

    #[test]
    fn the_week_goes_round() {
        assert_eq!(Weekday::from_monday(6), Weekday::Sun);
        assert_eq!(Weekday::from_monday(7), Weekday::Mon);
        for (at, day) in Weekday::WEEK.into_iter().enumerate() {
            assert_eq!(Weekday::from_monday(u32::try_from(at + 6).unwrap()), day.before());
            assert_eq!(Weekday::from_name(day.name()), Some(day));
        }
    }
}
