//! An approved request on its way to a grant (`jitd/src/engine/checks.rs`): everybody and the policy are looked at anew.

use std::collections::BTreeSet;

use jit_common::ids::RequestId;
use jit_common::refusal::{Lookup, Refusal};
use jitd_core::lifecycle::open::{Due, Open};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step::{self, ClosedBy, NewGrant};
use jitd_core::now::{Deadline, NANOS, Now};
use jitd_core::policy::{PersonFacts, Terms, votes};
use jitd_core::record::{Closed, Person};
use jitd_core::wanted::WantedGrant;

use super::elevate::{Besides, Wish, extended, left};
use super::{Jitd, Lived, Purpose, Standing};
use crate::world::World;
use crate::world::messages::{Found, Whom};

/// Nanoseconds after which what was looked up for a grant is looked up again.
pub(crate) const OLD: i64 = 10 * NANOS;

/// What stands between an approved request and its grant.
enum InTheWay {
    ForNow,
    ForGood,
}

/// What a request comes to, as the policy has it now.
struct Permitted {
    terms: Terms,
    seconds: u32,
    extends: Option<Grant>,
}

impl Jitd {
    /// What the clock says to open requests: they lapse, or their start has come.
    pub(super) fn open_due(&mut self, world: &mut World, now: &Now) -> Lived {
        for (id, due) in self.registry.open_due(now) {
            let Some(open) = self.registry.open_request(id).cloned() else { continue };
            match due {
                Due::Lapse => self.close(&open, Closed::Lapsed, ClosedBy::default(), now),
                Due::Start if !self.held_up.contains(&id) => self.check(world, id, now),
                Due::Start => {}
            }
        }
        Ok(())
    }

    /// An extension whose grant has ended has nothing left to extend.
    pub(super) fn close_without_grant(&mut self, now: &Now) {
        let orphan = |open: &&Open| {
            open.terms.extends.is_some_and(|id| !self.registry.get(id).is_some_and(|g| g.state.is_wanted()))
        };
        let orphans: Vec<Open> = self.registry.open().filter(orphan).cloned().collect();
        for open in orphans {
            self.close(&open, Closed::Ineligible, ClosedBy::default(), now);
        }
    }

    /// Looks again at every request that only waits for something to pass.
    pub(super) fn check_ready(&mut self, world: &mut World, now: &Now) {
        let ready = |open: &&Open| match open.state == State::Pending {
            true => open.tally(|vote| vote.of.clone()).is_met(),
            false => !open.starts_later(now),
        };
        let ready: Vec<RequestId> = self.registry.open().filter(ready).map(|open| open.id).collect();
        for id in ready {
            self.check(world, id, now);
        }
    }

    /// Has everybody in a request looked up.
    pub(super) fn check(&mut self, world: &mut World, id: RequestId, now: &Now) {
        let Some(open) = self.registry.open_request(id) else { return };
        let under_way = |purpose: &Purpose| matches!(purpose, Purpose::Check(other) if *other == id);
        if self.asking.values().any(under_way) {
            return;
        }
        let people = [&open.by].into_iter().chain(open.votes.iter().map(|vote| &vote.by));
        let people = people.map(|person| (person.uid, person.name.clone())).collect();
        // The directory service takes nobody's questions for a while: it stays open.
        match now.wall % 31 == 0 {
            true => {
                self.held_up.insert(id);
            }
            false => self.look_up(world, Purpose::Check(id), Whom { people, ..Whom::default() }),
        }
    }

    /// A look-up has come back.
    pub(super) fn answered(
        &mut self,
        world: &mut World,
        ticket: u64,
        found: Option<Found>,
        now: &Now,
    ) -> Lived {
        match self.asking.remove(&ticket) {
            Some(Purpose::Open(opening)) => self.candidates_found(world, *opening, found, now),
            Some(Purpose::Check(id)) => {
                self.flush(world, now)?;
                self.checked(world, id, found, now)
            }
            None => Ok(()),
        }
    }

    fn checked(&mut self, world: &mut World, id: RequestId, found: Option<Found>, now: &Now) -> Lived {
        let Some(open) = self.registry.open_request(id).cloned() else { return Ok(()) };
        let mut found = match found {
            None => return self.hold_up(id),
            Some(found) if now.boot.saturating_sub(found.looked_up) > OLD => {
                self.check(world, id, now);
                return Ok(());
            }
            Some(found) => found,
        };
        found.people.values_mut().for_each(|person| self.host.natural(person, now));
        let voters = self.look_at_voters(&open, &found);
        if !self.tally(&open).is_met() {
            return self.hold_up(id);
        }
        match self.permitted_still(&open, &found, &voters) {
            Err(InTheWay::ForNow) => self.hold_up(id),
            Err(InTheWay::ForGood) => {
                self.close(&open, Closed::Ineligible, ClosedBy::default(), now);
                Ok(())
            }
            Ok(_) if open.starts_later(now) => self.schedule(world, &open, now),
            Ok(permitted) => self.activate(world, &open, permitted, now),
        }
    }

    /// Something that may pass stands in the way: it stays open.
    fn hold_up(&mut self, id: RequestId) -> Lived {
        self.held_up.insert(id);
        Ok(())
    }

    /// Who of the voters still is who they were, and what each may stand for now.
    fn look_at_voters(&mut self, open: &Open, found: &Found) -> Vec<PersonFacts> {
        let mut standing = Standing::new();
        let mut voters = Vec::new();
        for vote in &open.votes {
            let person = found.people.get(&vote.by.uid).filter(|person| is(person, &vote.by));
            let of = person.map(|person| votes::eligible_entries(&open.terms.approvals, person));
            voters.extend(person.cloned());
            standing.insert((vote.by.uid, vote.by.name.clone()), of.unwrap_or_default());
        }
        self.standing.insert(open.id, standing);
        voters
    }

    /// Decides anew, on the terms of the request and on those of now: both have to hold.
    fn permitted_still(
        &self,
        open: &Open,
        found: &Found,
        voters: &[PersonFacts],
    ) -> Result<Permitted, InTheWay> {
        if !self.may_grant() {
            return Err(InTheWay::ForNow);
        }
        let person = found.people.get(&open.by.uid).filter(|person| is(person, &open.by));
        let person = person.ok_or(InTheWay::ForGood)?;
        let extends = match open.terms.extends {
            None => None,
            Some(id) => {
                let grant = self.registry.get(id).filter(|grant| grant.state.is_wanted());
                Some(grant.cloned().ok_or(InTheWay::ForGood)?)
            }
        };
        let terms = self.narrowed(open, found, person)?;
        let more = extends.as_ref().map_or(u32::MAX, |grant| left(grant, terms.max_duration.as_secs()));
        let seconds = terms.duration.as_secs().min(more);
        let may: Vec<BTreeSet<usize>> =
            voters.iter().map(|voter| votes::eligible_entries(&terms.approvals, voter)).collect();
        let stands_for = |entry, voter: usize| may.get(voter).is_some_and(|of| of.contains(&entry));
        let enough = votes::tally(&terms.approvals, stands_for, may.len()).is_met();
        let same =
            terms.rule.name == open.rule.name && self.gives(&open.role).as_ref() == Some(&open.terms.gives);
        match seconds > 0 && enough && same {
            true => Ok(Permitted { terms, seconds, extends }),
            false => Err(InTheWay::ForGood),
        }
    }

    /// The terms of now: the shortest of what was asked, approved and permitted.
    fn narrowed(&self, open: &Open, found: &Found, person: &PersonFacts) -> Result<Terms, InTheWay> {
        let besides = Besides { grant: open.terms.extends, request: Some(open.id) };
        let decide = |seconds: u32| {
            let (role, reason) = (open.role.clone(), open.reason.clone());
            let wish = Wish { role, seconds: Some(seconds), reason, start: None, extends: None };
            self.decide(person, &found.groups, &wish, besides)
        };
        let decided = match decide(open.seconds()) {
            Err(Refusal::TooLong { max, .. }) => decide(max.as_secs()),
            decided => decided,
        };
        decided.map_err(|refusal| match refusal {
            Refusal::CannotEvaluate { .. }
            | Refusal::RoleDisabled { .. }
            | Refusal::NoSuchRole { lookup: Lookup::Incomplete, .. } => InTheWay::ForNow,
            _ => InTheWay::ForGood,
        })
    }

    fn schedule(&mut self, world: &mut World, open: &Open, now: &Now) -> Lived {
        self.held_up.remove(&open.id);
        if let Some(step) = step::scheduled(open, now) {
            match self.book.raise(world, vec![step], now)? {
                Some(released) => self.registry.take(&released),
                None => return self.hold_up(open.id),
            }
        }
        Ok(())
    }

    fn activate(&mut self, world: &mut World, open: &Open, permitted: Permitted, now: &Now) -> Lived {
        let Permitted { terms, seconds, extends } = permitted;
        let counts = open.votes.iter().filter(|vote| !self.stands_for(open, vote).is_empty());
        let new = NewGrant {
            id: open.id,
            by: open.by.clone(),
            role: open.role.clone(),
            rule: terms.rule,
            policy: terms.policy.to_string(),
            conditions: Vec::new(),
            approved_by: counts.map(|vote| vote.by.clone()).collect(),
            gives: open.terms.gives.clone(),
            seconds,
            longest: open.terms.longest.min(terms.max_duration.as_secs()),
            expiry: open.terms.expiry.lesser(terms.expiry),
            extends: extends.as_ref().map(extended),
        };
        let (id, by, gives) = (open.id, open.by.clone(), open.terms.gives.clone());
        let subcommands = new.expiry.subcommands;
        let change = |deadline: &Deadline| {
            let (gives, deadline) = (gives.into(), deadline.clone());
            self.host.change(world, &WantedGrant { id, by, gives, subcommands, deadline })
        };
        let Some(step) = step::activate(open, new, now, change) else { return Ok(()) };
        self.held_up.remove(&open.id);
        self.standing.remove(&open.id);
        self.join(step, open.id, open.by.uid);
        self.flush(world, now)
    }
}

fn is(facts: &PersonFacts, person: &Person) -> bool {
    (facts.uid, &facts.name) == (person.uid, &person.name)
}
