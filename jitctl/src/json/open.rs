//! Requests that wait, in JSON.

use jit_common::response::{ChoiceView, NeedView, OpenView, Presence};
use serde::Serialize;

use super::grant::{GivesJson, PersonJson, RuleJson, VoteJson, state};
use crate::time;

/// One open request.
#[derive(Debug, Serialize)]
pub(crate) struct OpenJson<'a> {
    id: String,
    person: PersonJson<'a>,
    role: &'a str,
    rule: RuleJson<'a>,
    state: &'static str,
    #[serde(flatten)]
    gives: GivesJson<'a>,
    reason: Option<&'a str>,
    ticket: Option<&'a str>,
    asked: String,
    asked_seconds: u32,
    seconds: u32,
    start: Option<String>,
    lapse: String,
    left_seconds: i64,
    extends: Option<String>,
    needs: Vec<NeedJson<'a>>,
    votes: Vec<VoteJson<'a>>,
    held_up: Option<&'a str>,
    may_decide: bool,
    not_by_you: Option<&'a str>,
}

/// One approval that it needs.
#[derive(Debug, Serialize)]
struct NeedJson<'a> {
    count: u32,
    met: u32,
    by: &'a str,
    could: Vec<ChoiceJson<'a>>,
    unlisted: &'a [String],
}

/// Somebody who could approve.
#[derive(Debug, Serialize)]
struct ChoiceJson<'a> {
    person: PersonJson<'a>,
    logged_in: bool,
}

impl<'a> OpenJson<'a> {
    /// The request as it is documented.
    pub(crate) fn of(open: &'a OpenView) -> Self {
        Self {
            id: open.id.to_string(),
            person: PersonJson::of(&open.person),
            role: &open.role,
            rule: RuleJson::of(&open.rule),
            state: state(open.state),
            gives: GivesJson::of(&open.gives),
            reason: open.reason.as_deref(),
            ticket: open.ticket.as_deref(),
            asked: time::rfc3339(open.asked),
            asked_seconds: open.asked_seconds,
            seconds: open.seconds,
            start: open.start.map(time::rfc3339),
            lapse: time::rfc3339(open.lapse),
            left_seconds: time::seconds(open.left),
            extends: open.extends.map(|id| id.to_string()),
            needs: open.needs.iter().map(need).collect(),
            votes: open.votes.iter().map(VoteJson::of).collect(),
            held_up: open.held_up.as_deref(),
            may_decide: open.not_by_you.is_none(),
            not_by_you: open.not_by_you.as_deref(),
        }
    }
}

fn need(need: &NeedView) -> NeedJson<'_> {
    NeedJson {
        count: need.count,
        met: need.met,
        by: &need.by,
        could: need.could.iter().map(choice).collect(),
        unlisted: &need.unlisted,
    }
}

fn choice(choice: &ChoiceView) -> ChoiceJson<'_> {
    let logged_in = match choice.presence {
        Presence::LoggedIn => true,
        Presence::Away => false,
    };
    ChoiceJson { person: PersonJson::of(&choice.person), logged_in }
}
