//! What jitd says of requests that wait for people or for their start.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{EndView, GivesView, PersonView, RuleView, StateView};
use crate::ids::RequestId;

/// One approver's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteView {
    /// Who.
    pub person: PersonView,
    /// When, nanoseconds of the wall clock.
    pub at: i64,
    /// The seconds to which they shortened it, if they did.
    pub seconds: Option<u32>,
    /// What they said; `None` when they said nothing or it was erased.
    pub note: Option<String>,
}

/// One approval that a request needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedView {
    /// How many people.
    pub count: u32,
    /// How many of them have approved.
    pub met: u32,
    /// Who may: `somebody in leads`.
    pub by: String,
    /// Who could, as far as that is known.
    pub could: Vec<ChoiceView>,
    /// Groups whose members this host cannot list.
    pub unlisted: Vec<String>,
}

/// Somebody who could approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceView {
    /// Who.
    pub person: PersonView,
    /// Whether they have a terminal on this host now.
    pub presence: Presence,
}

/// Whether somebody has a terminal on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// Now.
    LoggedIn,
    /// Not now.
    Away,
}

/// A request that waits for people or for its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenView {
    /// Its id.
    pub id: RequestId,
    /// Who asks.
    pub person: PersonView,
    /// The role.
    pub role: String,
    /// The rule that decided.
    pub rule: RuleView,
    /// `Pending`, `Scheduled` or `Closed`.
    pub state: StateView,
    /// What it would give.
    pub gives: GivesView,
    /// The reason as typed; `None` when none was given or it was erased.
    pub reason: Option<String>,
    /// The ticket as typed.
    pub ticket: Option<String>,
    /// When it was asked, nanoseconds of the wall clock.
    pub asked: i64,
    /// The seconds asked for; for an extension those beyond the end of the grant.
    pub asked_seconds: u32,
    /// The seconds it would be granted for, after every shortening.
    pub seconds: u32,
    /// When it shall begin, nanoseconds of the wall clock; once approved when absent.
    pub start: Option<i64>,
    /// When it lapses, nanoseconds of the wall clock.
    pub lapse: i64,
    /// What is left until then, in nanoseconds, not below zero.
    pub left: i64,
    /// The live grant that it would extend.
    pub extends: Option<RequestId>,
    /// The approvals it needs.
    pub needs: Vec<NeedView>,
    /// Those it has.
    pub votes: Vec<VoteView>,
    /// Why it is not in force although everybody has approved, when that is so.
    pub held_up: Option<String>,
    /// Why the caller may not decide it; `None` when they may.
    pub not_by_you: Option<String>,
    /// Changes whenever anything of this does; never 0.
    pub version: u64,
}

/// An earlier grant of the same role, for whoever decides about the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierView {
    /// Its id.
    pub id: RequestId,
    /// When its clock started, nanoseconds of the wall clock.
    pub start: i64,
    /// When it was to end, nanoseconds of the wall clock.
    pub until: i64,
    /// How it ended, if it has.
    pub end: Option<EndView>,
    /// The reason, as typed.
    pub reason: Option<String>,
    /// What was still there after it had ended.
    pub residue: Vec<String>,
}
