//! What `policy check` and `policy test` found, in JSON.

use jitd_core::policy::{About, Finding, FindingKind};
use serde::Serialize;

/// Something worth a second look.
#[derive(Debug, Serialize)]
pub(crate) struct LintJson {
    /// What kind of thing.
    pub(crate) kind: &'static str,
    /// What it is about: `role web-restart`, `rule "…"`.
    pub(crate) about: String,
    /// The role, when it is about one.
    pub(crate) role: Option<String>,
    /// Where it stands.
    pub(crate) location: String,
    /// A sentence about it.
    pub(crate) text: String,
}

impl LintJson {
    /// The finding as it is documented.
    pub(crate) fn of(finding: Finding) -> Self {
        let kind = match finding.kind {
            FindingKind::EqualToRoot => "equal-to-root",
            FindingKind::RiskTooLow => "risk-too-low",
            FindingKind::AnyArguments => "any-arguments",
            FindingKind::Unused => "unused",
            FindingKind::GivenGroup => "given-group",
            FindingKind::NoApproval => "no-approval",
            FindingKind::PeersApprove => "peers-approve",
            FindingKind::NobodyLeft => "nobody-left",
            FindingKind::StartsElsewhere => "starts-elsewhere",
            FindingKind::CutShort => "cut-short",
            FindingKind::LogsStanding => "logs-standing",
        };
        let (about, location) = (finding.about.to_string(), finding.location.to_string());
        let role = match finding.about {
            About::Role(name) => Some(name),
            About::Rule(_) | About::Deny(_) | About::Duties => None,
        };
        Self { kind, about, role, location, text: finding.message }
    }
}

/// A role that this host cannot carry.
#[derive(Debug, Serialize)]
pub(crate) struct RoleCheckJson {
    /// The role.
    pub(crate) role: String,
    /// Where it stands.
    pub(crate) location: String,
    /// Why not.
    pub(crate) problems: Vec<String>,
}

/// One case.
#[derive(Debug, Serialize)]
pub(crate) struct CaseJson {
    /// Its name.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) location: String,
    /// Whether it came out as expected.
    pub(crate) passed: bool,
    /// What was wrong, when it did not.
    pub(crate) problem: Option<String>,
}
