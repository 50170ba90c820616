//! From a permitted request to an open one (`jitd/src/engine/open.rs`): nothing of it is on the host.

use jitd_core::lifecycle::step;
use jitd_core::limits::{OPEN_REQUESTS, OPEN_REQUESTS_OF_ONE};
use jitd_core::now::{Deadline, Now};
use jitd_core::policy::votes;
use jitd_core::record::{Choice, Person, Terms};

use super::elevate::{longest, request};
use super::{Jitd, Lived, Opening, Purpose};
use crate::world::World;
use crate::world::messages::{Found, Whom};

impl Jitd {
    /// Opens a request. Whether anybody could approve it is looked up first.
    pub(super) fn open(&mut self, world: &mut World, opening: Opening, now: &Now) -> Lived {
        let uid = opening.call.person.uid;
        let room = self.registry.open().count() < OPEN_REQUESTS
            && self.registry.open_of(uid).count() < OPEN_REQUESTS_OF_ONE;
        if !room {
            return Ok(());
        }
        if opening.terms.approvals.is_empty() {
            return self.open_now(world, &opening, Vec::new(), now);
        }
        let approvers = opening.terms.approvals.iter().map(|approval| approval.by.clone()).collect();
        self.look_up(world, Purpose::Open(Box::new(opening)), Whom { approvers, ..Whom::default() });
        Ok(())
    }

    pub(super) fn look_up(&mut self, world: &mut World, purpose: Purpose, whom: Whom) {
        self.tickets += 1;
        self.asking.insert(self.tickets, purpose);
        world.lookups.push((self.tickets, whom));
    }

    /// Who could approve has been looked up. What has happened meanwhile counts.
    pub(super) fn candidates_found(
        &mut self,
        world: &mut World,
        opening: Opening,
        found: Option<Found>,
        now: &Now,
    ) -> Lived {
        self.flush(world, now)?;
        let Opening { call, wish, terms: asked } = opening;
        let Some(terms) = self.judge(&call, &wish, now) else { return Ok(()) };
        if terms.approvals != asked.approvals {
            return self.ask(world, call, wish, now);
        }
        let Some(mut found) = found else { return Ok(()) };
        found.candidates.iter_mut().for_each(|person| self.host.natural(person, now));
        let uid = call.person.uid;
        if votes::could_ever(&terms.approvals, &found.candidates, &found.unlisted, uid).is_err() {
            return Ok(());
        }
        let choice = |person: &jitd_core::policy::PersonFacts| {
            let of = votes::eligible_entries(&terms.approvals, person);
            let person = Person { uid: person.uid, name: person.name.clone() };
            (!of.is_empty()).then_some(Choice { person, of })
        };
        let others = found.candidates.iter().filter(|person| person.uid != uid);
        let could = others.filter_map(choice).take(8).collect();
        self.open_now(world, &Opening { call, wish, terms }, could, now)
    }

    fn open_now(&mut self, world: &mut World, opening: &Opening, could: Vec<Choice>, now: &Now) -> Lived {
        let Opening { call, wish, terms } = opening;
        let Some(gives) = self.gives(&terms.role) else { return Ok(()) };
        let id = world.new_id();
        let new = Terms {
            gives,
            change: Vec::new(),
            seconds: terms.duration.as_secs(),
            longest: longest(wish.extends.as_ref(), terms.max_duration.as_secs()),
            expiry: terms.expiry,
            start: wish.start,
            approvals: terms.approvals.clone(),
            could,
            unlisted: Vec::new(),
            lapse: Deadline::after(now, terms.pending_timeout.as_secs()),
            patience: terms.pending_timeout.as_secs(),
            extends: wish.extends.as_ref().map(|grant| grant.id),
            policy: terms.policy.to_string(),
            conditions: Vec::new(),
        };
        let step = step::open(id, request(call, wish), terms.rule.clone(), new, now);
        if let Some(released) = self.book.raise(world, vec![step], now)? {
            self.registry.take(&released);
        }
        Ok(())
    }
}
