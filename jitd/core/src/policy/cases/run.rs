//! Runs a case against a policy.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use super::{Case, Expect, Zones};
use crate::policy::civil::LocalTime;
use crate::policy::decide::decide;
use crate::policy::facts::{AccountState, Ask, Decision, Facts, GroupState, LiveGrant, Outcome, PersonFacts};
use crate::policy::model::Policy;

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
    let judged = match compare(&case.expect, &decision.outcome) {
        Ok(()) => CaseVerdict::AsExpected,
        Err(sentence) => CaseVerdict::Wrong { sentence },
    };
    verdict(judged, Some(decision))
}

fn compare(expect: &Expect, outcome: &Outcome) -> Result<(), String> {
    let expected = match expect {
        Expect::Granted { by: None } => "granted".to_string(),
        Expect::Granted { by: Some(rule) } => format!("granted by \"{rule}\""),
        Expect::Refused { code: None } => "refused".to_string(),
        Expect::Refused { code: Some(code) } => format!("refused {code}"),
    };
    let came = match outcome {
        Outcome::Permit(terms) => format!("granted by {} for {}", terms.rule, terms.duration),
        Outcome::Refuse(refusal) => format!("refused {}: {refusal}", refusal.code()),
    };
    let same = match (expect, outcome) {
        (Expect::Granted { by }, Outcome::Permit(terms)) => {
            by.as_ref().is_none_or(|rule| *rule == terms.rule.name)
        }
        (Expect::Refused { code }, Outcome::Refuse(refusal)) => {
            code.as_ref().is_none_or(|code| code == refusal.code())
        }
        (Expect::Granted { .. }, Outcome::Refuse(_)) | (Expect::Refused { .. }, Outcome::Permit(_)) => false,
    };
    if same { Ok(()) } else { Err(format!("expected {expected}, and it was {came}")) }
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
    };
    let live = case.live.iter().enumerate().map(|(at, (role, rule))| LiveGrant {
        id: format!("case{:04}", at + 1),
        role: role.clone(),
        rule: rule.clone(),
        until_unix: 0,
    });
    let local_time = local_times(policy, case, zones)?;
    Ok(Facts { person, known_groups, local_time, live: live.collect(), disabled_roles: BTreeMap::new() })
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
