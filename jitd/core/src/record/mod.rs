//! The record: what one entry of the ledger says. Each entry is complete for a reader who has only this entry.

pub mod chain;
pub mod export;
pub mod sentence;
mod subject;
pub mod utc;
pub mod verify;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;
use serde::{Deserialize, Serialize};

use crate::now::{BootId, Deadline};
use crate::policy::{ApprovalRule, Gives};

/// An account, as it was called when the entry was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The uid.
    pub uid: u32,
    /// The account's name at that time.
    pub name: String,
}

/// Where a call came from. Only `uid` was used for any decision; `login_uid` may only restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The calling process.
    pub pid: Option<i32>,
    /// Its executable.
    pub exe: Option<String>,
    /// Its controlling terminal, as `pts/3`.
    pub tty: Option<String>,
    /// The remote address of its login session, as logind knows it.
    pub remote: Option<String>,
    /// The login uid (`/proc/PID/loginuid`), when one is set.
    pub login_uid: Option<u32>,
}

/// SHA-256 over a salt and a text that a person typed, in hex. The text itself stands in a side table, so that it
/// can be erased without breaking the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypedHash(pub String);

/// A text that a person typed, on its way into the side table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedText {
    /// Which field of the entry holds its hash: `reason`, `ticket` or `note`.
    pub field: &'static str,
    /// Random bytes, so that a short text cannot be guessed from its hash once it is erased.
    pub salt: [u8; 16],
    /// The text as typed.
    pub text: String,
}

/// Why a grant ended. Closed, so that a report can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Its time was up.
    Expired,
    /// An operator or root took it away.
    Revoked,
    /// Its holder gave it back.
    Dropped,
    /// The host has booted since.
    Rebooted,
    /// The account is gone, renamed, locked or expired.
    PersonGone,
    /// `jitctl lock --revoke`.
    Locked,
    /// An extension took its place.
    Replaced,
    /// It could not be made real, or sudo would not honour it.
    Failed,
    /// It was not on the host any more when jitd came back: its ending had not reached the record.
    Lost,
    /// The guard, or an admin with `jit-guard --all`, took it off while jitd was away.
    Guard,
}

impl Cause {
    /// Every cause, for tests and documentation.
    pub const ALL: [Self; 10] = [
        Self::Expired,
        Self::Revoked,
        Self::Dropped,
        Self::Rebooted,
        Self::PersonGone,
        Self::Locked,
        Self::Replaced,
        Self::Failed,
        Self::Lost,
        Self::Guard,
    ];

    /// The cause in a word or three.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Dropped => "dropped",
            Self::Rebooted => "rebooted",
            Self::PersonGone => "person gone",
            Self::Locked => "locked",
            Self::Replaced => "replaced",
            Self::Failed => "failed",
            Self::Lost => "not on the host any more",
            Self::Guard => "removed by the guard",
        }
    }
}

/// Why an open request was closed without a grant. Closed, so that a report can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    /// An approver said no.
    Denied,
    /// Its requester took it back.
    Cancelled,
    /// Nobody decided in time, or nothing could be granted in time.
    Lapsed,
    /// When it was to become active it was no longer permitted.
    Ineligible,
}

impl Closed {
    /// Every cause, for tests and documentation.
    pub const ALL: [Self; 4] = [Self::Denied, Self::Cancelled, Self::Lapsed, Self::Ineligible];

    /// The cause in a word or three.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
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

/// What every entry about a grant repeats, so that each can be read alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Who holds the grant.
    pub by: Person,
    /// The role.
    pub role: String,
    /// The rule that decided, and where it stands.
    pub rule: RuleRef,
    /// When the grant ends, nanoseconds of the wall clock.
    pub until: i64,
}

/// A role that this host cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisabledRole {
    /// The role.
    pub role: String,
    /// Why, one sentence each.
    pub why: Vec<String>,
}

/// One request as it was made, granted or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who asks.
    pub by: Person,
    /// From where.
    pub from: Origin,
    /// The role asked for, as typed and escaped.
    pub role: String,
    /// The seconds asked for, if any were.
    pub seconds: Option<u32>,
    /// The hash of the reason.
    pub reason: Option<TypedHash>,
    /// The hash of the ticket.
    pub ticket: Option<TypedHash>,
}

/// How a grant stands in a row of extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When the clock of the first of the row started, nanoseconds of the wall clock.
    pub since: i64,
    /// The longest that its rule permits in all, in seconds.
    pub longest: u32,
    /// The grant that this one replaces, when it is an extension.
    pub replaces: Option<RequestId>,
}

/// What one entry says. The ledger's `body` is this as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Entry {
    /// jitd began to run.
    Started {
        /// jitd's version.
        version: String,
        /// The host's name.
        host: String,
        /// The boot it runs in.
        boot_id: BootId,
        /// What the probe found of the installed sudo.
        sudo: String,
        /// The public half of the host key, hex.
        host_key: String,
    },
    /// jitd stopped in an orderly way; grants stay live and end on time.
    Stopped {
        /// Grants that were live.
        live: usize,
    },
    /// A policy went live.
    PolicyLoaded {
        /// SHA-256 over names and texts of its files, hex.
        hash: String,
        /// Its files.
        files: Vec<String>,
        /// Roles this host cannot carry.
        disabled: Vec<DisabledRole>,
    },
    /// A policy had errors and was not taken.
    PolicyRejected {
        /// Each error with file, line and column.
        errors: Vec<String>,
        /// The hash of the policy that stays, if there is one.
        kept: Option<String>,
    },
    /// Somebody asked for a role, and a decision was made for it.
    Requested {
        /// The request.
        #[serde(flatten)]
        asked: Asked,
    },
    /// The decision to grant.
    Decided {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// The policy that decided.
        policy: String,
        /// Each condition that held, as the person was told.
        conditions: Vec<String>,
        /// Who approved, in the order of their votes.
        #[serde(default)]
        approved_by: Vec<Person>,
    },
    /// The request is open: people have to decide about it, or its start has to come.
    Pending {
        /// The request.
        #[serde(flatten)]
        about: AboutOpen,
        /// Its terms.
        terms: Terms,
    },
    /// One approver said yes.
    Approved {
        /// The request.
        #[serde(flatten)]
        about: AboutOpen,
        /// The vote.
        #[serde(flatten)]
        approval: Approval,
        /// What is still missing after it, one phrase each.
        missing: Vec<String>,
    },
    /// Everybody who has to has approved; it waits for its start.
    Scheduled {
        /// The request.
        #[serde(flatten)]
        about: AboutOpen,
        /// When it begins, nanoseconds of the wall clock.
        start: i64,
    },
    /// The request is closed without a grant.
    Closed {
        /// The request.
        #[serde(flatten)]
        about: AboutOpen,
        /// Why.
        cause: Closed,
        /// Who closed it, when it was a person.
        closed_by: Option<Person>,
        /// From where.
        from: Option<Origin>,
        /// The hash of that person's note.
        note: Option<TypedHash>,
        /// What was missing or had changed, in a sentence; empty when a person closed it.
        why: String,
    },
    /// What is about to be made real. Durable before anything is raised.
    Intent {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// What the role gives, copied: later policy does not change a live grant.
        #[serde(flatten)]
        gives: Gives,
        /// When the clock of the grant started, nanoseconds of the wall clock.
        start: i64,
        /// When it ends.
        deadline: Deadline,
        /// The lines that change on the host.
        change: Vec<String>,
        /// What it may come to with extensions.
        #[serde(default)]
        span: Option<Span>,
    },
    /// The grant is real and sudo agrees.
    Applied {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// Commands that sudo refuses all the same, for an admin's rule stands against them.
        refused: Vec<String>,
    },
    /// A request was refused.
    Refused {
        /// The request.
        #[serde(flatten)]
        asked: Asked,
        /// The refusal's word.
        code: String,
        /// The refusal's sentence, as the person was told.
        text: String,
        /// Each rule and why it did not grant, nearest miss first.
        considered: Vec<String>,
    },
    /// A call that was no request for a role, and that the caller may not make.
    CallRefused {
        /// Who called.
        by: Person,
        /// From where.
        from: Origin,
        /// What was called, as one types it: `revoke --all`.
        call: String,
        /// The refusal's word.
        code: String,
        /// The refusal's sentence.
        text: String,
    },
    /// More refusals of one person than are written one by one.
    RefusalsCounted {
        /// Who.
        by: Person,
        /// How many were not written.
        count: u64,
        /// In how many seconds.
        seconds: u32,
    },
    /// A grant is being taken off.
    Ending {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// Why.
        cause: Cause,
        /// Who ended it, when it was a person.
        ended_by: Option<Person>,
        /// The hash of that person's note.
        note: Option<TypedHash>,
    },
    /// A grant is off the host, verified.
    Ended {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// Why.
        cause: Cause,
        /// How long after its deadline its removal was verified, in milliseconds, for a grant that expired.
        late_ms: Option<i64>,
        /// What was still there after it had ended: processes that hold a group of it.
        #[serde(default)]
        residue: Vec<String>,
    },
    /// A privilege that could not be removed. It stays on the books and is retried.
    Stuck {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// Why it was to end.
        cause: Cause,
        /// How often removal was tried.
        tries: u32,
        /// What stands in the way.
        why: String,
    },
    /// The kill switch was thrown.
    Locked {
        /// Who threw it.
        by: Person,
        /// From where.
        from: Origin,
        /// The hash of that person's note.
        note: Option<TypedHash>,
    },
    /// The kill switch was released.
    Unlocked {
        /// Who released it.
        by: Person,
        /// From where.
        from: Origin,
        /// The hash of that person's note.
        note: Option<TypedHash>,
    },
    /// What people typed for this request was erased; the entries and the hashes in them stay.
    TextsErased {
        /// Who asked for it.
        by: Person,
        /// From where.
        from: Origin,
    },
    /// The host was not as the live grants say.
    Drift {
        /// What was found.
        found: String,
        /// What was done about it.
        done: String,
    },
    /// The guard acted while jitd was away.
    GuardActed {
        /// The guard's note.
        note: String,
    },
    /// The ledger could not be written for a while. Nothing was granted in that time.
    LedgerRestored {
        /// When it failed first, nanoseconds of the wall clock.
        since: i64,
        /// Entries that were owed and are written now, right behind this one.
        owed: usize,
        /// What the ledger had said.
        why: String,
    },
    /// A signature over the chain up to the entry before this one.
    Checkpoint {
        /// The sequence number that is signed.
        of: u64,
        /// The hash of that entry, hex.
        hash: String,
        /// The public half of the host key, hex.
        host_key: String,
        /// Ed25519 over [`chain::checkpoint_text`], hex.
        signature: String,
    },
}

/// An entry on its way into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// When it happened, nanoseconds of the wall clock. Not when it was written: an ending that could not be
    /// recorded at once keeps its time.
    pub at: i64,
    /// The request it belongs to.
    pub request: Option<RequestId>,
    /// What it says.
    pub entry: Entry,
    /// The typed texts whose hashes it holds.
    pub texts: Vec<TypedText>,
}
