//! What goes into a decision and what comes out of it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::duration::GrantDuration;
use jit_common::explanation::Explanation;
use jit_common::refusal::{Refusal, RuleRef};

use super::at_expiry::Expiry;
use super::civil::LocalTime;
use super::model::{ApprovalRule, PolicyHash};

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The role, as typed.
    pub role: &'a str,
    /// For how long; by the rule when absent.
    pub duration: Option<GrantDuration>,
    /// Why.
    pub reason: Option<&'a str>,
    /// The number of a ticket.
    pub ticket: Option<&'a str>,
}

/// Everything the decision needs to know about the world. The edge looks it up.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Who asks.
    pub person: PersonFacts,
    /// What became of looking up each group of [`Policy::groups_named`](super::Policy::groups_named). A group that
    /// is missing here counts as one that could not be looked up.
    pub known_groups: BTreeMap<String, GroupState>,
    /// The time in each zone of [`Policy::zones_named`](super::Policy::zones_named); a zone that is missing here is
    /// unknown on this host.
    pub local_time: BTreeMap<String, LocalTime>,
    /// The person's own grants that are live now, but for one that this request would extend.
    pub live: Vec<LiveGrant>,
    /// The person's live grant that this request would extend.
    pub extends: Option<String>,
    /// The person's own requests that are open now, but for the one that is decided on.
    pub open: Vec<OpenRequest>,
    /// Roles that this host cannot carry, each with the reason.
    pub disabled_roles: BTreeMap<String, String>,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct PersonFacts {
    /// The uid, from the kernel.
    pub uid: u32,
    /// The account name for that uid.
    pub name: String,
    /// Names of the groups that the account is in by the group database; not those that jitd itself gave.
    pub groups: Vec<String>,
    /// Their numbers, each with a name that it has: a group may have several.
    pub numbers: BTreeSet<(u32, String)>,
    /// Whether the account has a password.
    pub password: HasPassword,
    /// What kind of account it is.
    pub account: AccountState,
}

/// Whether an account has a password that it can give to sudo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HasPassword {
    /// It has.
    Usable,
    /// It has none, or one that nothing matches.
    None,
    /// It cannot be known, as with an account of a directory.
    #[default]
    Unknown,
}

/// What kind of account asks. Only an ordinary one is given anything; the default is that there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AccountState {
    /// A person's account.
    Ordinary,
    /// Uid 0.
    Root,
    /// The uid has no account.
    #[default]
    NoAccount,
    /// Several account names have this uid.
    SharedUid {
        /// The names.
        names: Vec<String>,
    },
    /// It is locked.
    Locked,
    /// It has expired.
    Expired,
    /// Its shell is one that refuses logins.
    NoLogin {
        /// The shell.
        shell: String,
    },
}

/// What became of looking up a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupState {
    /// It exists.
    Exists,
    /// The lookup worked and there is no such group.
    Missing,
    /// The lookup failed, so who is in it is unknown.
    Unreachable {
        /// What failed.
        why: String,
    },
}

/// A grant that the person has live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGrant {
    /// Its id.
    pub id: String,
    /// Its role.
    pub role: String,
    /// Name of the rule that gave it.
    pub rule: String,
    /// Its end, in Unix seconds.
    pub until_unix: i64,
}

/// A request that the person has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its id.
    pub id: String,
    /// Its role.
    pub role: String,
}

/// A decision and everything that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Yes with its terms, or no with its reason.
    pub outcome: Outcome,
    /// How it came about.
    pub explanation: Explanation,
}

/// Yes with its terms, or no with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Permitted on these terms.
    Permit(Terms),
    /// Refused for this reason.
    Refuse(Refusal),
}

/// On what terms a request is permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The role.
    pub role: String,
    /// The rule that permits.
    pub rule: RuleRef,
    /// How long the grant lasts.
    pub duration: GrantDuration,
    /// How long it may last in all, extensions included.
    pub max_duration: GrantDuration,
    /// Who has to approve.
    pub approvals: Vec<ApprovalRule>,
    /// How long the request stays open.
    pub pending_timeout: GrantDuration,
    /// What becomes of what still runs when the grant ends.
    pub expiry: Expiry,
    /// The policy that said so.
    pub policy: PolicyHash,
}
