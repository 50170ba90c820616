//! Time zones, for schedules: from this host's own zone files.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jitd_core::policy::{CivilTime, LocalTime, Weekday};

/// Whether this host knows a zone.
pub(super) fn is_known(zone: &str) -> bool {
    TimeZone::get(zone).is_ok()
}

/// What the clock shows in `to` when it shows `time` in `from`. `None` when this host does not know a zone, or the
/// clock skips that time there.
pub(super) fn convert(time: CivilTime, from: &str, to: &str) -> Option<LocalTime> {
    let small = |number: u8| i8::try_from(number).ok();
    let date = civil::Date::new(i16::try_from(time.year).ok()?, small(time.month)?, small(time.day)?).ok()?;
    let clock = civil::Time::new(small(time.hour)?, small(time.minute)?, small(time.second)?, 0).ok()?;
    let there = TimeZone::get(from).ok()?.to_ambiguous_zoned(date.to_datetime(clock));
    if matches!(there.offset(), AmbiguousOffset::Gap { .. }) {
        return None;
    }
    let here = there.compatible().ok()?.with_time_zone(TimeZone::get(to).ok()?);
    let seconds = [(here.hour(), 3600), (here.minute(), 60), (here.second(), 1)];
    let seconds = seconds.into_iter().map(|(count, unit)| u32::try_from(count).unwrap_or(0) * unit);
    let weekday = u32::try_from(here.weekday().to_monday_zero_offset()).ok()?;
    Some(LocalTime { weekday: Weekday::from_monday(weekday), second_of_day: seconds.sum() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, from: &str, to: &str) -> Option<String> {
        convert(CivilTime::parse(text).ok()?, from, to).map(|local| local.to_string())
    }

    #[test]
    fn a_time_is_carried_from_zone_to_zone() {
        assert_eq!(at("2026-11-22T23:30", "UTC", "UTC").as_deref(), Some("Sun 23:30"));
        assert_eq!(at("2026-11-22T23:30", "Nowhere/Land", "UTC"), None);
        // A host without zone files knows UTC alone.
        if is_known("Europe/Berlin") {
            assert_eq!(at("2026-11-22T23:30", "UTC", "Europe/Berlin").as_deref(), Some("Mon 00:30"));
            assert_eq!(at("2026-03-29T02:30", "Europe/Berlin", "UTC"), None, "the clock skips it");
        }
    }
}
