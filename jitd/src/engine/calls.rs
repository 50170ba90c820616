//! Calls: who may make which, and what is answered.

use std::collections::BTreeMap;
use std::str::FromStr;

use jit_common::explanation::{Explanation, Outcome as Told};
use jit_common::ids::{IdPrefix, RequestId};
use jit_common::refusal::Refusal;
use jit_common::request::{Ask, DropTarget, Request};
use jit_common::response::{EndedView, Response};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::EndedBy;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{
    self, Ask as PolicyAsk, Decision, Facts, GroupState, LiveGrant, LocalTime, OpenRequest, PersonFacts,
};
use jitd_core::record::{Cause, Draft, Entry, Person, TypedHash, TypedText};

use super::elevate::Wish;
use super::message::{Call, Looked, Stretch};
use super::refusals::Recorded;
use super::{Engine, admission, wording};

/// What a call is answered with when it is refused.
pub(super) type Answer = Result<Response, Refusal>;

/// What was looked up of the groups and the zones that the policy names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) groups: &'a BTreeMap<String, GroupState>,
    pub(super) local_time: &'a BTreeMap<String, LocalTime>,
}

/// What a request is about, and so is nothing that stands in its way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Besides {
    /// The grant that it would extend.
    pub(super) grant: Option<RequestId>,
    /// The open request that is decided on again.
    pub(super) request: Option<RequestId>,
}

impl Engine {
    /// Answers a call, or lets it wait for its commit.
    pub(super) fn call(&mut self, call: Call, now: &Now) {
        let mut call = call;
        self.host.natural(&mut call.person, now);
        if let Some(subject) = &mut call.subject {
            self.host.natural(subject, now);
        }
        match call.request.clone() {
            Request::Elevate(ask) => return self.ask(call, Wish { ask, extends: None }, now),
            Request::Extend { target, ask } => return self.extend(call, &target, ask, now),
            Request::Approve { id, duration, note } => {
                return self.approve(call, &id, duration, note.as_ref(), now);
            }
            Request::Await { id, seen } => return self.wait_for(call, id, seen, now),
            Request::Drift => return self.compare(call, now),
            Request::Show(prefix) => return self.tell_story(call, &prefix, now),
            Request::Explain { .. }
            | Request::Status
            | Request::Roles
            | Request::Pending
            | Request::Deny { .. }
            | Request::Cancel(_)
            | Request::Drop(_)
            | Request::Revoke { .. }
            | Request::Lock { .. }
            | Request::Unlock { .. }
            | Request::Erase(_)
            | Request::Enter { .. }
            | Request::Leave { .. }
            | Request::Pam(_)
            | Request::Log(_) => {}
        }
        if self.must_see_what_was_permitted(&call) {
            self.flush(now);
        }
        self.host.caller = call.peer.origin.pid.and_then(|pid| u32::try_from(pid).ok());
        let answer = admission::caller_is_the_person(&call.peer).and_then(|()| self.other_call(&call, now));
        self.host.caller = None;
        match answer {
            Ok(response) => Self::answer(call.reply, response),
            Err(refusal) => self.refuse_call(call, refusal, now),
        }
    }

    /// Whether a call has to see what was permitted before it: it could end that, or show it. What is shown of others is
    /// for those who see all. Everybody else's questions do not tear apart what goes into one commit.
    fn must_see_what_was_permitted(&self, call: &Call) -> bool {
        match &call.request {
            Request::Status | Request::Roles | Request::Pending | Request::Explain { .. } => {
                self.is_candidate(call.peer.uid)
                    || admission::sees_all(&self.live.policy, call.peer.uid, &call.person)
            }
            Request::Elevate(_)
            | Request::Extend { .. }
            | Request::Approve { .. }
            | Request::Await { .. }
            | Request::Drift
            | Request::Deny { .. }
            | Request::Cancel(_)
            | Request::Show(_)
            | Request::Drop(_)
            | Request::Revoke { .. }
            | Request::Lock { .. }
            | Request::Unlock { .. }
            | Request::Erase(_)
            | Request::Enter { .. }
            | Request::Leave { .. }
            | Request::Pam(_)
            | Request::Log(_) => true,
        }
    }

    /// Whether something that was permitted to this person waits for its commit.
    pub(super) fn is_candidate(&self, uid: u32) -> bool {
        self.candidates.iter().any(|candidate| candidate.waiting.uid == uid)
    }

    /// Answers no to a call that was no request for a role.
    pub(super) fn refuse_call(&mut self, call: Call, refusal: Refusal, now: &Now) {
        self.note_refused_call(&call, &refusal, now);
        Self::answer(call.reply, Response::Refused { refusal, explanation: None });
    }

    /// Whoever calls what they may not, or as somebody else, is on the record. A mistyped id is not.
    fn note_refused_call(&mut self, call: &Call, refusal: &Refusal, now: &Now) {
        let tried = matches!(
            refusal,
            Refusal::NotPermitted { .. }
                | Refusal::NotYou { .. }
                | Refusal::OwnRequest { .. }
                | Refusal::RootAccount
        );
        let by = caller(call);
        if tried && self.refusals.count(&by, now) == Recorded::Alone {
            let from = call.peer.origin.clone();
            let (code, text) = (refusal.code().to_owned(), refusal.to_string());
            let entry = Entry::CallRefused { by, from, call: wording::as_typed(&call.request), code, text };
            self.book.note(now, None, entry);
        }
    }

    fn other_call(&mut self, call: &Call, now: &Now) -> Answer {
        match &call.request {
            Request::Elevate(_)
            | Request::Extend { .. }
            | Request::Approve { .. }
            | Request::Await { .. }
            | Request::Drift
            | Request::Show(_)
            | Request::Pam(_)
            | Request::Log(_) => Err(Refusal::BadRequest { why: "it is answered elsewhere".into() }),
            Request::Explain { ask, user } => self.explain(call, ask, user.as_deref()),
            Request::Status => Ok(self.status(call, now)),
            Request::Roles => match self.live.invalid_because() {
                Some(why) => Err(Refusal::PolicyInvalid { why }),
                None => Ok(self.roles(call)),
            },
            Request::Pending => Ok(self.pending(call, now)),
            Request::Deny { id, note } => self.deny(call, id, note, now),
            Request::Cancel(id) => self.cancel(call, id, now),
            Request::Drop(target) => self.give_back(call, target, now),
            Request::Enter { id, command } => self.enter(call, *id, command, now),
            Request::Leave { pid, status } => self.leave(call, *pid, *status, now),
            Request::Revoke { target, note } => self.revoke(call, target, note.as_ref(), now),
            Request::Lock { live, note } => self.lock(call, *live, note.as_ref(), now),
            Request::Unlock { note } => self.unlock(call, note.as_ref(), now),
            Request::Erase(prefix) => self.erase(call, prefix, now),
        }
    }

    /// Decides a request for `person`, on what is known of groups and zones and on what is live and open, but for what
    /// the request itself is about.
    pub(super) fn decide(
        &self,
        person: &PersonFacts,
        known: Known<'_>,
        ask: &Ask,
        besides: Besides,
    ) -> Decision {
        // One that is stuck on its way off is nothing that could be used.
        let live = self.registry.of(person.uid).filter(|grant| grant.state.is_wanted());
        let live = live.filter(|grant| Some(grant.id) != besides.grant);
        let live = live.map(|grant| LiveGrant {
            id: grant.id.to_string(),
            role: grant.role.clone(),
            rule: grant.rule.name.clone(),
            until_unix: grant.deadline.wall.div_euclid(NANOS),
        });
        let open = self.registry.open_of(person.uid).filter(|open| Some(open.id) != besides.request);
        let facts = Facts {
            person: person.clone(),
            known_groups: known.groups.clone(),
            local_time: known.local_time.clone(),
            live: live.collect(),
            extends: besides.grant.map(|id| id.to_string()),
            open: open.map(|open| OpenRequest { id: open.id.to_string(), role: open.role.clone() }).collect(),
            disabled_roles: self.live.disabled.clone(),
        };
        let ask = PolicyAsk {
            role: &ask.role,
            duration: ask.duration,
            reason: ask.reason.as_deref(),
            ticket: ask.ticket.as_deref(),
        };
        policy::decide(&self.live.policy, &ask, &facts)
    }

    fn explain(&self, call: &Call, ask: &Ask, user: Option<&str>) -> Answer {
        admission::text_lengths(ask)?;
        let own = user.is_none_or(|name| name == call.person.name);
        if !own && !admission::sees_all(&self.live.policy, call.peer.uid, &call.person) {
            let action = "have a request of somebody else explained".into();
            return Err(Refusal::NotPermitted { action, need: "an auditor, an operator or root".into() });
        }
        let person = match (own, &call.subject) {
            (true, _) => &call.person,
            (false, Some(subject)) => subject,
            (false, None) => {
                let id = user.unwrap_or_default().to_owned();
                return Err(Refusal::NoSuchThing { what: "account".into(), id });
            }
        };
        let known = Known { groups: &call.groups, local_time: &call.local_time };
        let explanation = self.decide(person, known, ask, Besides::default()).explanation;
        // Whatever the rules say: what stands in everybody's way stands in this one's.
        let outcome = match (&explanation.outcome, self.may_grant(&ask.role)) {
            (Told::Permitted { .. }, Err(refusal)) => Told::Refused(refusal),
            (Told::Permitted { .. }, Ok(())) | (Told::Refused(_), _) => explanation.outcome.clone(),
        };
        Ok(Response::Explained(Explanation { outcome, ..explanation }))
    }

    fn give_back(&mut self, call: &Call, target: &DropTarget, now: &Now) -> Answer {
        let chosen = self.mine(call, target)?;
        Ok(Response::Ended(self.end_these(&chosen, Cause::Dropped, &EndedBy::default(), now)))
    }

    /// The caller's grants that are meant: one, or two while an extension takes the place of the other.
    pub(super) fn mine(&self, call: &Call, target: &DropTarget) -> Result<Vec<Grant>, Refusal> {
        let mine: Vec<Grant> = self.registry.of(call.peer.uid).cloned().collect();
        let nothing = |id: &str| Refusal::NoSuchThing { what: "live grant".into(), id: id.to_owned() };
        match target {
            DropTarget::All => Ok(mine),
            DropTarget::Only => match mine.is_empty() {
                true => Err(nothing("")),
                false if are_one(&mine) => Ok(mine),
                false => Err(ambiguous("", named(&mine))),
            },
            DropTarget::Named(text) => {
                let prefix = IdPrefix::from_str(text).ok();
                let fits = |grant: &&Grant| {
                    grant.role == *text || prefix.as_ref().is_some_and(|prefix| grant.is_named_by(prefix))
                };
                let fitting: Vec<Grant> = mine.iter().filter(fits).cloned().collect();
                match fitting.is_empty() {
                    true => Err(nothing(text)),
                    false if are_one(&fitting) => Ok(fitting),
                    false => Err(ambiguous(text, named(&fitting))),
                }
            }
        }
    }

    pub(super) fn end_these(
        &mut self,
        grants: &[Grant],
        cause: Cause,
        by: &EndedBy,
        now: &Now,
    ) -> Vec<EndedView> {
        let which: Vec<(RequestId, Cause)> = grants.iter().map(|grant| (grant.id, cause)).collect();
        self.end_all(&which, by, now);
        if !which.is_empty() {
            self.book.settle_now(now);
        }
        self.ended_views(grants)
    }

    /// Hands out a stretch of the record.
    pub(super) fn read(&mut self, stretch: Stretch) {
        // Whoever hung up meanwhile reads nothing.
        let Stretch { after, limit, of, reply } = stretch;
        let looked = match of {
            Some(person) => self.book.rows_about(&person, after, limit).map(|(rows, to)| Looked { rows, to }),
            None => self.book.rows_after(after, limit).map(|rows| {
                let to = rows.last().map_or(after, |row| row.seq);
                Looked { rows, to }
            }),
        };
        let _ = reply.send(looked);
    }
}

/// Who calls, as the record names them.
pub(super) fn caller(call: &Call) -> Person {
    Person { uid: call.peer.uid, name: call.person.name.clone() }
}

pub(super) fn ended_by(call: &Call, note: Option<&String>) -> Result<EndedBy, Refusal> {
    let mut texts: Vec<TypedText> = Vec::new();
    let note: Option<TypedHash> = note
        .map(|note| wording::typed("note", note, &mut texts))
        .transpose()
        .map_err(|why| Refusal::BadRequest { why })?;
    Ok(EndedBy { person: Some(caller(call)), note, texts })
}

pub(super) fn draft(now: &Now, entry: Entry, texts: Vec<TypedText>) -> Draft {
    Draft { at: now.wall, request: None, entry, texts }
}

/// Live grants that an ambiguous id is said to fit.
const FITS_TOLD: usize = 8;

pub(super) fn ambiguous<'a>(prefix: &str, fits: impl Iterator<Item = (RequestId, &'a str)>) -> Refusal {
    let fits: Vec<(RequestId, &str)> = fits.collect();
    let more = fits.len().saturating_sub(FITS_TOLD);
    let more = (more > 0).then(|| format!("{more} more"));
    let told = fits.iter().take(FITS_TOLD).map(|(id, role)| format!("{id} ({role})"));
    Refusal::AmbiguousId { prefix: prefix.to_owned(), fits: told.chain(more).collect() }
}

/// Whether all of these are one grant to their holder: an extension and what it extends are both live for a moment.
pub(super) fn are_one(grants: &[Grant]) -> bool {
    grants.first().is_some_and(|first| grants.iter().all(|grant| grant.is_one_with(first)))
}

/// Grants, for telling which of them were meant.
fn named(grants: &[Grant]) -> impl Iterator<Item = (RequestId, &str)> {
    grants.iter().map(|grant| (grant.id, grant.role.as_str()))
}
