//! From live to off the host (`jitd/src/engine/ending.rs`): lowering never waits for the record.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::{self, EndedBy};
use jitd_core::limits::STUCK_RETRY;
use jitd_core::now::{NANOS, Now};
use jitd_core::record::Cause;

use super::{Jitd, Lived};
use crate::world::World;

impl Jitd {
    /// Ends whatever is due.
    pub(super) fn end_due(&mut self, world: &mut World, now: &Now) -> Lived {
        let due = self.registry.due(now);
        self.end_all(world, &due, &EndedBy::default(), now)
    }

    /// Ends these grants in one pass.
    pub(super) fn end_all(
        &mut self,
        world: &mut World,
        which: &[(RequestId, Cause)],
        by: &EndedBy,
        now: &Now,
    ) -> Lived {
        let mut any = false;
        for (id, cause) in self.with_extensions(which) {
            any |= self.mark_ending(id, cause, by, now);
        }
        match any {
            true => self.remove_ended(world, now),
            false => Ok(()),
        }
    }

    /// Whoever takes a grant away takes its extension away as well.
    pub(super) fn with_extensions(&self, which: &[(RequestId, Cause)]) -> Vec<(RequestId, Cause)> {
        let mut all = which.to_vec();
        // Looked through once: thousands end together.
        let mut extensions: BTreeMap<RequestId, Vec<RequestId>> = BTreeMap::new();
        for grant in self.registry.live() {
            grant.span.replaces.into_iter().for_each(|of| extensions.entry(of).or_default().push(grant.id));
        }
        let mut next = 0;
        while let Some((id, cause)) = all.get(next).copied() {
            next += 1;
            let goes_along = match cause {
                Cause::Revoked | Cause::Dropped | Cause::Locked | Cause::PersonGone | Cause::Guard => true,
                Cause::Expired | Cause::Rebooted | Cause::Replaced | Cause::Failed | Cause::Lost => false,
            };
            let theirs = extensions.get(&id).filter(|_| goes_along).into_iter().flatten();
            all.extend(theirs.map(|id| (*id, cause)));
        }
        all
    }

    /// Takes a grant out of what is wanted. Whether it was in it.
    pub(super) fn mark_ending(&mut self, id: RequestId, cause: Cause, by: &EndedBy, now: &Now) -> bool {
        let step = self.registry.get(id).and_then(|grant| step::end(grant, now, cause, by.clone()));
        let Some(step) = step else { return false };
        let released = step.end_anyway(&mut self.book.owed);
        self.registry.take(&released);
        self.retry_stuck.get_or_insert(now.boot);
        true
    }

    /// Makes the host equal to what is wanted, and says of each ending grant whether it is off.
    pub(super) fn remove_ended(&mut self, world: &mut World, now: &Now) -> Lived {
        let made = self.make_so(world, now)?;
        let ending: BTreeSet<RequestId> = self.ending().map(|grant| grant.id).collect();
        for id in ending {
            let Some(grant) = self.registry.get(id) else { continue };
            let step = match made.not_gone.contains(&id) {
                false => step::removed(grant, now, 0, Vec::new()),
                true => step::not_removed(grant, now, "something sits on it"),
            };
            if let Some(step) = step {
                let released = step.end_anyway(&mut self.book.owed);
                self.registry.take(&released);
            }
        }
        let tries = self.ending().map(|grant| grant.state.tries()).max();
        self.retry_stuck = tries.map(|tries| {
            let (first, most) = STUCK_RETRY;
            let seconds =
                first.checked_shl(tries.saturating_sub(1)).filter(|s| *s > 0).map_or(most, |s| s.min(most));
            now.boot + seconds * NANOS
        });
        Ok(())
    }

    /// Tries again to remove what is stuck, when it is time.
    pub(super) fn retry_stuck(&mut self, world: &mut World, now: &Now) -> Lived {
        match self.retry_stuck.is_some_and(|at| at <= now.boot) {
            true => self.remove_ended(world, now),
            false => Ok(()),
        }
    }

    /// Grants that are to go and are not gone.
    pub(super) fn ending(&self) -> impl Iterator<Item = &Grant> {
        self.registry.live().filter(|grant| !grant.state.is_wanted())
    }
}
