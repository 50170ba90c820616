//! How often one person may open requests, and how many people the record of one names. Every request that waits is on the
//! record for good, with whoever could approve it, so a loop of asking and cancelling would fill the disk.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::refusal::Refusal;
use jitd_core::limits::{NAMED_WITH_A_REQUEST, OPENINGS_AN_HOUR, OPENINGS_AT_ONCE};
use jitd_core::now::{NANOS, Now};
use jitd_core::record::Choice;

/// Nanoseconds after which one more may be opened.
const EACH: i64 = 3600 * NANOS / OPENINGS_AN_HOUR;

/// People who are told apart. They are eligible for some rule, so that there are few; more would share what is left.
const PEOPLE: usize = 20_000;

/// For each uid the time on the boot clock at which all that it opened is paid for: each opening costs [`EACH`], and the time
/// may lie so far ahead as [`OPENINGS_AT_ONCE`] cost.
#[derive(Debug, Default)]
pub(super) struct Openings {
    paid: BTreeMap<u32, i64>,
    /// When those who owe nothing are forgotten next.
    next_tidy: i64,
}

impl Openings {
    /// Lets `uid` open one more request, and counts it.
    ///
    /// # Errors
    /// When they have opened too many, with the seconds until the next one may be.
    pub(super) fn take(&mut self, uid: u32, now: &Now) -> Result<(), Refusal> {
        if now.boot >= self.next_tidy {
            self.next_tidy = now.boot.saturating_add(EACH);
            self.paid.retain(|_, paid| *paid > now.boot);
        }
        // No account has this uid (credentials(7)).
        let uid = if self.paid.len() < PEOPLE || self.paid.contains_key(&uid) { uid } else { u32::MAX };
        let paid = self.paid.entry(uid).or_insert(now.boot);
        let then = (*paid).max(now.boot).saturating_add(EACH);
        let too_soon = then.saturating_sub(now.boot).saturating_sub(OPENINGS_AT_ONCE * EACH);
        if too_soon > 0 {
            let seconds = too_soon.saturating_add(NANOS - 1).div_euclid(NANOS);
            return Err(Refusal::RateLimited { wait_secs: u32::try_from(seconds).unwrap_or(u32::MAX) });
        }
        *paid = then;
        Ok(())
    }
}

/// Some of those who could approve, for the record: as many as it names, and of each approval's people in turn, so that
/// none of a small group is left out for the sake of a large one.
pub(super) fn named(could: impl Iterator<Item = Choice>, approvals: usize) -> Vec<Choice> {
    let mut left: Vec<Choice> = could.collect();
    let mut named = Vec::new();
    let mut in_turn = (0..approvals).cycle();
    let mut without: BTreeSet<usize> = BTreeSet::new();
    while named.len() < NAMED_WITH_A_REQUEST && without.len() < approvals {
        let Some(place) = in_turn.next() else { break };
        match left.iter().position(|choice| choice.of.contains(&place)) {
            Some(found) => named.push(left.remove(found)),
            None => drop(without.insert(place)),
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use jitd_core::now::BootId;
    use jitd_core::record::Person;

    fn at(seconds: i64) -> Now {
        Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("a".into()) }
    }

    #[test]
    fn so_many_at_once_and_then_so_many_an_hour() {
        let mut openings = Openings::default();
        let most = OPENINGS_AT_ONCE;
        assert!((0..most).all(|_| openings.take(1000, &at(0)).is_ok()));
        let wait_secs = u32::try_from(3600 / OPENINGS_AN_HOUR).unwrap_or(0);
        assert_eq!(openings.take(1000, &at(0)), Err(Refusal::RateLimited { wait_secs }));
        assert_eq!(openings.take(1001, &at(0)), Ok(()), "somebody else");
        // Being refused costs nothing.
        assert_eq!(openings.take(1000, &at(i64::from(wait_secs))), Ok(()));
        assert!(openings.take(1000, &at(i64::from(wait_secs))).is_err());
        let day = (0..86_400).filter(|second| openings.take(1000, &at(1_000 + second)).is_ok()).count();
        assert!((720..=760).contains(&day), "{day}");
        assert!((0..most).all(|_| openings.take(1000, &at(200_000)).is_ok()), "forgiven");
    }

    #[test]
    fn what_is_remembered_does_not_grow_and_who_comes_late_is_not_kept_out() {
        let mut openings = Openings::default();
        for uid in 0..50_000 {
            let _ = openings.take(uid, &at(0));
        }
        assert!(openings.paid.len() <= PEOPLE + 1);
        assert_eq!(openings.take(60_000, &at(4000)), Ok(()));
        assert_eq!(openings.paid.len(), 1);
    }

    #[test]
    fn the_record_names_few_and_some_of_every_approval() {
        let choice = |uid: u32, of: &[usize]| Choice {
            person: Person { uid, name: format!("user{uid}") },
            of: of.iter().copied().collect(),
        };
        let leads = (0..300).map(|uid| choice(uid, &[0]));
        let named_of = |could: Vec<Choice>| named(could.into_iter(), 2);
        let all = named_of(leads.clone().chain([choice(400, &[1]), choice(401, &[0, 1])]).collect());
        assert_eq!(all.len(), NAMED_WITH_A_REQUEST);
        assert!(all.iter().filter(|choice| choice.of.contains(&1)).count() == 2, "{all:?}");
        assert_eq!(named_of(leads.take(3).collect()).len(), 3);
        assert!(named_of(Vec::new()).is_empty());
    }
}
