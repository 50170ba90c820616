//! A request that people have to decide about, or that is to begin later: from the decision of the policy to an open
//! request on the record. Nothing of it is on the host.

use std::collections::BTreeSet;

use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jit_common::response::Response;
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::step;
use jitd_core::limits::{OPEN_REQUESTS, OPEN_REQUESTS_OF_ONE};
use jitd_core::now::{Deadline, Now};
use jitd_core::policy::{ApprovalRule, Decision, PersonFacts, Terms as Permitted, votes};
use jitd_core::record::{Choice, Person, Terms};
use tokio::sync::oneshot;

use super::elevate::{No, Wish, answer};
use super::message::Call;
use super::{Engine, extend, openings};
use crate::enquiries::{Enquiry, Found};

/// A permitted request on its way to being open.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) call: Call,
    pub(super) wish: Wish,
    pub(super) terms: Permitted,
    pub(super) decision: Decision,
}

/// What a look-up was for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Whether anybody could approve what is about to be opened.
    Open(Box<Opening>),
    /// Whether an approved request is still permitted; the reply goes to whoever approved it last.
    Check(RequestId, Option<oneshot::Sender<Response>>),
}

/// Who could approve, as far as it is known.
#[derive(Debug, Default)]
struct Candidates {
    could: Vec<Choice>,
    unlisted: Vec<String>,
}

impl Engine {
    /// Opens a request. Whether anybody could approve it is looked up first.
    pub(super) fn open(&mut self, opening: Opening, now: &Now) {
        let uid = opening.call.peer.uid;
        if let Err(refusal) = self.has_room_for(uid).and_then(|()| self.openings.take(uid, now)) {
            return self.refuse_opening(opening, refusal, now);
        }
        if opening.terms.approvals.is_empty() {
            return self.open_now(opening, Candidates::default(), now);
        }
        let approvers = opening.terms.approvals.iter().map(|approval| approval.by.clone()).collect();
        let ticket = self.new_ticket();
        let enquiry = Enquiry { ticket, people: BTreeSet::new(), approvers, live: self.live.clone() };
        match self.enquiries.ask(enquiry) {
            Ok(()) => {
                self.asking.insert(ticket, Purpose::Open(Box::new(opening)));
            }
            Err(_) => self.refuse_opening(opening, Refusal::Busy, now),
        }
    }

    /// Who could approve has been looked up. What has happened meanwhile counts.
    pub(super) fn candidates_found(&mut self, opening: Opening, found: Result<Found, String>, now: &Now) {
        if opening.call.reply.is_closed() {
            return;
        }
        let Opening { call, wish, terms: asked, .. } = opening;
        self.flush(now);
        let (terms, decision) = match self.judge(&call, &wish, now) {
            Ok(judged) => judged,
            Err(no) => return self.refuse(call, &wish.ask, *no, now),
        };
        // The policy has changed: others have to approve, or nobody has to.
        if terms.approvals != asked.approvals {
            return self.ask(call, wish, now);
        }
        let opening = Opening { call, wish, terms, decision };
        match self.candidates(&opening, found, now) {
            Ok(candidates) => self.open_now(opening, candidates, now),
            Err(refusal) => self.refuse_opening(opening, refusal, now),
        }
    }

    fn candidates(
        &self,
        opening: &Opening,
        found: Result<Found, String>,
        now: &Now,
    ) -> Result<Candidates, Refusal> {
        let Opening { call, terms, .. } = opening;
        let unknown = |why| Refusal::CannotEvaluate {
            rule: terms.rule.clone(),
            what: format!("who could approve it is unknown ({why})"),
        };
        let Found { mut candidates, unlisted, .. } = found.map_err(unknown)?;
        candidates.iter_mut().for_each(|person| self.host.natural(person, now));
        votes::could_ever(&terms.approvals, &candidates, &unlisted, call.peer.uid)
            .map_err(|need| Refusal::NobodyCanApprove { rule: terms.rule.clone(), need })?;
        let others = candidates.iter().filter(|person| person.uid != call.peer.uid);
        let could = others.filter_map(|person| choice(&terms.approvals, person));
        let could = openings::named(could, terms.approvals.len());
        Ok(Candidates { could, unlisted: unlisted.into_iter().collect() })
    }

    fn open_now(&mut self, opening: Opening, candidates: Candidates, now: &Now) {
        let (id, step) = match self.opening_step(&opening, candidates, now) {
            Ok(made) => made,
            Err(refusal) => return self.refuse_opening(opening, refusal, now),
        };
        match self.book.raise(vec![step], now) {
            Ok(released) => self.registry.take(&released),
            Err(why) => return self.refuse_opening(opening, Refusal::LedgerUnavailable { why }, now),
        }
        let Some(open) = self.registry.open_request(id) else { return };
        self.notices.opened(open, now);
        let view = self.open_view(open, Some(&opening.call), now);
        answer(opening.call.reply, Response::Open(Box::new(view)));
    }

    fn opening_step(
        &self,
        opening: &Opening,
        candidates: Candidates,
        now: &Now,
    ) -> Result<(RequestId, step::Raising), Refusal> {
        let Opening { call, wish: Wish { ask, extends }, terms, decision } = opening;
        let unlucky = |why: String| Refusal::ApplyFailed { role: ask.role.clone(), why };
        let gives = self.gives(&terms.role)?;
        let id = self.new_id().map_err(unlucky)?;
        let (asked, texts) = self.asked(call, ask).map_err(unlucky)?;
        let seconds = terms.duration.as_secs();
        // As it would be if everybody decided now.
        let deadline = match extends {
            Some(grant) => grant.deadline.later_by(seconds),
            None => Deadline::after(&now.at_wall(ask.start.unwrap_or(now.wall)), seconds),
        };
        let terms = Terms {
            change: self.host.change(id, &asked.by, &gives, terms.expiry.subcommands, &deadline),
            gives,
            seconds,
            longest: extend::longest(extends.as_ref(), terms.max_duration.as_secs()),
            expiry: terms.expiry,
            start: ask.start,
            approvals: terms.approvals.clone(),
            could: candidates.could,
            unlisted: candidates.unlisted,
            lapse: Deadline::after(now, terms.pending_timeout.as_secs()),
            patience: terms.pending_timeout.as_secs(),
            extends: extends.as_ref().map(|grant| grant.id),
            policy: terms.policy.to_string(),
            conditions: extend::conditions(decision, extends.as_ref(), &opening.terms),
        };
        let rule = opening.terms.rule.clone();
        Ok((id, step::open(id, step::Request { asked, texts }, rule, terms, now)))
    }

    fn has_room_for(&self, uid: u32) -> Result<(), Refusal> {
        let too_many = |what: &str, max: usize| {
            let max = u32::try_from(max).unwrap_or(u32::MAX);
            Err(Refusal::TooManyOpen { what: what.into(), max })
        };
        let openings = || {
            self.asking.values().filter_map(|purpose| match purpose {
                Purpose::Open(opening) => Some(opening.call.peer.uid),
                Purpose::Check(..) => None,
            })
        };
        if self.registry.open().count() + openings().count() >= OPEN_REQUESTS {
            return too_many("requests on this host", OPEN_REQUESTS);
        }
        let theirs = self.registry.open_of(uid).count() + openings().filter(|of| *of == uid).count();
        match theirs >= OPEN_REQUESTS_OF_ONE {
            true => too_many("requests of yours", OPEN_REQUESTS_OF_ONE),
            false => Ok(()),
        }
    }

    fn refuse_opening(&mut self, opening: Opening, refusal: Refusal, now: &Now) {
        let Opening { call, wish, decision, .. } = opening;
        self.refuse(call, &wish.ask, No { refusal, decision: Some(decision) }, now);
    }

    /// A mark for a look-up.
    pub(super) fn new_ticket(&mut self) -> u64 {
        self.tickets = self.tickets.wrapping_add(1);
        self.tickets
    }
}

/// Somebody who could approve, and which of the approvals; `None` when none of them.
fn choice(approvals: &[ApprovalRule], person: &PersonFacts) -> Option<Choice> {
    let of = votes::eligible_entries(approvals, person);
    let person = Person { uid: person.uid, name: person.name.clone() };
    (!of.is_empty()).then_some(Choice { person, of })
}

/// Whether the person of a request may still have it extended or opened: they are who they were.
pub(super) fn is_same(open: &Open, person: &PersonFacts) -> bool {
    open.by.uid == person.uid && open.by.name == person.name
}
