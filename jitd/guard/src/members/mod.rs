//! The members of groups who have to go: found out, taken out, and told.
//!
//! Only who jitd says it put in (`given` in its list), and whom no live grant wants. This comes after sudo's part and never
//! before it, and a lock that somebody holds is waited for but a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jit_common::causes::chain;
use jit_common::escape::escaped;
use jit_common::ids::RequestId;
use jit_mechanisms::groups::Membership;
use jit_mechanisms::guard_notes::{Note, Noted, Off, Why};
use jit_mechanisms::removal::{Doubts, remove_members};
use jit_mechanisms::{HostPaths, Now};

use crate::plan::{Known, TakeOff};

/// How long the service waits for each lock in one sweep: sudo's part of the next grant must not wait for an open vigr.
pub(crate) const WAIT: Duration = Duration::from_millis(100);

/// How long the pass at boot waits: there is no service yet, and it goes on trying.
pub(crate) const WAIT_AT_BOOT: Duration = Duration::from_secs(1);

/// How long whoever asked for everything to end waits: nothing tries again after that but he.
pub(crate) const WAIT_FOR_ALL: Duration = Duration::from_secs(5);

/// What is said of groups when jitd's list is damaged.
pub(crate) const UNKNOWN: &str = "whom jitd put into groups, nobody can tell: that stood in the damaged list, and nobody is \
     taken out on a guess. Have jitd start, whose record knows them; or look through the members in /etc/group, then \
     remove /var/lib/jit/applied";

/// Why somebody has to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaving {
    /// The grants in jitd's list that wanted it: all are over. None, when jitd died between an end and the list.
    pub(crate) grants: BTreeSet<RequestId>,
    /// Why.
    pub(crate) why: Why,
}

/// Who has to go, by what is known. What a note says is over is not looked at again: who is there now was put in by
/// somebody else.
pub(crate) fn leaving(known: &Known, take_off: &TakeOff, noted: &Noted) -> BTreeMap<Membership, Leaving> {
    let applied = match known {
        Known::Grants(applied) => applied,
        Known::Nothing | Known::Damaged(_) | Known::Unreadable(_) => return BTreeMap::new(),
    };
    let going: BTreeSet<RequestId> = match take_off {
        TakeOff::Everything(_) => applied.grants.iter().map(|grant| grant.id).collect(),
        TakeOff::These(these) => these.keys().chain(noted.grants.keys()).copied().collect(),
    };
    let leaving = applied.members_of_only(&going).into_iter();
    leaving
        .filter(|(of, grants)| !noted.is_over(of, grants))
        .map(|(of, grants)| {
            let why = reason(take_off, noted, &grants);
            (of, Leaving { grants, why })
        })
        .collect()
}

fn reason(take_off: &TakeOff, noted: &Noted, grants: &BTreeSet<RequestId>) -> Why {
    match take_off {
        TakeOff::Everything(why) => *why,
        TakeOff::These(these) => {
            let now = grants.iter().find_map(|id| these.get(id));
            let before = || grants.iter().find_map(|id| noted.grants.get(id));
            now.or_else(before).copied().unwrap_or(Why::NotApplied)
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Went {
    /// The grants of which somebody was taken out.
    pub(crate) touched: BTreeMap<RequestId, Why>,
    /// The grants that are not over yet: somebody of theirs is still in.
    pub(crate) stuck: BTreeSet<RequestId>,
    /// For the log.
    pub(crate) said: Vec<String>,
    /// What could not be done, for the log, once as long as it stays so.
    pub(crate) wrong: BTreeSet<String>,
    /// Whether whoever is out is sure to stay so.
    pub(crate) surety: Surety,
}

impl Went {
    /// What came of this and of a later try for the rest.
    pub(crate) fn then(self, later: Self) -> Self {
        Self {
            touched: self.touched.into_iter().chain(later.touched).collect(),
            said: self.said.into_iter().chain(later.said).collect(),
            ..later
        }
    }
}

/// Whether somebody may be about to write an older list of members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Surety {
    /// Nobody.
    #[default]
    Sure,
    /// Somebody: it has to be looked at again.
    Unsure,
}

/// Takes them out, in one rewrite. `note` gets the notes while the groups are still locked.
pub(crate) fn take_out(
    paths: &HostPaths,
    leaving: &BTreeMap<Membership, Leaving>,
    wait: Duration,
    (doubts, now): (&mut Doubts, &Now),
    note: &mut dyn FnMut(Vec<Note>),
) -> Went {
    let mut went = Went::default();
    let going = leaving.keys().cloned().collect();
    let removed = remove_members(paths, &going, wait, (doubts, now.boot), &mut |off| {
        note(notes(leaving, off, now));
    });
    let removed = match removed {
        Ok(removed) => removed,
        Err(why) => {
            went.stuck = leaving.values().flat_map(|leaving| &leaving.grants).copied().collect();
            went.wrong.insert(format!(
                "{} could not be taken out yet: {}",
                names(leaving.keys()),
                chain(&why)
            ));
            return went;
        }
    };
    for (of, why) in &removed.stays {
        went.stuck.extend(leaving.get(of).into_iter().flat_map(|leaving| &leaving.grants));
        went.wrong.insert(format!("{} stays: {}", name(of), escaped(why)));
    }
    for (of, why) in &removed.unsure {
        went.stuck.extend(leaving.get(of).into_iter().flat_map(|leaving| &leaving.grants));
        went.wrong.insert(format!("{} is out, and may come back: {}", name(of), escaped(why)));
        went.surety = Surety::Unsure;
    }
    let beside = removed.beside.iter();
    went.said.extend(beside.map(|who| format!("went on without /etc/.pwd.lock, which is held by {who}")));
    let untold = removed.untold.iter();
    went.said.extend(untold.map(|why| format!("a cache of groups could not be told: {}", escaped(why))));
    let mut lines: BTreeMap<(Off, &str), Vec<&Membership>> = BTreeMap::new();
    for (of, off) in &removed.off {
        let Some(leaving) = leaving.get(of) else { continue };
        lines.entry((*off, leaving.why.word())).or_default().push(of);
        if *off == Off::TakenOut {
            went.touched.extend(leaving.grants.iter().map(|id| (*id, leaving.why)));
        }
    }
    went.said.extend(lines.into_iter().map(|((off, why), of)| line(off, why, &of)));
    went
}

fn notes(leaving: &BTreeMap<Membership, Leaving>, off: &BTreeMap<Membership, Off>, now: &Now) -> Vec<Note> {
    let note = |(of, off): (&Membership, &Off)| {
        let Leaving { grants, why } = leaving.get(of)?.clone();
        Some(Note::Member { of: of.clone(), off: *off, wall: now.wall, why, grants })
    };
    off.iter().filter_map(note).collect()
}

fn line(off: Off, why: &str, of: &[&Membership]) -> String {
    let names = names(of.iter().copied());
    match off {
        Off::TakenOut => format!("taken out: {names}: {why}"),
        Off::WasGone => format!("out before the guard came: {names}: {why}"),
    }
}

/// One person in one group, for people.
pub(crate) fn name(of: &Membership) -> String {
    format!("{} of group {}", escaped(&of.user), escaped(&of.group))
}

/// More than a line can hold are counted.
fn names<'m>(of: impl ExactSizeIterator<Item = &'m Membership>) -> String {
    const MANY: usize = 20;
    let count = of.len();
    let mut names: Vec<String> = of.take(MANY).map(name).collect();
    if count > MANY {
        names.push(format!("and {} more", count - MANY));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests;
