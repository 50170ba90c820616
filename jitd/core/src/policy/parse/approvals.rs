//! Reads the `approvals` of a rule, and how long a request waits for them.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use jit_common::duration::GrantDuration;

use super::keys::{Errors, Table, Value, array, integer};
use super::names::subjects;
use super::rule::read_duration;
use crate::policy::model::ApprovalRule;
use crate::policy::votes;

/// The most entries of one rule.
const MOST_ENTRIES: usize = 8;
/// The most people one entry asks for.
const MOST_PEOPLE: u32 = 20;
/// How long a request stays open, in seconds: at least this, so that somebody can answer at all,
const SHORTEST_TIMEOUT: u32 = 10;
/// this where the rule does not say, a working day,
const DEFAULT_TIMEOUT: u32 = 8 * 60 * 60;
/// and at most this, after which nobody remembers why it was asked.
const LONGEST_TIMEOUT: u32 = 7 * 24 * 60 * 60;

/// Reads the entries. `None` when something is wrong; then it has been noted.
pub(super) fn read(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Vec<ApprovalRule>> {
    let before = errors.found.len();
    let items = array("approvals", value, errors)?;
    if items.is_empty() || items.len() > MOST_ENTRIES {
        let message = format!(
            "approvals has 1 to {MOST_ENTRIES} entries, not {}: write approvals = [{{ count = 1, by = {{ groups = [\"leads\"] }} }}], or leave it out where nobody has to approve",
            items.len()
        );
        errors.at(&value.span(), message);
    }
    let entries: Vec<ApprovalRule> = items.into_iter().filter_map(|item| read_entry(item, errors)).collect();
    if errors.found.len() > before {
        return None;
    }
    check_together(&entries, value, errors)?;
    Some(entries)
}

fn read_entry(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<ApprovalRule> {
    let table = Table::open("an approval", &["count", "by"], value, errors)?;
    let count = table.get("count").map_or(Some(1), |value| integer("count", 1..=MOST_PEOPLE, value, errors));
    let by = table
        .require("by", "{ groups = [\"leads\"] }", errors)
        .and_then(|value| subjects("by", value, errors));
    let entry = ApprovalRule { count: count?, by: by? };
    let named = entry.by.users.len();
    if named > 0
        && entry.by.groups.is_empty()
        && usize::try_from(entry.count).is_ok_and(|count| count > named)
    {
        let message = format!(
            "the approval of {} is asked for and {named} are named, so nobody could ever give it: name more people, or a group, or ask for fewer",
            entry.count
        );
        errors.at(&table.span, message);
        return None;
    }
    Some(entry)
}

/// One person counts once for the whole rule, so entries that name people alone can each be possible and not be
/// possible together.
fn check_together(entries: &[ApprovalRule], value: &Value<'_>, errors: &mut Errors<'_>) -> Option<()> {
    let closed: Vec<ApprovalRule> =
        entries.iter().filter(|entry| entry.by.groups.is_empty()).cloned().collect();
    let names: BTreeSet<&str> =
        closed.iter().flat_map(|entry| &entry.by.users).map(|name| name.as_str()).collect();
    let may = |name: &str| {
        (0..).zip(&closed).filter(|(_, entry)| entry.by.users.contains(name)).map(|(at, _)| at).collect()
    };
    let people: Vec<BTreeSet<usize>> = names.into_iter().map(may).collect();
    votes::enough(&closed, &people)
        .map_err(|why| {
            let message =
                format!("one person counts once, and the rule asks for {why}: name more people, or a group");
            errors.at(&value.span(), message);
        })
        .ok()
}

/// Reads `pending_timeout`. It also holds where nobody has to approve: a request with a start waits as well.
pub(super) fn read_timeout(table: &Table<'_, '_>, errors: &mut Errors<'_>) -> Option<GrantDuration> {
    let Some(value) = table.get("pending_timeout") else {
        return GrantDuration::from_secs(DEFAULT_TIMEOUT).ok();
    };
    let timeout = read_duration("pending_timeout", value, errors)?;
    if (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout.as_secs()) {
        return Some(timeout);
    }
    errors.at(
        &value.span(),
        format!("pending_timeout {timeout} is out of range: a request stays open from 10s to 7d"),
    );
    None
}
