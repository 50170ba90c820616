//! What should be so, found out the slow way and without the core: who may what by the policy as it was made up, whether people
//! are enough, whether a deadline is past, and what sudo's file gives to whom.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::now::{Deadline, NANOS, Now};
use jitd_core::policy::{AccountState, ApprovalRule};
use jitd_core::record::Person;

use super::model::Holding;
use crate::world::World;
use crate::world::people::Account;
use crate::world::policies::{HOST_GROUPS, RuleSpec, Spec};

/// Nanoseconds for which something that was looked up may be decided on.
pub(crate) const WINDOW: i64 = 10 * NANOS;

/// From when on what was looked up may be decided on now, by true time.
pub(crate) fn lately(world: &World) -> i64 {
    world.clocks.true_time - WINDOW
}

/// The accounts that somebody had from `since` on, as far as they were ordinary and of that name.
pub(crate) fn accounts<'w>(world: &'w World, person: &Person, since: i64) -> Vec<&'w Account> {
    let same = |account: &&Account| account.name == person.name && account.state == AccountState::Ordinary;
    world.people.since(person.uid, since).filter(same).collect()
}

/// The rules that may have decided for somebody from `since` on, as written.
pub(crate) fn rules<'s>(
    world: &World,
    spec: &'s Spec,
    person: &Person,
    role: &str,
    since: i64,
) -> Vec<&'s RuleSpec> {
    let natural = |group: &str| {
        let gid = HOST_GROUPS.iter().find(|(name, _)| *name == group).map(|(_, gid)| *gid);
        gid.is_some_and(|gid| world.host.is_natural(gid, &person.name, since))
    };
    let of = |account: &Account| {
        let all = spec.rule_for(role, |group| account.groups.contains(group) || natural(group));
        // Whether somebody was in a group of the host a moment ago decides which rule comes first.
        let without = spec.rule_for(role, |group| account.groups.contains(group));
        [all, without]
    };
    accounts(world, person, since).into_iter().flat_map(of).flatten().collect()
}

/// Whether these people, each counted once, are enough for all entries: every way of seating them is tried.
pub(crate) fn are_enough(world: &World, entries: &[ApprovalRule], people: &[Person]) -> bool {
    // A uid that was given away is one person, whoever of the two still may.
    let mut distinct: BTreeMap<u32, Vec<&Person>> = BTreeMap::new();
    for person in people {
        distinct.entry(person.uid).or_default().push(person);
    }
    let may = |theirs: &[&Person], entry: &ApprovalRule| {
        theirs.iter().flat_map(|person| accounts(world, person, lately(world))).any(|account| {
            let named = entry.by.users.contains(&account.name);
            named || account.groups.iter().any(|group| entry.by.groups.contains(*group))
        })
    };
    let places: Vec<&ApprovalRule> =
        entries.iter().flat_map(|entry| std::iter::repeat_n(entry, entry.count as usize)).collect();
    let choices: Vec<BTreeSet<usize>> = places
        .iter()
        .map(|entry| {
            distinct.values().enumerate().filter(|(_, who)| may(who, entry)).map(|(at, _)| at).collect()
        })
        .collect();
    seat(&choices, &mut BTreeSet::new())
}

fn seat(choices: &[BTreeSet<usize>], seated: &mut BTreeSet<usize>) -> bool {
    let Some((first, rest)) = choices.split_first() else { return true };
    for who in first {
        if seated.insert(*who) {
            if seat(rest, seated) {
                return true;
            }
            seated.remove(who);
        }
    }
    false
}

/// Nanoseconds by which a deadline is past, on whichever clock it is past the longer; everything in another boot.
pub(crate) fn past(deadline: &Deadline, now: &Now) -> i64 {
    match deadline.boot_id == now.boot_id {
        true => (now.wall - deadline.wall).max(now.boot - deadline.boot),
        false => i64::MAX,
    }
}

/// What is wrong with sudo's file: every line has to be of a grant that is live, for its person, its commands and groups, and
/// until its deadline.
pub(crate) fn wrong_in_sudoers(text: &str, live: &BTreeMap<RequestId, Holding>) -> Option<String> {
    let mut grant: Option<&Holding> = None;
    for line in text.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["#", "grant", id] => {
                grant = live.get(&id.parse().ok()?);
                if grant.is_none() {
                    return Some(format!("a block of {id}, which is not live"));
                }
            }
            ["#", "end", _] => grant = None,
            [first, ..] => {
                let uid = grant.map(|grant| format!("#{}", grant.by.uid))?;
                let defaults = *first == format!("Defaults:{uid}");
                if !defaults && *first != uid {
                    return Some(format!("{line:?} is of somebody else than {uid}"));
                }
                if let Some(wrong) =
                    grant.filter(|_| !defaults).and_then(|grant| wrong_in_line(&words, grant))
                {
                    return Some(format!("{line:?}: {wrong}"));
                }
            }
            [] => return Some("an empty line".into()),
        }
    }
    None
}

fn wrong_in_line(words: &[&str], grant: &Holding) -> Option<String> {
    let until = words.iter().find_map(|word| word.strip_prefix("NOTAFTER=")).and_then(unix);
    let deadline =
        grant.deadline.wall.div_euclid(NANOS) + i64::from(grant.deadline.wall.rem_euclid(NANOS) > 0);
    if until != Some(deadline) {
        return Some(format!("it ends at {until:?} and the grant at {deadline}"));
    }
    let groups = format!("ALL=(#{}:", grant.by.uid);
    let is_of_groups = words.get(1).is_some_and(|word| word.starts_with(&groups));
    match is_of_groups {
        true => {
            let gids: BTreeSet<String> =
                grant.gives.groups.iter().map(|group| format!("#{}", group.gid)).collect();
            let inside = words.get(1)?.strip_prefix(&groups)?.strip_suffix(')')?;
            let there: BTreeSet<String> = inside.split(',').map(str::to_owned).collect();
            (there != gids).then(|| "other groups than the role gives".into())
        }
        false => {
            let paths =
                words.iter().map(|word| word.trim_end_matches(',')).filter(|word| word.starts_with('/'));
            let gives = format!("{:?}", grant.gives.sudo);
            let all = words.last() == Some(&"ALL");
            let foreign = paths.clone().any(|path| !gives.contains(&format!("{path:?}")));
            (all || foreign || paths.count() == 0).then(|| "other commands than the role gives".into())
        }
    }
}

/// `YYYYMMDDhhmmssZ` in Unix seconds (days from the civil calendar, H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn unix(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 14)?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hours, minutes, seconds) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}
