//! Points out what a reader of the policy could overlook: above all, roles that are equal to root.
//!
//! It is advice and forbids nothing. It knows many programs and not all of them, so its silence proves nothing.

mod endings;
mod equal;
mod groups;
mod people;
mod programs;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

pub use self::equal::{EqualToRoot, equal_to_root};
use super::model::{Location, Policy, Risk, Role};
use super::sudo_role::{Arguments, Commands};

/// One thing worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// What it is about.
    pub about: About,
    /// Where that stands.
    pub location: Location,
    /// A sentence about it.
    pub message: String,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The role of this name.
    Role(String),
    /// The rule of this name.
    Rule(String),
    /// The deny of this name.
    Deny(String),
    /// The duties.
    Duties,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => write!(f, "role {name}"),
            Self::Rule(name) => write!(f, "rule \"{name}\""),
            Self::Deny(name) => write!(f, "deny \"{name}\""),
            Self::Duties => f.write_str("duties"),
        }
    }
}

/// What kind of thing a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// Whoever has the role can become root by it.
    EqualToRoot,
    /// The role is equal to root and is not marked `risk = "high"`.
    RiskTooLow,
    /// A command takes any arguments, and nothing is known about what they can do.
    AnyArguments,
    /// No rule gives the role to anybody.
    Unused,
    /// People are meant by a group that a role gives.
    GivenGroup,
    /// The rule gives a role whose risk is high, and nobody has to approve.
    NoApproval,
    /// Whoever may approve may ask as well.
    PeersApprove,
    /// Somebody may ask, and nobody would be left to approve.
    NobodyLeft,
    /// What a command of the role starts is another service's, and goes on after the grant.
    StartsElsewhere,
    /// A package manager of the role is killed half-way when the grant ends.
    CutShort,
    /// What commands start is logged, also of what people may run by other rights.
    LogsStanding,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.location, self.about, self.message)
    }
}

/// Looks over a whole policy, in the order of its files.
#[must_use]
pub fn lint(policy: &Policy) -> Vec<Finding> {
    let given: BTreeSet<&str> =
        policy.rules().iter().flat_map(|rule| &rule.roles).map(String::as_str).collect();
    let mut findings: Vec<Finding> = Vec::new();
    for role in policy.roles() {
        look_at(role, &mut findings);
        if !given.contains(role.name.as_str()) {
            let message = "no rule gives it to anybody: add a rule, or take it out".to_string();
            findings.push(finding(role, FindingKind::Unused, message));
        }
    }
    people::look_at(policy, &mut findings);
    endings::look_at(policy, &mut findings);
    findings.sort_by(|a, b| (&a.location, a.kind).cmp(&(&b.location, b.kind)));
    findings
}

fn look_at(role: &Role, findings: &mut Vec<Finding>) {
    let reasons = equal_to_root(role);
    for reason in &reasons {
        findings.push(finding(role, FindingKind::EqualToRoot, format!("equal to root: {reason}")));
    }
    if !reasons.is_empty() && role.risk != Risk::High {
        let message = format!("its risk is {}, and it is equal to root: write risk = \"high\"", role.risk);
        findings.push(finding(role, FindingKind::RiskTooLow, message));
    }
    let Some(Commands::These(commands)) = role.sudo.as_ref().map(|sudo| &sudo.commands) else { return };
    for command in commands {
        let told = reasons.iter().any(|reason| reason.by == command.to_string());
        if *command.arguments() == Arguments::Any && !told {
            let message = format!(
                "{} takes any arguments: make sure that none of them runs a command or writes a file",
                command.path()
            );
            findings.push(finding(role, FindingKind::AnyArguments, message));
        }
    }
}

fn finding(role: &Role, kind: FindingKind, message: String) -> Finding {
    Finding { kind, about: About::Role(role.name.clone()), location: role.location.clone(), message }
}
