//! Members of this host's groups: put in and taken out of `/etc/group` and `/etc/gshadow`, beside shadow-utils.
//!
//! Only what was put in here is ever taken out; a member from before stays one. The locks are those of shadow-utils
//! (see [`locks`]), any number of changes is one rewrite of each file, and every byte that is not part of a changed
//! list of members is kept. Neither the name service nor the clock is asked: the caller brings what they would say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use jit_common::ids::RequestId;

mod accounts;
mod attributes;
mod bystanders;
mod converge;
mod ended;
mod error;
mod file;
mod files;
pub mod holders;
mod litter;
pub mod locks;
mod place;
mod plan;
pub(crate) mod process;
mod refusal;
mod resolve;
mod spare;
pub mod sweep;
pub mod tell;
pub mod text;
mod turn;
mod word;

pub use bystanders::{DOUBT, bystanders, still_run};
pub use converge::{Caller, converge, look, look_locked};
pub use error::GroupsError;
pub use litter::sweep_litter;
pub use place::Place;
pub use refusal::{Kind, Odd, Refusal};
pub use resolve::{NotGiven, resolve};
pub use spare::{drop_spares, keep_spares};

/// One person in one group, by number and by name: all four have to agree with the host at every step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    /// The group's number.
    pub gid: u32,
    /// The group's name.
    pub group: String,
    /// The person's number.
    pub uid: u32,
    /// The person's name.
    pub user: String,
}

/// What should be so, and for which grants. Overlapping grants of one membership are one entry here, so it ends with
/// the last of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted(BTreeMap<Membership, BTreeSet<RequestId>>);

impl Wanted {
    /// Wants a membership for a grant.
    pub fn add(&mut self, membership: Membership, grant: RequestId) {
        self.0.entry(membership).or_default().insert(grant);
    }

    /// The grants that want it.
    #[must_use]
    pub fn grants(&self, membership: &Membership) -> Option<&BTreeSet<RequestId>> {
        self.0.get(membership)
    }

    /// All of them.
    pub fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.0.keys()
    }
}

/// What was put in here and not yet taken out: kept by the caller across restarts, told to it before it is so.
pub type Given = BTreeSet<Membership>;

/// What became of one membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Put in.
    Added,
    /// Put in earlier, and still there.
    Kept,
    /// Put in earlier, taken out by somebody else, put in again.
    PutBack,
    /// In it without us: never ours to take out.
    AlreadyNatural,
    /// Taken out.
    Removed,
    /// To be taken out, and gone already.
    WasGone,
    /// Left as it is, at least in one of the files.
    Refused(Refusal),
}

impl Outcome {
    /// Whether the caller has to remember it as given from now on; `None` when it has to leave that as it was.
    #[must_use]
    pub fn is_ours(&self) -> Option<bool> {
        match self {
            Self::Added | Self::Kept | Self::PutBack => Some(true),
            Self::AlreadyNatural | Self::Removed | Self::WasGone => Some(false),
            Self::Refused(_) => None,
        }
    }

    /// Whether it is so without a change: what a look alone may tell as a fact.
    #[must_use]
    pub fn is_so_already(&self) -> bool {
        match self {
            Self::Kept | Self::AlreadyNatural | Self::WasGone | Self::Refused(_) => true,
            Self::Added | Self::PutBack | Self::Removed => false,
        }
    }

    /// Whether the person is in the group now; `None` when that was not found out.
    #[must_use]
    pub fn is_member(&self) -> Option<bool> {
        match self {
            Self::Added | Self::Kept | Self::PutBack | Self::AlreadyNatural => Some(true),
            Self::Removed | Self::WasGone => Some(false),
            Self::Refused(_) => None,
        }
    }
}

/// What was found and done.
#[derive(Debug)]
pub struct Report {
    /// One for everything wanted and everything given.
    pub outcomes: BTreeMap<Membership, Outcome>,
    /// Whether caches of groups have to be told. That may take seconds and needs no lock, so it is the caller's.
    pub caches: Caches,
    /// Beside whom it was done, in words: a process that had been stopped with the first lock.
    pub beside: Option<String>,
    /// The files that were replaced, still open. The file system frees them with the last of these, which takes as long as
    /// a journal does: for when nobody waits.
    pub replaced: Vec<File>,
}

/// What caches of groups (nscd, sssd) know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub enum Caches {
    /// Nothing was written.
    #[default]
    AsBefore,
    /// Something was written: [`tell::tell`] them.
    Stale,
}

impl Caches {
    /// After two changes.
    pub fn then(self, later: Self) -> Self {
        match (self, later) {
            (Self::AsBefore, Self::AsBefore) => Self::AsBefore,
            (Self::Stale, _) | (_, Self::Stale) => Self::Stale,
        }
    }
}

impl Report {
    /// Of what was found, with nothing written.
    pub(crate) fn of(outcomes: BTreeMap<Membership, Outcome>) -> Self {
        Self { outcomes, caches: Caches::AsBefore, beside: None, replaced: Vec::new() }
    }

    /// Takes in what was found later. Who was taken out before and is gone now was taken out.
    pub(crate) fn add(&mut self, later: BTreeMap<Membership, Outcome>) {
        for (of, outcome) in later {
            let before = self.outcomes.get(&of);
            if !(outcome == Outcome::WasGone && before == Some(&Outcome::Removed)) {
                self.outcomes.insert(of, outcome);
            }
        }
    }

    /// What the name service says otherwise: `ask` answers whether it counts this person in this group, or `None`
    /// when it does not say. For the caller, who may ask it; a stale cache or another source of groups shows here.
    pub fn denied_by(&self, mut ask: impl FnMut(&Membership) -> Option<bool>) -> Vec<&Membership> {
        let denied = |(of, outcome): &(&Membership, &Outcome)| match (outcome.is_member(), ask(of)) {
            (Some(here), Some(there)) => here != there,
            (None, _) | (_, None) => false,
        };
        self.outcomes.iter().filter(denied).map(|(of, _)| of).collect()
    }

    /// What has to be remembered as given after this report, given what was before.
    #[must_use]
    pub fn given_after(&self, mut before: Given) -> Given {
        for (of, outcome) in &self.outcomes {
            match outcome.is_ours() {
                Some(true) => drop(before.insert(of.clone())),
                Some(false) => drop(before.remove(of)),
                None => {}
            }
        }
        before
    }
}

#[cfg(test)]
mod tests;
