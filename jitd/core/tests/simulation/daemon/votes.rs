//! People deciding (`jitd/src/engine/votes.rs`): approvals, denials, and a requester who takes a request back.

use std::collections::BTreeSet;

use jit_common::ids::RequestId;
use jitd_core::lifecycle::open::{Open, Vote};
use jitd_core::lifecycle::step::{self, ClosedBy};
use jitd_core::now::Now;
use jitd_core::policy::{self, votes};
use jitd_core::record::{Approval, Closed, Origin};

use super::elevate::{OLDEST_FACTS, caller, is_the_person};
use super::{Jitd, Lived};
use crate::world::World;
use crate::world::messages::Call;

impl Jitd {
    /// Takes an approver's yes. When nothing is missing after it, everything is looked up anew.
    pub(super) fn approve(
        &mut self,
        world: &mut World,
        call: &Call,
        id: RequestId,
        seconds: Option<u32>,
        now: &Now,
    ) -> Lived {
        self.flush(world, now)?;
        if !self.vote(world, call, id, seconds, now)? {
            return Ok(());
        }
        let met = self.registry.open_request(id).is_some_and(|open| self.tally(open).is_met());
        if met {
            self.check(world, id, now);
        }
        Ok(())
    }

    /// Records a vote. Whether it counted.
    fn vote(
        &mut self,
        world: &mut World,
        call: &Call,
        id: RequestId,
        seconds: Option<u32>,
        now: &Now,
    ) -> Lived<bool> {
        if !is_the_person(call) || policy::check_account(&call.person).is_err() || !self.may_grant() {
            return Ok(false);
        }
        let Some(open) = self.registry.open_request(id).cloned() else { return Ok(false) };
        let of = votes::eligible_entries(&open.terms.approvals, &call.person);
        let voted = open.votes.iter().any(|vote| vote.by == caller(call));
        let stale = now.boot.saturating_sub(call.looked_up) > OLDEST_FACTS;
        if is_own(&open, call) || of.is_empty() || voted || stale || self.tally(&open).is_met() {
            return Ok(false);
        }
        if seconds.is_some_and(|wanted| wanted > open.seconds()) {
            return Ok(false);
        }
        let seconds = seconds.filter(|wanted| *wanted < open.terms.seconds);
        let from = Origin { login_uid: call.login_uid, ..Origin::default() };
        let approval = Approval { approver: caller(call), from, of, seconds, note: None };
        let Some(step) = step::approved(&open, approval, Vec::new(), Vec::new(), now) else {
            return Ok(false);
        };
        let Some(released) = self.book.raise(world, vec![step], now)? else { return Ok(false) };
        self.registry.take(&released);
        self.held_up.remove(&id);
        Ok(true)
    }

    /// Takes a no: it closes the request, whether that can be recorded or not.
    pub(super) fn deny(&mut self, world: &mut World, call: &Call, id: RequestId, now: &Now) -> Lived {
        let Some(open) = self.registry.open_request(id).cloned() else { return Ok(()) };
        let approver = policy::check_account(&call.person).is_ok()
            && !votes::eligible_entries(&open.terms.approvals, &call.person).is_empty();
        if is_own(&open, call) || !(approver || self.may_revoke(call)) {
            return Ok(());
        }
        let by = ClosedBy { person: Some(caller(call)), ..ClosedBy::default() };
        self.close(&open, Closed::Denied, by, now);
        self.book.settle_now(world, now)
    }

    /// Takes a request back.
    pub(super) fn cancel(&mut self, world: &mut World, call: &Call, id: RequestId, now: &Now) -> Lived {
        let by = caller(call);
        let Some(open) = self.registry.open_request(id).filter(|open| open.by == by).cloned() else {
            return Ok(());
        };
        self.close(&open, Closed::Cancelled, ClosedBy { person: Some(by), ..ClosedBy::default() }, now);
        self.book.settle_now(world, now)
    }

    pub(super) fn close(&mut self, open: &Open, cause: Closed, by: ClosedBy, now: &Now) {
        if let Some(step) = step::close(open, now, cause, by) {
            let released = step.end_anyway(&mut self.book.owed);
            self.registry.take(&released);
        }
    }

    pub(super) fn tally(&self, open: &Open) -> votes::Tally {
        open.tally(|vote| self.stands_for(open, vote).clone())
    }

    /// Which approvals a voter may stand for: by the last look at them, and before that as it was when they voted.
    pub(super) fn stands_for<'a>(&'a self, open: &Open, vote: &'a Vote) -> &'a BTreeSet<usize> {
        let known = self.standing.get(&open.id);
        known.and_then(|known| known.get(&(vote.by.uid, vote.by.name.clone()))).unwrap_or(&vote.of)
    }
}

/// Whether the caller is the requester, by the account or by the login.
fn is_own(open: &Open, call: &Call) -> bool {
    let uids = [Some(open.by.uid), open.from.login_uid];
    uids.contains(&Some(call.person.uid)) || call.login_uid.is_some_and(|uid| uid == open.by.uid)
}
