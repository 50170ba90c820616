//! The lines a person reads about their grants.

use jiff::{SignedDuration, Timestamp};
use jit_common::escape::escaped;
use jit_common::response::{GrantView, StateView};

use crate::clock::Clock;

/// The most grants that are told one by one.
const MOST: usize = 8;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// One line for each live grant of `user`, the one that ends first in front. No line when there is none.
pub(crate) fn lines(grants: &[GrantView], user: &str, clock: &Clock) -> Vec<String> {
    let mut held: Vec<&GrantView> = grants.iter().filter(|grant| holds(grant, user)).collect();
    held.sort_by_key(|grant| (grant.left, grant.id));
    let mut lines: Vec<String> = held.iter().take(MOST).map(|grant| line(grant, clock)).collect();
    match held.len().saturating_sub(MOST) {
        0 => {}
        more => lines.push(format!("jit: and {more} more: jitctl status")),
    }
    lines
}

fn holds(grant: &GrantView, user: &str) -> bool {
    let live = match grant.state {
        StateView::Active => true,
        StateView::Pending
        | StateView::Scheduled
        | StateView::Closed
        | StateView::Applying
        | StateView::Ending
        | StateView::Stuck
        | StateView::Ended
        | StateView::Refused => false,
    };
    live && grant.person.name == user
}

fn line(grant: &GrantView, clock: &Clock) -> String {
    let role = escaped(&grant.role);
    format!("jit: you hold {role} until {} ({} left), {}", end(grant, clock), length(grant.left), grant.id)
}

/// `14:32` for today, `2026-11-23 14:32` for any other day.
///
/// A grant has a deadline on two clocks. When the wall clock was set back, what is left is the truth; a difference
/// below two seconds is only the time that passed since jitd answered.
fn end(grant: &GrantView, clock: &Clock) -> String {
    let at = after(Timestamp::UNIX_EPOCH, grant.until);
    let by_left = after(clock.now, grant.left);
    let sooner = after(by_left, 2 * SECOND) < at;
    let end = clock.zone.to_datetime(if sooner { by_left } else { at });
    let (date, time) = (end.date(), format!("{:02}:{:02}", end.hour(), end.minute()));
    if date == clock.zone.to_datetime(clock.now).date() {
        return time;
    }
    format!("{:04}-{:02}-{:02} {time}", date.year(), date.month(), date.day())
}

fn after(time: Timestamp, nanos: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_nanos(nanos)).unwrap_or(time)
}

/// A length of time as `jitctl status` rounds it: `45 s`, `20 min`, `1 h 5 min`, `2 d 3 h`.
fn length(nanos: i64) -> String {
    let round = |unit: i64| nanos.max(0).saturating_add(unit / 2) / unit;
    let two = |count: i64, per: i64, large: &str, small: &str| match count % per {
        0 => format!("{} {large}", count / per),
        rest => format!("{} {large} {rest} {small}", count / per),
    };
    match (round(SECOND), round(MINUTE)) {
        (seconds, _) if seconds < 90 => format!("{seconds} s"),
        (_, minutes) if minutes < 60 => format!("{minutes} min"),
        (_, minutes) if minutes < 24 * 60 => two(minutes, 60, "h", "min"),
        (_, _) => two(round(HOUR), 24, "d", "h"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use jiff::tz::{TimeZone, offset};
    use jit_common::response::{GivesView, PasswordView, PersonView, RuleView, SudoView};

    use super::*;

    fn clock() -> Clock {
        Clock { now: "2026-11-22T13:12:00Z".parse().unwrap(), zone: TimeZone::fixed(offset(1)) }
    }

    /// A grant of alice's that ends `left` from now.
    fn grant(role: &str, left: i64) -> GrantView {
        let now = i64::try_from(clock().now.as_nanosecond()).unwrap();
        GrantView {
            id: "7k2m9xqa".parse().unwrap(),
            person: PersonView { uid: 1000, name: "alice".to_owned() },
            role: role.to_owned(),
            rule: RuleView { name: "on-call".to_owned(), location: "10-web.toml:12".to_owned() },
            state: StateView::Active,
            gives: GivesView {
                sudo: Some(SudoView {
                    run_as: "root".to_owned(),
                    password: PasswordView::NotAsked,
                    commands: vec!["ALL".to_owned()],
                    refused: vec![],
                }),
                groups: vec![],
            },
            reason: Some("INC-42".to_owned()),
            ticket: None,
            start: now,
            until: now + left,
            left,
            end: None,
            approved_by: vec![],
            replaces: None,
            longest: now + left,
            residue: vec![],
        }
    }

    #[test]
    fn a_grant_is_one_line_and_the_first_to_end_comes_first() {
        let grants = [grant("db-admin", 26 * HOUR), grant("web-restart", 20 * MINUTE)];
        assert_eq!(
            lines(&grants, "alice", &clock()),
            [
                "jit: you hold web-restart until 14:32 (20 min left), 7k2m9xqa",
                "jit: you hold db-admin until 2026-11-23 16:12 (1 d 2 h left), 7k2m9xqa",
            ]
        );
    }

    #[test]
    fn there_is_no_line_without_a_live_grant_of_their_own() {
        assert!(lines(&[], "alice", &clock()).is_empty());
        let one = grant("web-restart", MINUTE);
        for other in ["", "bob", "Alice", "alice ", "alice\n"] {
            assert!(lines(std::slice::from_ref(&one), other, &clock()).is_empty(), "{other:?}");
        }
        use StateView::{Applying, Closed, Ended, Ending, Pending, Refused, Scheduled, Stuck};
        for state in [Pending, Scheduled, Closed, Applying, Ending, Stuck, Ended, Refused] {
            let not_live = GrantView { state, ..one.clone() };
            assert!(lines(&[not_live], "alice", &clock()).is_empty(), "{state:?}");
        }
    }

    #[test]
    fn what_is_left_counts_when_the_wall_clock_was_set_back() {
        let late = GrantView { left: 5 * MINUTE, ..grant("web-restart", 3 * HOUR) };
        assert_eq!(
            lines(&[late], "alice", &clock()),
            ["jit: you hold web-restart until 14:17 (5 min left), 7k2m9xqa"]
        );
    }

    #[test]
    fn nothing_in_a_line_acts_on_the_terminal() {
        let shown = lines(&[grant("a\x1b[2J\u{202e}\nb", MINUTE)], "alice", &clock());
        assert_eq!(shown, [r"jit: you hold a\u{1b}[2J\u{202e}\nb until 14:13 (60 s left), 7k2m9xqa"]);
    }

    #[test]
    fn many_grants_are_told_in_few_lines() {
        let many: Vec<GrantView> = (1..=20).map(|n| grant(&format!("role-{n}"), n * MINUTE)).collect();
        let shown = lines(&many, "alice", &clock());
        assert_eq!(shown.len(), MOST + 1);
        assert_eq!(shown.last().unwrap(), "jit: and 12 more: jitctl status");
    }

    #[test]
    fn times_beyond_all_reason_are_shown_somehow() {
        for (until, left) in
            [(i64::MAX, i64::MAX), (i64::MIN, i64::MIN), (0, 0), (i64::MAX, 0), (i64::MIN, i64::MAX)]
        {
            let odd = GrantView { until, left, ..grant("web-restart", 0) };
            assert_eq!(lines(&[odd], "alice", &clock()).len(), 1);
        }
    }

    #[test]
    fn lengths_are_short_and_rounded() {
        for (nanos, shown) in [
            (-5, "0 s"),
            (89 * SECOND, "89 s"),
            (90 * SECOND, "2 min"),
            (30 * MINUTE - 1, "30 min"),
            (HOUR - 1, "1 h"),
            (65 * MINUTE, "1 h 5 min"),
            (24 * HOUR - 1, "1 d"),
            (27 * HOUR, "1 d 3 h"),
            (720 * HOUR, "30 d"),
        ] {
            assert_eq!(length(nanos), shown, "{nanos}");
        }
    }
}
