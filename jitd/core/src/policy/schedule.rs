//! When a rule holds: days of the week and a span of the day in a named time zone.

use alloc::string::{String, ToString};
use core::fmt;

use super::civil::{LocalTime, Weekday};

/// Seconds of a day.
const DAY: u32 = 86_400;

/// When a rule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The days on which the span begins.
    pub days: Days,
    /// Its beginning, in seconds of the day.
    pub from: u32,
    /// Its end, in seconds of the day, exclusive. Not after `from`: the span crosses midnight and belongs to the
    /// day on which it begins.
    pub to: u32,
    /// The IANA name of the time zone, as `Europe/Berlin`.
    pub zone: String,
}

impl Schedule {
    /// Whether the rule holds at this time in its zone.
    #[must_use]
    pub fn holds_at(&self, now: LocalTime) -> bool {
        let second = now.second_of_day;
        if self.from < self.to {
            return self.days.contains(now.weekday) && (self.from..self.to).contains(&second);
        }
        // Across midnight: the evening of a day in the list, or the morning after one.
        (second >= self.from && self.days.contains(now.weekday))
            || (second < self.to && self.days.contains(now.weekday.before()))
    }
}

impl Schedule {
    /// Its days and hours without the zone: `Mon-Fri 08:00-19:00`.
    #[must_use]
    pub fn hours(&self) -> String {
        alloc::format!("{} {}-{}", self.days, TimeOfDay(self.from), TimeOfDay(self.to))
    }
}

impl fmt::Display for Schedule {
    /// `Mon-Fri 08:00-19:00 in Europe/Berlin`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.hours(), self.zone)
    }
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days([bool; 7]);

impl Days {
    /// Every day.
    pub const ALL: Self = Self([true; 7]);

    /// Reads `Mon-Fri`, `Sat,Sun`, `Fri-Mon` or any mixture with commas.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut days = Self([false; 7]);
        for part in text.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let day = |name: &str| {
                Weekday::from_name(name.trim()).ok_or_else(|| {
                    alloc::format!(
                        "{name:?} is no day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, as in \"Mon-Fri,Sun\""
                    )
                })
            };
            days.add_range(day(first)?, day(last)?);
        }
        Ok(days)
    }

    /// Adds the days from `first` to `last`, over the end of the week if need be.
    fn add_range(&mut self, first: Weekday, last: Weekday) {
        let from_first = Weekday::WEEK.into_iter().cycle().skip_while(|day| *day != first).take(7);
        let mut done = false;
        for day in from_first {
            if !done && let Some(slot) = self.0.get_mut(day as usize) {
                *slot = true;
            }
            done |= day == last;
        }
    }

    /// Whether the day is among them.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0.get(day as usize).copied().unwrap_or(false)
    }
}

impl fmt::Display for Days {
    /// Runs of days as ranges: `Mon-Fri`, `Mon,Wed,Fri`, `daily`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("daily");
        }
        let mut rest = Weekday::WEEK.as_slice();
        let mut comma = "";
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            if !self.contains(*first) {
                continue;
            }
            let run = after.iter().take_while(|day| self.contains(**day)).count();
            let (in_run, after) = after.split_at(run);
            rest = after;
            match in_run.last() {
                None => write!(f, "{comma}{first}")?,
                Some(last) if run == 1 => write!(f, "{comma}{first},{last}")?,
                Some(last) => write!(f, "{comma}{first}-{last}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

/// Reads `08:00` as seconds of the day. `24:00` is the end of the day.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn parse_time_of_day(text: &str) -> Result<u32, String> {
    let two_digits = |part: &str| -> Option<u32> {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    text.split_once(':')
        .and_then(|(hour, minute)| Some((two_digits(hour)?, two_digits(minute)?)))
        .filter(|(_, minute)| *minute < 60)
        .map(|(hour, minute)| hour * 3600 + minute * 60)
        .filter(|second| *second <= DAY)
        .ok_or_else(|| {
            alloc::format!("{text:?} is no time of day: write it like 08:00 or 19:30, up to 24:00")
        })
}

/// Seconds of the day as `08:00`.
struct TimeOfDay(u32);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 3600, self.0 % 3600 / 60)
    }
}

/// Checks the name of a time zone as far as that goes without a list of them.
///
/// # Errors
/// A sentence that says what is wrong with the name. It never reaches a path: names with `..` or a leading `/` are
/// refused here, since an edge may look the zone up as a file.
pub fn check_zone(name: &str) -> Result<String, String> {
    let plain = |part: &str| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    if name.len() <= 64 && name.split('/').all(plain) {
        Ok(name.to_string())
    } else {
        Err(alloc::format!("{name:?} is no time zone: write its name as in Europe/Berlin, or UTC"))
    }
}
