//! The record: what one entry of the ledger says. Each entry is complete for a reader who has only this entry.

pub mod chain;
mod drift;
mod entry;
pub mod export;
mod open;
pub mod report;
pub mod sentence;
mod session;
mod subject;
pub mod utc;
pub mod verify;

use alloc::string::String;
use alloc::vec::Vec;

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;
use serde::{Deserialize, Serialize};

pub use self::drift::Drifted;
pub use self::entry::Entry;
pub use self::open::{AboutOpen, Approval, Choice, Closed, Terms};
pub use self::report::{Change, How, Looks, Report, Withheld};
pub use self::session::Swept;

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
    /// Which field of the entry holds its hash: `reason`, `ticket`, `note`, `command` or `commands`.
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
