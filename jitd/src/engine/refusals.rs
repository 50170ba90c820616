//! How many refusals of one person are recorded: the first few of a minute each, the rest as one count.

use std::collections::BTreeMap;

use jitd_core::limits::{REFUSAL_WINDOW, REFUSALS_A_MINUTE};
use jitd_core::now::{NANOS, Now};
use jitd_core::record::{Entry, Person};

/// One person's minute.
#[derive(Debug)]
struct Minute {
    person: Person,
    until: i64,
    seen: u32,
    uncounted: u64,
}

/// Whether a refusal is recorded by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// As an entry of its own.
    Alone,
    /// In a count, at the end of the minute.
    InACount,
}

/// Everybody's minutes.
#[derive(Debug, Default)]
pub struct Refusals {
    minutes: BTreeMap<u32, Minute>,
}

impl Refusals {
    /// Counts one refusal.
    pub fn count(&mut self, person: &Person, now: &Now) -> Recorded {
        let minute = self.minutes.entry(person.uid).or_insert_with(|| Minute {
            person: person.clone(),
            until: now.boot.saturating_add(i64::from(REFUSAL_WINDOW) * NANOS),
            seen: 0,
            uncounted: 0,
        });
        minute.seen = minute.seen.saturating_add(1);
        match minute.seen <= REFUSALS_A_MINUTE {
            true => Recorded::Alone,
            false => {
                minute.uncounted = minute.uncounted.saturating_add(1);
                Recorded::InACount
            }
        }
    }

    /// Ends the minutes that are over, each with an entry when refusals were left out of the record.
    pub fn over(&mut self, now: &Now) -> Vec<Entry> {
        self.end(|minute| minute.until <= now.boot)
    }

    /// Ends every minute, for a jitd that stops.
    pub fn rest(&mut self) -> Vec<Entry> {
        self.end(|_| true)
    }

    fn end(&mut self, over: impl Fn(&Minute) -> bool) -> Vec<Entry> {
        let entries = self.minutes.values().filter(|minute| over(minute) && minute.uncounted > 0);
        let entries = entries
            .map(|minute| Entry::RefusalsCounted {
                by: minute.person.clone(),
                count: minute.uncounted,
                seconds: REFUSAL_WINDOW,
            })
            .collect();
        self.minutes.retain(|_, minute| !over(minute));
        entries
    }

    /// Nanoseconds until the next minute is over.
    #[must_use]
    pub fn next(&self, now: &Now) -> Option<i64> {
        self.minutes.values().map(|minute| minute.until.saturating_sub(now.boot).max(0)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jitd_core::now::BootId;

    fn at(seconds: i64) -> Now {
        Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("a".into()) }
    }

    #[test]
    fn a_flood_is_a_few_entries_and_one_count() {
        let mallory = Person { uid: 1000, name: "mallory".into() };
        let mut refusals = Refusals::default();
        let alone = (0..50_000).filter(|_| refusals.count(&mallory, &at(0)) == Recorded::Alone).count();
        assert_eq!(alone, REFUSALS_A_MINUTE as usize);
        assert!(refusals.over(&at(59)).is_empty());
        let count = 50_000 - u64::from(REFUSALS_A_MINUTE);
        let expected = Entry::RefusalsCounted { by: mallory.clone(), count, seconds: REFUSAL_WINDOW };
        assert_eq!(refusals.over(&at(60)), [expected]);
        assert_eq!(refusals.count(&mallory, &at(61)), Recorded::Alone);
    }
}
