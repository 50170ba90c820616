//! What was taken out of groups a moment ago: it counts for nothing yet, and whoever is in again is told of.

use std::collections::{BTreeMap, BTreeSet};

use jit_mechanisms::groups::{Given, Membership};
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::PersonFacts;
use jitd_core::record::Drifted;

use super::Difference;
use super::changes::Stamp;

/// Nanoseconds for which a membership that was taken out counts for nothing: somebody's groups may have been looked up
/// before it, or a cache of them may be stale.
const FORGOTTEN_AFTER: i64 = 60 * NANOS;

/// Nanoseconds for which it is shown that somebody is in again.
const SHOWN: i64 = 600 * NANOS;

/// What was taken out.
#[derive(Debug, Default)]
pub(super) struct Lately {
    /// What, and when on the boot clock.
    out: Vec<(Membership, i64)>,
    /// Who of them was in again, and when that was seen first.
    again: BTreeMap<Membership, i64>,
    /// The files of groups when that was last looked at.
    pub(super) seen: Stamp,
}

impl Lately {
    /// Remembers for a while what was taken out.
    pub(super) fn took(&mut self, out: impl IntoIterator<Item = Membership>, now: &Now) {
        self.out.retain(|(_, at)| now.boot.saturating_sub(*at) < FORGOTTEN_AFTER);
        self.out.extend(out.into_iter().map(|of| (of, now.boot)));
    }

    /// What was taken out lately.
    pub(super) fn out(&self, now: &Now) -> impl Iterator<Item = &Membership> {
        let boot = now.boot;
        let lately = move |at: i64| boot.saturating_sub(at) < FORGOTTEN_AFTER;
        self.out.iter().filter(move |(_, at)| lately(*at)).map(|(of, _)| of)
    }

    /// Who is to be looked at: those who are out by what jitd did, unless they are none of its business or not settled yet.
    pub(super) fn watched(&self, but: impl Fn(&Membership) -> bool, now: &Now) -> Given {
        self.out(now).chain(self.again.keys()).filter(|of| !but(of)).cloned().collect()
    }

    /// Looks for these until they are out.
    pub(super) fn keep(&mut self, again: &Given, now: &Now) {
        for of in again {
            self.again.entry(of.clone()).or_insert(now.boot);
        }
    }

    /// Takes who is in again, of those who are watched. Nobody undoes it: it may be an admin's will. What is new of it.
    pub(super) fn are_in(&mut self, again: &Given, now: &Now) -> Vec<Difference> {
        self.again.retain(|of, since| again.contains(of) && now.boot.saturating_sub(*since) < SHOWN);
        let lately: BTreeSet<Membership> = self.out(now).cloned().collect();
        let new: Vec<&Membership> =
            again.iter().filter(|of| lately.contains(of) && !self.again.contains_key(of)).collect();
        self.again.extend(new.iter().map(|of| ((*of).clone(), now.boot)));
        new.into_iter().map(in_again).collect()
    }

    /// What an admin should look at.
    pub(super) fn attention(&self) -> impl Iterator<Item = String> + '_ {
        self.again.keys().map(|of| {
            format!("{}; unless somebody meant it: gpasswd -d {} {}", sentence(of), of.user, of.group)
        })
    }
}

fn in_again(of: &Membership) -> Difference {
    let done = "it was left so, for an admin may want it; whoever does not takes them out with gpasswd -d";
    let (what, grants) = (Drifted::PutBack, Vec::new());
    Difference { what, found: sentence(of), done: done.into(), grants }
}

pub(super) fn sentence(of: &Membership) -> String {
    format!(
        "{} is in the group {} again, within a minute after a grant of it had ended, and not by jitd: somebody put them \
         in, or wrote an older list",
        of.user, of.group
    )
}

/// Takes out of a person's groups those that are lent to them, by name and by number: a group may have several names, and get
/// another one.
pub(super) fn strip<'l>(person: &mut PersonFacts, lent: impl Iterator<Item = &'l Membership>) {
    let (uid, name) = (person.uid, person.name.clone());
    let lent: Vec<&Membership> = lent.filter(|of| of.uid == uid || of.user == name).collect();
    let numbers = &person.numbers;
    let is_lent = |group: &String| {
        lent.iter().any(|of| of.group == *group || numbers.contains(&(of.gid, group.clone())))
    };
    person.groups.retain(|group| !is_lent(group));
}

#[cfg(test)]
mod tests {
    use jitd_core::now::BootId;

    use super::*;

    fn at(seconds: i64) -> Now {
        Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("".into()) }
    }

    fn alice() -> Membership {
        Membership { gid: 999, group: "docker".into(), uid: 1001, user: "alice".into() }
    }

    #[test]
    fn whoever_is_in_again_is_told_once_and_shown_for_a_while() {
        let mut lately = Lately::default();
        lately.took([alice()], &at(0));
        assert_eq!(lately.watched(|_| false, &at(1)), Given::from([alice()]));
        assert_eq!(lately.watched(|_| true, &at(1)), Given::new());
        let again = Given::from([alice()]);
        assert_eq!(lately.are_in(&Given::new(), &at(1)), []);
        assert_eq!(lately.are_in(&again, &at(2)).len(), 1);
        assert_eq!(lately.are_in(&again, &at(3)), []);
        assert_eq!(lately.attention().count(), 1);
        // By now it counts, and is shown all the same.
        assert_eq!(lately.watched(|_| false, &at(100)), again);
        assert_eq!(lately.are_in(&again, &at(100)), []);
        assert_eq!(lately.attention().count(), 1);
        lately.are_in(&again, &at(700));
        assert_eq!(lately.attention().count(), 0);
        assert_eq!(lately.are_in(&again, &at(701)), [], "she has been in for long");
    }

    #[test]
    fn a_lent_group_counts_under_none_of_its_names() {
        let groups = ["docker", "oncall", "ships", "whales"].map(str::to_owned).to_vec();
        let numbers =
            [(999, "whales".to_owned()), (998, "ships".to_owned()), (997, "oncall".to_owned())].into();
        let mut person =
            PersonFacts { uid: 1001, name: "alice".into(), groups, numbers, ..PersonFacts::default() };
        strip(&mut person, [alice()].iter());
        assert_eq!(person.groups, ["oncall", "ships"]);
        strip(&mut person, [Membership { uid: 7, user: "bob".into(), gid: 997, ..alice() }].iter());
        assert_eq!(person.groups, ["oncall", "ships"], "what is lent to others is nothing of hers");
    }
}
