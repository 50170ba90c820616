//! Whether a request has the approvals that its rule asks for, and whether it ever could.
//!
//! People are matched to the places of the rule's entries, each person to one place at most, so that as many places
//! are taken as can be: a maximum matching of a bipartite graph, found by augmenting paths (C. Berge, "Two theorems
//! in graph theory", 1957). In the order in which people voted it would not be: somebody who may take either of two
//! places could take the one that a later voter needs.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::facts::{AccountState, PersonFacts};
use super::model::ApprovalRule;
use super::phrase::all_of;

/// How far the approvals of a request have come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Tally {
    /// How many people each entry has, in the order of the entries.
    pub met: Vec<u32>,
    /// How many people are missing, over all entries.
    pub missing: u32,
}

impl Tally {
    /// Whether nobody is missing.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.missing == 0
    }
}

/// Counts the voters, numbered from 0, towards the entries. `eligible` says whether the voter may stand for the
/// entry: `(entry, voter)`.
///
/// The same voters give the same answer, and one more voter at the end never takes a person away from any entry.
pub fn tally(entries: &[ApprovalRule], eligible: impl Fn(usize, usize) -> bool, voters: usize) -> Tally {
    let mut places = Places::of(entries);
    for voter in 0..voters {
        if places.missing() == 0 {
            break;
        }
        places.seat(voter, &eligible);
    }
    Tally { missing: places.missing(), met: places.taken }
}

/// The places of all entries, and who has one.
struct Places {
    /// How many each entry has.
    count: Vec<u32>,
    /// How many of them are taken.
    taken: Vec<u32>,
    /// The entry of each voter who has a place.
    entry_of: BTreeMap<usize, usize>,
}

impl Places {
    fn of(entries: &[ApprovalRule]) -> Self {
        let count: Vec<u32> = entries.iter().map(|entry| entry.count).collect();
        Self { taken: alloc::vec![0; count.len()], count, entry_of: BTreeMap::new() }
    }

    fn missing(&self) -> u32 {
        self.count.iter().zip(&self.taken).map(|(count, taken)| count.saturating_sub(*taken)).sum()
    }

    fn has_room(&self, entry: usize) -> bool {
        self.taken.get(entry) < self.count.get(entry)
    }

    /// Gives the voter a place, by the shortest chain of others who move to another entry, if there is one.
    fn seat(&mut self, voter: usize, eligible: &impl Fn(usize, usize) -> bool) {
        // Who would come into each entry that has been reached.
        let mut comes: BTreeMap<usize, usize> = BTreeMap::new();
        let mut reached = VecDeque::new();
        let reach = |who: usize, comes: &mut BTreeMap<usize, usize>, reached: &mut VecDeque<usize>| {
            for entry in 0..self.count.len() {
                if !comes.contains_key(&entry) && eligible(entry, who) {
                    comes.insert(entry, who);
                    reached.push_back(entry);
                }
            }
        };
        reach(voter, &mut comes, &mut reached);
        while let Some(entry) = reached.pop_front() {
            if self.has_room(entry) {
                return self.move_along(entry, &comes);
            }
            for (who, _) in self.entry_of.iter().filter(|(_, of)| **of == entry) {
                reach(*who, &mut comes, &mut reached);
            }
        }
    }

    /// Everybody on the chain that ends at `entry` moves on, and the new voter has the place that became free.
    fn move_along(&mut self, mut entry: usize, comes: &BTreeMap<usize, usize>) {
        if let Some(taken) = self.taken.get_mut(entry) {
            *taken += 1;
        }
        while let Some(who) = comes.get(&entry) {
            match self.entry_of.insert(*who, entry) {
                Some(left) => entry = left,
                None => return,
            }
        }
    }
}

/// Whether somebody may stand for an entry: an ordinary account, named or in one of the groups. A group that could
/// not be looked up has nobody in it here.
#[must_use]
pub fn may_approve(entry: &ApprovalRule, person: &PersonFacts) -> bool {
    let ordinary = person.uid != 0 && person.account == AccountState::Ordinary;
    let named = entry.by.users.contains(&person.name);
    ordinary && (named || person.groups.iter().any(|group| entry.by.groups.contains(group)))
}

/// The entries that somebody may stand for, by their places in the list.
#[must_use]
pub fn eligible_entries(entries: &[ApprovalRule], person: &PersonFacts) -> BTreeSet<usize> {
    entries.iter().enumerate().filter(|(_, entry)| may_approve(entry, person)).map(|(at, _)| at).collect()
}

/// Whether there are people enough to approve at all, the requester not among them.
///
/// `candidates` are those who are known of; each uid counts once. An entry with a group of `unlisted`, whose members
/// cannot be listed, is taken for one that can be met: it is only said that nobody can where that is certain.
///
/// # Errors
/// Who is needed and not there, as a phrase: `2 people in leads`.
pub fn could_ever(
    entries: &[ApprovalRule],
    candidates: &[PersonFacts],
    unlisted: &BTreeSet<String>,
    requester: u32,
) -> Result<(), String> {
    let listed: Vec<ApprovalRule> =
        entries.iter().filter(|entry| entry.by.groups.is_disjoint(unlisted)).cloned().collect();
    let mut people: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for person in candidates.iter().filter(|person| person.uid != requester) {
        people.entry(person.uid).or_default().extend(eligible_entries(&listed, person));
    }
    let people: Vec<BTreeSet<usize>> = people.into_values().filter(|may| !may.is_empty()).collect();
    enough(&listed, &people)
}

/// Whether people who may stand for these entries are enough for all of them.
///
/// # Errors
/// The entries that they are not enough for, as a phrase.
pub(super) fn enough(entries: &[ApprovalRule], people: &[BTreeSet<usize>]) -> Result<(), String> {
    let may = |entry: usize, who: usize| people.get(who).is_some_and(|may| may.contains(&entry));
    if tally(entries, may, people.len()).is_met() {
        return Ok(());
    }
    // Those for which there are too few whatever the others take. Where each alone could be met, it is the same
    // people who are needed several times, and only all of them together say so.
    let phrases = |which: &dyn Fn(usize, &ApprovalRule) -> bool| -> Vec<String> {
        entries
            .iter()
            .enumerate()
            .filter(|(at, entry)| which(*at, entry))
            .map(|(_, entry)| entry.phrase())
            .collect()
    };
    let hopeless = phrases(&|at, entry| {
        let there = people.iter().filter(|may| may.contains(&at)).count();
        u32::try_from(there).is_ok_and(|there| there < entry.count)
    });
    if hopeless.is_empty() {
        return Err(format!("{}, all of them different people", all_of(&phrases(&|_, _| true))));
    }
    Err(all_of(&hopeless))
}
