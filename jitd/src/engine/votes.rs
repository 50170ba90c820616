//! People deciding: approvals, denials, and a requester who takes a request back.

use std::collections::BTreeSet;

use jit_common::duration::GrantDuration;
use jit_common::ids::IdPrefix;
use jit_common::refusal::{Refusal, TextField};
use jit_common::response::Response;
use jitd_core::lifecycle::open::{Open, Vote};
use jitd_core::lifecycle::step::{self, ClosedBy};
use jitd_core::now::Now;
use jitd_core::policy::{self, ApprovalRule, Terms, votes};
use jitd_core::record::{Approval, Closed, Person};

use super::calls::{Answer, ambiguous, caller};
use super::elevate::answer;
use super::message::Call;
use super::past::Past;
use super::{Engine, admission, wording};

impl Engine {
    /// Takes an approver's yes. When nothing is missing after it, everything is looked up anew before anything is given.
    pub(super) fn approve(
        &mut self,
        call: Call,
        id: &IdPrefix,
        duration: Option<GrantDuration>,
        note: Option<&String>,
        now: &Now,
    ) {
        self.flush(now);
        let voted = admission::caller_is_the_person(&call.peer)
            .and_then(|()| self.vote(&call, id, duration, note, now));
        let open = match voted {
            Ok(open) => open,
            Err(refusal) => return self.refuse_call(call, refusal, now),
        };
        if !self.is_waited_for(open.id) {
            self.notices.approved(&open, &caller(&call));
        }
        if self.tally(&open).is_met() {
            return self.check(open.id, Some(call.reply), now);
        }
        let view = self.open_view(&open, Some(&call), now);
        answer(call.reply, Response::Open(Box::new(view)));
    }

    /// Records a vote; the request as it is with it.
    fn vote(
        &mut self,
        call: &Call,
        id: &IdPrefix,
        duration: Option<GrantDuration>,
        note: Option<&String>,
        now: &Now,
    ) -> Result<Open, Refusal> {
        admission::text_length(TextField::Note, note)?;
        policy::check_account(&call.person)?;
        self.may_vote(id)?;
        let open = self.to_decide(call, id, "approve")?;
        let of = approves(&open, call)?;
        if open.votes.iter().any(|vote| vote.by == caller(call)) {
            return Err(Refusal::VotedAlready { id: open.id.to_string() });
        }
        let enough = || not_now(&open.id.to_string(), "approved already", "approve");
        if self.tally(&open).is_met() {
            return Err(enough());
        }
        let seconds = shortened(&open, duration)?;
        let mut texts = Vec::new();
        let note = note.map(|note| wording::typed("note", note, &mut texts)).transpose();
        let note = note.map_err(|why| Refusal::BadRequest { why })?;
        let approval = Approval { approver: caller(call), from: call.peer.origin.clone(), of, seconds, note };
        let missing = self.missing_with(&open, &approval);
        let step = step::approved(&open, approval, texts, missing, now).ok_or_else(enough)?;
        let released = self.book.raise(vec![step], now).map_err(|why| Refusal::LedgerUnavailable { why })?;
        self.registry.take(&released);
        self.held_up.remove(&open.id);
        self.registry.open_request(open.id).cloned().ok_or(Refusal::Busy)
    }

    /// While the host is locked nobody votes, and without a policy nobody knows who may.
    fn may_vote(&self, id: &IdPrefix) -> Result<(), Refusal> {
        if let Some(lock) = self.registry.lock() {
            return Err(admission::locked(lock));
        }
        if let Some(why) = self.book.closed() {
            return Err(Refusal::LedgerUnavailable { why });
        }
        match self.live.invalid_because() {
            Some(why) => Err(Refusal::PolicyInvalid { why }),
            None if id.as_str().is_empty() => Err(Refusal::BadRequest { why: "name the request".into() }),
            None => Ok(()),
        }
    }

    /// Takes a no, from an approver or from whoever may revoke: it closes the request, whether that can be recorded or not.
    pub(super) fn deny(&mut self, call: &Call, id: &IdPrefix, note: &String, now: &Now) -> Answer {
        admission::text_length(TextField::Note, Some(note))?;
        let open = self.to_decide(call, id, "deny")?;
        if !admission::revokes(&self.live.policy, call.peer.uid, &call.person) {
            policy::check_account(&call.person)?;
            approves(&open, call)?;
        }
        admission::says_something(note)?;
        let mut by = ClosedBy {
            person: Some(caller(call)),
            from: Some(call.peer.origin.clone()),
            ..ClosedBy::default()
        };
        by.note =
            Some(wording::typed("note", note, &mut by.texts).map_err(|why| Refusal::BadRequest { why })?);
        self.close(&open, Closed::Denied, by, now);
        self.notices.denied(&open, &caller(call), note);
        if !self.is_waited_for(open.id) {
            self.notices.denied_to_requester(&open, &caller(call), note);
        }
        self.recorded("it is closed until jitd restarts", now)
    }

    /// Takes a request back. It is the requester's own, so nothing is asked but who that is.
    pub(super) fn cancel(&mut self, call: &Call, id: &IdPrefix, now: &Now) -> Answer {
        let by = caller(call);
        let mine: Vec<Open> = self.registry.open_matching(id).filter(|open| open.by == by).cloned().collect();
        let open = match one(mine, id)? {
            Some(open) => open,
            None => return Err(self.not_open(call, id, "cancel")),
        };
        let closed_by =
            ClosedBy { person: Some(by), from: Some(call.peer.origin.clone()), ..ClosedBy::default() };
        self.close(&open, Closed::Cancelled, closed_by, now);
        self.recorded("it is cancelled until jitd restarts", now)
    }

    /// Closes a request without a grant.
    pub(super) fn close(&mut self, open: &Open, cause: Closed, by: ClosedBy, now: &Now) {
        if let Some(step) = step::close(open, now, cause, by) {
            let released = step.end_anyway(self.book.debts());
            self.registry.take(&released);
        }
    }

    fn recorded(&mut self, otherwise: &str, now: &Now) -> Answer {
        self.book.settle_now(now);
        match self.book.closed().filter(|_| self.book.owed() > 0) {
            None => Ok(Response::Done),
            Some(why) => Err(Refusal::LedgerUnavailable { why: format!("{otherwise}: {why}") }),
        }
    }

    /// The one open request that begins so and that the caller may see, unless it is their own.
    fn to_decide(&self, call: &Call, id: &IdPrefix, action: &str) -> Result<Open, Refusal> {
        let seen = self.registry.open_matching(id).filter(|open| self.may_see(open, call));
        let open = match one(seen.cloned().collect(), id)? {
            Some(open) => open,
            None => return Err(self.not_open(call, id, action)),
        };
        match is_own(&open, call) {
            true => Err(Refusal::OwnRequest { id: open.id.to_string() }),
            false => Ok(open),
        }
    }

    /// Whether somebody may know of an open request: it is theirs, or theirs to decide, or they see everything.
    pub(super) fn may_see(&self, open: &Open, call: &Call) -> bool {
        open.by == caller(call)
            || !votes::eligible_entries(&open.terms.approvals, &call.person).is_empty()
            || admission::sees_all(&self.live.policy, call.peer.uid, &call.person)
    }

    /// Why nothing open begins so: it is over, or the caller may not know of it.
    fn not_open(&self, call: &Call, id: &IdPrefix, action: &str) -> Refusal {
        let nothing = Refusal::NoSuchThing { what: "open request".into(), id: id.to_string() };
        let Ok(like) = self.book.requests_like(id.as_str()) else { return nothing };
        let [only] = like.as_slice() else { return nothing };
        let Ok(rows) = self.book.rows_of(*only) else { return nothing };
        let past = Past::of(*only, &rows);
        let sees_all = admission::sees_all(&self.live.policy, call.peer.uid, &call.person);
        let approver = past
            .terms
            .as_ref()
            .is_some_and(|terms| !votes::eligible_entries(&terms.approvals, &call.person).is_empty());
        match sees_all || approver || past.person.as_ref() == Some(&caller(call)) {
            true => not_now(&only.to_string(), &past.state_in_words(), action),
            false => nothing,
        }
    }

    /// How many approvals a request has and lacks.
    pub(super) fn tally(&self, open: &Open) -> votes::Tally {
        open.tally(|vote| self.stands_for(open, vote).clone())
    }

    /// Which approvals a voter may stand for: by the last look at them, and before that as it was when they voted.
    pub(super) fn stands_for<'a>(&'a self, open: &Open, vote: &'a Vote) -> &'a BTreeSet<usize> {
        let known = self.standing.get(&open.id);
        known.and_then(|known| known.get(&(vote.by.uid, vote.by.name.clone()))).unwrap_or(&vote.of)
    }

    /// What would be missing with one more vote, one phrase each.
    fn missing_with(&self, open: &Open, approval: &Approval) -> Vec<String> {
        let mut with = open.clone();
        with.votes.push(Vote {
            by: approval.approver.clone(),
            at: 0,
            of: approval.of.clone(),
            seconds: None,
            note: None,
        });
        missing(&with.terms.approvals, &self.tally(&with).met)
    }
}

/// Which of the approvals the caller may stand for; a refusal when none.
fn approves(open: &Open, call: &Call) -> Result<BTreeSet<usize>, Refusal> {
    let of = votes::eligible_entries(&open.terms.approvals, &call.person);
    match of.is_empty() {
        false => Ok(of),
        true => {
            let need: Vec<String> = open.terms.approvals.iter().map(ApprovalRule::phrase).collect();
            let need = if need.is_empty() { "nobody's approval".to_owned() } else { need.join(" and ") };
            Err(Refusal::NotPermitted { action: format!("decide about {}", open.id), need })
        }
    }
}

/// Whether the caller is the requester, by the account or by the login.
pub(super) fn is_own(open: &Open, call: &Call) -> bool {
    let uids: [Option<u32>; 2] = [Some(open.by.uid), open.from.login_uid];
    uids.contains(&Some(call.peer.uid)) || call.peer.origin.login_uid.is_some_and(|uid| uid == open.by.uid)
}

/// The seconds to which an approver shortens a request.
fn shortened(open: &Open, duration: Option<GrantDuration>) -> Result<Option<u32>, Refusal> {
    let Some(wanted) = duration else { return Ok(None) };
    let asked = open.seconds();
    if wanted.as_secs() > asked {
        let asked = GrantDuration::from_secs(asked).unwrap_or(wanted);
        return Err(Refusal::OnlyShorter { wanted, asked });
    }
    Ok((wanted.as_secs() < open.terms.seconds).then_some(wanted.as_secs()))
}

/// What is missing of some approvals, one phrase each.
pub(super) fn missing(approvals: &[ApprovalRule], met: &[u32]) -> Vec<String> {
    let lacking = approvals.iter().zip(met).filter(|(approval, met)| approval.count > **met);
    lacking
        .map(|(approval, met)| ApprovalRule { count: approval.count - met, by: approval.by.clone() }.phrase())
        .collect()
}

/// What stands against the terms that a rule has now: whoever approved has to satisfy those as well.
pub(super) fn lacks(terms: &Terms, voters: &[policy::PersonFacts]) -> Vec<String> {
    let of: Vec<BTreeSet<usize>> =
        voters.iter().map(|voter| votes::eligible_entries(&terms.approvals, voter)).collect();
    let stands_for = |entry, voter: usize| of.get(voter).is_some_and(|of| of.contains(&entry));
    missing(&terms.approvals, &votes::tally(&terms.approvals, stands_for, of.len()).met)
}

fn one(mut fitting: Vec<Open>, id: &IdPrefix) -> Result<Option<Open>, Refusal> {
    match fitting.len() {
        0 => Ok(None),
        1 => Ok(fitting.pop()),
        _ => Err(ambiguous(id.as_str(), fitting.iter().map(|open| (open.id, open.role.as_str())))),
    }
}

fn not_now(id: &str, state: &str, action: &str) -> Refusal {
    Refusal::NotNow { id: id.to_owned(), state: state.to_owned(), action: action.to_owned() }
}

/// A person's name and number, for comparing.
#[must_use]
pub(super) fn person_of(facts: &policy::PersonFacts) -> Person {
    Person { uid: facts.uid, name: facts.name.clone() }
}
