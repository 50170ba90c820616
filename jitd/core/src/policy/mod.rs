//! Who may have which role, and why: the format of the policy, its model, and the decision.
//!
//! Text and facts come in as arguments. This module reads no file, looks up no group and asks no clock.

pub mod at_expiry;
pub mod cases;
pub mod civil;
pub mod decide;
pub mod drift;
pub mod facts;
pub mod gives;
pub mod lint;
pub mod model;
pub mod parse;
pub mod pattern;
mod phrase;
pub mod schedule;
pub mod sudo_role;
pub mod votes;

pub use self::at_expiry::{AtExpiry, Expiry, Logins, Subcommands};
pub use self::civil::{CivilTime, LocalTime, Weekday};
pub use self::decide::{check_account, check_text, decide, has_duty, may_see};
pub use self::drift::{OnDrift, PutBack, Strangers, TakenAway};
pub use self::facts::{
    AccountState, Ask, Decision, Facts, GroupState, HasPassword, LiveGrant, OpenRequest, Outcome,
    PersonFacts, Terms,
};
pub use self::gives::{Gives, GroupRef};
pub use self::lint::{About, EqualToRoot, Finding, FindingKind, equal_to_root, lint};
pub use self::model::{
    ApprovalRule, Deny, DenyRoles, Duties, Gate, Location, Policy, PolicyHash, ReasonRule, Risk, Role, Rule,
    Subjects, TicketRule,
};
pub use self::parse::PolicyError;
pub use self::pattern::Pattern;
pub use self::schedule::{Days, Schedule};
pub use self::sudo_role::{Arguments, Authenticate, Command, Commands, RunAs, SudoRole, SudoRoleError};
pub use self::votes::{Tally, could_ever, eligible_entries, may_approve, tally};
