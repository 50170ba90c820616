//! Holds every deny and every rule of a role against a request, and picks what decides.

use alloc::string::String;
use alloc::vec::Vec;

use jit_common::explanation::{Condition, ConditionKind, Held, JudgedRule, Verdict};
use jit_common::refusal::Refusal;

use super::requirements::{self, Requirement};
use super::selectors;
use crate::policy::facts::{Ask, Facts};
use crate::policy::model::{Deny, Policy, Rule};

/// One deny, held against the request.
pub(super) struct DenyJudged<'p> {
    deny: &'p Deny,
    held: Held,
    text: String,
}

/// One rule, held against the request.
pub(super) struct RuleJudged<'p> {
    pub(super) rule: &'p Rule,
    selectors: Vec<Condition>,
    requirements: Vec<Requirement>,
    /// The refusal when the schedule is what does not hold.
    outside: Option<Refusal>,
}

/// What the selectors come to.
pub(super) enum Selected<'r, 'p> {
    /// This rule, at this place in the list, decides.
    Chosen(usize, &'r RuleJudged<'p>),
    /// None does.
    Refused(Refusal),
}

impl RuleJudged<'_> {
    /// Whether `eligible` holds.
    pub(super) fn is_for_this_person(&self) -> bool {
        self.selectors.iter().any(|one| one.kind == ConditionKind::Eligible && one.held == Held::Held)
    }

    /// What the first requirement that is not met says.
    pub(super) fn refusal_of_requirements(&self) -> Option<Refusal> {
        self.requirements.iter().find_map(|requirement| requirement.refusal.clone())
    }

    /// All held: `Held`. Something does not hold: `NotHeld`, whatever else is unknown.
    fn selectors_held(&self) -> Held {
        let any = |held: Held| self.selectors.iter().any(|one| one.held == held);
        if any(Held::NotHeld) {
            Held::NotHeld
        } else if any(Held::Unknown) {
            Held::Unknown
        } else {
            Held::Held
        }
    }

    /// How far the request is from being permitted: selectors weigh more than requirements.
    fn distance(&self) -> (usize, usize) {
        let selectors = self.selectors.iter().filter(|one| one.held != Held::Held).count();
        (selectors, self.requirements.iter().filter(|one| one.refusal.is_some()).count())
    }
}

/// Every rule that names the role, in the order of the files.
pub(super) fn rules<'p>(policy: &'p Policy, ask: &Ask<'_>, facts: &Facts) -> Vec<RuleJudged<'p>> {
    policy
        .rules()
        .iter()
        .filter(|rule| rule.roles.contains(ask.role))
        .map(|rule| {
            let (held, text) = selectors::eligible(&rule.eligible, facts);
            let mut conditions = alloc::vec![Condition { kind: ConditionKind::Eligible, held, text }];
            let mut outside = None;
            if let Some(schedule) = &rule.schedule {
                let (held, text) = selectors::schedule(schedule, facts);
                if let (Held::NotHeld, Some(now)) = (held, facts.local_time.get(&schedule.zone)) {
                    outside = Some(Refusal::OutsideSchedule {
                        role: String::from(ask.role),
                        rule: rule.reference(),
                        now: alloc::format!("{now} there"),
                        allowed: alloc::format!("{schedule}"),
                    });
                }
                conditions.push(Condition { kind: ConditionKind::Schedule, held, text });
            }
            let requirements = requirements::all(policy, rule, ask, facts);
            RuleJudged { rule, selectors: conditions, requirements, outside }
        })
        .collect()
}

/// Every deny that names the role, in the order of the files.
pub(super) fn denies<'p>(policy: &'p Policy, ask: &Ask<'_>, facts: &Facts) -> Vec<DenyJudged<'p>> {
    policy
        .denies()
        .iter()
        .filter(|deny| deny.roles.contains(ask.role))
        .map(|deny| {
            let (held, text) = selectors::denied(&deny.subjects, facts);
            DenyJudged { deny, held, text }
        })
        .collect()
}

/// A deny that matches refuses; failing that, one that cannot be evaluated does.
pub(super) fn refusal_of_denies(denies: &[DenyJudged<'_>]) -> Option<Refusal> {
    let first = |held: Held| denies.iter().find(|judged| judged.held == held);
    first(Held::Held).map(|judged| Refusal::Denied { deny: judged.deny.reference() }).or_else(|| {
        first(Held::Unknown).map(|judged| Refusal::CannotEvaluate {
            rule: judged.deny.reference(),
            what: judged.text.clone(),
        })
    })
}

/// The first rule whose selectors all hold. A rule before it that may or may not fit refuses: to go on to the next
/// would hand out that one's terms to somebody for whom the first was perhaps written.
pub(super) fn select<'r, 'p>(rules: &'r [RuleJudged<'p>]) -> Selected<'r, 'p> {
    for (at, judged) in rules.iter().enumerate() {
        match judged.selectors_held() {
            Held::NotHeld => {}
            Held::Held => return Selected::Chosen(at, judged),
            Held::Unknown => {
                let unknown = judged.selectors.iter().find(|one| one.held == Held::Unknown);
                let what = unknown.map(|one| one.text.clone()).unwrap_or_default();
                return Selected::Refused(Refusal::CannotEvaluate { rule: judged.rule.reference(), what });
            }
        }
    }
    // The person may see the role, so some rule is for them, and only its schedule can be what does not hold.
    let for_this_person = rules.iter().filter(|judged| judged.is_for_this_person());
    let outside =
        for_this_person.min_by_key(|judged| judged.distance()).and_then(|judged| judged.outside.clone());
    Selected::Refused(outside.unwrap_or_else(no_rule))
}

/// Not reachable by the caller's order of checks; a refusal all the same, should that order ever change.
fn no_rule() -> Refusal {
    Refusal::BadRequest { why: String::from("no rule gives you this role") }
}

/// The denies for the explanation, those that refuse first.
pub(super) fn tell_denies(denies: Vec<DenyJudged<'_>>) -> Vec<JudgedRule> {
    let mut told: Vec<JudgedRule> = denies
        .into_iter()
        .map(|judged| JudgedRule {
            rule: judged.deny.reference(),
            verdict: match judged.held {
                Held::Held => Verdict::Refuses,
                Held::NotHeld => Verdict::DoesNotApply,
                Held::Unknown => Verdict::CannotEvaluate,
            },
            conditions: alloc::vec![Condition {
                kind: ConditionKind::Subjects,
                held: judged.held,
                text: judged.text
            }],
        })
        .collect();
    told.sort_by_key(|judged| match judged.verdict {
        Verdict::Refuses => 0,
        Verdict::CannotEvaluate => 1,
        Verdict::Permits | Verdict::DoesNotApply | Verdict::NotReached => 2,
    });
    told
}

/// The rules for the explanation: the chosen one first, then by how little is missing.
pub(super) fn tell_rules(rules: Vec<RuleJudged<'_>>, chosen: Option<(usize, Verdict)>) -> Vec<JudgedRule> {
    let mut told: Vec<(bool, (usize, usize), JudgedRule)> = rules
        .into_iter()
        .enumerate()
        .map(|(at, judged)| {
            let verdict = match (chosen, judged.selectors_held()) {
                (Some((chosen, verdict)), _) if chosen == at => verdict,
                (_, Held::Held) => Verdict::NotReached,
                (_, Held::NotHeld) => Verdict::DoesNotApply,
                (_, Held::Unknown) => Verdict::CannotEvaluate,
            };
            let later = chosen.is_none_or(|(chosen, _)| chosen != at);
            let distance = judged.distance();
            let conditions = judged
                .selectors
                .into_iter()
                .chain(judged.requirements.into_iter().map(|one| one.condition))
                .collect();
            (later, distance, JudgedRule { rule: judged.rule.reference(), verdict, conditions })
        })
        .collect();
    told.sort_by_key(|(later, distance, _)| (*later, *distance));
    told.into_iter().map(|(_, _, judged)| judged).collect()
}
