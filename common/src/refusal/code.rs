//! The stable word for each refusal, for `--json`, exit codes and test cases.

use super::{HowClosed, Refusal};

/// The codes that a policy by itself can lead to: what a case of `jitctl policy test` may expect.
pub const POLICY_CODES: [&str; 15] = [
    "text-too-long",
    "no-such-role",
    "no-password",
    "denied",
    "cannot-evaluate",
    "outside-schedule",
    "too-long",
    "reason-missing",
    "reason-too-short",
    "reason-pattern",
    "ticket-missing",
    "ticket-pattern",
    "already-live",
    "already-open",
    "max-active",
];

impl Refusal {
    /// A stable word for this kind of refusal, for `--json`, exit codes and test cases. It never changes meaning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TextTooLong { .. } => "text-too-long",
            Self::NoSuchRole { .. } => "no-such-role",
            Self::RoleDisabled { .. } => "role-disabled",
            Self::RootAccount => "root-account",
            Self::UnknownAccount { .. } => "unknown-account",
            Self::SharedUid { .. } => "shared-uid",
            Self::AccountLocked => "account-locked",
            Self::AccountExpired => "account-expired",
            Self::NoLoginAccount { .. } => "no-login-account",
            Self::NoPassword { .. } => "no-password",
            Self::Denied { .. } => "denied",
            Self::CannotEvaluate { .. } => "cannot-evaluate",
            Self::OutsideSchedule { .. } => "outside-schedule",
            Self::TooLong { .. } => "too-long",
            Self::ReasonMissing { .. } => "reason-missing",
            Self::ReasonTooShort { .. } => "reason-too-short",
            Self::ReasonPattern { .. } => "reason-pattern",
            Self::TicketMissing { .. } => "ticket-missing",
            Self::TicketPattern { .. } => "ticket-pattern",
            Self::AlreadyLive { .. } => "already-live",
            Self::MaxActive { .. } => "max-active",
            Self::AlreadyOpen { .. } => "already-open",
            Self::NobodyCanApprove { .. } => "nobody-can-approve",
            Self::BadStart { .. } => "bad-start",
            Self::TotalTooLong { .. } => "total-too-long",
            Self::OwnRequest { .. } => "own-request",
            Self::VotedAlready { .. } => "voted-already",
            Self::OnlyShorter { .. } => "only-shorter",
            Self::RequestClosed { how, .. } => how.code(),
            Self::Locked { .. } => "locked",
            Self::RateLimited { .. } => "rate-limited",
            Self::Busy => "busy",
            Self::TooManyOpen { .. } => "too-many-open",
            Self::LedgerUnavailable { .. } => "ledger-unavailable",
            Self::PolicyInvalid { .. } => "policy-invalid",
            Self::NotYou { .. } => "not-you",
            Self::PeerUnknown { .. } => "peer-unknown",
            Self::NotPermitted { .. } => "not-permitted",
            Self::NoSuchThing { .. } => "no-such-thing",
            Self::AmbiguousId { .. } => "ambiguous-id",
            Self::NotNow { .. } => "not-now",
            Self::SudoDisagrees { .. } => "sudo-disagrees",
            Self::ApplyFailed { .. } => "apply-failed",
            Self::BadRequest { .. } => "bad-request",
            Self::Stopping => "stopping",
        }
    }
}

impl HowClosed {
    const fn code(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "request-denied",
            Self::Revoked { .. } => "request-revoked",
            Self::Cancelled => "request-cancelled",
            Self::Lapsed { .. } => "request-lapsed",
            Self::NoLongerPermitted { .. } => "no-longer-permitted",
        }
    }
}
