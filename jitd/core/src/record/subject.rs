//! What an entry is about: its kind, and the person and the role it concerns.

use super::{Entry, Person};

impl Entry {
    /// Every kind there is, as [`Entry::kind`] gives them.
    pub const KINDS: [&'static str; 30] = [
        "started",
        "stopped",
        "policy-loaded",
        "policy-rejected",
        "requested",
        "pending",
        "approved",
        "scheduled",
        "closed",
        "decided",
        "intent",
        "applied",
        "refused",
        "call-refused",
        "refusals-counted",
        "ending",
        "ended",
        "session-began",
        "session-ended",
        "swept",
        "report",
        "stuck",
        "locked",
        "unlocked",
        "texts-erased",
        "drift",
        "guard-acted",
        "ledger-restored",
        "checkpoint",
        "session-commands",
    ];

    /// The kind as it stands in the ledger's column, in MESSAGE_ID's table and in filters.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Stopped { .. } => "stopped",
            Self::PolicyLoaded { .. } => "policy-loaded",
            Self::PolicyRejected { .. } => "policy-rejected",
            Self::Requested { .. } => "requested",
            Self::Pending { .. } => "pending",
            Self::Approved { .. } => "approved",
            Self::Scheduled { .. } => "scheduled",
            Self::Closed { .. } => "closed",
            Self::Decided { .. } => "decided",
            Self::Intent { .. } => "intent",
            Self::Applied { .. } => "applied",
            Self::Refused { .. } => "refused",
            Self::CallRefused { .. } => "call-refused",
            Self::RefusalsCounted { .. } => "refusals-counted",
            Self::Ending { .. } => "ending",
            Self::Ended { .. } => "ended",
            Self::SessionBegan { .. } => "session-began",
            Self::SessionEnded { .. } => "session-ended",
            Self::Swept { .. } => "swept",
            Self::Report { .. } => "report",
            Self::Stuck { .. } => "stuck",
            Self::Locked { .. } => "locked",
            Self::Unlocked { .. } => "unlocked",
            Self::TextsErased { .. } => "texts-erased",
            Self::Drift { .. } => "drift",
            Self::GuardActed { .. } => "guard-acted",
            Self::LedgerRestored { .. } => "ledger-restored",
            Self::Checkpoint { .. } => "checkpoint",
            Self::SessionCommands { .. } => "session-commands",
        }
    }

    /// Whom the entry is about, for who may read it and for filters; `None` for entries about jitd itself.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Requested { asked } | Self::Refused { asked, .. } => Some(&asked.by),
            Self::Pending { about, .. }
            | Self::Approved { about, .. }
            | Self::Scheduled { about, .. }
            | Self::Closed { about, .. } => Some(&about.by),
            Self::Decided { about, .. }
            | Self::Intent { about, .. }
            | Self::Applied { about, .. }
            | Self::Ending { about, .. }
            | Self::Ended { about, .. }
            | Self::SessionBegan { about, .. }
            | Self::SessionEnded { about, .. }
            | Self::SessionCommands { about, .. }
            | Self::Swept { about, .. }
            | Self::Report { about, .. }
            | Self::Stuck { about, .. } => Some(&about.by),
            Self::CallRefused { by, .. }
            | Self::RefusalsCounted { by, .. }
            | Self::TextsErased { by, .. }
            | Self::Locked { by, .. }
            | Self::Unlocked { by, .. } => Some(by),
            Self::Started { .. }
            | Self::Stopped { .. }
            | Self::PolicyLoaded { .. }
            | Self::PolicyRejected { .. }
            | Self::Drift { .. }
            | Self::GuardActed { .. }
            | Self::LedgerRestored { .. }
            | Self::Checkpoint { .. } => None,
        }
    }

    /// Who decided about a request of somebody else, for an entry that says so: it is theirs to read as well.
    #[must_use]
    pub fn decided_by(&self) -> Option<&Person> {
        match self {
            Self::Approved { approval, .. } => Some(&approval.approver),
            Self::Closed { closed_by, .. } => closed_by.as_ref(),
            Self::Started { .. }
            | Self::Stopped { .. }
            | Self::PolicyLoaded { .. }
            | Self::PolicyRejected { .. }
            | Self::Requested { .. }
            | Self::Decided { .. }
            | Self::Pending { .. }
            | Self::Scheduled { .. }
            | Self::Intent { .. }
            | Self::Applied { .. }
            | Self::Refused { .. }
            | Self::CallRefused { .. }
            | Self::RefusalsCounted { .. }
            | Self::Ending { .. }
            | Self::Ended { .. }
            | Self::SessionBegan { .. }
            | Self::SessionEnded { .. }
            | Self::SessionCommands { .. }
            | Self::Swept { .. }
            | Self::Report { .. }
            | Self::Stuck { .. }
            | Self::Locked { .. }
            | Self::Unlocked { .. }
            | Self::TextsErased { .. }
            | Self::Drift { .. }
            | Self::GuardActed { .. }
            | Self::LedgerRestored { .. }
            | Self::Checkpoint { .. } => None,
        }
    }

    /// The role the entry is about.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        match self {
            Self::Requested { asked } | Self::Refused { asked, .. } => Some(&asked.role),
            Self::Pending { about, .. }
            | Self::Approved { about, .. }
            | Self::Scheduled { about, .. }
            | Self::Closed { about, .. } => Some(&about.role),
            Self::Decided { about, .. }
            | Self::Intent { about, .. }
            | Self::Applied { about, .. }
            | Self::Ending { about, .. }
            | Self::Ended { about, .. }
            | Self::SessionBegan { about, .. }
            | Self::SessionEnded { about, .. }
            | Self::SessionCommands { about, .. }
            | Self::Swept { about, .. }
            | Self::Report { about, .. }
            | Self::Stuck { about, .. } => Some(&about.role),
            Self::CallRefused { .. }
            | Self::TextsErased { .. }
            | Self::RefusalsCounted { .. }
            | Self::Locked { .. }
            | Self::Unlocked { .. }
            | Self::Started { .. }
            | Self::Stopped { .. }
            | Self::PolicyLoaded { .. }
            | Self::PolicyRejected { .. }
            | Self::Drift { .. }
            | Self::GuardActed { .. }
            | Self::LedgerRestored { .. }
            | Self::Checkpoint { .. } => None,
        }
    }
}
