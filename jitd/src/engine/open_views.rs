//! Open requests as people see them: what is asked for, who has to decide, and who could.

use std::collections::BTreeSet;

use jit_common::response::{
    ChoiceView, NeedView, OpenView, Presence, Response, RuleView, StateView, VoteView, WaitingView,
};
use jitd_core::lifecycle::open::{Open, Vote};
use jitd_core::lifecycle::state::State;
use jitd_core::now::Now;
use jitd_core::policy::votes;

use super::calls::caller;
use super::message::Call;
use super::votes::is_own;
use super::{Engine, views};

impl Engine {
    /// Open requests that the caller may know of, the oldest first.
    pub(super) fn pending(&self, call: &Call, now: &Now) -> Response {
        let mut seen: Vec<&Open> = self.registry.open().filter(|open| self.may_see(open, call)).collect();
        seen.sort_by_key(|open| open.asked);
        Response::Pending(seen.into_iter().map(|open| self.open_view(open, Some(call), now)).collect())
    }

    /// Open requests that are the caller's or wait for the caller.
    pub(super) fn open_for(&self, call: &Call, now: &Now) -> Vec<OpenView> {
        let theirs = |open: &&Open| open.by == caller(call) || self.not_by(open, call).is_none();
        self.registry.open().filter(theirs).map(|open| self.open_view(open, Some(call), now)).collect()
    }

    /// Everybody's open requests in numbers.
    pub(super) fn waiting(&self, now: &Now) -> WaitingView {
        let mut waiting = WaitingView::default();
        for open in self.registry.open() {
            let approved = open.state == State::Scheduled || self.tally(open).is_met();
            let count = match (approved, open.starts_later(now)) {
                (false, _) => &mut waiting.people,
                (true, false) => &mut waiting.approved,
                (true, true) => &mut waiting.scheduled,
            };
            *count += 1;
        }
        waiting
    }

    /// One open request, as `call`, or whoever is told without having called, sees it.
    pub(super) fn open_view(&self, open: &Open, call: Option<&Call>, now: &Now) -> OpenView {
        let state = match open.state {
            State::Scheduled => StateView::Scheduled,
            State::Pending
            | State::Asked
            | State::Applying
            | State::Active
            | State::Ending { .. }
            | State::Stuck { .. }
            | State::Ended { .. }
            | State::Refused
            | State::Closed { .. } => StateView::Pending,
        };
        OpenView {
            needs: self.needs(open, now),
            held_up: self.held_up.get(&open.id).cloned(),
            not_by_you: call.and_then(|call| self.not_by(open, call)),
            version: self.version(open),
            left: open.left(now).max(0),
            ..open_as_asked(open, state)
        }
    }

    /// Changes whenever anything that is seen of a request does. Never 0, which is what those say who have seen nothing.
    pub(super) fn version(&self, open: &Open) -> u64 {
        let held_up = u64::from(self.held_up.contains_key(&open.id));
        let scheduled = u64::from(open.state == State::Scheduled);
        let standing = self
            .standing
            .get(&open.id)
            .map_or(0, |standing| standing.values().filter(|of| of.is_empty()).count() as u64 + 1);
        let parts = [open.votes.len() as u64, scheduled, held_up, standing];
        parts.into_iter().fold(1, |version, part| version * 101 + part)
    }

    fn needs(&self, open: &Open, now: &Now) -> Vec<NeedView> {
        let met = self.tally(open).met;
        let voted: BTreeSet<u32> = open.votes.iter().map(|vote| vote.by.uid).collect();
        let need = |(place, approval): (usize, &jitd_core::policy::ApprovalRule)| {
            let could = open.terms.could.iter().filter(|choice| choice.of.contains(&place));
            let could = could.filter(|choice| !voted.contains(&choice.person.uid));
            let unlisted = open.terms.unlisted.iter().filter(|group| approval.by.groups.contains(*group));
            NeedView {
                count: approval.count,
                met: met.get(place).copied().unwrap_or(0),
                by: approval.by.phrase(),
                could: could
                    .map(|choice| ChoiceView {
                        person: views::person(&choice.person),
                        presence: match self.present.has(choice.person.uid, now) {
                            true => Presence::LoggedIn,
                            false => Presence::Away,
                        },
                    })
                    .collect(),
                unlisted: unlisted.cloned().collect(),
            }
        };
        open.terms.approvals.iter().enumerate().map(need).collect()
    }

    /// Why the caller may not decide about a request; `None` when they may.
    fn not_by(&self, open: &Open, call: &Call) -> Option<String> {
        if is_own(open, call) {
            return Some("it is your own, and nobody decides their own".into());
        }
        if votes::eligible_entries(&open.terms.approvals, &call.person).is_empty() {
            return Some("you are not among those who may".into());
        }
        if open.votes.iter().any(|vote| vote.by == caller(call)) {
            return Some("you have approved it already".into());
        }
        self.tally(open).is_met().then(|| "it is approved already".into())
    }
}

/// A request by itself, without what only the engine knows of it.
pub(super) fn open_as_asked(open: &Open, state: StateView) -> OpenView {
    OpenView {
        id: open.id,
        person: views::person(&open.by),
        role: open.role.clone(),
        rule: RuleView { name: open.rule.name.clone(), location: open.rule.location.clone() },
        state,
        gives: views::gives(&open.terms.gives, &[]),
        reason: open.reason.clone(),
        ticket: open.ticket.clone(),
        asked: open.asked,
        asked_seconds: open.terms.seconds,
        seconds: open.seconds(),
        start: open.terms.start,
        lapse: open.lapses_at(),
        left: 0,
        extends: open.terms.extends,
        needs: Vec::new(),
        votes: open.votes.iter().map(vote).collect(),
        held_up: None,
        not_by_you: None,
        version: 0,
    }
}

/// One approver's yes.
pub(super) fn vote(vote: &Vote) -> VoteView {
    VoteView { person: views::person(&vote.by), at: vote.at, seconds: vote.seconds, note: vote.note.clone() }
}
