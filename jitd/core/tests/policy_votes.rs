//! Counting approvals: as many places as can be taken are taken, whoever voted first, and nobody counts twice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use std::collections::BTreeSet;

use jitd_core::policy::{
    AccountState, ApprovalRule, PersonFacts, Subjects, Tally, could_ever, eligible_entries, may_approve,
    tally,
};
use policy_world::Random;

fn names(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|name| (*name).into()).collect()
}

fn entry(count: u32, users: &[&str], groups: &[&str]) -> ApprovalRule {
    ApprovalRule { count, by: Subjects { users: names(users), groups: names(groups) } }
}

fn person(uid: u32, name: &str, groups: &[&str]) -> PersonFacts {
    PersonFacts {
        uid,
        name: name.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        account: AccountState::Ordinary,
        ..PersonFacts::default()
    }
}

fn count(entries: &[ApprovalRule], voters: &[PersonFacts]) -> Tally {
    tally(entries, |entry, voter| may_approve(&entries[entry], &voters[voter]), voters.len())
}

#[test]
fn one_person_in_two_groups_counts_once_and_gives_way_to_who_is_in_one() {
    let entries = [entry(1, &[], &["leads"]), entry(1, &[], &["security"])];
    let (both, lead) = (person(1, "anna", &["leads", "security"]), person(2, "bert", &["leads"]));
    let alone = count(&entries, std::slice::from_ref(&both));
    assert_eq!((alone.met.as_slice(), alone.missing, alone.is_met()), ([1, 0].as_slice(), 1, false));
    for voters in [[both.clone(), lead.clone()], [lead, both]] {
        assert!(count(&entries, &voters).is_met(), "whoever came first: {voters:?}");
    }
}

#[test]
fn people_move_along_a_chain_of_entries() {
    let entries = [entry(1, &["a", "b"], &[]), entry(1, &["b", "c"], &[]), entry(1, &["c", "d"], &[])];
    // Whoever votes takes the first entry that is free, so the last one has everybody move.
    let voters = ["b", "c", "a"].map(|name| person(1, name, &[]));
    let tally = count(&entries, &voters);
    assert_eq!((tally.met, tally.missing), (vec![1, 1, 1], 0));
}

#[test]
fn nobody_is_missing_where_nothing_is_asked_and_nobody_counts_who_may_not() {
    assert!(count(&[], &[]).is_met());
    let entries = [entry(2, &["anna"], &["leads"])];
    let voters = [person(1, "anna", &[]), person(2, "eve", &["staff"])];
    assert_eq!(count(&entries, &voters), Tally { met: vec![1], missing: 1 });
}

#[test]
fn only_ordinary_accounts_approve() {
    let entry = entry(1, &["anna"], &["leads"]);
    assert!(
        may_approve(&entry, &person(1, "anna", &[])) && may_approve(&entry, &person(1, "b", &["x", "leads"]))
    );
    assert!(!may_approve(&entry, &person(1, "bert", &["x"])));
    assert!(!may_approve(&entry, &person(0, "anna", &["leads"])), "root, whatever was looked up");
    let states = [
        AccountState::Root,
        AccountState::NoAccount,
        AccountState::SharedUid { names: vec!["anna".into(), "toor".into()] },
        AccountState::Locked,
        AccountState::Expired,
        AccountState::NoLogin { shell: "/usr/sbin/nologin".into() },
    ];
    for account in states {
        let anna = PersonFacts { account, ..person(1, "anna", &["leads"]) };
        assert!(!may_approve(&entry, &anna), "{anna:?}");
        assert!(eligible_entries(std::slice::from_ref(&entry), &anna).is_empty());
    }
    let both = [entry.clone(), super_group(), entry];
    assert_eq!(eligible_entries(&both, &person(1, "anna", &[])), BTreeSet::from([0, 2]));
}

fn super_group() -> ApprovalRule {
    entry(1, &[], &["security"])
}

/// A random question: entries with their counts, and for each voter a set of entries.
struct Question {
    entries: Vec<ApprovalRule>,
    may: Vec<Vec<bool>>,
}

impl Question {
    fn random(random: &mut Random, voters: usize) -> Self {
        let entries: Vec<ApprovalRule> = (0..1 + random.below(4))
            .map(|_| entry(u32::try_from(1 + random.below(3)).unwrap(), &["x"], &[]))
            .collect();
        let may = (0..voters).map(|_| entries.iter().map(|_| random.below(5) < 2).collect()).collect();
        Self { entries, may }
    }

    fn tally(&self, voters: usize) -> Tally {
        tally(&self.entries, |entry, voter| self.may[voter][entry], voters)
    }

    /// The most places that can be taken, by trying everything.
    fn most(&self, voter: usize, room: &mut Vec<u32>) -> u32 {
        if voter == self.may.len() {
            return 0;
        }
        let mut most = self.most(voter + 1, room);
        for entry in 0..self.entries.len() {
            if self.may[voter][entry] && room[entry] > 0 {
                room[entry] -= 1;
                most = most.max(1 + self.most(voter + 1, room));
                room[entry] += 1;
            }
        }
        most
    }
}

#[test]
fn as_many_places_are_taken_as_trying_everything_finds() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut met, mut not_met) = (0, 0);
    for _ in 0..3_000 {
        let voters = random.below(7);
        let question = Question::random(&mut random, voters);
        let mut room: Vec<u32> = question.entries.iter().map(|entry| entry.count).collect();
        let (all, most) = (room.iter().sum::<u32>(), question.most(0, &mut room));
        let tally = question.tally(voters);
        assert_eq!(tally.met.iter().sum::<u32>(), most);
        assert_eq!(tally.missing, all - most);
        assert!(tally.met.iter().zip(&question.entries).all(|(met, entry)| *met <= entry.count));
        if tally.is_met() { met += 1 } else { not_met += 1 }
    }
    assert!(met > 100 && not_met > 100, "{met} met, {not_met} not");
}

#[test]
fn one_more_voter_takes_nobody_away_and_the_order_of_votes_does_not_matter() {
    let mut random = Random(7);
    for _ in 0..2_000 {
        let question = Question::random(&mut random, 10);
        let mut before = question.tally(0);
        for voters in 1..=10 {
            let now = question.tally(voters);
            assert_eq!(now, question.tally(voters), "the same question, the same answer");
            assert!(now.missing <= before.missing);
            assert!(before.met.iter().zip(&now.met).all(|(before, now)| before <= now), "{before:?} {now:?}");
            before = now;
        }
        let reversed = tally(&question.entries, |entry, voter| question.may[9 - voter][entry], 10);
        assert_eq!(reversed.missing, before.missing);
    }
}

#[test]
fn the_largest_question_is_answered_at_once() {
    let entries: Vec<ApprovalRule> = (0..8).map(|_| entry(20, &[], &["all"])).collect();
    let everybody: Vec<PersonFacts> = (1..=10_000).map(|uid| person(uid, "x", &["all"])).collect();
    assert!(count(&entries, &everybody).is_met());
    assert!(could_ever(&entries, &everybody, &BTreeSet::new(), 1).is_ok());
    let few = &everybody[..159];
    assert_eq!(count(&entries, few).missing, 1);
}

#[test]
fn that_nobody_can_approve_is_said_only_where_it_is_certain() {
    let none = BTreeSet::new();
    let entries = [entry(2, &[], &["leads"]), entry(1, &["sam"], &["security"])];
    let leads = [person(1, "anna", &["leads"]), person(2, "bert", &["leads"])];
    let (sam, both) = (person(3, "sam", &[]), person(4, "cleo", &["leads", "security"]));
    let with = |more: &[PersonFacts]| [&leads[..], more].concat();
    assert_eq!(could_ever(&entries, &with(std::slice::from_ref(&sam)), &none, 9), Ok(()));
    assert_eq!(
        could_ever(&entries, &with(&[]), &none, 9),
        Err("1 person: sam or somebody in security".into()),
        "nobody for the second"
    );
    // The requester never counts.
    assert_eq!(
        could_ever(&entries, &with(std::slice::from_ref(&sam)), &none, 1),
        Err("2 people in leads".into())
    );
    assert_eq!(could_ever(&entries, &with(&[sam, both.clone()]), &none, 1), Ok(()));
    // Enough for each, and not for all: cleo would be needed twice.
    let said = could_ever(&entries, &[leads[0].clone(), both], &none, 9).unwrap_err();
    assert_eq!(
        said,
        "2 people in leads and 1 person: sam or somebody in security, all of them different people"
    );
    // Whoever may be in a group that cannot be listed may be enough.
    assert_eq!(could_ever(&entries, &with(&[]), &names(&["security"]), 9), Ok(()));
    assert_eq!(could_ever(&entries, &[], &names(&["security"]), 9), Err("2 people in leads".into()));
    assert_eq!(could_ever(&[], &[], &none, 9), Ok(()));
    // One person is one person, however often they are listed.
    let twice = [leads[0].clone(), leads[0].clone()];
    assert!(could_ever(&entries[..1], &twice, &none, 9).is_err());
}

#[test]
fn an_entry_is_told_in_a_few_words() {
    for (entry, phrase, who) in [
        (entry(1, &[], &["leads"]), "1 person in leads", "somebody in leads"),
        (
            entry(3, &[], &["leads", "security"]),
            "3 people in leads or security",
            "somebody in leads or security",
        ),
        (entry(1, &["anna"], &[]), "1 person: anna", "anna"),
        (entry(1, &["anna", "bert"], &[]), "1 person: anna or bert", "anna or bert"),
        (
            entry(2, &["anna", "bert"], &["security"]),
            "2 people: anna, bert or somebody in security",
            "anna, bert or somebody in security",
        ),
        (
            entry(2, &["a", "b", "c", "d", "e"], &["x"]),
            "2 people: a, b, c, d or 1 more, or somebody in x",
            "a, b, c, d or 1 more, or somebody in x",
        ),
    ] {
        assert_eq!((entry.phrase().as_str(), entry.by.phrase().as_str()), (phrase, who));
    }
}
