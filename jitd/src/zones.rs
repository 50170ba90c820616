//! What time it is in the zones that a policy names, by the host's own zone files.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use jitd_core::policy::{LocalTime, Weekday};

/// The time in each zone. A zone that this host does not know is left out, and what depends on it cannot be evaluated.
#[must_use]
pub fn local_times<'a>(zones: impl IntoIterator<Item = &'a str>, wall: i64) -> BTreeMap<String, LocalTime> {
    let known = zones.into_iter().filter_map(|zone| Some((zone.to_owned(), local_time(zone, wall)?)));
    known.collect()
}

fn local_time(zone: &str, wall: i64) -> Option<LocalTime> {
    let instant = Timestamp::from_nanosecond(i128::from(wall)).ok()?;
    let local: Zoned = instant.to_zoned(TimeZone::get(zone).ok()?);
    let days = u32::try_from(local.weekday().to_monday_zero_offset()).ok()?;
    let part = |value: i8| u32::try_from(value).ok();
    let seconds = part(local.hour())? * 3600 + part(local.minute())? * 60 + part(local.second())?;
    Some(LocalTime { weekday: Weekday::from_monday(days), second_of_day: seconds })
}
