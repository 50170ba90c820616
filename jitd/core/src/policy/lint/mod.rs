//! Points out what a reader of the policy could overlook: above all, roles that are equal to root.
//!
//! It is advice and forbids nothing. It knows many programs and not all of them, so its silence proves nothing.

mod equal;
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
    /// The role it is about.
    pub role: String,
    /// Where that role stands.
    pub location: Location,
    /// A sentence about it.
    pub message: String,
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
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: role {}: {}", self.location, self.role, self.message)
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
    findings.sort_by(|a, b| (&a.location, a.kind).cmp(&(&b.location, b.kind)));
    findings
}

fn look_at(role: &Role, findings: &mut Vec<Finding>) {
    let reasons = equal_to_root(&role.sudo);
    for reason in &reasons {
        findings.push(finding(role, FindingKind::EqualToRoot, format!("equal to root: {reason}")));
    }
    if !reasons.is_empty() && role.risk != Risk::High {
        let message = format!("its risk is {}, and it is equal to root: write risk = \"high\"", role.risk);
        findings.push(finding(role, FindingKind::RiskTooLow, message));
    }
    let Commands::These(commands) = &role.sudo.commands else { return };
    for command in commands {
        let told = reasons.iter().any(|reason| reason.command == command.to_string());
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
    Finding { kind, role: role.name.clone(), location: role.location.clone(), message }
}
