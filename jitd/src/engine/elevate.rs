//! From a request to a live grant: decide, record, make it real, ask sudo, answer. A request that people have to decide
//! about, or that is to begin later, is left to [`super::open`].

use std::mem;

use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jit_common::request::Ask;
use jit_common::response::Response;
use jit_mechanisms::sudo::{self, RoleAgreement};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::{self, EndedBy, NewGrant, Raising};
use jitd_core::limits::{LIVE_GRANTS, STEPS_IN_A_COMMIT};
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Decision, Gives, Outcome, Terms};
use jitd_core::record::{Asked, Cause, Draft, Entry, Person, TypedText};
use tokio::sync::oneshot;

use super::calls::{Besides, Known};
use super::message::Call;
use super::open::Opening;
use super::refusals::Recorded;
use super::{Engine, admission, extend, views, wording};
use crate::random;

/// Nanoseconds for which what was looked up about a caller is decided on.
const OLDEST_FACTS: i64 = 5 * NANOS;

/// A permitted request that waits for its commit.
#[derive(Debug)]
pub struct Candidate {
    step: Raising,
    pub(super) waiting: Waiting,
}

/// What somebody wants: a role anew, or more time for a grant of theirs.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// What is asked for.
    pub(super) ask: Ask,
    /// The live grant that is to run on.
    pub(super) extends: Option<Grant>,
}

/// A refusal, with the decision when it came to one.
pub(super) struct No {
    pub(super) refusal: Refusal,
    pub(super) decision: Option<Decision>,
}

impl No {
    pub(super) fn of(refusal: Refusal) -> Box<Self> {
        Box::new(Self { refusal, decision: None })
    }
}

/// Somebody who waits to hear that a grant is live.
#[derive(Debug)]
pub struct Waiting {
    pub(super) id: RequestId,
    pub(super) uid: u32,
    pub(super) role: String,
    pub(super) reply: oneshot::Sender<Response>,
}

impl Engine {
    /// Decides a request. A permitted one joins the others that are recorded in the next commit, or is opened.
    pub(super) fn ask(&mut self, call: Call, wish: Wish, now: &Now) {
        // Whoever hung up while jitd was busy has given up, and would not know of a grant.
        if call.reply.is_closed() {
            return;
        }
        // What is not committed yet is not in the registry, and one person's requests depend on each other.
        if self.candidates.len() >= STEPS_IN_A_COMMIT || self.is_candidate(call.peer.uid) {
            self.flush(now);
        }
        let judged = self.is_fresh(&call).and_then(|()| self.judge(&call, &wish, now));
        match judged {
            Err(no) => self.refuse(call, &wish.ask, *no, now),
            Ok((terms, decision)) if terms.approvals.is_empty() && wish.ask.start.is_none() => {
                match self.candidate(&call, &wish, terms, &decision, now) {
                    Ok((step, id)) => self.join(step, id, (call.peer.uid, wish.ask.role), call.reply),
                    Err(refusal) => {
                        self.refuse(call, &wish.ask, No { refusal, decision: Some(decision) }, now);
                    }
                }
            }
            Ok((terms, decision)) => self.open(Opening { call, wish, terms, decision }, now),
        }
    }

    /// A raising step joins the others of this pass.
    pub(super) fn join(
        &mut self,
        step: Raising,
        id: RequestId,
        (uid, role): (u32, String),
        reply: oneshot::Sender<Response>,
    ) {
        self.candidates.push(Candidate { step, waiting: Waiting { id, uid, role, reply } });
    }

    /// What was looked up about a caller long ago is not decided on.
    fn is_fresh(&self, call: &Call) -> Result<(), Box<No>> {
        match self.clock.now().boot.saturating_sub(call.looked_up) > OLDEST_FACTS {
            true => Err(No::of(Refusal::Busy)),
            false => Ok(()),
        }
    }

    /// Everything that stands between a request and its grant, in the order in which a person is told.
    pub(super) fn judge(&self, call: &Call, wish: &Wish, now: &Now) -> Result<(Terms, Decision), Box<No>> {
        let admitted = admission::text_lengths(&wish.ask)
            .and_then(|()| admission::caller_is_the_person(&call.peer))
            .and_then(|()| self.may_grant(&wish.ask.role))
            .and_then(|()| admission::start(&wish.ask, now));
        admitted.map_err(No::of)?;
        let known = Known { groups: &call.groups, local_time: &call.local_time };
        let besides = Besides { grant: wish.extends.as_ref().map(|grant| grant.id), request: None };
        let decision = self.decide(&call.person, known, &wish.ask, besides);
        let terms = match decision.outcome.clone() {
            Outcome::Permit(terms) => self
                .still_carried(&terms.role)
                .and_then(|()| extend::within_total(wish.extends.as_ref(), &terms))
                .map(|()| terms),
            Outcome::Refuse(refusal) => Err(refusal),
        };
        match terms {
            Ok(terms) => Ok((terms, decision)),
            // Where no rule refused, the rules are no answer to why.
            Err(refusal) => {
                let refused = matches!(decision.outcome, Outcome::Refuse(_));
                Err(Box::new(No { refusal, decision: refused.then_some(decision) }))
            }
        }
    }

    /// Whether anything can be granted on this host at present.
    pub(super) fn may_grant(&self, role: &str) -> Result<(), Refusal> {
        if let Some(lock) = self.registry.lock() {
            return Err(admission::locked(lock));
        }
        if let Some(why) = self.book.closed() {
            return Err(Refusal::LedgerUnavailable { why });
        }
        if let Some(why) = self.unfit() {
            return Err(Refusal::ApplyFailed { role: role.to_owned(), why });
        }
        if let Some(why) = self.live.invalid_because() {
            return Err(Refusal::PolicyInvalid { why });
        }
        if self.registry.len() >= LIVE_GRANTS {
            let max = u32::try_from(LIVE_GRANTS).unwrap_or(u32::MAX);
            return Err(Refusal::TooManyOpen { what: "live grants on this host".into(), max });
        }
        Ok(())
    }

    fn candidate(
        &self,
        call: &Call,
        wish: &Wish,
        terms: Terms,
        decision: &Decision,
        now: &Now,
    ) -> Result<(Raising, RequestId), Refusal> {
        let Wish { ask, extends } = wish;
        let unlucky = |why: String| Refusal::ApplyFailed { role: ask.role.clone(), why };
        let gives = self.gives(&terms.role)?;
        let id = self.new_id().map_err(unlucky)?;
        let (asked, texts) = self.asked(call, ask).map_err(unlucky)?;
        let conditions = extend::conditions(decision, extends.as_ref(), &terms);
        let new = NewGrant {
            id,
            by: asked.by.clone(),
            role: terms.role,
            rule: terms.rule,
            policy: terms.policy.to_string(),
            conditions,
            approved_by: Vec::new(),
            gives,
            seconds: terms.duration.as_secs(),
            longest: extend::longest(extends.as_ref(), terms.max_duration.as_secs()),
            expiry: terms.expiry,
            extends: extends.as_ref().map(extend::extended),
        };
        let (by, gives) = (new.by.clone(), new.gives.clone());
        let subcommands = new.expiry.subcommands;
        let change = |deadline: &_| self.host.change(id, &by, &gives, subcommands, deadline);
        Ok((step::grant(step::Request { asked, texts }, new, now, change), id))
    }

    /// What a role of the live policy gives on this host now.
    pub(super) fn gives(&self, role: &str) -> Result<Gives, Refusal> {
        let unlucky = |why: String| Refusal::ApplyFailed { role: role.to_owned(), why };
        let gone = || unlucky("it is no longer in the policy".into());
        let role = self.live.policy.role(role).ok_or_else(gone)?;
        let groups = self.host.resolve(&role.groups).map_err(unlucky)?;
        Ok(Gives { sudo: role.sudo.clone(), groups })
    }

    /// A program may have changed hands since the policy was loaded.
    pub(super) fn still_carried(&self, name: &str) -> Result<(), Refusal> {
        let sudo = self.live.policy.role(name).and_then(|role| role.sudo.as_ref()).into_iter();
        let why: Vec<String> =
            sudo.flat_map(|sudo| sudo::path_reasons(&self.host.paths, &sudo.commands)).collect();
        match why.is_empty() {
            true => Ok(()),
            false => Err(Refusal::RoleDisabled { role: name.to_owned(), why: why.join("; ") }),
        }
    }

    /// An id that no live grant and no open request has. Ids of the past are told apart by chance: 40 random bits.
    pub(super) fn new_id(&self) -> Result<RequestId, String> {
        for _ in 0..8 {
            let bits = random::bytes().map_err(|error| format!("no random bytes: {error}"))?;
            let id = RequestId::from_random(bits);
            let waiting = self.candidates.iter().any(|candidate| candidate.waiting.id == id);
            if self.registry.get(id).is_none() && self.registry.open_request(id).is_none() && !waiting {
                return Ok(id);
            }
        }
        Err("no free id was found; the random numbers of this host repeat themselves".into())
    }

    /// The request for the record, with the typed texts beside it.
    pub(super) fn asked(&self, call: &Call, ask: &Ask) -> Result<(Asked, Vec<TypedText>), String> {
        let mut texts = Vec::new();
        let mut typed = |field, text: &Option<String>| -> Result<_, String> {
            text.as_ref().map(|text| wording::typed(field, text, &mut texts)).transpose()
        };
        let reason = typed("reason", &ask.reason)?;
        let ticket = typed("ticket", &ask.ticket)?;
        let asked = Asked {
            by: Person { uid: call.person.uid, name: call.person.name.clone() },
            from: call.peer.origin.clone(),
            role: ask.role.clone(),
            seconds: ask.duration.map(jit_common::duration::GrantDuration::as_secs),
            reason,
            ticket,
        };
        Ok((asked, texts))
    }

    /// Answers no, and puts it on the record. A refusal stands whether it could be recorded or not.
    pub(super) fn refuse(&mut self, call: Call, ask: &Ask, no: No, now: &Now) {
        let No { refusal, decision } = no;
        let person = Person { uid: call.person.uid, name: call.person.name.clone() };
        if self.refusals.count(&person, now) == Recorded::Alone
            && let Ok((asked, texts)) = self.asked(&call, &wording::shortened(ask))
        {
            let entry = Entry::Refused {
                asked,
                code: refusal.code().to_owned(),
                text: refusal.to_string(),
                considered: decision
                    .as_ref()
                    .map(|d| wording::considered(&d.explanation))
                    .unwrap_or_default(),
            };
            self.book.note_draft(Draft { at: now.wall, request: self.new_id().ok(), entry, texts });
        }
        let explanation = decision.map(|decision| decision.explanation);
        answer(call.reply, Response::Refused { refusal, explanation });
    }

    /// Records the candidates in one commit, makes them real in one pass, and answers those that sudo is known to
    /// agree with. The others wait until sudo has been asked.
    pub(super) fn flush(&mut self, now: &Now) {
        if self.candidates.is_empty() {
            return;
        }
        let candidates = mem::take(&mut self.candidates);
        let (steps, waiting): (Vec<_>, Vec<_>) =
            candidates.into_iter().map(|candidate| (candidate.step, candidate.waiting)).unzip();
        match self.book.raise(steps, now) {
            Ok(released) => self.begin_with_look(&released, &waiting, now),
            Err(why) => {
                for one in waiting {
                    let refusal = Refusal::LedgerUnavailable { why: why.clone() };
                    answer(one.reply, Response::Refused { refusal, explanation: None });
                }
                return;
            }
        }
        let why = self.make_so(now).not_made;
        let (failed, made): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|one| why.contains_key(&one.id));
        for one in made {
            self.agree_or_ask(one, now);
        }
        let refusal = |one: &Waiting| Refusal::ApplyFailed {
            role: one.role.clone(),
            why: why.get(&one.id).cloned().unwrap_or_default(),
        };
        self.fail(failed, refusal, now);
    }

    fn agree_or_ask(&mut self, waiting: Waiting, now: &Now) {
        let Some(grant) = self.registry.get(waiting.id) else { return };
        match self.agreements.known(&self.host, grant) {
            Some(answer) => self.agreed(waiting, &answer, now),
            None => match self.agreements.ask(&self.host, grant, self.handle.clone()) {
                Ok(()) => self.waiting.push(waiting),
                Err(why) => {
                    let refusal =
                        |one: &Waiting| Refusal::ApplyFailed { role: one.role.clone(), why: why.clone() };
                    self.fail(vec![waiting], refusal, now);
                }
            },
        }
    }

    /// Sudo has answered about a grant.
    pub(super) fn sudo_answered(&mut self, id: RequestId, answer: &RoleAgreement, now: &Now) {
        match self.registry.get(id) {
            Some(grant) => self.agreements.remember(&self.host, grant, answer),
            None => self.agreements.forget(id),
        }
        match self.waiting.iter().position(|waiting| waiting.id == id) {
            Some(place) => {
                let waiting = self.waiting.swap_remove(place);
                self.agreed(waiting, answer, now);
            }
            None => self.agreed_unheard(id, answer, now),
        }
    }

    fn agreed(&mut self, waiting: Waiting, answer_of_sudo: &RoleAgreement, now: &Now) {
        let wanted = self.registry.get(waiting.id).is_some_and(|grant| grant.state.is_wanted());
        if wanted && answer_of_sudo.allowed.is_empty() {
            let why = wording::sudo_said(answer_of_sudo);
            let refusal = |one: &Waiting| Refusal::SudoDisagrees { role: one.role.clone(), why: why.clone() };
            return self.fail(vec![waiting], refusal, now);
        }
        self.agreed_unheard(waiting.id, answer_of_sudo, now);
        let response = match self.registry.get(waiting.id) {
            Some(grant) if grant.state.is_wanted() => {
                Response::Granted(Box::new(views::grant(grant, now, None)))
            }
            Some(_) | None => {
                let why = "it ended before it was in force".into();
                let refusal = Refusal::ApplyFailed { role: waiting.role, why };
                Response::Refused { refusal, explanation: None }
            }
        };
        answer(waiting.reply, response);
    }

    /// As above for a grant that nobody waits for any more, as after a restart.
    fn agreed_unheard(&mut self, id: RequestId, answer_of_sudo: &RoleAgreement, now: &Now) {
        let Some(grant) = self.registry.get(id) else { return };
        if answer_of_sudo.allowed.is_empty() {
            return self.end_all(&[(id, Cause::Failed)], &EndedBy::default(), now);
        }
        let replaced = grant.span.replaces;
        if let Some(step) = step::agreed(grant, now, wording::refused_commands(answer_of_sudo)) {
            let released = step.end_anyway(self.book.debts());
            self.registry.take(&released);
            // Before the old limit is given up.
            self.take_over_sessions(id, now);
            // Not before: should the extension fail, the grant stays what it was.
            let replaced: Vec<_> = replaced.into_iter().map(|id| (id, Cause::Replaced)).collect();
            self.end_all(&replaced, &EndedBy::default(), now);
            self.tell_of_the_grant(id);
        }
    }

    /// Nobody is told no while the grant becomes live behind their back: what sudo has not agreed to yet is taken off.
    pub(super) fn fail_waiting(&mut self, now: &Now) {
        let waiting = mem::take(&mut self.waiting);
        // What people have approved is not asked of them again: sudo is, when jitd is back.
        let approved = |one: &Waiting| self.registry.get(one.id).is_some_and(|grant| !grant.votes.is_empty());
        let (approved, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(approved);
        for one in approved {
            answer(one.reply, Response::Refused { refusal: Refusal::Stopping, explanation: None });
        }
        self.fail(waiting, |_| Refusal::Stopping, now);
    }

    /// Takes grants that could not be made real off again, all in one pass, and then says so.
    fn fail(&mut self, waiting: Vec<Waiting>, refusal: impl Fn(&Waiting) -> Refusal, now: &Now) {
        for one in &waiting {
            let mut by = EndedBy::default();
            by.note = wording::typed("note", &refusal(one).to_string(), &mut by.texts).ok();
            self.mark_ending(one.id, Cause::Failed, &by, now);
        }
        if !waiting.is_empty() {
            self.remove_ended(now);
        }
        for one in waiting {
            let refusal = refusal(&one);
            answer(one.reply, Response::Refused { refusal, explanation: None });
        }
    }
}

/// Whoever asked may have hung up; the grant is what the record says, not what was heard.
pub(super) fn answer(reply: oneshot::Sender<Response>, response: Response) {
    let _ = reply.send(response);
}
