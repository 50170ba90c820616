//! The exit codes, and which refusal and which failure ends with which. There is no other place for them.

use std::process::ExitCode;

use jit_common::refusal::Refusal;

/// How jitctl ends when no COMMAND was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed: a verification or a policy test did, a grant is stuck on its way off, a file cannot be read.
    Failed,
    /// Used wrongly.
    Usage,
    /// Refused, at once or after a wait.
    Refused,
    /// Still pending: people have to decide.
    Pending,
    /// jitd cannot be reached.
    Unreachable,
    /// No such thing that you may see.
    NoSuchThing,
    /// Not permitted to you.
    NotPermitted,
}

/// With `-- COMMAND`, everything that went wrong on our side ends with this, as it does with env(1) and timeout(1).
pub(crate) const OURS: u8 = 125;
/// COMMAND was found but cannot be run.
pub(crate) const NOT_RUNNABLE: u8 = 126;
/// No such program: COMMAND is a path where none is, or a word that is nowhere where it would be looked for.
pub(crate) const NOT_FOUND: u8 = 127;

impl Exit {
    /// Every code with its meaning, for the help and the manual.
    pub(crate) const TABLE: [(Self, &'static str); 8] = [
        (Self::Done, "done"),
        (
            Self::Failed,
            "failed: a verify, a check or a policy test; a grant stuck on its way off; a host that is not as the record says",
        ),
        (Self::Usage, "used wrongly"),
        (Self::Refused, "refused; after a wait: denied, revoked, cancelled, lapsed"),
        (Self::Pending, "still pending: it waits for people, and goes on waiting"),
        (Self::Unreachable, "jitd cannot be reached"),
        (Self::NoSuchThing, "no such thing that you may see"),
        (Self::NotPermitted, "not permitted"),
    ];

    /// The code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Pending => 4,
            Self::Unreachable => 5,
            Self::NoSuchThing => 6,
            Self::NotPermitted => 7,
        }
    }

    /// With which code a refusal ends.
    pub(crate) const fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TextTooLong { .. }
            | Refusal::AmbiguousId { .. }
            | Refusal::BadStart { .. }
            | Refusal::BadRequest { .. } => Self::Usage,
            Refusal::NoSuchRole { .. } | Refusal::NoSuchThing { .. } => Self::NoSuchThing,
            Refusal::RootAccount
            | Refusal::NotYou { .. }
            | Refusal::PeerUnknown { .. }
            | Refusal::OwnRequest { .. }
            | Refusal::NotPermitted { .. } => Self::NotPermitted,
            Refusal::SudoDisagrees { .. } | Refusal::ApplyFailed { .. } => Self::Failed,
            Refusal::Stopping => Self::Unreachable,
            Refusal::RoleDisabled { .. }
            | Refusal::UnknownAccount { .. }
            | Refusal::SharedUid { .. }
            | Refusal::AccountLocked
            | Refusal::AccountExpired
            | Refusal::NoLoginAccount { .. }
            | Refusal::NoPassword { .. }
            | Refusal::Denied { .. }
            | Refusal::CannotEvaluate { .. }
            | Refusal::OutsideSchedule { .. }
            | Refusal::TooLong { .. }
            | Refusal::ReasonMissing { .. }
            | Refusal::ReasonTooShort { .. }
            | Refusal::ReasonPattern { .. }
            | Refusal::TicketMissing { .. }
            | Refusal::TicketPattern { .. }
            | Refusal::AlreadyLive { .. }
            | Refusal::MaxActive { .. }
            | Refusal::AlreadyOpen { .. }
            | Refusal::NobodyCanApprove { .. }
            | Refusal::TotalTooLong { .. }
            | Refusal::VotedAlready { .. }
            | Refusal::OnlyShorter { .. }
            | Refusal::RequestClosed { .. }
            | Refusal::Locked { .. }
            | Refusal::RateLimited { .. }
            | Refusal::Busy
            | Refusal::TooManyOpen { .. }
            | Refusal::LedgerUnavailable { .. }
            | Refusal::PolicyInvalid { .. }
            | Refusal::NotNow { .. } => Self::Refused,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests;
