//! Reads the `schedule` of a rule.

use super::keys::{Errors, Table, Value, text};
use crate::policy::schedule::{Days, Schedule, check_zone, parse_time_of_day};

/// Reads one schedule. `None` when something is wrong; then it has been noted.
pub(super) fn read(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Schedule> {
    let table = Table::open("schedule", &["days", "from", "to", "zone"], value, errors)?;
    let days = match table.get("days") {
        None => Some(Days::ALL),
        Some(value) => {
            text("days", value, errors).and_then(|days| errors.check(&value.span(), Days::parse(days)))
        }
    };
    let mut time = |key: &str, absent: u32| match table.get(key) {
        None => Some(absent),
        Some(value) => {
            text(key, value, errors).and_then(|time| errors.check(&value.span(), parse_time_of_day(time)))
        }
    };
    let (from, to) = (time("from", 0), time("to", 86_400));
    if let (Some(from), Some(to)) = (from, to)
        && (from == to || from == 86_400)
    {
        errors.at(&table.span, "the schedule begins where it ends: leave from and to out for the whole day");
    }
    let zone = table.require("zone", "\"Europe/Berlin\"", errors).and_then(|value| {
        text("zone", value, errors).and_then(|zone| errors.check(&value.span(), check_zone(zone)))
    });
    Some(Schedule { days: days?, from: from?, to: to?, zone: zone? })
}
