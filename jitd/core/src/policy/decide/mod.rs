//! Decides on one request. The same pass produces the explanation, so the two cannot differ.
//!
//! In this order: the length of what was typed, the account, whether the person may know of the role, whether the host
//! can carry it, the denies, then the rules. Selectors (role, eligible, schedule) choose the rule, and the first that
//! fits is the rule. Its requirements refuse with their own words; no request falls through to a laxer rule.

mod account;
mod judge;
mod requirements;
mod selectors;

use alloc::string::ToString;
use alloc::vec::Vec;

use jit_common::explanation::{Explanation, JudgedRule, Outcome as Told, Verdict};
use jit_common::refusal::{Lookup, Refusal, TextField};

pub use self::account::check as check_account;
use self::judge::{DenyJudged, RuleJudged, Selected};
use super::facts::{Ask, Decision, Facts, Outcome, Terms};
use super::model::{ApprovalRule, Policy, Rule, Subjects};

/// The longest reason, ticket or note, in bytes.
pub const LONGEST_TEXT: usize = 1024;
/// The longest name of a role that is looked at, in bytes. No role has a longer one.
pub const LONGEST_ROLE: usize = 256;

/// Checks the length of a text that a person typed, before anything else looks at it.
///
/// # Errors
/// [`Refusal::TextTooLong`] over 1 KiB.
pub fn check_text(field: TextField, text: &str) -> Result<(), Refusal> {
    let max = match field {
        TextField::Reason | TextField::Ticket | TextField::Note => LONGEST_TEXT,
        TextField::Role => LONGEST_ROLE,
    };
    if text.len() <= max {
        return Ok(());
    }
    Err(Refusal::TextTooLong { field, bytes: text.len() as u64, max: max as u64 })
}

/// Decides on a request.
pub fn decide(policy: &Policy, ask: &Ask<'_>, facts: &Facts) -> Decision {
    if let Err(refusal) = check_ask(ask).and_then(|()| account::check(&facts.person)) {
        return refused(refusal, Vec::new(), Vec::new());
    }
    let rules: Vec<RuleJudged<'_>> = judge::rules(policy, ask, facts);
    // A role that does not exist has no rules, so it takes the same way as one that is for others.
    let role = match policy.role(ask.role) {
        Some(role) if rules.iter().any(RuleJudged::is_for_this_person) => role,
        _ => return refused(no_such_role(policy, ask, facts), Vec::new(), Vec::new()),
    };
    let denies: Vec<DenyJudged<'_>> = judge::denies(policy, ask, facts);
    let refusal_before_rules = facts
        .disabled_roles
        .get(&role.name)
        .map(|why| Refusal::RoleDisabled { role: role.name.clone(), why: why.clone() })
        .or_else(|| judge::refusal_of_denies(&denies));
    let selected = judge::select(&rules);
    let (outcome, chosen) = match (refusal_before_rules, selected) {
        (Some(refusal), _) => (Outcome::Refuse(refusal), None),
        (None, Selected::Chosen(at, judged)) => match judged.refusal_of_requirements() {
            Some(refusal) => (Outcome::Refuse(refusal), Some((at, Verdict::Refuses))),
            None => (Outcome::Permit(terms(policy, ask, judged.rule)), Some((at, Verdict::Permits))),
        },
        (None, Selected::Refused(refusal)) => (Outcome::Refuse(refusal), None),
    };
    conclude(outcome, judge::tell_denies(denies), judge::tell_rules(rules, chosen))
}

/// Whether a person may know that a role exists: some rule names it, and its `eligible` holds for the person.
#[must_use]
pub fn may_see(policy: &Policy, role: &str, facts: &Facts) -> bool {
    policy
        .rules()
        .iter()
        .filter(|rule| rule.roles.contains(role))
        .any(|rule| selectors::subjects(&rule.eligible, facts).is_member())
}

/// Whether a person is among the subjects of a duty. Who cannot be looked up is not.
#[must_use]
pub fn has_duty(subjects: &Subjects, facts: &Facts) -> bool {
    selectors::subjects(subjects, facts).is_member()
}

fn check_ask(ask: &Ask<'_>) -> Result<(), Refusal> {
    let typed =
        [(TextField::Reason, ask.reason), (TextField::Ticket, ask.ticket), (TextField::Role, Some(ask.role))];
    typed.into_iter().try_for_each(|(field, text)| check_text(field, text.unwrap_or_default()))
}

fn terms(policy: &Policy, ask: &Ask<'_>, rule: &Rule) -> Terms {
    Terms {
        role: ask.role.to_string(),
        rule: rule.reference(),
        duration: requirements::duration(ask, rule),
        max_duration: rule.max_duration,
        approvals: rule.approvals.clone(),
        pending_timeout: rule.pending_timeout,
        expiry: rule.expiry,
        policy: policy.hash(),
    }
}

/// The one answer for a role that does not exist and for a role that is for others. Whether a lookup failed is told
/// for the whole policy and not for the role asked for, or the difference would give the role away.
fn no_such_role(policy: &Policy, ask: &Ask<'_>, facts: &Facts) -> Refusal {
    let unknown = policy.rules().iter().any(|rule| selectors::subjects(&rule.eligible, facts).is_unknown());
    let lookup = if unknown { Lookup::Incomplete } else { Lookup::Complete };
    Refusal::NoSuchRole { role: ask.role.to_string(), lookup }
}

fn refused(refusal: Refusal, denies: Vec<JudgedRule>, rules: Vec<JudgedRule>) -> Decision {
    conclude(Outcome::Refuse(refusal), denies, rules)
}

fn conclude(outcome: Outcome, denies: Vec<JudgedRule>, rules: Vec<JudgedRule>) -> Decision {
    let told = match &outcome {
        Outcome::Permit(terms) => Told::Permitted {
            rule: terms.rule.clone(),
            duration: terms.duration,
            approvals: terms.approvals.iter().map(ApprovalRule::phrase).collect(),
        },
        Outcome::Refuse(refusal) => Told::Refused(refusal.clone()),
    };
    Decision { outcome, explanation: Explanation { outcome: told, denies, rules } }
}
