//! The requirements of a rule: each says whether it is met, and refuses in its own words.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jit_common::duration::GrantDuration;
use jit_common::explanation::{Condition, ConditionKind, Held};
use jit_common::refusal::Refusal;

use crate::policy::at_expiry::Subcommands;
use crate::policy::facts::{Ask, Facts, HasPassword};
use crate::policy::model::{Policy, Required, Rule};
use crate::policy::sudo_role::Authenticate;

/// One requirement, held against the request.
pub(super) struct Requirement {
    pub(super) condition: Condition,
    /// What it says when it is not met.
    pub(super) refusal: Option<Refusal>,
}

fn met(kind: ConditionKind, text: impl ToString) -> Requirement {
    Requirement { condition: Condition { kind, held: Held::Held, text: text.to_string() }, refusal: None }
}

fn not_met(kind: ConditionKind, text: impl ToString, refusal: Refusal) -> Requirement {
    Requirement {
        condition: Condition { kind, held: Held::NotHeld, text: text.to_string() },
        refusal: Some(refusal),
    }
}

/// How long the grant would last: as asked, else the default of the rule, else the longest it permits.
pub(super) fn duration(ask: &Ask<'_>, rule: &Rule) -> GrantDuration {
    ask.duration.or(rule.default_duration).unwrap_or(rule.max_duration)
}

/// All requirements of a rule, in the order in which they refuse.
pub(super) fn all(policy: &Policy, rule: &Rule, ask: &Ask<'_>, facts: &Facts) -> Vec<Requirement> {
    let mut all = alloc::vec![not_live(ask, facts), not_open(ask, facts), within_max_duration(rule, ask)];
    all.extend(reason(rule, ask.reason));
    all.extend(ticket(rule, ask.ticket));
    all.extend(max_active(rule, facts));
    all.extend(password(policy, ask, facts));
    all.extend(subcommands(rule));
    all
}

/// Nothing that refuses: whoever asks for the role is told what it brings with it.
fn subcommands(rule: &Rule) -> Option<Requirement> {
    let told = "what your commands start is logged where this host's sudo can say it, those by your standing sudo rights as well";
    match rule.expiry.subcommands {
        Subcommands::Logged => Some(met(ConditionKind::Subcommands, told)),
        Subcommands::NotLogged => None,
    }
}

fn not_live(ask: &Ask<'_>, facts: &Facts) -> Requirement {
    let kind = ConditionKind::NotLive;
    match facts.live.iter().find(|grant| grant.role == ask.role) {
        None => match &facts.extends {
            Some(id) => met(kind, format!("it would extend your grant {id}")),
            None => met(kind, "you do not have the role now"),
        },
        Some(grant) => {
            let refusal = Refusal::AlreadyLive {
                id: grant.id.clone(),
                role: grant.role.clone(),
                until_unix: grant.until_unix,
            };
            not_met(kind, format!("you have the role already (grant {})", grant.id), refusal)
        }
    }
}

fn not_open(ask: &Ask<'_>, facts: &Facts) -> Requirement {
    let kind = ConditionKind::NotOpen;
    match facts.open.iter().find(|request| request.role == ask.role) {
        None => met(kind, "you have no open request for the role"),
        Some(request) => {
            let refusal = Refusal::AlreadyOpen { id: request.id.clone(), role: request.role.clone() };
            not_met(kind, format!("you have asked for the role already (request {})", request.id), refusal)
        }
    }
}

fn within_max_duration(rule: &Rule, ask: &Ask<'_>) -> Requirement {
    let (kind, asked, max) = (ConditionKind::Duration, duration(ask, rule), rule.max_duration);
    if asked <= max {
        return met(kind, format!("{asked} is within the {max} that the rule permits"));
    }
    let text = format!("{asked} is longer than the {max} that the rule permits");
    not_met(kind, text, Refusal::TooLong { asked, max, rule: rule.reference() })
}

/// What was typed, unless it is nothing but white space.
fn typed(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn reason(rule: &Rule, reason: Option<&str>) -> Option<Requirement> {
    let (kind, wanted) = (ConditionKind::Reason, &rule.reason);
    let (of, prompt) = (rule.reference(), wanted.prompt.clone());
    let Some(reason) = typed(reason) else {
        return match wanted.required {
            Required::No => None,
            Required::Yes => {
                let refusal = Refusal::ReasonMissing { rule: of, prompt };
                Some(not_met(kind, "the rule requires a reason, and you give none", refusal))
            }
        };
    };
    let (length, min) = (u32::try_from(reason.chars().count()).unwrap_or(u32::MAX), wanted.min_length);
    if length < min {
        let text = format!("your reason has {length} characters, and the rule requires {min}");
        return Some(not_met(kind, text, Refusal::ReasonTooShort { rule: of, length, min, prompt }));
    }
    match wanted.pattern.as_ref().filter(|pattern| !pattern.is_match(reason)) {
        None => Some(met(kind, "your reason is as the rule requires")),
        Some(pattern) => {
            let pattern = pattern.as_str().to_string();
            let text = format!("your reason does not match {pattern}");
            Some(not_met(kind, text, Refusal::ReasonPattern { rule: of, pattern, prompt }))
        }
    }
}

fn ticket(rule: &Rule, ticket: Option<&str>) -> Option<Requirement> {
    let (kind, wanted) = (ConditionKind::Ticket, &rule.ticket);
    let (of, prompt) = (rule.reference(), wanted.prompt.clone());
    let Some(ticket) = typed(ticket) else {
        return match wanted.required {
            Required::No => None,
            Required::Yes => {
                let refusal = Refusal::TicketMissing { rule: of, prompt };
                Some(not_met(kind, "the rule requires a ticket, and you give none", refusal))
            }
        };
    };
    match wanted.pattern.as_ref().filter(|pattern| !pattern.is_match(ticket)) {
        None => Some(met(kind, "your ticket is as the rule requires")),
        Some(pattern) => {
            let pattern = pattern.as_str().to_string();
            let text = format!("your ticket does not match {pattern}");
            Some(not_met(kind, text, Refusal::TicketPattern { rule: of, pattern, prompt }))
        }
    }
}

fn max_active(rule: &Rule, facts: &Facts) -> Option<Requirement> {
    let (kind, max) = (ConditionKind::MaxActive, rule.max_active?);
    let live: Vec<String> =
        facts.live.iter().filter(|grant| grant.rule == rule.name).map(|grant| grant.id.clone()).collect();
    let text = format!("you have {} live grants of this rule, and it permits {max}", live.len());
    if u32::try_from(live.len()).is_ok_and(|live| live < max) {
        return Some(met(kind, text));
    }
    Some(not_met(kind, text, Refusal::MaxActive { rule: rule.reference(), max, live }))
}

/// A role of groups alone asks no password. Only an account that is known to have none is refused. Where that cannot be known, as with an account of a
/// directory, sudo asks all the same, and whoever cannot answer gets nothing.
fn password(policy: &Policy, ask: &Ask<'_>, facts: &Facts) -> Option<Requirement> {
    let (kind, role) = (ConditionKind::Password, policy.role(ask.role)?);
    match role.sudo.as_ref()?.password {
        Authenticate::NotAsked => return None,
        Authenticate::Asked => {}
    }
    Some(match facts.person.password {
        HasPassword::Usable => met(kind, "the role asks for your password, and your account has one"),
        HasPassword::Unknown => met(kind, "the role asks for your password, and sudo will check it"),
        HasPassword::None => {
            let refusal = Refusal::NoPassword { role: role.name.clone() };
            not_met(kind, "the role asks for your password, and your account has none", refusal)
        }
    })
}
