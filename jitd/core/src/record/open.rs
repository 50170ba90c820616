//! What the entries about open requests say: terms, votes, and how it was closed.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;
use serde::{Deserialize, Serialize};

use super::{Origin, Person, TypedHash};
use crate::now::Deadline;
use crate::policy::{ApprovalRule, Expiry, Gives};

/// Why an open request was closed without a grant. Closed, so that a report can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    /// An approver said no.
    Denied,
    /// An operator or root closed it, with whatever the person had live.
    Revoked,
    /// Its requester took it back.
    Cancelled,
    /// Nobody decided in time, or nothing could be granted in time.
    Lapsed,
    /// When it was to become active it was no longer permitted.
    Ineligible,
}

impl Closed {
    /// Every cause, for tests and documentation.
    pub const ALL: [Self; 5] = [Self::Denied, Self::Revoked, Self::Cancelled, Self::Lapsed, Self::Ineligible];

    /// The cause in a word or three.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Revoked => "revoked",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
            Self::Ineligible => "no longer permitted",
        }
    }
}

/// What every entry about an open request repeats, so that each can be read alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutOpen {
    /// Who asks.
    pub by: Person,
    /// The role.
    pub role: String,
    /// The rule that permits, and where it stands.
    pub rule: RuleRef,
}

/// The terms of an open request, copied when it was made: later policy can only narrow them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Terms {
    /// What it would give.
    pub gives: Gives,
    /// The lines that would change on the host.
    pub change: Vec<String>,
    /// For how long, in seconds; for an extension beyond the end of its grant.
    pub seconds: u32,
    /// The longest that the rule permits in all, in seconds.
    pub longest: u32,
    /// What becomes of what still runs when the grant ends.
    #[serde(flatten)]
    pub expiry: Expiry,
    /// When it shall begin, nanoseconds of the wall clock; once approved when absent.
    pub start: Option<i64>,
    /// Who has to approve.
    pub approvals: Vec<ApprovalRule>,
    /// Who could, as far as that was known then.
    pub could: Vec<Choice>,
    /// Groups of approvers whose members could not be listed.
    pub unlisted: Vec<String>,
    /// When it lapses, unless it is approved by then.
    pub lapse: Deadline,
    /// For how many seconds after its start it waits for what stands in its way.
    pub patience: u32,
    /// The live grant that it would extend.
    pub extends: Option<RequestId>,
    /// The policy that permitted.
    pub policy: String,
    /// Each condition that held, as the person was told.
    pub conditions: Vec<String>,
}

/// Somebody who could approve, and which of the approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Who.
    pub person: Person,
    /// Places in the list of approvals.
    pub of: BTreeSet<usize>,
}

/// One approver's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub approver: Person,
    /// From where.
    pub from: Origin,
    /// Which of the approvals they may stand for, by their places in the list.
    pub of: BTreeSet<usize>,
    /// The seconds to which they shortened it, if they did.
    pub seconds: Option<u32>,
    /// The hash of their note.
    pub note: Option<TypedHash>,
}
