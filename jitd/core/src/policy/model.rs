//! The policy as it is after parsing: every value checked, every name resolved.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jit_common::duration::GrantDuration;
use jit_common::managed::{Managed, Service};
use jit_common::refusal::{Prompt, RuleRef};
use serde::{Deserialize, Serialize};

use super::at_expiry::Expiry;
use super::drift::OnDrift;
use super::pattern::Pattern;
use super::schedule::Schedule;
pub use super::sudo_role::SudoRole;

/// A whole policy. The only way to one is [`Policy::parse`], so whoever holds one holds a valid one; the default
/// is the policy of no files, which grants nothing.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) rules: Vec<Rule>,
    pub(super) denies: Vec<Deny>,
    pub(super) duties: Duties,
    pub(super) gate: Option<Gate>,
    pub(super) on_drift: OnDrift,
    pub(super) hash: PolicyHash,
}

impl Policy {
    /// All roles, by name.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// All rules, in the order of the files and of their places in them. The first that fits decides.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// All denies, in the same order. Any that fits refuses.
    #[must_use]
    pub fn denies(&self) -> &[Deny] {
        &self.denies
    }

    /// Who sees everything, and who may revoke and lock.
    #[must_use]
    pub fn duties(&self) -> &Duties {
        &self.duties
    }

    /// Who gets in by a grant alone, if anybody does.
    #[must_use]
    pub fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }

    /// What becomes of differences between the host and the record.
    #[must_use]
    pub fn on_drift(&self) -> OnDrift {
        self.on_drift
    }

    /// What the PAM module is told of it.
    #[must_use]
    pub fn managed(&self) -> Managed {
        self.gate.as_ref().map_or_else(Managed::default, |gate| Managed {
            services: gate.services.clone(),
            users: gate.managed.users.clone(),
            groups: gate.managed.groups.clone(),
        })
    }

    /// What this policy was read from, as one number: the same files give the same hash.
    #[must_use]
    pub fn hash(&self) -> PolicyHash {
        self.hash
    }

    /// Every group that the policy names. The edge looks these up and says in
    /// [`Facts::known_groups`](super::Facts::known_groups) what it found.
    #[must_use]
    pub fn groups_named(&self) -> BTreeSet<&str> {
        let rules = self.rules.iter().map(|rule| &rule.eligible);
        let approvers = self.rules.iter().flat_map(|rule| &rule.approvals).map(|approval| &approval.by);
        let denies = self.denies.iter().map(|deny| &deny.subjects);
        let duties = [&self.duties.auditors, &self.duties.operators];
        rules
            .chain(approvers)
            .chain(denies)
            .chain(duties)
            .flat_map(|who| &who.groups)
            .map(String::as_str)
            .collect()
    }

    /// Every time zone that the policy names. The edge says in [`Facts::local_time`](super::Facts::local_time)
    /// what time it is there.
    #[must_use]
    pub fn zones_named(&self) -> BTreeSet<&str> {
        self.rules
            .iter()
            .filter_map(|rule| rule.schedule.as_ref())
            .map(|schedule| schedule.zone.as_str())
            .collect()
    }
}

/// SHA-256 over the names and texts of the files, each with its length before it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicyHash(pub [u8; 32]);

impl fmt::Display for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyHash({self})")
    }
}

/// Where something stands in the policy: `10-web.toml:12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Name of the file, without its folder.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A named privilege.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name, `[a-z0-9][a-z0-9._-]{0,62}`.
    pub name: String,
    /// What it is for, in one line.
    pub summary: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// The sudo commands it gives. A role without them gives groups.
    pub sudo: Option<SudoRole>,
    /// The groups it gives.
    pub groups: BTreeSet<String>,
    /// Where it stands.
    pub location: Location,
}

/// How much harm a role can do, as its author sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing that cannot be put right at once.
    Low,
    /// The default.
    #[default]
    Medium,
    /// As good as root, or near it.
    High,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

/// Who may ask for which roles, for how long, and what the request has to say.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique in the policy.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// The roles it gives.
    pub roles: BTreeSet<String>,
    /// Who may ask.
    pub eligible: Subjects,
    /// When.
    pub schedule: Option<Schedule>,
    /// The longest grant.
    pub max_duration: GrantDuration,
    /// The length of a grant when the request names none. The longest, when absent.
    pub default_duration: Option<GrantDuration>,
    /// What the reason has to be like.
    pub reason: ReasonRule,
    /// What the ticket has to be like.
    pub ticket: TicketRule,
    /// How many grants of this rule one person may have live at a time.
    pub max_active: Option<u32>,
    /// Who has to approve. Nobody, when empty.
    pub approvals: Vec<ApprovalRule>,
    /// How long a request stays open, waiting for approvals or, from its start on, for what stands in its way.
    pub pending_timeout: GrantDuration,
    /// What becomes of what still runs when the grant ends.
    pub expiry: Expiry,
}

/// An approval that a rule asks for: so many people of these. Each person counts once for the whole rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// How many people.
    pub count: u32,
    /// Who they may be.
    pub by: Subjects,
}

impl Rule {
    /// Name and place, for a refusal or an explanation.
    #[must_use]
    pub fn reference(&self) -> RuleRef {
        RuleRef { name: self.name.clone(), location: alloc::format!("{}", self.location) }
    }
}

/// Who may never have which roles, whatever the rules say.
#[derive(Debug, Clone)]
pub struct Deny {
    /// Its name, unique in the policy.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// The roles it takes away.
    pub roles: DenyRoles,
    /// From whom.
    pub subjects: Subjects,
}

impl Deny {
    /// Name and place, for a refusal or an explanation.
    #[must_use]
    pub fn reference(&self) -> RuleRef {
        RuleRef { name: self.name.clone(), location: alloc::format!("{}", self.location) }
    }
}

/// The roles that a deny takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenyRoles {
    /// Every role there is (`roles = "ALL"`).
    All,
    /// These.
    These(BTreeSet<String>),
}

impl DenyRoles {
    /// Whether the role is among them.
    #[must_use]
    pub fn contains(&self, role: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(roles) => roles.contains(role),
        }
    }
}

/// People, by account name and by group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subjects {
    /// Names of accounts.
    pub users: BTreeSet<String>,
    /// Names of groups.
    pub groups: BTreeSet<String>,
}

/// Who has duties beyond asking for roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duties {
    /// They see every request and the whole log.
    pub auditors: Subjects,
    /// They revoke and lock.
    pub operators: Subjects,
    /// Where they stand; nowhere, when nobody has any.
    pub location: Option<Location>,
}

/// Who gets in by a grant alone, and into which programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Whom it is about.
    pub managed: Subjects,
    /// The programs. Never empty.
    pub services: BTreeSet<Service>,
    /// Where it stands.
    pub location: Location,
}

/// What the reason of a request has to be like.
#[derive(Debug, Clone, Default)]
pub struct ReasonRule {
    /// Whether there has to be one.
    pub required: Required,
    /// The fewest characters it has, when it is given.
    pub min_length: u32,
    /// What it has to match, when it is given.
    pub pattern: Option<Pattern>,
    /// What to tell the person about it.
    pub prompt: Prompt,
}

/// What the ticket of a request has to be like.
#[derive(Debug, Clone, Default)]
pub struct TicketRule {
    /// Whether there has to be one.
    pub required: Required,
    /// What it has to match, when it is given.
    pub pattern: Option<Pattern>,
    /// What to tell the person about it.
    pub prompt: Prompt,
}

/// Whether something has to be given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Required {
    /// It has to be.
    Yes,
    /// It may be left out.
    #[default]
    No,
}
