//! From a request to a live grant: decide, record, make it real, ask sudo, answer.

use std::mem;

use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jit_common::request::Ask;
use jit_common::response::Response;
use jit_mechanisms::sudo::{self, RoleAgreement};
use jitd_core::lifecycle::step::{self, EndedBy, NewGrant, Raising};
use jitd_core::limits::{LIVE_GRANTS, STEPS_IN_A_COMMIT};
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Decision, Outcome, Terms};
use jitd_core::record::{Asked, Cause, Draft, Entry, Person, TypedText};
use tokio::sync::oneshot;

use super::message::Call;
use super::refusals::Recorded;
use super::{Engine, admission, views, wording};
use crate::random;

/// Nanoseconds for which what was looked up about a caller is decided on.
const OLDEST_FACTS: i64 = 5 * NANOS;

/// A permitted request that waits for its commit.
#[derive(Debug)]
pub struct Candidate {
    step: Raising,
    waiting: Waiting,
}

/// A refusal, with the decision when it came to one.
struct No {
    refusal: Refusal,
    decision: Option<Decision>,
}

/// Somebody who waits to hear that a grant is live.
#[derive(Debug)]
pub struct Waiting {
    pub(super) id: RequestId,
    uid: u32,
    role: String,
    reply: oneshot::Sender<Response>,
}

impl Engine {
    /// Decides a request. A permitted one joins the others that are recorded in the next commit.
    pub(super) fn ask(&mut self, call: Call, ask: &Ask, now: &Now) {
        // Whoever hung up while jitd was busy has given up, and would not know of a grant.
        if call.reply.is_closed() {
            return;
        }
        // What is not committed yet is not in the registry, and one person's requests depend on each other.
        let same_person = |candidate: &Candidate| candidate.waiting.uid == call.peer.uid;
        if self.candidates.len() >= STEPS_IN_A_COMMIT || self.candidates.iter().any(same_person) {
            self.flush(now);
        }
        match self.judge(&call, ask) {
            Err(no) => self.refuse(call, ask, *no, now),
            Ok((terms, decision)) => match self.candidate(&call, ask, terms, &decision, now) {
                Ok((step, id)) => {
                    let waiting =
                        Waiting { id, uid: call.peer.uid, role: ask.role.clone(), reply: call.reply };
                    self.candidates.push(Candidate { step, waiting });
                }
                Err(refusal) => self.refuse(call, ask, No { refusal, decision: Some(decision) }, now),
            },
        }
    }

    /// Everything that stands between a request and its grant, in the order in which a person is told.
    fn judge(&self, call: &Call, ask: &Ask) -> Result<(Terms, Decision), Box<No>> {
        self.admit(call, ask).map_err(|refusal| Box::new(No { refusal, decision: None }))?;
        let decision = self.decide(call, &call.person, ask);
        let terms = match decision.outcome.clone() {
            Outcome::Permit(terms) => self.still_carried(&terms.role).map(|()| terms),
            Outcome::Refuse(refusal) => Err(refusal),
        };
        match terms {
            Ok(terms) => Ok((terms, decision)),
            Err(refusal) => Err(Box::new(No { refusal, decision: Some(decision) })),
        }
    }

    /// What is refused before any rule is looked at.
    fn admit(&self, call: &Call, ask: &Ask) -> Result<(), Refusal> {
        if self.clock.now().boot.saturating_sub(call.looked_up) > OLDEST_FACTS {
            return Err(Refusal::Busy);
        }
        admission::text_lengths(ask)?;
        admission::caller_is_the_person(&call.peer)?;
        if let Some(lock) = self.registry.lock() {
            return Err(admission::locked(lock));
        }
        if let Some(why) = self.book.closed() {
            return Err(Refusal::LedgerUnavailable { why });
        }
        if let Some(why) = self.unfit() {
            return Err(Refusal::ApplyFailed { role: ask.role.clone(), why });
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
        ask: &Ask,
        terms: Terms,
        decision: &Decision,
        now: &Now,
    ) -> Result<(Raising, RequestId), Refusal> {
        let unlucky = |why: String| Refusal::ApplyFailed { role: ask.role.clone(), why };
        let gone = || unlucky("it is no longer in the policy".into());
        let role = self.live.policy.role(&terms.role).ok_or_else(gone)?;
        let id = self.new_id().map_err(unlucky)?;
        let (asked, texts) = self.asked(call, ask).map_err(unlucky)?;
        let new = NewGrant {
            id,
            asked,
            texts,
            rule: terms.rule,
            policy: terms.policy.to_string(),
            conditions: wording::conditions(&decision.explanation),
            sudo: role.sudo.clone(),
            seconds: terms.duration.as_secs(),
        };
        let uid = call.peer.uid;
        let change = |deadline: &_| self.host.change(id, uid, &role.sudo, deadline);
        Ok((step::grant(new, now, change), id))
    }

    /// A program may have changed hands since the policy was loaded.
    fn still_carried(&self, name: &str) -> Result<(), Refusal> {
        let role = self.live.policy.role(name).into_iter();
        let why: Vec<String> =
            role.flat_map(|role| sudo::path_reasons(&self.host.paths, &role.sudo.commands)).collect();
        match why.is_empty() {
            true => Ok(()),
            false => Err(Refusal::RoleDisabled { role: name.to_owned(), why: why.join("; ") }),
        }
    }

    /// An id that no live grant has. Ids of the past are told apart by chance: 40 random bits.
    fn new_id(&self) -> Result<RequestId, String> {
        for _ in 0..8 {
            let bits = random::bytes().map_err(|error| format!("no random bytes: {error}"))?;
            let id = RequestId::from_random(bits);
            let waiting = self.candidates.iter().any(|candidate| candidate.waiting.id == id);
            if self.registry.get(id).is_none() && !waiting {
                return Ok(id);
            }
        }
        Err("no free id was found; the random numbers of this host repeat themselves".into())
    }

    /// The request for the record, with the typed texts beside it.
    fn asked(&self, call: &Call, ask: &Ask) -> Result<(Asked, Vec<TypedText>), String> {
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
    fn refuse(&mut self, call: Call, ask: &Ask, no: No, now: &Now) {
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
            Ok(released) => self.registry.take(&released),
            Err(why) => {
                for one in waiting {
                    let refusal = Refusal::LedgerUnavailable { why: why.clone() };
                    answer(one.reply, Response::Refused { refusal, explanation: None });
                }
                return;
            }
        }
        if let Err(why) = self.make_so(now) {
            let refusal = |one: &Waiting| Refusal::ApplyFailed { role: one.role.clone(), why: why.clone() };
            return self.fail(waiting, refusal, now);
        }
        for one in waiting {
            self.agree_or_ask(one, now);
        }
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
        if let Some(step) = step::agreed(grant, now, wording::refused_commands(answer_of_sudo)) {
            let released = step.end_anyway(self.book.debts());
            self.registry.take(&released);
        }
    }

    /// Nobody is told no while the grant becomes live behind their back: what sudo has not agreed to yet is taken off.
    pub(super) fn fail_waiting(&mut self, now: &Now) {
        let waiting = mem::take(&mut self.waiting);
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
