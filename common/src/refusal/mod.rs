//! Every way in which a request can be refused, each with its data, its sentence and its stable code.

mod code;
mod parts;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use self::code::POLICY_CODES;
use self::parts::{Fitting, Left, Named, Note, Utc};
pub use self::parts::{HowClosed, Lookup, Prompt, RuleRef, TextField};
use crate::duration::GrantDuration;
use crate::escape::escaped;

/// Why something was refused. `Display` is the sentence for the person: what was wrong, what would have been
/// allowed, what to do next. [`Refusal::code`] is the word for programs.
///
/// Text that a person typed is escaped by `Display`; times are UTC there, a client shows them in local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    // ---- what was asked ----
    /// A typed text is longer than allowed. Checked before anything else.
    #[error("the {field} is {bytes} bytes long; at most {max} are taken: put the rest into a ticket")]
    TextTooLong {
        /// Which text.
        field: TextField,
        /// Its length in bytes.
        bytes: u64,
        /// The most bytes taken.
        max: u64,
    },
    /// No such role, or none that this person could ever be given: the same answer for both.
    #[error("there is no role \"{}\" that you may ask for: `jitctl roles` lists yours{lookup}", escaped(.role))]
    NoSuchRole {
        /// The role as typed.
        role: String,
        /// Whether everything needed to answer could be looked up.
        lookup: Lookup,
    },
    /// This host cannot carry the role, so nobody gets it until an administrator has mended it.
    #[error(
        "the role {role} is disabled on this host: {why}. An administrator has to mend it (`jitctl policy check`)"
    )]
    RoleDisabled {
        /// The role.
        role: String,
        /// What is wrong, as `jitctl policy check` says it.
        why: String,
    },

    // ---- the account ----
    /// Root asks. Root needs no grant, and a request by root would name nobody.
    #[error("root may neither ask nor approve: log in as yourself and ask again")]
    RootAccount,
    /// The uid has no account.
    #[error("uid {uid} has no account here: grants are for accounts that `getent passwd {uid}` knows")]
    UnknownAccount {
        /// The uid.
        uid: u32,
    },
    /// Two account names have one uid, so it is not known who asks.
    #[error(
        "uid {uid} belongs to several accounts ({}), so it is not clear who asks: give each its own uid",
        names.join(", ")
    )]
    SharedUid {
        /// The uid.
        uid: u32,
        /// The accounts that share it.
        names: Vec<String>,
    },
    /// The account is locked.
    #[error("your account is locked: no grants until an administrator unlocks it (`passwd -S`)")]
    AccountLocked,
    /// The account has expired.
    #[error("your account has expired: no grants until an administrator renews it (`chage -l`)")]
    AccountExpired,
    /// The account is not meant for logging in.
    #[error(
        "the account {name} is not one that people log in to (its shell is {shell}): ask from your own account"
    )]
    NoLoginAccount {
        /// Its name.
        name: String,
        /// Its shell.
        shell: String,
    },
    /// The role asks for a password and the account has none.
    #[error(
        "the role {role} asks for your password, and your account has none to give: set one with `passwd`"
    )]
    NoPassword {
        /// The role.
        role: String,
    },

    // ---- the policy ----
    /// A deny matches.
    #[error("denied by {deny}: nothing you add to the request changes that; ask whoever keeps the policy")]
    Denied {
        /// The deny.
        deny: RuleRef,
    },
    /// A condition could not be evaluated, and that refuses.
    #[error("{rule} cannot be evaluated: {what}. Nothing is granted until it can; tell an administrator")]
    CannotEvaluate {
        /// The rule or deny.
        rule: RuleRef,
        /// What could not be evaluated.
        what: String,
    },
    /// The rule holds only at other times.
    #[error("rule {rule} gives the role {role} {allowed}, and now it is {now}: ask again then")]
    OutsideSchedule {
        /// The role.
        role: String,
        /// The rule.
        rule: RuleRef,
        /// The present time in the zone of the rule.
        now: String,
        /// When the rule holds.
        allowed: String,
    },
    /// Longer than the rule permits.
    #[error("{asked} is longer than rule {rule} permits: ask again with --for {max} or less")]
    TooLong {
        /// What was asked for.
        asked: GrantDuration,
        /// The longest the rule permits.
        max: GrantDuration,
        /// The rule.
        rule: RuleRef,
    },
    /// The rule requires a reason.
    #[error("rule {rule} requires a reason: add --reason \"…\"{prompt}")]
    ReasonMissing {
        /// The rule.
        rule: RuleRef,
        /// What the rule says about it.
        prompt: Prompt,
    },
    /// The reason is shorter than the rule requires.
    #[error("the reason has {length} characters, rule {rule} requires {min}: say more{prompt}")]
    ReasonTooShort {
        /// The rule.
        rule: RuleRef,
        /// Characters given.
        length: u32,
        /// Characters required.
        min: u32,
        /// What the rule says about it.
        prompt: Prompt,
    },
    /// The reason does not match the pattern of the rule.
    #[error("the reason does not match {pattern}, as rule {rule} requires: write it anew{prompt}")]
    ReasonPattern {
        /// The rule.
        rule: RuleRef,
        /// The regular expression.
        pattern: String,
        /// What the rule says about it.
        prompt: Prompt,
    },
    /// The rule requires a ticket.
    #[error("rule {rule} requires a ticket: add --ticket NUMBER{prompt}")]
    TicketMissing {
        /// The rule.
        rule: RuleRef,
        /// What the rule says about it.
        prompt: Prompt,
    },
    /// The ticket does not match the pattern of the rule.
    #[error("the ticket does not match {pattern}, as rule {rule} requires: correct --ticket{prompt}")]
    TicketPattern {
        /// The rule.
        rule: RuleRef,
        /// The regular expression.
        pattern: String,
        /// What the rule says about it.
        prompt: Prompt,
    },
    /// The role is live already.
    #[error("you have the role {role} already, until {until} (grant {id}): use it, or ask for more time with `jitctl extend {id} --for TIME`", until = Utc(*.until_unix))]
    AlreadyLive {
        /// The live grant.
        id: String,
        /// The role.
        role: String,
        /// Its end, in Unix seconds.
        until_unix: i64,
    },
    /// As many grants of this rule are live as it permits.
    #[error(
        "rule {rule} permits {max} live grants at a time, and you have {}: give one back with `jitctl drop ID`",
        live.join(", ")
    )]
    MaxActive {
        /// The rule.
        rule: RuleRef,
        /// How many may be live.
        max: u32,
        /// The grants that are.
        live: Vec<String>,
    },

    /// A request of the same person for the same role is open.
    #[error("you asked for {role}, and {id} is still open: `jitctl wait {id}` or `jitctl cancel {id}`")]
    AlreadyOpen {
        /// The open request.
        id: String,
        /// The role.
        role: String,
    },

    // ---- people deciding ----
    /// Nobody could ever approve it.
    #[error(
        "rule {rule} needs the approval of {need}, and nobody on this host could give it: tell whoever keeps the policy"
    )]
    NobodyCanApprove {
        /// The rule.
        rule: RuleRef,
        /// Who would have to approve.
        need: String,
    },
    /// The start lies in the past, or too far ahead.
    #[error("the start {start} cannot be taken: {why}", start = Utc(*.start_unix))]
    BadStart {
        /// The start asked for, in Unix seconds.
        start_unix: i64,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// With the extension the grant would be longer than its rule permits.
    #[error("rule {rule} permits {max} in all, extensions included, so the grant {id} can be extended {}", Left(.left))]
    TotalTooLong {
        /// The grant.
        id: String,
        /// The longest that the rule permits.
        max: GrantDuration,
        /// What is left of it; `None` when nothing is.
        left: Option<GrantDuration>,
        /// The rule.
        rule: RuleRef,
    },
    /// Nobody approves or denies their own request.
    #[error("{id} is your own request, and nobody decides their own: `jitctl show {id}` says who may")]
    OwnRequest {
        /// The request.
        id: String,
    },
    /// The caller has approved it before.
    #[error("you have approved {id} already: one person counts once")]
    VotedAlready {
        /// The request.
        id: String,
    },
    /// An approver may shorten and never lengthen.
    #[error(
        "{wanted} is longer than the {asked} asked for: approve with --for {asked} or less, or without --for"
    )]
    OnlyShorter {
        /// What the approver wanted.
        wanted: GrantDuration,
        /// What was asked for, or the shortest that another approver left of it.
        asked: GrantDuration,
    },
    /// It was open, and is closed without a grant.
    #[error("{id} {how}")]
    RequestClosed {
        /// The request.
        id: String,
        /// How.
        how: HowClosed,
    },

    // ---- the daemon ----
    /// The kill switch is on.
    #[error("locked by {by} since {since}{}: nothing is granted until an operator runs `jitctl unlock`", Note(.note), since = Utc(*.since_unix))]
    Locked {
        /// Who locked.
        by: String,
        /// Since when, in Unix seconds.
        since_unix: i64,
        /// The note left with the lock; empty when there is none.
        note: String,
    },
    /// Too many requests from this uid.
    #[error("too many requests from your uid: wait {wait_secs} s and try again")]
    RateLimited {
        /// Seconds until the next request is taken.
        wait_secs: u32,
    },
    /// What was looked up about the caller grew old while jitd was busy.
    #[error("jitd was busy for too long and decided nothing: ask again")]
    Busy,
    /// Too many connections or requests are open.
    #[error("{what}: {max} are open already, which is the most; close one and try again")]
    TooManyOpen {
        /// What there are too many of.
        what: String,
        /// The most there may be.
        max: u32,
    },
    /// The record cannot be written, so nothing is granted.
    #[error(
        "nothing is granted while the record cannot be written ({why}): tell an administrator; live grants end on time all the same"
    )]
    LedgerUnavailable {
        /// What the ledger said.
        why: String,
    },
    /// There is no valid policy, so nothing is granted.
    #[error(
        "nothing is granted while the policy is invalid ({why}): an administrator has to mend it (`jitctl policy check`)"
    )]
    PolicyInvalid {
        /// The first of its errors.
        why: String,
    },
    /// The login uid is another person's.
    #[error(
        "you logged in as uid {login_uid} and ask as uid {uid}: ask as the account you logged in with, without su or sudo"
    )]
    NotYou {
        /// The uid of the login.
        login_uid: u32,
        /// The uid of the caller.
        uid: u32,
    },
    /// It is not known who asks.
    #[error("jitd cannot tell who asks ({why}): try again from a login of your own")]
    PeerUnknown {
        /// What is not known.
        why: String,
    },
    /// The caller may not do this.
    #[error("you may not {action}: it takes {need}")]
    NotPermitted {
        /// What was tried, as a verb phrase.
        action: String,
        /// Who may, as a noun phrase.
        need: String,
    },
    /// No such request or grant, or none that this person may see: the same answer for both.
    #[error("there is no {what}{} that you may see: `jitctl status` lists yours", Named(.id))]
    NoSuchThing {
        /// What was looked for.
        what: String,
        /// Its id as typed; empty when none was.
        id: String,
    },
    /// An id prefix fits several.
    #[error("{} {}: write more of the id", Fitting(.prefix), fits.join(", "))]
    AmbiguousId {
        /// The prefix as typed; empty when none was.
        prefix: String,
        /// The ids it fits.
        fits: Vec<String>,
    },
    /// It is over already, so it cannot be done.
    #[error("{id} is {state}, so there is nothing to {action}: `jitctl show {id}` tells how it went")]
    NotNow {
        /// The request or grant.
        id: String,
        /// Its state.
        state: String,
        /// What was tried.
        action: String,
    },
    /// The rule was written, but sudo does not agree that it is in force.
    #[error(
        "sudo does not agree that you have the role {role}: {why}. Nothing was granted; tell an administrator"
    )]
    SudoDisagrees {
        /// The role.
        role: String,
        /// What sudo said.
        why: String,
    },
    /// The change could not be made on the host.
    #[error("the role {role} could not be put in force: {why}. Nothing was granted; tell an administrator")]
    ApplyFailed {
        /// The role.
        role: String,
        /// What failed.
        why: String,
    },
    /// The request makes no sense to this daemon.
    #[error("jitd does not take this request: {why}")]
    BadRequest {
        /// What is wrong with it.
        why: String,
    },
    /// jitd is stopping.
    #[error("jitd is stopping: try again in a moment; live grants end on time all the same")]
    Stopping,
}
