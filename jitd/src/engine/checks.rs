//! An approved request on its way to a grant: whoever asked, whoever approved and the policy are looked at anew, off this
//! thread, right before anything is given. What has been permitted can only have shrunk.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use jit_common::duration::GrantDuration;
use jit_common::ids::RequestId;
use jit_common::refusal::{Lookup, Refusal};
use jit_common::request::Ask;
use jit_common::response::Response;
use jitd_core::lifecycle::open::{Due, Open, Vote};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step::{self, ClosedBy, NewGrant};
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Decision, Outcome, PersonFacts, Terms, votes};
use jitd_core::record::{Closed, Person};
use tokio::sync::oneshot;

use super::calls::{Besides, Known};
use super::open::{Purpose, is_same};
use super::votes::{lacks, missing, person_of};
use super::waiters::{Waiter, WaitsBy};
use super::{Engine, Standing, extend, wording};
use crate::enquiries::{Answer, Enquiry, Found};

/// Why a request for more time is closed when its grant is gone.
const NOTHING_TO_EXTEND: &str = "the grant that it would have extended has ended: ask for the role anew";

/// Nanoseconds after which what was looked up for a grant is looked up again. A directory service may take half of it.
const OLD: i64 = 10 * NANOS;

/// What stands between an approved request and its grant.
enum InTheWay {
    /// It may pass: the request stays open.
    ForNow(String),
    /// It does not.
    ForGood(String),
}

/// What a request comes to, as the policy has it now.
struct Permitted {
    terms: Terms,
    decision: Decision,
    seconds: u32,
    extends: Option<Grant>,
}

impl Engine {
    /// What the clock says to open requests: they lapse, or their start has come.
    pub(super) fn open_due(&mut self, now: &Now) {
        for (id, due) in self.registry.open_due(now) {
            let Some(open) = self.registry.open_request(id).cloned() else { continue };
            match due {
                Due::Lapse => self.lapse(&open, now),
                Due::Start if !self.held_up.contains_key(&id) => self.check(id, None, now),
                Due::Start => {}
            }
        }
    }

    fn lapse(&mut self, open: &Open, now: &Now) {
        let missing = missing(&open.terms.approvals, &self.tally(open).met);
        let why = match (self.held_up.get(&open.id), missing.as_slice()) {
            (Some(held_up), []) => held_up.clone(),
            (None, []) => "it could not be put in force in time".to_owned(),
            (_, missing) => format!("nobody approved in time; it lacked {}", missing.join(" and ")),
        };
        self.close(open, Closed::Lapsed, ClosedBy { why, ..ClosedBy::default() }, now);
        self.notices.lapsed(open);
    }

    /// An extension whose grant has ended has nothing left to extend.
    pub(super) fn close_without_grant(&mut self, now: &Now) {
        let orphan = |open: &&Open| {
            open.terms.extends.is_some_and(|id| !self.registry.get(id).is_some_and(|g| g.state.is_wanted()))
        };
        let orphans: Vec<Open> = self.registry.open().filter(orphan).cloned().collect();
        for open in orphans {
            let why = NOTHING_TO_EXTEND.to_owned();
            self.close(&open, Closed::Ineligible, ClosedBy { why, ..ClosedBy::default() }, now);
        }
    }

    /// Looks again at every request that only waits for something to pass.
    pub(super) fn check_ready(&mut self, now: &Now) {
        let ready = |open: &&Open| match open.state {
            State::Pending => open.tally(|vote| vote.of.clone()).is_met(),
            State::Scheduled => !open.starts_later(now),
            State::Asked
            | State::Applying
            | State::Active
            | State::Ending { .. }
            | State::Stuck { .. }
            | State::Ended { .. }
            | State::Refused
            | State::Closed { .. } => false,
        };
        let ready: Vec<RequestId> = self.registry.open().filter(ready).map(|open| open.id).collect();
        for id in ready {
            self.check(id, None, now);
        }
    }

    /// Has everybody in a request looked up. The reply goes to whoever approved it last.
    pub(super) fn check(&mut self, id: RequestId, reply: Option<oneshot::Sender<Response>>, now: &Now) {
        let Some(open) = self.registry.open_request(id).cloned() else { return };
        let under_way = self.asking.values().any(|purpose| match purpose {
            Purpose::Check(other, _) => *other == id,
            Purpose::Open(_) => false,
        });
        if under_way && reply.is_none() {
            return;
        }
        let people: BTreeSet<(u32, String)> = [&open.by]
            .into_iter()
            .chain(open.votes.iter().map(|vote| &vote.by))
            .map(|person| (person.uid, person.name.clone()))
            .collect();
        let ticket = self.new_ticket();
        let enquiry = Enquiry { ticket, people, approvers: Vec::new(), live: self.live.clone() };
        match self.enquiries.ask(enquiry) {
            Ok(()) => {
                self.asking.insert(ticket, Purpose::Check(id, reply));
            }
            Err(why) => self.hold_up(&open, crate::chain(&why), reply, now),
        }
    }

    /// A look-up has come back.
    pub(super) fn answered(&mut self, found: Answer, now: &Now) {
        let Answer { ticket, found } = found;
        match self.asking.remove(&ticket) {
            Some(Purpose::Open(opening)) => self.candidates_found(*opening, found, now),
            Some(Purpose::Check(id, reply)) => {
                self.flush(now);
                self.checked(id, reply, found, now);
            }
            None => {}
        }
    }

    fn checked(
        &mut self,
        id: RequestId,
        reply: Option<oneshot::Sender<Response>>,
        found: Result<Found, String>,
        now: &Now,
    ) {
        // Denied, cancelled, lapsed or granted meanwhile.
        let Some(open) = self.registry.open_request(id).cloned() else {
            return self.tell_how_it_went(id, reply, now);
        };
        let found = match found {
            Ok(found) if self.clock.now().boot.saturating_sub(found.looked_up) > OLD => {
                return self.check(id, reply, now);
            }
            Ok(found) => self.without_ours(found, now),
            Err(why) => return self.hold_up(&open, why, reply, now),
        };
        let voters = self.look_at_voters(&open, &found);
        let tally = self.tally(&open);
        if !tally.is_met() {
            let lacks = missing(&open.terms.approvals, &tally.met).join(" and ");
            return self.hold_up(
                &open,
                format!("somebody who approved may not any more; it lacks {lacks}"),
                reply,
                now,
            );
        }
        match self.permitted_still(&open, &found, &voters) {
            Err(InTheWay::ForNow(why)) => self.hold_up(&open, why, reply, now),
            Err(InTheWay::ForGood(why)) => {
                self.close(&open, Closed::Ineligible, ClosedBy { why, ..ClosedBy::default() }, now);
                self.notices.no_longer_permitted(&open);
                self.tell_how_it_went(id, reply, now);
            }
            Ok(permitted) if open.starts_later(now) => self.schedule(&open, &permitted, reply, now),
            Ok(permitted) => self.activate(&open, permitted, reply, now),
        }
    }

    /// Groups that jitd gave count for nobody.
    fn without_ours(&self, mut found: Found, now: &Now) -> Found {
        found.people.values_mut().for_each(|person| self.host.natural(person, now));
        found
    }

    /// Who of the voters still is who they were, and what each may stand for now.
    fn look_at_voters(&mut self, open: &Open, found: &Found) -> Vec<PersonFacts> {
        let mut standing: Standing = BTreeMap::new();
        let mut voters = Vec::new();
        for vote in &open.votes {
            let person = found.people.get(&vote.by.uid).filter(|person| person_of(person) == vote.by);
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
        self.may_grant(&open.role).map_err(|refusal| InTheWay::ForNow(refusal.to_string()))?;
        let person = found.people.get(&open.by.uid).filter(|person| is_same(open, person));
        let Some(person) = person else {
            return Err(InTheWay::ForGood(format!("the account {} is gone", open.by.name)));
        };
        let extends = self.still_extended(open)?;
        let (terms, decision, seconds) = self.narrowed(open, found, person, extends.as_ref())?;
        if terms.rule.name != open.rule.name {
            let why = format!("it was asked for by rule {}, and now {} would decide", open.rule, terms.rule);
            return Err(InTheWay::ForGood(why));
        }
        let lacks = lacks(&terms, voters);
        if !lacks.is_empty() {
            let why = format!("rule {} asks for more by now: {}", terms.rule, lacks.join(" and "));
            return Err(InTheWay::ForGood(why));
        }
        self.still_carried(&open.role).map_err(|refusal| InTheWay::ForNow(refusal.to_string()))?;
        let gives = self.gives(&open.role).map_err(|refusal| InTheWay::ForNow(refusal.to_string()))?;
        if gives != open.terms.gives {
            let why = format!("the role {} is not what was approved any more: ask again", open.role);
            return Err(InTheWay::ForGood(why));
        }
        Ok(Permitted { terms, decision, seconds, extends })
    }

    /// The grant that a request would extend, if it would extend one. A grant that was taken away is not given back by way of
    /// its extension.
    fn still_extended(&self, open: &Open) -> Result<Option<Grant>, InTheWay> {
        let Some(id) = open.terms.extends else { return Ok(None) };
        match self.registry.get(id).filter(|grant| grant.state.is_wanted()) {
            Some(grant) => Ok(Some(grant.clone())),
            None => Err(InTheWay::ForGood(NOTHING_TO_EXTEND.into())),
        }
    }

    /// The terms of now, and for how long: the shortest of what was asked, approved and permitted.
    fn narrowed(
        &self,
        open: &Open,
        found: &Found,
        person: &PersonFacts,
        extends: Option<&Grant>,
    ) -> Result<(Terms, Decision, u32), InTheWay> {
        let known = Known { groups: &found.groups, local_time: &found.local_time };
        let besides = Besides { grant: open.terms.extends, request: Some(open.id) };
        let decide = |seconds: u32| {
            let ask = Ask {
                role: open.role.clone(),
                duration: GrantDuration::from_secs(seconds).ok(),
                reason: open.reason.clone(),
                ticket: open.ticket.clone(),
                start: None,
            };
            let decision = self.decide(person, known, &ask, besides);
            (decision.outcome.clone(), decision)
        };
        let (outcome, decision) = match decide(open.seconds()) {
            (Outcome::Refuse(Refusal::TooLong { max, .. }), _) => decide(max.as_secs()),
            decided => decided,
        };
        let terms = match outcome {
            Outcome::Permit(terms) => terms,
            Outcome::Refuse(refusal) => return Err(in_the_way(&refusal)),
        };
        let left = extends.map_or(u32::MAX, |grant| extend::left(grant, terms.max_duration.as_secs()));
        match terms.duration.as_secs().min(left) {
            0 => Err(InTheWay::ForGood("the grant is as long as its rule permits".into())),
            seconds => Ok((terms, decision, seconds)),
        }
    }

    fn schedule(
        &mut self,
        open: &Open,
        permitted: &Permitted,
        reply: Option<oneshot::Sender<Response>>,
        now: &Now,
    ) {
        self.held_up.remove(&open.id);
        if let Some(step) = step::scheduled(open, now) {
            match self.book.raise(vec![step], now) {
                Ok(released) => self.registry.take(&released),
                Err(why) => return self.hold_up(open, why, reply, now),
            }
            self.notices.scheduled(open, permitted.seconds);
        }
        self.tell_how_it_went(open.id, reply, now);
    }

    fn activate(
        &mut self,
        open: &Open,
        permitted: Permitted,
        reply: Option<oneshot::Sender<Response>>,
        now: &Now,
    ) {
        let Permitted { terms, decision, seconds, extends } = permitted;
        let approved_by: Vec<Person> = self.who_counts(open).cloned().collect();
        let new = NewGrant {
            id: open.id,
            by: open.by.clone(),
            role: open.role.clone(),
            rule: terms.rule,
            policy: terms.policy.to_string(),
            conditions: wording::conditions(&decision.explanation),
            approved_by,
            gives: open.terms.gives.clone(),
            seconds,
            longest: open.terms.longest.min(terms.max_duration.as_secs()),
            expiry: open.terms.expiry.lesser(terms.expiry),
            extends: extends.as_ref().map(extend::extended),
        };
        let (id, by, gives) = (open.id, &open.by, &open.terms.gives);
        let subcommands = new.expiry.subcommands;
        let change = |deadline: &_| self.host.change(id, by, gives, subcommands, deadline);
        let Some(step) = step::activate(open, new, now, change) else { return };
        self.held_up.remove(&id);
        self.standing.remove(&id);
        // Whoever waits for it is told when it is live; without an approver who waits nobody listens here.
        let reply = reply.unwrap_or_else(|| oneshot::channel().0);
        self.join(step, id, (open.by.uid, open.role.clone()), reply);
        self.flush(now);
    }

    /// Those who approved and still may: the others did not bring it about.
    fn who_counts<'o>(&self, open: &'o Open) -> impl Iterator<Item = &'o Person> {
        let counts = |vote: &&Vote| !self.stands_for(open, vote).is_empty();
        open.votes.iter().filter(counts).map(|vote| &vote.by)
    }

    /// Something that may pass stands in the way: the request stays open, and is looked at again every minute.
    fn hold_up(&mut self, open: &Open, why: String, reply: Option<oneshot::Sender<Response>>, now: &Now) {
        self.held_up.insert(open.id, why);
        self.tell_how_it_went(open.id, reply, now);
    }

    /// Tells whoever approved it last, as soon as there is something to tell: sudo may still have to agree.
    fn tell_how_it_went(&mut self, id: RequestId, reply: Option<oneshot::Sender<Response>>, now: &Now) {
        if let Some(reply) = reply {
            self.waiters.push(Waiter { id, seen: 0, to: WaitsBy::Approving(reply) });
            self.tell_waiters(now);
        }
    }

    /// Forgets what was known of requests that are not open any more.
    pub(super) fn forget_closed(&mut self) {
        let open = |id: &RequestId| self.registry.open_request(*id).is_some();
        let (mut held_up, mut standing) = (mem::take(&mut self.held_up), mem::take(&mut self.standing));
        held_up.retain(|id, _| open(id));
        standing.retain(|id, _| open(id));
        (self.held_up, self.standing) = (held_up, standing);
    }
}

/// Whether a refusal may pass by itself: a directory service that is away, a program that changed hands.
fn in_the_way(refusal: &Refusal) -> InTheWay {
    let why = refusal.to_string();
    match refusal {
        Refusal::CannotEvaluate { .. }
        | Refusal::RoleDisabled { .. }
        | Refusal::NoSuchRole { lookup: Lookup::Incomplete, .. } => InTheWay::ForNow(why),
        _ => InTheWay::ForGood(why),
    }
}
