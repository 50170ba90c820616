//! Reads a `[[rule]]`.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use jit_common::duration::GrantDuration;
use jit_common::refusal::Prompt;

use super::keys::{Errors, Table, Value, array, boolean, integer, no_more_than, text, transpose};
use super::names::{line_of_text, subjects};
use super::{approvals, at_expiry, schedule};
use crate::policy::model::{ReasonRule, Required, Rule, TicketRule};
use crate::policy::pattern::Pattern;

/// The keys of a rule.
const KEYS: [&str; 15] = [
    "name",
    "roles",
    "eligible",
    "max_duration",
    "default_duration",
    "reason",
    "ticket",
    "schedule",
    "max_active",
    "approvals",
    "pending_timeout",
    "at_expiry",
    "at_expiry_limit",
    "logins",
    "log_subcmds",
];
/// The most characters a rule may require of a reason; more would not fit into the 1 KiB that is taken.
const MOST_MIN_LENGTH: u32 = 1024;
/// The most grants of one rule that a person may have live.
const MOST_ACTIVE: u32 = 100;

/// A role that a rule or a deny names, and where.
pub(super) struct Mention {
    pub(super) role: String,
    pub(super) span: Range<usize>,
}

/// Reads one rule, and hands back the roles it names for checking. `None` when something is wrong; then it has been
/// noted.
pub(super) fn read(value: &Value<'_>, mentions: &mut Vec<Mention>, errors: &mut Errors<'_>) -> Option<Rule> {
    let table = Table::open("a rule", &KEYS, value, errors)?;
    let name = table
        .require("name", "\"who gets what\"", errors)
        .and_then(|value| line_of_text("name", value, errors));
    let roles = table
        .require("roles", "[\"web-restart\"]", errors)
        .and_then(|value| read_roles(value, mentions, errors));
    let eligible = table
        .require("eligible", "{ groups = [\"oncall\"] }", errors)
        .and_then(|value| subjects("eligible", value, errors));
    let schedule = table.get("schedule").map(|value| schedule::read(value, errors));
    let max = table
        .require("max_duration", "\"1h\"", errors)
        .and_then(|value| read_duration("max_duration", value, errors));
    let default =
        table.get("default_duration").map(|value| (read_duration("default_duration", value, errors), value));
    if let (Some(max), Some((Some(default), value))) = (max, &default)
        && *default > max
    {
        errors.at(&value.span(), format!("default_duration {default} is longer than max_duration {max}"));
    }
    let reason = table.get("reason").map_or(Some(ReasonRule::default()), |value| read_reason(value, errors));
    let ticket = table.get("ticket").map_or(Some(TicketRule::default()), |value| read_ticket(value, errors));
    let max_active =
        table.get("max_active").map(|value| integer("max_active", 1..=MOST_ACTIVE, value, errors));
    let approvals = table.get("approvals").map_or(Some(Vec::new()), |value| approvals::read(value, errors));
    let pending_timeout = approvals::read_timeout(&table, errors);
    let expiry = at_expiry::read(&table, errors);
    Some(Rule {
        name: name?,
        location: errors.source.location(&table.span),
        roles: roles?,
        eligible: eligible?,
        schedule: transpose(schedule)?,
        max_duration: max?,
        default_duration: transpose(default.map(|(duration, _)| duration))?,
        reason: reason?,
        ticket: ticket?,
        max_active: transpose(max_active)?,
        approvals: approvals?,
        pending_timeout: pending_timeout?,
        expiry: expiry?,
    })
}

/// Reads a list of role names. Whether they exist is checked when all files are read.
pub(super) fn read_roles(
    value: &Value<'_>,
    mentions: &mut Vec<Mention>,
    errors: &mut Errors<'_>,
) -> Option<BTreeSet<String>> {
    let items = array("roles", value, errors)?;
    if items.is_empty() {
        errors.at(&value.span(), "roles is empty: name the roles, as in roles = [\"web-restart\"]");
    }
    no_more_than(super::MOST_ROLES, items.len(), "roles", &value.span(), errors);
    let mut roles = BTreeSet::new();
    for item in items {
        let Some(role) = text("a role", item, errors) else { continue };
        if roles.insert(role.to_string()) {
            mentions.push(Mention { role: role.to_string(), span: item.span() });
        } else {
            errors.at(&item.span(), format!("{role:?} stands twice in roles: once is enough"));
        }
    }
    Some(roles)
}

pub(super) fn read_duration(key: &str, value: &Value<'_>, errors: &mut Errors<'_>) -> Option<GrantDuration> {
    let text = text(key, value, errors)?;
    errors.check(&value.span(), text.parse())
}

fn read_reason(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<ReasonRule> {
    let table = Table::open("reason", &["required", "min_length", "pattern", "prompt"], value, errors)?;
    let required = read_required(&table, errors);
    let min_length = table
        .get("min_length")
        .map_or(Some(0), |value| integer("min_length", 1..=MOST_MIN_LENGTH, value, errors));
    let pattern = read_pattern(&table, errors);
    let prompt = read_prompt(&table, errors);
    Some(ReasonRule { required: required?, min_length: min_length?, pattern: pattern?, prompt: prompt? })
}

fn read_ticket(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<TicketRule> {
    let table = Table::open("ticket", &["required", "pattern", "prompt"], value, errors)?;
    let required = read_required(&table, errors);
    let pattern = read_pattern(&table, errors);
    let prompt = read_prompt(&table, errors);
    Some(TicketRule { required: required?, pattern: pattern?, prompt: prompt? })
}

fn read_required(table: &Table<'_, '_>, errors: &mut Errors<'_>) -> Option<Required> {
    let Some(value) = table.get("required") else { return Some(Required::No) };
    boolean("required", value, errors).map(|required| if required { Required::Yes } else { Required::No })
}

#[expect(
    clippy::option_option,
    reason = "the outer one says whether it is right, the inner whether it is there"
)]
fn read_pattern(table: &Table<'_, '_>, errors: &mut Errors<'_>) -> Option<Option<Pattern>> {
    let Some(value) = table.get("pattern") else { return Some(None) };
    let written = line_of_text("pattern", value, errors)?;
    let compiled = Pattern::new(&written).map_err(|why| {
        format!("the pattern {written:?} is no regular expression ({why}): write it in single quotes, as in '^INC-\\d+'")
    });
    errors.check(&value.span(), compiled).map(Some)
}

fn read_prompt(table: &Table<'_, '_>, errors: &mut Errors<'_>) -> Option<Prompt> {
    let Some(value) = table.get("prompt") else { return Some(Prompt::default()) };
    line_of_text("prompt", value, errors).map(Prompt)
}
