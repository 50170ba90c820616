//! What the editor of groups asks of jitd, and tells it, while it holds the lock.

use std::collections::{BTreeMap, BTreeSet};

use jit_mechanisms::groups::{self, Caller, Given, Membership, Outcome};

use super::before::Before;
use super::changes::Stamp;
use super::memory::Memory;

/// Notes down for the editor, and knows who is not of this host.
pub(super) struct Scribe<'a, 'b> {
    pub(super) before: &'a mut Before<'b>,
    pub(super) memory: &'a mut Memory,
    pub(super) elsewhere: &'a BTreeMap<String, u32>,
    /// What is to be noted in any case.
    pub(super) noted: &'a Given,
    pub(super) locked: bool,
    /// The files as they were left, or as they were before anything was done.
    pub(super) stamp: Stamp,
    /// Who may be about to write an older list.
    pub(super) bystanders: BTreeSet<u32>,
}

impl Caller for Scribe<'_, '_> {
    fn about_to_add(&mut self, adding: &Given) -> Result<(), String> {
        self.before.make_so(self.memory, &adding.union(self.noted).cloned().collect())
    }

    fn uid_elsewhere(&mut self, user: &str) -> Option<u32> {
        self.elsewhere.get(user).copied()
    }

    fn done(&mut self, outcomes: &BTreeMap<Membership, Outcome>) {
        self.locked = true;
        self.stamp = Stamp::of(self.before.paths());
        if outcomes.values().any(|outcome| *outcome == Outcome::Removed) {
            // Without a list of processes there is no doubt that could be settled.
            self.bystanders = groups::bystanders(self.before.paths()).unwrap_or_default();
        }
    }
}

/// Only looks.
pub(super) struct Onlooker<'a> {
    pub(super) elsewhere: &'a BTreeMap<String, u32>,
}

impl Caller for Onlooker<'_> {
    fn about_to_add(&mut self, _adding: &Given) -> Result<(), String> {
        Err("a look puts nobody in".into())
    }

    fn uid_elsewhere(&mut self, user: &str) -> Option<u32> {
        self.elsewhere.get(user).copied()
    }
}
