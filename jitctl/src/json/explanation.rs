//! A decision in JSON, rule by rule.

use jit_common::explanation::{Condition, ConditionKind, Explanation, Held, JudgedRule, Outcome, Verdict};
use jit_common::refusal::RuleRef;
use serde::Serialize;

use super::grant::RuleJson;

/// How a request was or would be decided.
#[derive(Debug, Serialize)]
pub(crate) struct ExplanationJson<'a> {
    outcome: OutcomeJson<'a>,
    denies: Vec<JudgedJson<'a>>,
    rules: Vec<JudgedJson<'a>>,
}

/// What was decided.
#[derive(Debug, Serialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
enum OutcomeJson<'a> {
    /// A rule permits it.
    Permitted { rule: RuleJson<'a>, duration_seconds: u32, approvals: &'a [String] },
    /// It is refused.
    Refused { code: &'static str, sentence: String },
}

/// One rule or deny, held against the request.
#[derive(Debug, Serialize)]
struct JudgedJson<'a> {
    rule: RuleJson<'a>,
    verdict: &'static str,
    conditions: Vec<ConditionJson<'a>>,
}

/// One condition of it.
#[derive(Debug, Serialize)]
struct ConditionJson<'a> {
    kind: &'static str,
    held: &'static str,
    text: &'a str,
}

impl<'a> ExplanationJson<'a> {
    /// The explanation as it is documented.
    pub(crate) fn of(explanation: &'a Explanation) -> Self {
        let outcome = match &explanation.outcome {
            Outcome::Permitted { rule: by, duration, approvals } => {
                OutcomeJson::Permitted { rule: rule(by), duration_seconds: duration.as_secs(), approvals }
            }
            Outcome::Refused(refusal) => {
                OutcomeJson::Refused { code: refusal.code(), sentence: refusal.to_string() }
            }
        };
        Self {
            outcome,
            denies: explanation.denies.iter().map(judged).collect(),
            rules: explanation.rules.iter().map(judged).collect(),
        }
    }
}

fn rule(rule: &RuleRef) -> RuleJson<'_> {
    RuleJson { name: &rule.name, location: &rule.location }
}

fn judged(judged: &JudgedRule) -> JudgedJson<'_> {
    JudgedJson {
        rule: rule(&judged.rule),
        verdict: verdict(judged.verdict),
        conditions: judged.conditions.iter().map(condition).collect(),
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Permits => "permits",
        Verdict::Refuses => "refuses",
        Verdict::DoesNotApply => "does-not-apply",
        Verdict::CannotEvaluate => "cannot-evaluate",
        Verdict::NotReached => "not-reached",
    }
}

fn condition(condition: &Condition) -> ConditionJson<'_> {
    ConditionJson { kind: kind(condition.kind), held: held(condition.held), text: &condition.text }
}

fn held(held: Held) -> &'static str {
    match held {
        Held::Held => "held",
        Held::NotHeld => "not-held",
        Held::Unknown => "unknown",
    }
}

fn kind(kind: ConditionKind) -> &'static str {
    match kind {
        ConditionKind::Eligible => "eligible",
        ConditionKind::Subjects => "subjects",
        ConditionKind::Schedule => "schedule",
        ConditionKind::Duration => "duration",
        ConditionKind::Reason => "reason",
        ConditionKind::Ticket => "ticket",
        ConditionKind::NotLive => "not-live",
        ConditionKind::NotOpen => "not-open",
        ConditionKind::MaxActive => "max-active",
        ConditionKind::Password => "password",
        ConditionKind::Subcommands => "log-subcmds",
    }
}
