//! Cases that say what a policy should decide, for `jitctl policy test`: no daemon, no root, no accounts needed.

mod read;
mod run;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::duration::GrantDuration;

pub use self::read::parse_cases;
pub use self::run::{CaseResult, CaseVerdict, run_case};
use super::civil::{CivilTime, LocalTime};
use super::facts::HasPassword;
use super::model::Location;

/// Converts a civil time from one zone into another: `(time, from, to)`. `None` when a zone is unknown or the time does
/// not exist in it. The core has no list of zones, so the caller brings this along.
pub type Zones<'a> = &'a dyn Fn(CivilTime, &str, &str) -> Option<LocalTime>;

/// One case: a request by somebody at some time, and what should come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name, or what it asks for.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// The account that asks.
    pub who: String,
    /// The groups the account is in.
    pub groups: BTreeSet<String>,
    /// Groups that cannot be looked up, as when the directory is down.
    pub unreachable: BTreeSet<String>,
    /// Groups that do not exist on the host.
    pub missing: BTreeSet<String>,
    /// Whether the account has a password.
    pub password: HasPassword,
    /// The role asked for.
    pub role: String,
    /// For how long.
    pub duration: Option<GrantDuration>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// When: what the clock shows in `zone`, or in the zone of each rule when that is absent.
    pub time: Option<CivilTime>,
    /// The zone of `time`.
    pub zone: Option<String>,
    /// Grants that are live already, as role and rule.
    pub live: Vec<(String, String)>,
    /// Roles for which a request is open already.
    pub open: Vec<String>,
    /// How many people have to approve when it is granted. Nobody, unless the case says otherwise.
    pub approvals: u32,
    /// What should come of it.
    pub expect: Expect,
}

/// What should come of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// `granted`, or `granted by RULE`.
    Granted {
        /// The rule that should permit; any, when absent.
        by: Option<String>,
    },
    /// `refused`, or `refused CODE`.
    Refused {
        /// The code of the refusal; any, when absent.
        code: Option<String>,
    },
}
