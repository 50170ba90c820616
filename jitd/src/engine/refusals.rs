//! How many refusals are recorded: the first few of each person and of everybody in a minute, the rest as one count for
//! each person. All uids without an account count as one person, for anybody may have thousands of them.

use std::collections::BTreeMap;

use jitd_core::limits::{REFUSAL_WINDOW, REFUSALS_A_MINUTE, REFUSALS_A_MINUTE_IN_ALL};
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
    minutes: BTreeMap<Whose, Minute>,
    /// When the minute of all together is over, on the boot clock, and how many were recorded in it.
    together: (i64, u32),
}

/// Whose refusals are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Uid(u32),
    WithoutAccount,
}

impl Refusals {
    /// Counts one refusal.
    pub fn count(&mut self, person: &Person, now: &Now) -> Recorded {
        let until = now.boot.saturating_add(i64::from(REFUSAL_WINDOW) * NANOS);
        let whose = match person.name == format!("#{}", person.uid) {
            true => Whose::WithoutAccount,
            false => Whose::Uid(person.uid),
        };
        let fresh = || Minute { person: person.clone(), until, seen: 0, uncounted: 0 };
        let minute = self.minutes.entry(whose).or_insert_with(fresh);
        if self.together.0 <= now.boot {
            self.together = (until, 0);
        }
        minute.seen = minute.seen.saturating_add(1);
        if minute.seen <= REFUSALS_A_MINUTE && self.together.1 < REFUSALS_A_MINUTE_IN_ALL {
            self.together.1 += 1;
            return Recorded::Alone;
        }
        if whose == Whose::WithoutAccount {
            minute.person = Person { uid: person.uid, name: "(uids without an account)".into() };
        }
        minute.uncounted = minute.uncounted.saturating_add(1);
        Recorded::InACount
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

    fn refused(refusals: &mut Refusals, uids: std::ops::Range<u32>, name: impl Fn(u32) -> String) -> usize {
        let people = uids.map(|uid| Person { uid, name: name(uid) });
        let all = people.flat_map(|person| vec![person; 10]);
        all.filter(|person| refusals.count(person, &at(0)) == Recorded::Alone).count()
    }

    #[test]
    fn uids_without_an_account_are_one_person() {
        let mut refusals = Refusals::default();
        let alone = refused(&mut refusals, 300_000..365_000, |uid| format!("#{uid}"));
        assert_eq!(alone, REFUSALS_A_MINUTE as usize);
        let by = Person { uid: 364_999, name: "(uids without an account)".into() };
        let count = 650_000 - u64::from(REFUSALS_A_MINUTE);
        assert_eq!(refusals.over(&at(60)), [Entry::RefusalsCounted { by, count, seconds: REFUSAL_WINDOW }]);
    }

    #[test]
    fn many_people_cannot_fill_the_record_either() {
        let mut refusals = Refusals::default();
        let alone = refused(&mut refusals, 1000..2000, |uid| format!("p{uid}"));
        assert_eq!(alone, REFUSALS_A_MINUTE_IN_ALL as usize);
        let counted: u64 = refusals
            .over(&at(60))
            .iter()
            .map(|entry| match entry {
                Entry::RefusalsCounted { count, .. } => *count,
                other => unreachable!("{other:?}"),
            })
            .sum();
        assert_eq!(counted, 10_000 - u64::from(REFUSALS_A_MINUTE_IN_ALL));
        assert_eq!(refusals.count(&Person { uid: 1, name: "a".into() }, &at(60)), Recorded::Alone);
    }
}
