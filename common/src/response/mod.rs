//! What jitd answers. The same rules as for requests: externally tagged, nothing skipped, nothing flattened.

mod drift;
mod open;
mod story;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use self::drift::{DifferenceView, DriftView};
pub use self::open::{ChoiceView, EarlierView, NeedView, OpenView, Presence, VoteView};
pub use self::story::{Armed, StoryView, WayOff};
use crate::explanation::Explanation;
use crate::ids::RequestId;
use crate::refusal::Refusal;

/// One frame of an answer. An answer keeps its number, its place in this list: new ones come last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The answer to `Hello`.
    Welcome {
        /// jitd's version.
        daemon: String,
    },
    /// The two ends are of different versions; jitd hangs up.
    WrongVersion {
        /// jitd's wire version.
        wire: u32,
        /// jitd's version.
        daemon: String,
    },
    /// No, and why. With the rules as they were judged, when rules were.
    Refused {
        /// The reason.
        refusal: Refusal,
        /// Rule by rule, when it came to that.
        explanation: Option<Explanation>,
    },
    /// The grant is live.
    Granted(Box<GrantView>),
    /// The request is open: it waits for approvals or for its start.
    Open(Box<OpenView>),
    /// Open requests, the oldest first.
    Pending(Vec<OpenView>),
    /// How a request would be decided.
    Explained(Explanation),
    /// My grants and jitd's state.
    Status(Box<StatusView>),
    /// Roles I could ask for.
    Roles(Vec<RoleView>),
    /// One request's story.
    Story(Box<StoryView>),
    /// These grants are off the host, or stuck on their way.
    Ended(Vec<EndedView>),
    /// Done, and nothing more to say.
    Done,
    /// The kill switch is released.
    Unlocked {
        /// Approved requests that begin now, unless something else stands in their way.
        begin: u64,
    },
    /// Entries of the record, oldest first.
    Log(Vec<LogEntry>),
    /// That was the newest entry.
    LogEnd,
    /// The caller is in the grant's control group, and on the record.
    Entered {
        /// Why it is not in one, and so is not ended with the grant; `None` when it is.
        outside: Option<String>,
    },
    /// What grants have to do with somebody in a PAM stack.
    Pam(PamSays),
    /// How the host was found beside the record.
    Drift(Box<DriftView>),
}

/// What grants have to do with somebody in a PAM stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PamSays {
    /// They hold none that is live.
    NoGrant,
    /// They do, and none of them is for becoming whom they become.
    OtherTarget,
    /// They do.
    Covered,
    /// It could only have been by a grant that has ended since it was asked for.
    Over,
    /// They do, and have begun too many sessions lately.
    TooMany,
}

/// Who, with the name as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// The uid.
    pub uid: u32,
    /// The name.
    pub name: String,
}

/// A rule and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    /// Its name.
    pub name: String,
    /// `10-web.toml:12`.
    pub location: String,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StateView {
    /// Waits for approvals.
    Pending,
    /// Approved, and waits for its start.
    Scheduled,
    /// Denied, cancelled, lapsed or no longer permitted: it never was a grant.
    Closed,
    /// Being made real.
    Applying,
    /// Live.
    Active,
    /// Being taken off.
    Ending,
    /// Could not be taken off yet; retried.
    Stuck,
    /// Off the host.
    Ended,
    /// Refused: it never was a grant.
    Refused,
}

/// What a role gives through sudo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SudoView {
    /// As whom the commands run.
    pub run_as: String,
    /// Whether sudo asks for the person's password.
    pub password: PasswordView,
    /// The commands, each as one would type it; `ALL` stands alone.
    pub commands: Vec<String>,
    /// Commands that this host's sudo refuses all the same, for an admin's rule stands against them.
    pub refused: Vec<String>,
}

/// Whether sudo asks for a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordView {
    /// Each time.
    Asked,
    /// Not.
    NotAsked,
}

/// A group of this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Its number.
    pub gid: u32,
    /// Its name.
    pub name: String,
}

/// What a role or a grant gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivesView {
    /// Through sudo.
    pub sudo: Option<SudoView>,
    /// Membership in these groups.
    pub groups: Vec<GroupView>,
}

/// How a grant ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndView {
    /// The cause, in a word: `expired`, `revoked`, `dropped` and so on.
    pub cause: String,
    /// When, nanoseconds of the wall clock.
    pub at: i64,
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    /// Its id.
    pub id: RequestId,
    /// Who holds it.
    pub person: PersonView,
    /// The role.
    pub role: String,
    /// The rule that decided.
    pub rule: RuleView,
    /// How far it has come.
    pub state: StateView,
    /// What it gives.
    pub gives: GivesView,
    /// The reason as typed; `None` when none was given or it was erased.
    pub reason: Option<String>,
    /// The ticket as typed.
    pub ticket: Option<String>,
    /// When its clock started, nanoseconds of the wall clock.
    pub start: i64,
    /// When it ends, nanoseconds of the wall clock.
    pub until: i64,
    /// What is left by whichever clock is first, in nanoseconds, not below zero.
    pub left: i64,
    /// How it ended, once it has.
    pub end: Option<EndView>,
    /// Who approved it, in the order of their votes.
    pub approved_by: Vec<VoteView>,
    /// The grant that it extends.
    pub replaces: Option<RequestId>,
    /// The latest end that the rule permits with extensions, nanoseconds of the wall clock.
    pub longest: i64,
    /// What was still there after it had ended: processes that hold a group of it.
    pub residue: Vec<String>,
}

/// How far something had come that was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WasView {
    /// It was on the host.
    Live,
    /// It waited for people or for its start, and nothing of it was on the host.
    Open,
}

/// What happened to a grant that was to end, or to a request that was closed with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedView {
    /// Its id.
    pub id: RequestId,
    /// Whether it was live.
    pub was: WasView,
    /// Who held it, or had asked for it.
    pub person: PersonView,
    /// The role.
    pub role: String,
    /// `None`: removed and verified. Otherwise why it is stuck.
    pub stuck: Option<String>,
    /// What was still there after it had ended: processes that hold a group of it.
    pub residue: Vec<String>,
}

/// A role that somebody could ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub summary: String,
    /// `low`, `medium` or `high`.
    pub risk: String,
    /// What it gives. A group that this host does not have has the number `u32::MAX`.
    pub gives: GivesView,
    /// Why it equals root, empty when it does not.
    pub equals_root: Vec<String>,
    /// Why this host cannot carry it, empty when it can.
    pub disabled: Vec<String>,
    /// Whether I would get it now without saying more, and by which rule or why not.
    pub now: Explanation,
}

/// jitd's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The caller's grants.
    pub mine: Vec<GrantView>,
    /// Everybody's, for auditors, operators and root; `None` for others.
    pub all: Option<Vec<GrantView>>,
    /// Open requests that are the caller's or wait for the caller.
    pub open: Vec<OpenView>,
    /// How many are open on this host, everybody's, for auditors, operators and root; `None` for others.
    pub waiting: Option<WaitingView>,
    /// jitd's version.
    pub daemon: String,
    /// Why nothing is granted at present, one sentence each; empty when all is well.
    pub not_granting: Vec<String>,
    /// Things an admin should look at, one sentence each (stuck grants, disabled roles, sinks behind, drift).
    pub attention: Vec<String>,
    /// What the probe found of this host's sudo.
    pub sudo: String,
    /// The policy's hash, when one is live.
    pub policy: Option<String>,
    /// Live grants on this host.
    pub live: u64,
    /// Entries in the ledger.
    pub entries: u64,
    /// The sinks.
    pub sinks: Vec<SinkView>,
}

/// Open requests in numbers. Each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    /// Those about which people have to decide.
    pub people: u64,
    /// Those that are approved and begin as soon as nothing stands in their way.
    pub approved: u64,
    /// Those that are approved and whose start is to come.
    pub scheduled: u64,
}

/// One sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkView {
    /// `journald`, `syslog`, `json`.
    pub name: String,
    /// Entries it has not taken yet.
    pub behind: u64,
    /// What it last said when it did not take one.
    pub trouble: Option<String>,
}

/// One entry of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its number.
    pub seq: u64,
    /// When, nanoseconds of the wall clock.
    pub at: i64,
    /// Its kind.
    pub kind: String,
    /// The request it belongs to.
    pub request: Option<RequestId>,
    /// The stored JSON text, byte for byte; of a `report`, for a reader without a duty, in numbers alone.
    pub body: String,
    /// Its hash; [`LogEntry::NO_HASH`] for a reader without a duty.
    pub hash: [u8; 32],
    /// The typed texts: field, salt, text.
    pub texts: Vec<LogText>,
}

impl LogEntry {
    /// In the place of a hash that is not told: whoever guesses at what they are not shown could see by the hashes of the entries
    /// around it whether they are right.
    pub const NO_HASH: [u8; 32] = [0; 32];
}

/// A text that somebody typed, from the side table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogText {
    /// `reason`, `ticket` or `note`.
    pub field: String,
    /// The salt of its hash.
    pub salt: [u8; 16],
    /// The text as typed. It must be escaped before it reaches a terminal.
    pub text: String,
}
