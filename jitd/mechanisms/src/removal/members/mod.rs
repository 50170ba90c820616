//! Takes people out of groups, with or without jitd. Nobody is ever put in here, nor put back.
//!
//! The guard asks no name service. A user who is not in `/etc/passwd` is taken for gone, and his name goes out of the
//! list: what stands there was put in by jitd, whoever is called that now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::groups::tell::tell;
use crate::groups::{
    Caches, Caller, Given, GroupsError, Membership, Outcome, Report, Wanted, converge, look_locked,
};
use crate::guard_notes::Off;
use crate::paths::HostPaths;

mod doubts;

pub use doubts::Doubts;

/// How often it starts over because somebody was put in between a look without the lock and one with it.
const ROUNDS: u32 = 4;

/// What became of memberships that had to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersRemoved {
    /// What is off now, and how it came to be.
    pub off: BTreeMap<Membership, Off>,
    /// What is off, and why it may not stay so, in words. It is not noted.
    pub unsure: BTreeMap<Membership, String>,
    /// What is not off, or not known to be, and why, in words.
    pub stays: BTreeMap<Membership, String>,
    /// Caches of groups that could not be told, each with the reason: there it may look as if nothing had happened.
    pub untold: Vec<String>,
    /// Beside whom it was done, in words: a process that had been stopped with the first lock.
    pub beside: Option<String>,
}

/// Takes these memberships off, in one rewrite, and reads back that they are. Each lock is waited for up to about `wait`.
/// `note` is told of what is off while the lock is held: nobody else changes groups between the removal and the note.
/// It may be called more than once. What is off and not sure to stay so at `boot`, by the boot clock, is not noted but kept
/// in `doubts` until a later call.
///
/// # Errors
/// None of it is known to be off: try again.
pub fn remove_members(
    paths: &HostPaths,
    going: &Given,
    wait: Duration,
    (doubts, boot): (&mut Doubts, i64),
    note: &mut dyn FnMut(&BTreeMap<Membership, Off>),
) -> Result<MembersRemoved, GroupsError> {
    if going.is_empty() {
        return Ok(MembersRemoved::default());
    }
    doubts.keep_only(going);
    let (off, unsure, broke) = Default::default();
    let mut caller = Remover { paths, note, doubts, boot, off, unsure, broke };
    let nothing = Wanted::default();
    let (mut all, mut left) = (Report::of(BTreeMap::new()), going.clone());
    for _ in 0..ROUNDS {
        let report = converge(paths, &nothing, &left, wait, &mut caller)?;
        // Seen without the lock. Somebody may just be at it, so it counts only when it is seen with the lock as well.
        let unsure = |of: &Membership| !caller.has_seen(of);
        left = off_in(&report.outcomes).into_keys().filter(unsure).collect();
        all.add(report.outcomes);
        all.beside = report.beside.or(all.beside);
        all.caches = all.caches.then(report.caches);
        if !left.is_empty() {
            look_locked(paths, &nothing, &left, wait, &mut caller)?;
            // Who was put in between the two looks is to be taken out, and is not out yet.
            left.retain(|of| !caller.has_seen(of));
        }
        if left.is_empty() {
            break;
        }
    }
    Ok(caller.removed(&all))
}

/// Wants nobody in, and passes on what is off.
struct Remover<'n> {
    paths: &'n HostPaths,
    note: &'n mut dyn FnMut(&BTreeMap<Membership, Off>),
    doubts: &'n mut Doubts,
    boot: i64,
    off: BTreeMap<Membership, Off>,
    /// Off, and not sure to stay so.
    unsure: Given,
    /// Whose lock was broken.
    broke: BTreeSet<u32>,
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
        let sure = self.doubts.sure(self.paths, &off, &self.broke, self.boot);
        self.unsure.extend(off.into_keys().filter(|of| !sure.contains_key(of)));
        if !sure.is_empty() {
            (self.note)(&sure);
            self.off.extend(sure);
        }
    }

    fn broke_the_lock_of(&mut self, pid: u32) {
        self.broke.insert(pid);
    }
}

impl Remover<'_> {
    /// Whether it was seen under the lock that somebody is out.
    fn has_seen(&self, of: &Membership) -> bool {
        self.off.contains_key(of) || self.unsure.contains(of)
    }

    fn removed(self, report: &Report) -> MembersRemoved {
        let stays = report.outcomes.iter().filter(|(of, _)| !self.has_seen(of));
        let stays = stays.map(|(of, outcome)| (of.clone(), reason(outcome))).collect();
        let unsure = self.unsure.iter().filter(|of| !self.off.contains_key(of));
        let unsure = unsure.filter_map(|of| Some((of.clone(), self.doubts.why(self.paths, of)?))).collect();
        let told = match report.caches {
            Caches::Stale => tell(self.paths),
            Caches::AsBefore => Vec::new(),
        };
        let untold = told.into_iter().filter_map(|told| told.result.err()).collect();
        MembersRemoved { off: self.off, unsure, stays, untold, beside: report.beside.clone() }
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
