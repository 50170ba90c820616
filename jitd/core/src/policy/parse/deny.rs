//! Reads a `[[deny]]` and the `[duties]`.

use alloc::vec::Vec;

use toml::de::DeValue;

use super::keys::{Errors, Table, Value};
use super::names::{line_of_text, subjects};
use super::rule::{Mention, read_roles};
use crate::policy::model::{Deny, DenyRoles, Duties, Subjects};

/// Reads one deny. `None` when something is wrong; then it has been noted.
pub(super) fn read(value: &Value<'_>, mentions: &mut Vec<Mention>, errors: &mut Errors<'_>) -> Option<Deny> {
    let table = Table::open("a deny", &["name", "roles", "subjects"], value, errors)?;
    let name = table
        .require("name", "\"who never gets what\"", errors)
        .and_then(|value| line_of_text("name", value, errors));
    let roles = table.require("roles", "[\"web-restart\"], or \"ALL\"", errors).and_then(|value| match value
        .get_ref()
    {
        DeValue::String(word) if word == "ALL" => Some(DenyRoles::All),
        _ => read_roles(value, mentions, errors).map(DenyRoles::These),
    });
    let subjects = table
        .require("subjects", "{ groups = [\"contractors\"] }", errors)
        .and_then(|value| subjects("subjects", value, errors));
    Some(Deny {
        name: name?,
        location: errors.source.location(&table.span),
        roles: roles?,
        subjects: subjects?,
    })
}

/// Reads the duties. `None` when something is wrong; then it has been noted.
pub(super) fn read_duties(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Duties> {
    let table = Table::open("duties", &["auditors", "operators"], value, errors)?;
    let mut who = |key: &'static str| {
        table.get(key).map_or(Some(Subjects::default()), |value| subjects(key, value, errors))
    };
    let (auditors, operators) = (who("auditors"), who("operators"));
    let location = Some(errors.source.location(&table.span));
    Some(Duties { auditors: auditors?, operators: operators?, location })
}
