//! More time for a live grant: a new request, under whatever the policy says now, that takes the place of the grant.

use jit_common::duration::GrantDuration;
use jit_common::refusal::Refusal;
use jit_common::request::{Ask, DropTarget, ExtendAsk};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::Extended;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Decision, Terms};

use super::Engine;
use super::elevate::Wish;
use super::message::Call;
use super::wording;

impl Engine {
    /// Takes a wish for more time. Reason and ticket of the grant stand when there are no new ones.
    pub(super) fn extend(&mut self, call: Call, target: &DropTarget, ask: ExtendAsk, now: &Now) {
        // What was permitted in this pass is live.
        self.flush(now);
        match self.to_extend(&call, target) {
            Ok(grant) => {
                let ask = Ask {
                    role: grant.role.clone(),
                    duration: Some(ask.duration),
                    reason: ask.reason.or_else(|| grant.reason.clone()),
                    ticket: ask.ticket.or_else(|| grant.ticket.clone()),
                    start: None,
                };
                self.ask(call, Wish { ask, extends: Some(grant) }, now);
            }
            Err(refusal) => self.refuse_call(call, refusal, now),
        }
    }

    fn to_extend(&self, call: &Call, target: &DropTarget) -> Result<Grant, Refusal> {
        let mut mine = self.mine(call, target)?;
        let grant = match mine.len() {
            1 => mine.swap_remove(0),
            _ => return Err(Refusal::BadRequest { why: "one grant is extended at a time: name it".into() }),
        };
        match grant.state.is_wanted() && grant.by.name == call.person.name {
            true => Ok(grant),
            false => Err(Refusal::NotNow {
                id: grant.id.to_string(),
                state: "on its way off".into(),
                action: "extend".into(),
            }),
        }
    }
}

/// Refuses an extension that would make a grant longer than its rule, or the one of now, permits in all.
pub(super) fn within_total(extends: Option<&Grant>, terms: &Terms) -> Result<(), Refusal> {
    let Some(grant) = extends else { return Ok(()) };
    let left = left(grant, terms.max_duration.as_secs());
    if terms.duration.as_secs() <= left {
        return Ok(());
    }
    let longest = longest(extends, terms.max_duration.as_secs());
    Err(Refusal::TotalTooLong {
        id: grant.id.to_string(),
        max: GrantDuration::from_secs(longest).unwrap_or(terms.max_duration),
        left: GrantDuration::from_secs(left).ok(),
        rule: terms.rule.clone(),
    })
}

/// Seconds by which a grant can still be extended, when its rule permits `max` in all.
pub(super) fn left(grant: &Grant, max: u32) -> u32 {
    longest(Some(grant), max).saturating_sub(had(grant))
}

/// The seconds from the start of the first of a row of extensions to the end of this one.
fn had(grant: &Grant) -> u32 {
    let had = grant.deadline.wall.saturating_sub(grant.span.since);
    // A deadline is cut to a whole second, and what was cut off is not given back by extensions.
    u32::try_from(had.saturating_add(NANOS - 1).div_euclid(NANOS)).unwrap_or(u32::MAX)
}

/// The longest that a grant may come to with extensions, in seconds: what its rules have permitted only shrinks.
pub(super) fn longest(extends: Option<&Grant>, max: u32) -> u32 {
    extends.map_or(max, |grant| grant.span.longest.min(max))
}

/// The conditions that held, and for an extension what it comes to.
pub(super) fn conditions(decision: &Decision, extends: Option<&Grant>, terms: &Terms) -> Vec<String> {
    let mut held = wording::conditions(&decision.explanation);
    held.extend(extends.map(|grant| {
        let total = had(grant).saturating_add(terms.duration.as_secs());
        let [total, longest] = [total, longest(extends, terms.max_duration.as_secs())].map(|seconds| {
            GrantDuration::from_secs(seconds).map_or_else(|_| format!("{seconds} s"), |it| it.to_string())
        });
        format!("with what it had it comes to {total}, within the {longest} that the rule permits in all")
    }));
    held
}

/// The grant, as the step that takes its place needs it.
pub(super) fn extended(grant: &Grant) -> Extended {
    Extended { id: grant.id, since: grant.span.since, deadline: grant.deadline.clone() }
}
