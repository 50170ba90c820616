//! Differences between the host and the record: each is one entry and one line, and who may see all can have the host compared
//! at once.

use std::collections::BTreeMap;

use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jit_common::response::{DifferenceView, DriftView, Response};
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step::EndedBy;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::TakenAway;
use jitd_core::record::{Cause, Drifted, Entry};
use tokio::sync::oneshot;

use super::host::{self, Difference, Made};
use super::message::Call;
use super::{Engine, admission, wording};

/// Nanoseconds that an answer waits for the name service.
const PATIENCE: i64 = 5 * NANOS;

/// Differences that one answer holds.
const SHOWN: usize = 256;

/// Who has the host compared.
#[derive(Debug, Default)]
pub(super) struct Looking {
    /// What was found since a look was asked for; `None` while nobody has.
    found: Option<Vec<DifferenceView>>,
    /// Who waits for what the name service says of people.
    waiting: Vec<Looker>,
}

#[derive(Debug)]
struct Looker {
    view: DriftView,
    /// The question that has to be answered, by its time.
    asked: i64,
    /// Until when, on the boot clock.
    until: i64,
    to: oneshot::Sender<Response>,
}

impl Looking {
    /// Nanoseconds until somebody has waited long enough.
    pub(super) fn next(&self, now: &Now) -> Option<i64> {
        self.waiting.iter().map(|looker| looker.until.saturating_sub(now.boot).max(0)).min()
    }

    fn note(&mut self, difference: &Difference) {
        if let Some(found) = self.found.as_mut().filter(|found| found.len() < SHOWN) {
            found.push(view(difference));
        }
    }
}

impl Engine {
    /// Compares the host with the record for somebody who asked for it, and answers when the people are looked at as well.
    pub(super) fn compare(&mut self, call: Call, now: &Now) {
        self.flush(now);
        let allowed = admission::caller_is_the_person(&call.peer).and_then(|()| {
            let need = "an auditor, an operator or root".into();
            let action = "have the host compared with the record".into();
            match admission::sees_all(&self.live.policy, call.peer.uid, &call.person) {
                true => Ok(()),
                false => Err(Refusal::NotPermitted { action, need }),
            }
        });
        if let Err(refusal) = allowed {
            return self.refuse_call(call, refusal, now);
        }
        let before: Vec<String> = self.host_attention().collect();
        self.drift.found = Some(Vec::new());
        let unsure = self.look(now);
        let found = self.drift.found.take().unwrap_or_default();
        let standing = self.host_attention().filter(|line| before.contains(line)).collect();
        let wanted = self.registry.wanted();
        let people = self.people_of_grants();
        let view = DriftView {
            found,
            standing,
            unsure,
            grants: wanted.grants().len() as u64,
            memberships: self.host.lent() as u64,
            people: people.len() as u64,
        };
        if people.is_empty() {
            return Self::answer(call.reply, Response::Drift(Box::new(view)));
        }
        // The look has just asked about everybody.
        let (asked, until) = (now.wall, now.boot.saturating_add(PATIENCE));
        self.drift.waiting.push(Looker { view, asked, until, to: call.reply });
    }

    /// The name service has said who is gone, of the people of a question.
    pub(super) fn people_said(&mut self, people: &[(u32, String)], asked: i64, now: &Now) {
        let ended = match people.is_empty() {
            true => BTreeMap::new(),
            false => self.people_gone(people, now),
        };
        for (who, grants) in ended {
            let found = format!("the account {who} is gone, renamed, locked or expired");
            let done = "what it held ends, and what it asked for is closed".to_owned();
            let gone = DifferenceView { what: "person".to_owned(), found, done, grants };
            self.drift.waiting.iter_mut().for_each(|looker| looker.view.found.push(gone.clone()));
        }
        let (answered, waiting) = std::mem::take(&mut self.drift.waiting)
            .into_iter()
            .partition::<Vec<Looker>, _>(|looker| looker.asked <= asked);
        self.drift.waiting = waiting;
        answered.into_iter().for_each(tell);
    }

    /// Answers whoever has waited long enough for the name service.
    pub(super) fn keep_lookers(&mut self, now: &Now) {
        let (late, waiting) = std::mem::take(&mut self.drift.waiting)
            .into_iter()
            .partition::<Vec<Looker>, _>(|looker| looker.until <= now.boot);
        self.drift.waiting = waiting;
        for mut looker in late {
            let why = "the name service has not said within 5 s whether everybody is still who they were";
            looker.view.unsure.push(why.to_owned());
            tell(looker);
        }
    }

    /// Puts differences on the record: with its grant, when one difference is of one grant.
    pub(super) fn note_differences(&mut self, differences: Vec<Difference>, now: &Now) {
        for difference in differences {
            crate::log::error(&format!("{}; {}", difference.found, difference.done));
            self.drift.note(&difference);
            let (id, entry) = entry(difference);
            self.book.note(now, id, entry);
        }
    }

    /// Those who were in a group before a grant, and whom it has put in since: the record of the grant says it from here on.
    pub(super) fn note_joined_late(&mut self, made: &Made, now: &Now) {
        let wanted = self.registry.live().filter(|grant| grant.state.is_wanted());
        for (id, difference) in host::joined_late(&made.put_in, wanted) {
            crate::log::error(&format!("grant {id}: {}; {}", difference.found, difference.done));
            self.drift.note(&difference);
            let (request, entry) = entry(difference);
            // As a start would fold it.
            self.registry.replay(now.wall, request, &entry, &[]);
            self.book.note(now, request, entry);
        }
    }

    /// Grants of groups that are others by now end: sudo knows a group by its number, and would give what nobody decided on.
    pub(super) fn mark_astray(&mut self, astray: &BTreeMap<RequestId, String>, now: &Now) {
        for (id, why) in astray {
            let (what, done) = (Drifted::Group, format!("grant {id} ends"));
            let difference = Difference { what, found: why.clone(), done, grants: vec![*id] };
            self.end_for(*id, Cause::Failed, difference, now);
        }
    }

    /// Where the policy says so, a grant ends by which somebody has taken away what it gives.
    pub(super) fn end_taken_away(&mut self, now: &Now) {
        match self.live.policy.on_drift().taken_away {
            TakenAway::Restore => return,
            TakenAway::End => {}
        }
        if self.host.taken_away(&self.registry.wanted()).is_empty() {
            return;
        }
        // It may have been the guard, whose notes say more.
        self.take_notes(now);
        let mut gone = self.host.taken_away(&self.registry.wanted());
        // What is only being made real may have got half-way, and is made real again.
        gone.retain(|id, _| self.registry.get(*id).is_some_and(|grant| grant.state == State::Active));
        let by_rule = gone.values().any(|difference| difference.what == Drifted::Rules);
        for (id, difference) in gone {
            self.end_for(id, Cause::Lost, difference, now);
        }
        if by_rule {
            self.host.expect_the_rest(&self.registry.wanted());
        }
    }

    /// Ends a grant for a difference, which is told.
    fn end_for(&mut self, id: RequestId, cause: Cause, difference: Difference, now: &Now) {
        let mut by = EndedBy::default();
        by.note = wording::typed("note", &difference.found, &mut by.texts).ok();
        if self.mark_ending(id, cause, &by, now) {
            self.note_differences(vec![difference], now);
        }
    }
}

/// The entry of a difference, and whose it is.
fn entry(difference: Difference) -> (Option<RequestId>, Entry) {
    let Difference { what, found, done, grants } = difference;
    match grants.as_slice() {
        [id] => (Some(*id), Entry::Drift { what, found, done, grants: Vec::new() }),
        _ => (None, Entry::Drift { what, found, done, grants }),
    }
}

fn view(difference: &Difference) -> DifferenceView {
    DifferenceView {
        what: difference.what.as_str().to_owned(),
        found: difference.found.clone(),
        done: difference.done.clone(),
        grants: difference.grants.clone(),
    }
}

fn tell(looker: Looker) {
    Engine::answer(looker.to, Response::Drift(Box::new(looker.view)));
}
