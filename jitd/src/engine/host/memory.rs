//! `applied`, as this jitd last saw or wrote it, and what it has to say of memberships: what may be taken out of a group.
//!
//! The file is the memory. Only when it is lost, or older than the record, does the record stand in: each intent says
//! before anything is raised whether the person joins a group by it (docs/decisions.md).

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jit_mechanisms::HostPaths;
use jit_mechanisms::applied::{self, Applied, AppliedGrant, Undo};
use jit_mechanisms::dir::Durability;
use jit_mechanisms::groups::{Given, Membership};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::Now;
use jitd_core::wanted::{Wanted, WantedGrant};

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What stands in the file; `None` when that is not known, or nothing that can be read.
    file: Option<Applied>,
    /// What may be taken out; the file says so as well once it is written.
    pub(super) given: Given,
    /// The file could not be written when it was to be.
    behind: bool,
}

impl Memory {
    /// Reads the file.
    pub(super) fn read(paths: &HostPaths) -> Self {
        let file = match applied::read(paths) {
            Ok(file) => file,
            Err(error) => {
                crate::log::error(&crate::chain(&error));
                None
            }
        };
        let given = file.as_ref().map(|file| file.given.clone()).unwrap_or_default();
        Self { file, given, behind: false }
    }

    /// Adds what the record knows of `live` grants where the file cannot be the whole truth. A grant whose end the guard has
    /// noted is not among them, nor is a membership that is `over`: whoever is in that group now was put there by
    /// somebody else.
    pub(super) fn recall(
        &mut self,
        live: &[WantedGrant],
        joins: impl Fn(RequestId, &Membership) -> bool,
        over: &Given,
        now: &Now,
    ) {
        // Within one boot the file is the newest that was written. After a power cut it may be one from before.
        let lost = self.file.is_none();
        for grant in live.iter().filter(|grant| lost || grant.deadline.boot_id != now.boot_id) {
            self.given.extend(memberships(grant).filter(|of| joins(grant.id, of) && !over.contains(of)));
        }
    }

    /// The grants that the file has a line for.
    pub(super) fn known(&self) -> BTreeSet<RequestId> {
        self.file.iter().flat_map(|file| &file.grants).map(|line| line.id).collect()
    }

    /// Writes what is to come beside what is there: from now on the guard can take off whatever `goal` raises, and whoever is
    /// `adding`, about to be put in.
    ///
    /// # Errors
    /// A sentence; then nothing may be raised.
    pub(super) fn before_raising(
        &mut self,
        paths: &HostPaths,
        goal: &[WantedGrant],
        adding: &Given,
    ) -> Result<(), String> {
        let mut lines: BTreeMap<RequestId, AppliedGrant> = self.lines();
        lines.extend(goal.iter().map(|grant| (grant.id, line_of(grant))));
        let given: Given = self.given.union(adding).cloned().collect();
        let at_least = if adding.is_empty() { Durability::ThisBoot } else { Durability::OldOrNew };
        self.put(paths, lines, given, at_least)
    }

    /// Writes that these are about to be put in.
    ///
    /// # Errors
    /// A sentence; then nobody may be put in.
    pub(super) fn before_adding(&mut self, paths: &HostPaths, adding: &Given) -> Result<(), String> {
        let given = self.given.union(adding).cloned().collect();
        self.put(paths, self.lines(), given, Durability::OldOrNew)
    }

    /// What stands in the file as given, which may be more than was put in when that failed half-way.
    pub(super) fn noted(&self) -> Given {
        self.file.as_ref().map(|file| file.given.clone()).unwrap_or_default()
    }

    /// Writes what is left: the lines of `goal`. Whoever is still in a group though no line says why is taken out by the guard at
    /// once, if it gets to it first.
    ///
    /// # Errors
    /// A sentence. Then the guard will look for something that is not there.
    pub(super) fn after(&mut self, paths: &HostPaths, goal: &[WantedGrant]) -> Result<(), String> {
        let lines = goal.iter().map(|grant| (grant.id, line_of(grant))).collect();
        self.put(paths, lines, self.given.clone(), Durability::ThisBoot)
    }

    /// Writes what may still be taken out, and nothing else.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn settle(&mut self, paths: &HostPaths) -> Result<(), String> {
        self.put(paths, self.lines(), self.given.clone(), Durability::ThisBoot)
    }

    /// Reads the file again, for somebody else may have changed it: how it is not as it was left. What is wanted is then written
    /// anew. A damaged one is the guard's, who ends everything by it.
    pub(super) fn look_again(&mut self, paths: &HostPaths) -> Option<&'static str> {
        if self.behind {
            return None;
        }
        let there = applied::read(paths).ok()?;
        let left = self.file.as_ref().filter(|left| **left != Applied::default());
        let how = match (&there, left) {
            (Some(there), _) if Some(there) == self.file.as_ref() => return None,
            (None, None) => return None,
            (None, Some(_)) => "it was gone",
            (Some(_), _) => "it said something else",
        };
        self.file = there;
        Some(how)
    }

    fn lines(&self) -> BTreeMap<RequestId, AppliedGrant> {
        let lines = self.file.iter().flat_map(|file| &file.grants);
        lines.map(|line| (line.id, line.clone())).collect()
    }

    /// Whether the file is not what it should be, because it could not be written.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// A list that forgets somebody has to last: an older one would take out whom an admin put in by hand meanwhile.
    fn put(
        &mut self,
        paths: &HostPaths,
        lines: BTreeMap<RequestId, AppliedGrant>,
        given: Given,
        at_least: Durability,
    ) -> Result<(), String> {
        let new = Applied { grants: lines.into_values().collect(), given };
        let old = self.file.as_ref();
        if old.is_some_and(|old| *old == new) || (old.is_none() && new == Applied::default()) {
            self.behind = false;
            return Ok(());
        }
        self.behind = true;
        let durability = match old.is_some_and(|old| !old.given.is_subset(&new.given)) {
            true => Durability::AcrossReboot,
            false => at_least,
        };
        applied::write(paths, &new, durability).map_err(|error| crate::chain(&error))?;
        self.behind = false;
        self.file = Some(new);
        Ok(())
    }
}

/// A grant as the host should have it.
pub(in crate::engine) fn wanted(grant: &Grant) -> WantedGrant {
    let Grant { id, by, gives, deadline, expiry, .. } = grant.clone();
    WantedGrant { id, by, gives, subcommands: expiry.subcommands, deadline }
}

/// The memberships of a grant.
pub(super) fn memberships(grant: &WantedGrant) -> impl Iterator<Item = Membership> + '_ {
    grant.gives.groups.iter().map(|group| Membership {
        gid: group.gid,
        group: group.name.clone(),
        uid: grant.by.uid,
        user: grant.by.name.clone(),
    })
}

/// All memberships that are wanted, each with its grants.
pub(super) fn all_memberships(wanted: &Wanted) -> jit_mechanisms::groups::Wanted {
    let mut all = jit_mechanisms::groups::Wanted::default();
    for grant in wanted.grants() {
        memberships(grant).for_each(|of| all.add(of, grant.id));
    }
    all
}

fn line_of(grant: &WantedGrant) -> AppliedGrant {
    let groups: Vec<Membership> = memberships(grant).collect();
    let undo = if groups.is_empty() { vec![Undo::Sudoers] } else { vec![Undo::Sudoers, Undo::Groups] };
    AppliedGrant { id: grant.id, uid: grant.by.uid, deadline: grant.deadline.clone(), undo, groups }
}
