//! Who calls, and what they may (`jitd/src/engine/calls.rs` and `revoke.rs`).

use jit_common::ids::RequestId;
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::{self, ClosedBy, EndedBy};
use jitd_core::now::Now;
use jitd_core::policy::{AccountState, Subjects};
use jitd_core::record::{Cause, Closed, Draft, Entry, Origin, Person};

use super::elevate::{Wish, caller, is_the_person};
use super::{Jitd, Lived};
use crate::world::World;
use crate::world::host::StateHealth;
use crate::world::messages::{Call, Live, Revoke, What};

impl Jitd {
    pub(super) fn call(&mut self, world: &mut World, mut call: Call, now: &Now) -> Lived {
        self.host.natural(&mut call.person, now);
        match call.what.clone() {
            What::Elevate { role, seconds, reason, start } => {
                return self.ask(world, call, Wish { role, seconds, reason, start, extends: None }, now);
            }
            What::Extend { id, seconds } => return self.extend(world, call, id, seconds, now),
            What::Approve { id, seconds } => return self.approve(world, &call, id, seconds, now),
            What::Deny { .. } | What::Cancel { .. } | What::Drop { .. } => {}
            What::Revoke(_) | What::Lock(_) | What::Unlock => {}
        }
        self.flush(world, now)?;
        if !is_the_person(&call) {
            return Ok(());
        }
        match &call.what {
            What::Elevate { .. } | What::Extend { .. } | What::Approve { .. } => Ok(()),
            What::Deny { id } => self.deny(world, &call, *id, now),
            What::Cancel { id } => self.cancel(world, &call, *id, now),
            What::Drop { id } => self.give_back(world, &call, *id, now),
            What::Revoke(target) => self.revoke(world, &call, target, now),
            What::Lock(live) => self.lock(world, &call, *live, now),
            What::Unlock => self.unlock(world, &call, now),
        }
    }

    fn give_back(&mut self, world: &mut World, call: &Call, id: RequestId, now: &Now) -> Lived {
        let mine = |grant: &&Grant| grant.id == id || grant.replaced.contains(&id);
        let which: Vec<_> =
            self.registry.of(call.person.uid).filter(mine).map(|grant| (grant.id, Cause::Dropped)).collect();
        self.end_all(world, &which, &EndedBy::default(), now)?;
        self.book.settle_now(world, now)
    }

    fn revoke(&mut self, world: &mut World, call: &Call, target: &Revoke, now: &Now) -> Lived {
        if !self.may_revoke(call) {
            return Ok(());
        }
        match target {
            Revoke::All => self.take_away(world, call, |_, _| true, Cause::Revoked, now),
            Revoke::User(name) => self.take_away(world, call, |_, by| by.name == *name, Cause::Revoked, now),
            Revoke::One(id) => self.take_away(world, call, |which, _| which == *id, Cause::Revoked, now),
        }
    }

    /// Ends what is live, and closes what could become live.
    fn take_away(
        &mut self,
        world: &mut World,
        call: &Call,
        whose: impl Fn(RequestId, &Person) -> bool,
        cause: Cause,
        now: &Now,
    ) -> Lived {
        let open: Vec<Open> = self.registry.open().filter(|open| whose(open.id, &open.by)).cloned().collect();
        for open in open {
            let by = ClosedBy { person: Some(caller(call)), ..ClosedBy::default() };
            self.close(&open, Closed::Revoked, by, now);
        }
        let live = self.registry.live().filter(|grant| whose(grant.id, &grant.by));
        let which: Vec<_> = live.map(|grant| (grant.id, cause)).collect();
        self.end_all(world, &which, &EndedBy { person: Some(caller(call)), ..EndedBy::default() }, now)?;
        self.book.settle_now(world, now)
    }

    fn lock(&mut self, world: &mut World, call: &Call, live: Live, now: &Now) -> Lived {
        if !self.may_revoke(call) {
            return Ok(());
        }
        world.fate.point()?;
        if world.host.state_health == StateHealth::Fine {
            world.host.mark = Some(call.person.name.clone());
        }
        world.fate.point()?;
        let entry = Entry::Locked { by: caller(call), from: Origin::default(), note: None };
        let released = step::lock(draft(now, entry)).end_anyway(&mut self.book.owed);
        self.registry.take(&released);
        if live == Live::Revoke {
            self.take_away(world, call, |_, _| true, Cause::Locked, now)?;
        }
        self.book.settle_now(world, now)
    }

    fn unlock(&mut self, world: &mut World, call: &Call, now: &Now) -> Lived {
        if !self.may_revoke(call) {
            return Ok(());
        }
        if self.registry.lock().is_some() {
            let entry = Entry::Unlocked { by: caller(call), from: Origin::default(), note: None };
            let unlock = step::unlock(draft(now, entry));
            let Some(released) = self.book.raise(world, vec![unlock], now)? else { return Ok(()) };
            self.registry.take(&released);
        }
        self.check_ready(world, now);
        world.fate.point()?;
        if world.host.state_health == StateHealth::Fine {
            world.host.mark = None;
        }
        world.fate.point()
    }

    /// Root, or an operator by the policy in force.
    pub(super) fn may_revoke(&self, call: &Call) -> bool {
        let is_among = |who: &Subjects| call.person.groups.iter().any(|group| who.groups.contains(group));
        let operator = self.live.as_ref().is_some_and(|spec| is_among(&spec.policy.duties().operators));
        call.person.uid == 0 || (call.person.account == AccountState::Ordinary && operator)
    }
}

fn draft(now: &Now, entry: Entry) -> Draft {
    Draft { at: now.wall, request: None, entry, texts: Vec::new() }
}
