//! Takes people out of groups, with or without jitd. Nobody is ever put in here, nor put back.
//!
//! The guard asks no name service. A user who is not in `/etc/passwd` is taken for gone, and his name goes out of the
//! list: what stands there was put in by jitd, whoever is called that now.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::groups::tell::tell;
use crate::groups::{
    Caches, Caller, Given, GroupsError, Membership, Outcome, Report, Wanted, converge, look_locked,
};
use crate::guard_notes::Off;
use crate::paths::HostPaths;

/// How often it starts over because somebody was put in between a look without the lock and one with it.
const ROUNDS: u32 = 4;

/// What became of memberships that had to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersRemoved {
    /// What is off now, and how it came to be.
    pub off: BTreeMap<Membership, Off>,
    /// What is not off, or not known to be, and why, in words.
    pub stays: BTreeMap<Membership, String>,
    /// Caches of groups that could not be told, each with the reason: there it may look as if nothing had happened.
    pub untold: Vec<String>,
    /// Beside whom it was done, in words: a process that had been stopped with the first lock.
    pub beside: Option<String>,
}

/// Takes these memberships off, in one rewrite, and reads back that they are. Each lock is waited for up to about `wait`.
/// `note` is told of what is off while the lock is held: nobody else changes groups between the removal and the note.
/// It may be called more than once.
///
/// # Errors
/// None of it is known to be off: try again.
pub fn remove_members(
    paths: &HostPaths,
    going: &Given,
    wait: Duration,
    note: &mut dyn FnMut(&BTreeMap<Membership, Off>),
) -> Result<MembersRemoved, GroupsError> {
    if going.is_empty() {
        return Ok(MembersRemoved::default());
    }
    let mut caller = Remover { note, off: BTreeMap::new() };
    let nothing = Wanted::default();
    let (mut all, mut left) = (Report::of(BTreeMap::new()), going.clone());
    for _ in 0..ROUNDS {
        let report = converge(paths, &nothing, &left, wait, &mut caller)?;
        // Seen without the lock. Somebody may just be at it, so it counts only when it is seen with the lock as well.
        let unsure = |of: &Membership| !caller.off.contains_key(of);
        left = off_in(&report.outcomes).into_keys().filter(unsure).collect();
        all.add(report.outcomes);
        all.beside = report.beside.or(all.beside);
        all.caches = all.caches.then(report.caches);
        if !left.is_empty() {
            look_locked(paths, &nothing, &left, wait, &mut caller)?;
            // Who was put in between the two looks is to be taken out, and is not out yet.
            left.retain(|of| !caller.off.contains_key(of));
        }
        if left.is_empty() {
            break;
        }
    }
    Ok(caller.removed(paths, &all))
}

/// Wants nobody in, and passes on what is off.
struct Remover<'n> {
    note: &'n mut dyn FnMut(&BTreeMap<Membership, Off>),
    off: BTreeMap<Membership, Off>,
}

impl Caller for Remover<'_> {
    fn about_to_add(&mut self, _adding: &Given) -> Result<(), String> {
        Err("a removal puts nobody in".into())
    }

    fn uid_elsewhere(&mut self, _user: &str) -> Option<u32> {
        None
    }

    fn done(&mut self, outcomes: &BTreeMap<Membership, Outcome>) {
        let off = off_in(outcomes);
        if !off.is_empty() {
            (self.note)(&off);
            self.off.extend(off);
        }
    }
}

impl Remover<'_> {
    fn removed(self, paths: &HostPaths, report: &Report) -> MembersRemoved {
        let stays = report.outcomes.iter().filter(|(of, _)| !self.off.contains_key(of));
        let stays = stays.map(|(of, outcome)| (of.clone(), reason(outcome))).collect();
        let told = match report.caches {
            Caches::Stale => tell(paths),
            Caches::AsBefore => Vec::new(),
        };
        let untold = told.into_iter().filter_map(|told| told.result.err()).collect();
        MembersRemoved { off: self.off, stays, untold, beside: report.beside.clone() }
    }
}

fn off_in(outcomes: &BTreeMap<Membership, Outcome>) -> BTreeMap<Membership, Off> {
    let off = |outcome: &Outcome| match outcome {
        Outcome::Removed => Some(Off::TakenOut),
        Outcome::WasGone => Some(Off::WasGone),
        Outcome::Added | Outcome::Kept | Outcome::PutBack => None,
        Outcome::AlreadyNatural | Outcome::Refused(_) => None,
    };
    outcomes.iter().filter_map(|(of, outcome)| Some((of.clone(), off(outcome)?))).collect()
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(why) => why.to_string(),
        Outcome::Removed | Outcome::WasGone => "somebody put it back meanwhile".into(),
        Outcome::Added | Outcome::Kept | Outcome::PutBack => "it is wanted".into(),
        Outcome::AlreadyNatural => "it is from before".into(),
    }
}

#[cfg(test)]
mod tests;
