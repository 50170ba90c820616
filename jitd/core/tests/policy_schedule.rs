//! Days and hours: over midnight, over the end of the week, and how they are shown.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

mod policy_world;

use jitd_core::policy::{CivilTime, Days, Schedule, Weekday};
use policy_world::policy;

fn schedule(keys: &str) -> Schedule {
    let text = format!(
        "[role.r]\nsummary = \"x\"\nsudo = {{ commands = \"ALL\" }}\n[[rule]]\nname = \"n\"\nroles = [\"r\"]\n\
         eligible = {{ users = [\"a\"] }}\nmax_duration = \"1h\"\nschedule = {{ {keys}, zone = \"UTC\" }}\n"
    );
    policy(&text).rules().first().unwrap().schedule.clone().unwrap()
}

#[test]
fn days_are_read_in_ranges_and_lists_and_shown_shortly() {
    for (text, shown) in [
        ("Mon-Fri", "Mon-Fri"),
        ("Sat,Sun", "Sat,Sun"),
        ("Mon, Wed ,Fri", "Mon,Wed,Fri"),
        ("Fri-Mon", "Mon,Fri-Sun"),
        ("Mon-Sun", "daily"),
        ("Sun-Sat", "daily"),
        ("Tue", "Tue"),
        ("Tue-Tue", "Tue"),
        ("Thu-Fri,Mon", "Mon,Thu,Fri"),
    ] {
        assert_eq!(Days::parse(text).unwrap().to_string(), shown, "{text}");
    }
    for text in ["", "Mon,", "mon", "Monday", "Mon-", "-Mon", "Mon-Wed-Fri", "1-5", "Mon;Tue", "Mon Tue"] {
        assert!(Days::parse(text).is_err(), "{text:?} was read");
    }
}

#[test]
fn a_span_holds_from_its_first_second_to_before_its_last() {
    let office = "days = \"Mon-Fri\", from = \"08:00\", to = \"19:00\"";
    let night = "days = \"Fri\", from = \"22:00\", to = \"06:00\"";
    let evening = "days = \"Sun\", from = \"20:00\", to = \"00:00\"";
    for (keys, time, holds) in [
        (office, "2026-11-23T08:00:00", true),
        (office, "2026-11-23T07:59:59", false),
        (office, "2026-11-23T18:59:59", true),
        (office, "2026-11-23T19:00:00", false),
        (office, "2026-11-22T12:00:00", false),
        (night, "2026-11-27T21:59:59", false),
        (night, "2026-11-27T22:00:00", true),
        (night, "2026-11-28T05:59:59", true),
        (night, "2026-11-28T06:00:00", false),
        (night, "2026-11-27T05:00:00", false),
        (night, "2026-11-28T22:00:00", false),
        (evening, "2026-11-22T23:59:59", true),
        (evening, "2026-11-23T00:00:00", false),
        ("days = \"Sun\", from = \"23:00\", to = \"01:00\"", "2026-11-23T00:30:00", true),
        ("days = \"Mon\", from = \"23:00\", to = \"01:00\"", "2026-11-23T00:30:00", false),
        ("days = \"Mon\"", "2026-11-23T00:00:00", true),
        ("days = \"Mon\"", "2026-11-23T23:59:59", true),
        ("to = \"12:00\"", "2026-11-22T11:59:59", true),
        ("from = \"12:00\"", "2026-11-22T11:59:59", false),
        ("from = \"12:00\", to = \"24:00\"", "2026-11-22T23:59:59", true),
    ] {
        let schedule = schedule(keys);
        assert_eq!(schedule.holds_at(CivilTime::parse(time).unwrap().local()), holds, "{schedule} at {time}");
    }
}

#[test]
fn a_schedule_is_shown_as_it_is_written() {
    assert_eq!(
        schedule("days = \"Mon-Fri\", from = \"08:00\", to = \"19:30\"").to_string(),
        "Mon-Fri 08:00-19:30 in UTC"
    );
    assert_eq!(schedule("from = \"22:00\", to = \"06:00\"").to_string(), "daily 22:00-06:00 in UTC");
    assert_eq!(schedule("days = \"Sat,Sun\"").to_string(), "Sat,Sun 00:00-24:00 in UTC");
    assert!(Days::ALL.contains(Weekday::Sun));
}
