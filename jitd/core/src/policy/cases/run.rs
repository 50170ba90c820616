//! Runs a case against a policy.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Case, Expect, Zones};
use crate::policy::civil::LocalTime;
use crate::policy::decide::decide;
use crate::policy::facts::{
    AccountState, Ask, Decision, Facts, GroupState, LiveGrant, OpenRequest, Outcome, PersonFacts,
};
use crate::policy::model::{ApprovalRule, Policy};
use crate::policy::phrase::all_of;

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// Whether it came as expected.
    pub verdict: CaseVerdict,
    /// What the policy decides, with the explanation; absent when the case could not be run.
    pub decision: Option<Decision>,
}

/// Whether a case came as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseVerdict {
    /// It did.
    AsExpected,
    /// It did not.
    Wrong {
        /// What was expected and what came.
        sentence: String,
    },
    /// It could not be run.
    Unusable {
        /// What is missing.
        why: String,
    },
}

/// Decides a case and compares. Every group that the policy names exists, but for those the case calls missing or
/// unreachable; the account is an ordinary one.
#[must_use]
pub fn run_case(policy: &Policy, case: &Case, zones: Zones<'_>) -> CaseResult {
    let verdict = |verdict, decision| CaseResult { verdict, decision };
    let facts = match facts(policy, case, zones) {
        Ok(facts) => facts,
        Err(why) => return verdict(CaseVerdict::Unusable { why }, None),
    };
    if let Expect::Granted { by: Some(rule) } = &case.expect
        && !policy.rules().iter().any(|one| one.name == *rule)
    {
        return verdict(
            CaseVerdict::Unusable { why: format!("there is no rule \"{rule}\" in the policy") },
            None,
        );
    }
    let ask = Ask {
        role: &case.role,
        duration: case.duration,
        reason: case.reason.as_deref(),
        ticket: case.ticket.as_deref(),
    };
    let decision = decide(policy, &ask, &facts);
    let judged = match compare(case, &decision.outcome) {
        Ok(()) => CaseVerdict::AsExpected,
        Err(sentence) => CaseVerdict::Wrong { sentence },
    };
    verdict(judged, Some(decision))
}

fn compare(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let same = match (&case.expect, outcome) {
        (Expect::Granted { by }, Outcome::Permit(terms)) => {
            let by_rule = by.as_ref().is_none_or(|rule| *rule == terms.rule.name);
            by_rule && case.approvals == people(&terms.approvals)
        }
        (Expect::Refused { code }, Outcome::Refuse(refusal)) => {
            code.as_ref().is_none_or(|code| code == refusal.code())
        }
        (Expect::Granted { .. }, Outcome::Refuse(_)) | (Expect::Refused { .. }, Outcome::Permit(_)) => false,
    };
    if same {
        return Ok(());
    }
    let came = match outcome {
        Outcome::Permit(terms) => {
            let after = after(&terms.approvals);
            format!("granted by {} for {}{after}", terms.rule, terms.duration)
        }
        Outcome::Refuse(refusal) => format!("refused {}: {refusal}", refusal.code()),
    };
    Err(format!("expected {}, and it was {came}", expected(case)))
}

fn expected(case: &Case) -> String {
    let after = match case.approvals {
        0 => String::new(),
        1 => " after 1 approval".to_string(),
        count => format!(" after {count} approvals"),
    };
    match &case.expect {
        Expect::Granted { by: None } => format!("granted{after}"),
        Expect::Granted { by: Some(rule) } => format!("granted by \"{rule}\"{after}"),
        Expect::Refused { code: None } => "refused".to_string(),
        Expect::Refused { code: Some(code) } => format!("refused {code}"),
    }
}

/// How many people have to approve.
fn people(approvals: &[ApprovalRule]) -> u32 {
    approvals.iter().map(|entry| entry.count).sum()
}

/// Who has to approve, to be said behind what is granted.
fn after(approvals: &[ApprovalRule]) -> String {
    let phrases: Vec<String> = approvals.iter().map(ApprovalRule::phrase).collect();
    if phrases.is_empty() { String::new() } else { format!(" after the approval of {}", all_of(&phrases)) }
}

fn facts(policy: &Policy, case: &Case, zones: Zones<'_>) -> Result<Facts, String> {
    let known_groups = policy
        .groups_named()
        .into_iter()
        .map(|group| {
            let state = if case.unreachable.contains(group) {
                GroupState::Unreachable { why: "the case says so".to_string() }
            } else if case.missing.contains(group) {
                GroupState::Missing
            } else {
                GroupState::Exists
            };
            (group.to_string(), state)
        })
        .collect();
    let person = PersonFacts {
        // Any uid but root's does: no rule asks for one.
        uid: 1000,
        name: case.who.clone(),
        groups: case.groups.iter().cloned().collect(),
        password: case.password,
        account: AccountState::Ordinary,
        ..PersonFacts::default()
    };
    let live = case.live.iter().enumerate().map(|(at, (role, rule))| LiveGrant {
        id: format!("case{:04}", at + 1),
        role: role.clone(),
        rule: rule.clone(),
        until_unix: 0,
    });
    let open = case
        .open
        .iter()
        .enumerate()
        .map(|(at, role)| OpenRequest { id: format!("open{:04}", at + 1), role: role.clone() });
    Ok(Facts {
        person,
        known_groups,
        local_time: local_times(policy, case, zones)?,
        live: live.collect(),
        extends: None,
        open: open.collect(),
        disabled_roles: BTreeMap::new(),
    })
}

/// The time in each zone that a rule of the role names.
fn local_times(
    policy: &Policy,
    case: &Case,
    zones: Zones<'_>,
) -> Result<BTreeMap<String, LocalTime>, String> {
    let rules = policy.rules().iter().filter(|rule| rule.roles.contains(&case.role));
    let mut times = BTreeMap::new();
    for schedule in rules.filter_map(|rule| rule.schedule.as_ref()) {
        let Some(time) = case.time else {
            return Err(format!("a rule for {} has a schedule: give the case a time", case.role));
        };
        let zone = &schedule.zone;
        let local = match case.zone.as_ref().filter(|from| *from != zone) {
            None => time.local(),
            Some(from) => zones(time, from, zone).ok_or_else(|| {
                format!("the time of the case cannot be converted from {from} to {zone} on this host")
            })?,
        };
        times.insert(zone.clone(), local);
    }
    Ok(times)
}
