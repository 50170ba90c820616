//! What a client asks of jitd. Enums here are externally tagged and have no skipped or flattened fields, for
//! bincode cannot read those back.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::duration::GrantDuration;
use crate::ids::{IdPrefix, RequestId};
use crate::managed::Service;

/// The version of these types. Both ends must speak the same one.
pub const WIRE_VERSION: u32 = 3;

/// The first frame a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`WIRE_VERSION`] of the client.
    pub wire: u32,
    /// The client's own version, for the sentence when the two differ.
    pub client: String,
}

/// The frames after it. A request keeps its number, its place in this list: new ones come last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Give me this role. Answered by `Granted`, `Open` or `Refused`.
    Elevate(Ask),
    /// Let a live grant of mine run on: a new request under the same rule. Answered as `Elevate`.
    Extend {
        /// Which.
        target: DropTarget,
        /// How much longer, and why.
        ask: ExtendAsk,
    },
    /// Tell me when an open request of mine has changed. Answered as `Elevate`, once it has.
    Await {
        /// The request.
        id: RequestId,
        /// The [`OpenView::version`](crate::response::OpenView::version) that I have seen.
        seen: u64,
    },
    /// Open requests: mine, those that I may decide, and everybody's for auditors, operators and root. Answered by
    /// `Pending`.
    Pending,
    /// I approve. Answered by `Granted`, `Open` (more is needed, or it starts later) or `Refused`.
    Approve {
        /// The request.
        id: IdPrefix,
        /// For this long and no longer; only ever less than was asked for.
        duration: Option<GrantDuration>,
        /// Why, for the record and for the person.
        note: Option<String>,
    },
    /// I deny, which closes the request. Answered by `Done` or `Refused`.
    Deny {
        /// The request.
        id: IdPrefix,
        /// Why, for the record and for the person.
        note: String,
    },
    /// I take an open request of mine back. Answered by `Done` or `Refused`.
    Cancel(IdPrefix),
    /// How would this be decided, and why? Nothing is granted. Answered by `Explained` or `Refused`.
    Explain {
        /// What would be asked.
        ask: Ask,
        /// For whom; only auditors, operators and root may ask for others.
        user: Option<String>,
    },
    /// My grants, and the state of jitd. Answered by `Status`.
    Status,
    /// The roles I could ask for. Answered by `Roles`.
    Roles,
    /// The whole story of one request. Answered by `Story` or `Refused`.
    Show(IdPrefix),
    /// I give a grant of mine back. Answered by `Ended` or `Refused`.
    Drop(DropTarget),
    /// Take grants away, and close open requests: operators and root. Answered by `Ended` or `Refused`.
    Revoke {
        /// Which.
        target: RevokeTarget,
        /// Why, for the record.
        note: Option<String>,
    },
    /// The kill switch: operators and root. Answered by `Ended` (what `live` ended) or `Refused`.
    Lock {
        /// What happens to live grants.
        live: LiveGrants,
        /// Why, for the record.
        note: Option<String>,
    },
    /// Releases the kill switch. Answered by `Unlocked` or `Refused`.
    Unlock {
        /// Why, for the record.
        note: Option<String>,
    },
    /// Erase what people typed for one request, as the law may ask: root. The entries stay. Answered by `Done` or
    /// `Refused`.
    Erase(IdPrefix),
    /// The record. Answered by many `Log` frames and, unless following, one `LogEnd`.
    Log(LogQuery),
    /// I am about to become what runs with a live grant of mine: put me into its control group. Answered by `Entered` or
    /// `Refused`.
    Enter {
        /// The grant.
        id: RequestId,
        /// The command line, for the record.
        command: String,
    },
    /// What I ran with a grant of mine has ended. Answered by `Done` or `Refused`.
    Leave {
        /// The process that it began with.
        pid: i32,
        /// Its exit status; 128 and the number of a signal that ended it.
        status: u8,
    },
    /// The PAM module of a program that runs as root asks or tells.
    Pam(PamAsk),
    /// Compare the host with the record now: auditors, operators and root. Answered by `Drift` or `Refused`.
    Drift,
}

/// A request for a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The role's name.
    pub role: String,
    /// For how long; without it the rule's default.
    pub duration: Option<GrantDuration>,
    /// Why.
    pub reason: Option<String>,
    /// A ticket or change number.
    pub ticket: Option<String>,
    /// When it shall begin, nanoseconds of the wall clock; at once when absent.
    pub start: Option<i64>,
}

/// How much longer a live grant shall run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendAsk {
    /// How long after its present end.
    pub duration: GrantDuration,
    /// Why; the reason of the grant when absent.
    pub reason: Option<String>,
    /// A ticket or change number; that of the grant when absent.
    pub ticket: Option<String>,
}

/// Which of my grants I give back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DropTarget {
    /// The one I have, when it is only one.
    Only,
    /// By the beginning of its id or by its role.
    Named(String),
    /// All of them.
    All,
}

/// Whose grants an operator takes away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevokeTarget {
    /// One grant, or one open request.
    Grant(IdPrefix),
    /// All of one person.
    User(String),
    /// All on this host.
    All,
}

/// What `lock` does with grants that are live and with requests that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LiveGrants {
    /// They run to their end, and stay open.
    Keep,
    /// They end now, and are closed.
    Revoke,
}

/// What the PAM module asks or tells. Taken from root alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PamAsk {
    /// Has this person, who gets in by a grant alone, one that is live? Answered by `Pam` or `Refused`.
    Account {
        /// The name of their account.
        person: String,
    },
    /// A session begins in the calling process. Answered by `Pam` or `Refused`.
    Open(PamSession),
    /// The session that began in the calling process is over. Answered by `Done` or `Refused`.
    Close,
}

/// A session as PAM has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PamSession {
    /// The program.
    pub service: Service,
    /// Who it is that became somebody else (`PAM_RUSER`).
    pub person: String,
    /// Whom they became (`PAM_USER`).
    pub target: String,
    /// The terminal, as the program has it.
    pub terminal: Option<String>,
    /// The other host, as the program has it.
    pub remote_host: Option<String>,
}

/// Which part of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// Not before this, in nanoseconds of the wall clock.
    pub since: Option<i64>,
    /// Only about this person.
    pub user: Option<String>,
    /// Only about this role.
    pub role: Option<String>,
    /// Only of this request.
    pub id: Option<IdPrefix>,
    /// Only these kinds, all when empty.
    pub kinds: alloc::vec::Vec<String>,
    /// Whether to go on with what comes.
    pub until: LogUntil,
}

/// Where a reading of the record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogUntil {
    /// With the newest entry.
    Now,
    /// When the client hangs up.
    HangUp,
}
