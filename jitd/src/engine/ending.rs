//! From live to off the host: what is due, what was given back, what was taken away. Lowering never waits for the
//! record: the host is made equal first, and what came of it is written afterwards.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jit_common::response::{EndedView, WasView};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step::{self, EndedBy};
use jitd_core::limits::STUCK_RETRY;
use jitd_core::now::{NANOS, Now};
use jitd_core::record::Cause;

use super::{Engine, views};

impl Engine {
    /// Ends whatever is due. Thousands due together are one pass over the host.
    pub(super) fn end_due(&mut self, now: &Now) {
        let due = self.registry.due(now);
        self.end_all(&due, &EndedBy::default(), now);
    }

    /// Ends these grants in one pass; the registry then says what became of them.
    pub(super) fn end_all(&mut self, which: &[(RequestId, Cause)], by: &EndedBy, now: &Now) {
        let mut any = false;
        for (id, cause) in self.with_extensions(which) {
            any |= self.mark_ending(id, cause, by, now);
        }
        if any {
            self.remove_ended(now);
        }
    }

    /// Whoever takes a grant away takes its extension away as well, which may be on its way to take the grant's place.
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
                // Somebody took away what both give.
                Cause::Lost => true,
                // An extension is what makes a grant outlive these, or stands by itself.
                Cause::Expired | Cause::Rebooted | Cause::Replaced | Cause::Failed => false,
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
        let released = step.end_anyway(self.book.debts());
        self.registry.take(&released);
        self.end_sessions(id, cause, now);
        // Whoever marks it removes it in the same pass; should he not, the next pass does.
        self.retry_stuck.get_or_insert(now.boot);
        true
    }

    /// Makes the host equal to what is wanted, and says of each ending grant whether it is off, all of it.
    pub(super) fn remove_ended(&mut self, now: &Now) {
        let made = self.make_so(now);
        let ending: BTreeSet<RequestId> = self.ending().map(|grant| grant.id).collect();
        let after = self.clock.now();
        for id in ending {
            let Some(grant) = self.registry.get(id).cloned() else { continue };
            let grant = &grant;
            let step = match made.not_gone.get(&id) {
                None => {
                    let residue = made.residue.get(&id).cloned().unwrap_or_default();
                    step::removed(grant, &after, self.late_ms(grant, &after), residue)
                }
                Some(why) => {
                    crate::log::error(&format!(
                        "grant {id} of {} is still on the host: {why}",
                        grant.by.name
                    ));
                    step::not_removed(grant, &after, why)
                }
            };
            if let Some(step) = step {
                let released = step.end_anyway(self.book.debts());
                self.registry.take(&released);
                if self.registry.get(id).is_none() {
                    let late = grant.deadline.reached(&after).then(|| self.late_ms(grant, &after));
                    let taken_out = self.host.taken_out(grant, &after);
                    self.close_with_report(grant, (late, after.wall), taken_out.clone(), &after);
                    self.sweep_holders(grant, taken_out, &after);
                }
            }
        }
        self.removed = made;
        self.removed_by_guard.retain(|id, _| self.registry.get(*id).is_some());
        let some_left = self.ending().next().is_some();
        self.retry_stuck = some_left.then(|| after.boot.saturating_add(self.stuck_wait()));
    }

    /// Tries again to remove what is stuck, when it is time.
    pub(super) fn retry_stuck(&mut self, now: &Now) {
        if self.retry_stuck.is_some_and(|at| at <= now.boot) {
            self.remove_ended(now);
        }
    }

    /// Grants that are to go and are not gone.
    pub(super) fn ending(&self) -> impl Iterator<Item = &Grant> {
        self.registry.live().filter(|grant| !grant.state.is_wanted())
    }

    /// How long to wait before the next try: doubled with each, up to a limit.
    fn stuck_wait(&self) -> i64 {
        let tries = self.ending().map(|grant| grant.state.tries()).max().unwrap_or(0);
        let (first, most) = STUCK_RETRY;
        let seconds =
            first.checked_shl(tries.saturating_sub(1)).filter(|s| *s > 0).map_or(most, |s| s.min(most));
        seconds * NANOS
    }

    /// How long after its deadline a grant was off the host: when the guard did it, by the guard's note.
    fn late_ms(&self, grant: &Grant, now: &Now) -> i64 {
        let late = match self.removed_by_guard.get(&grant.id) {
            Some(wall) => wall.saturating_sub(grant.deadline.wall),
            None => grant.deadline.left(now).saturating_neg(),
        };
        late.max(0) / 1_000_000
    }

    /// What became of these grants.
    pub(super) fn ended_views(&self, before: &[Grant]) -> Vec<EndedView> {
        let view = |grant: &Grant| EndedView {
            residue: self.removed.residue.get(&grant.id).cloned().unwrap_or_default(),
            id: grant.id,
            was: WasView::Live,
            person: views::person(&grant.by),
            role: grant.role.clone(),
            stuck: self.registry.get(grant.id).map(|now| match now.state {
                State::Stuck { .. } => {
                    let why = self.removed.not_gone.get(&grant.id).map(|why| format!(": {why}"));
                    format!("it could not be removed yet and is tried again{}", why.unwrap_or_default())
                }
                State::Asked
                | State::Pending
                | State::Scheduled
                | State::Closed { .. }
                | State::Applying
                | State::Active
                | State::Ending { .. }
                | State::Ended { .. }
                | State::Refused => "it is on its way off".to_owned(),
            }),
        };
        before.iter().map(view).collect()
    }
}
