//! The entries there are, each with everything that a reader of it alone needs.

use alloc::string::String;
use alloc::vec::Vec;

use jit_common::ids::RequestId;
use serde::{Deserialize, Serialize};

use super::{
    About, AboutOpen, Approval, Asked, Cause, Closed, DisabledRole, Drifted, Origin, Person, Report, Span,
    Swept, Terms, TypedHash,
};
use crate::now::{BootId, Deadline};
use crate::policy::{Expiry, Gives};

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
        /// What becomes of what still runs when it ends.
        #[serde(flatten)]
        expiry: Expiry,
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
    /// Somebody is about to run something with a grant.
    SessionBegan {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// The process that becomes it, and from where.
        from: Origin,
        /// The hash of the command line, as the client said it.
        command: TypedHash,
        /// Whom its person becomes, where PAM said it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// The directory it begins in.
        directory: Option<String>,
        /// Why it is not in a control group, and so does not end with the grant; `None` when it is.
        outside: Option<String>,
        /// From where on sudo's log is read for what it starts, in microseconds of the journal's monotonic clock; `None` when
        /// the rule does not say so, or this sudo cannot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_from: Option<i64>,
    },
    /// The process that a session began with has ended.
    SessionEnded {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// The process.
        pid: i32,
        /// Its exit status as the client said it; 128 and the number of a signal that ended it. `None` when nobody said.
        status: Option<u8>,
    },
    /// What became of what still ran when the grant ended.
    Swept {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// What.
        what: Swept,
    },
    /// What is left of a grant after its end: its closing report.
    Report {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// What.
        report: Report,
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
        /// What it is about.
        #[serde(default, skip_serializing_if = "Drifted::is_unsaid")]
        what: Drifted,
        /// What was found.
        found: String,
        /// What was done about it.
        done: String,
        /// The live grants that it touches, when they are more than one: else the entry is that grant's.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        grants: Vec<RequestId>,
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
        /// Ed25519 over [`checkpoint_text`](super::chain::checkpoint_text), hex.
        signature: String,
    },
    /// What the command of a session has started, by sudo's log.
    SessionCommands {
        /// The grant.
        #[serde(flatten)]
        about: About,
        /// The process that the session began with.
        pid: i32,
        /// The hash of the command lines, one a line.
        commands: TypedHash,
        /// How many those are.
        count: u64,
        /// How many more there were since the entry before, for which there was no room.
        left_out: u64,
        /// Up to where sudo's log was read for this session, in microseconds of the journal's monotonic clock.
        read_to: i64,
    },
}
