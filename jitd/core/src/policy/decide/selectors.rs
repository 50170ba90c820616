//! Whether a person is among some subjects, and whether a rule holds at this time.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::explanation::Held;

use crate::policy::facts::{Facts, GroupState};
use crate::policy::model::Subjects;
use crate::policy::phrase::one_of;
use crate::policy::schedule::Schedule;

/// Whether a person is among some subjects, as far as it can be known.
pub(super) enum Membership {
    /// The account is named.
    ByName(String),
    /// The account is in this group.
    ByGroup(String),
    /// It is not, and nothing is left open.
    No {
        /// Groups that do not exist on this host.
        missing: Vec<String>,
    },
    /// It is not in what could be looked up, and something could not.
    Unknown {
        /// A phrase that says what.
        what: String,
    },
}

impl Membership {
    pub(super) fn is_member(&self) -> bool {
        matches!(self, Self::ByName(_) | Self::ByGroup(_))
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// Looks the person up among the subjects.
pub(super) fn subjects(subjects: &Subjects, facts: &Facts) -> Membership {
    let person = &facts.person;
    if subjects.users.contains(&person.name) {
        return Membership::ByName(person.name.clone());
    }
    if let Some(group) = person.groups.iter().find(|group| subjects.groups.contains(*group)) {
        return Membership::ByGroup(group.clone());
    }
    let mut missing = Vec::new();
    for group in &subjects.groups {
        let why = match facts.known_groups.get(group) {
            Some(GroupState::Exists) => continue,
            Some(GroupState::Missing) => {
                missing.push(group.clone());
                continue;
            }
            Some(GroupState::Unreachable { why }) => why.as_str(),
            None => "nobody looked",
        };
        let what = format!("the group {group} could not be looked up ({why})");
        return Membership::Unknown { what };
    }
    Membership::No { missing }
}

/// `eligible` of a rule. A group that does not exist has no members, so it makes nobody eligible.
pub(super) fn eligible(who: &Subjects, facts: &Facts) -> (Held, String) {
    match subjects(who, facts) {
        Membership::ByName(name) => (Held::Held, format!("you are {name}")),
        Membership::ByGroup(group) => (Held::Held, format!("you are in {group}")),
        Membership::No { missing } => {
            (Held::NotHeld, format!("you are not {}{}", members(who), not_here(&missing)))
        }
        Membership::Unknown { what } => (Held::Unknown, what),
    }
}

/// `subjects` of a deny. Whoever wrote it meant somebody, so a group that does not exist here is a mistake or a dead
/// directory, and the deny counts as one that cannot be evaluated.
pub(super) fn denied(who: &Subjects, facts: &Facts) -> (Held, String) {
    match subjects(who, facts) {
        Membership::ByName(name) => (Held::Held, format!("you are {name}")),
        Membership::ByGroup(group) => (Held::Held, format!("you are in {group}")),
        Membership::No { missing } => match missing.first() {
            None => (Held::NotHeld, format!("you are not {}", members(who))),
            Some(group) => (
                Held::Unknown,
                format!("the group {group} does not exist on this host, so who is in it is unknown"),
            ),
        },
        Membership::Unknown { what } => (Held::Unknown, what),
    }
}

/// `schedule` of a rule.
pub(super) fn schedule(schedule: &Schedule, facts: &Facts) -> (Held, String) {
    let zone = &schedule.zone;
    match facts.local_time.get(zone) {
        None => (Held::Unknown, format!("this host does not know the time zone {zone}")),
        Some(now) => {
            let held = if schedule.holds_at(*now) { Held::Held } else { Held::NotHeld };
            (held, format!("it is {now} in {zone}, the rule holds {}", schedule.hours()))
        }
    }
}

fn members(who: &Subjects) -> String {
    let users: Vec<&str> = who.users.iter().map(String::as_str).collect();
    let groups: Vec<&str> = who.groups.iter().map(String::as_str).collect();
    match (users.as_slice(), groups.as_slice()) {
        ([], groups) => format!("in {}", one_of(groups)),
        (users, []) => one_of(users),
        (users, groups) => format!("{} and not in {}", one_of(users), one_of(groups)),
    }
}

fn not_here(missing: &[String]) -> String {
    match missing {
        [] => String::new(),
        [group] => format!(" (the group {group} does not exist on this host)"),
        groups => format!(" (the groups {} do not exist on this host)", groups.join(", ")),
    }
}
