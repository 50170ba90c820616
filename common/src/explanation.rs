//! Why a request was decided as it was: every deny and every rule, condition by condition.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::duration::GrantDuration;
use crate::refusal::{Refusal, RuleRef};

/// The whole story of one decision. The code that decides builds it, so it cannot differ from the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What was decided.
    pub outcome: Outcome,
    /// Every deny that names the role, in the order of the files; those that refuse first.
    pub denies: Vec<JudgedRule>,
    /// Every rule that names the role. The chosen one comes first; when none was chosen, the nearest miss does.
    pub rules: Vec<JudgedRule>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A rule permits the request.
    Permitted {
        /// The rule.
        rule: RuleRef,
        /// How long the grant would last.
        duration: GrantDuration,
        /// Who has to approve, one phrase each: `1 person in leads`. Empty: nobody has to.
        approvals: Vec<String>,
    },
    /// The request is refused.
    Refused(Refusal),
}

/// One rule or deny, held against the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedRule {
    /// Its name, and where it stands.
    pub rule: RuleRef,
    /// What came of it.
    pub verdict: Verdict,
    /// Its conditions, selectors before requirements.
    pub conditions: Vec<Condition>,
}

/// What came of one rule or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The rule was chosen and permits.
    Permits,
    /// The rule was chosen and one of its requirements is not met; or the deny matches.
    Refuses,
    /// A selector does not hold, so this rule or deny says nothing about the request.
    DoesNotApply,
    /// It cannot be known whether it applies. That refuses.
    CannotEvaluate,
    /// It would apply, but something before it has decided.
    NotReached,
}

/// One condition of a rule, held against the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Which key of the rule it comes from.
    pub kind: ConditionKind,
    /// Whether it held.
    pub held: Held,
    /// A complete phrase: `you are in oncall`.
    pub text: String,
}

/// Which key of a rule a condition comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionKind {
    /// `eligible` of a rule.
    Eligible,
    /// `subjects` of a deny.
    Subjects,
    /// `schedule`.
    Schedule,
    /// `max_duration`.
    Duration,
    /// `reason`.
    Reason,
    /// `ticket`.
    Ticket,
    /// No grant of this role is live already.
    NotLive,
    /// No request for this role is open already.
    NotOpen,
    /// `max_active`.
    MaxActive,
    /// The role asks a password, so the account needs one.
    Password,
    /// `log_subcmds`: nothing that could refuse, and good to know beforehand.
    Subcommands,
}

/// Whether a condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// It held.
    Held,
    /// It did not hold.
    NotHeld,
    /// It could not be evaluated.
    Unknown,
}
