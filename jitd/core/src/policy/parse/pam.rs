//! Reads `[pam]`: who gets in by a grant alone, and into which programs.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use jit_common::managed::Service;
use toml::de::DeValue;

use super::keys::{Errors, Table, Value, array, text};
use super::names::subjects;
use crate::policy::model::Gate;

/// A group that is named, and where: no role may give it.
pub(super) struct GroupMention {
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

/// Reads it. `None` when something is wrong; then it has been noted.
pub(super) fn read(
    value: &Value<'_>,
    groups: &mut Vec<GroupMention>,
    errors: &mut Errors<'_>,
) -> Option<Gate> {
    let table = Table::open("pam", &["managed", "services"], value, errors)?;
    let people = table.require("managed", "{ groups = [\"engineers\"] }", errors);
    let services = table.require("services", "[\"sudo\", \"su\"]", errors);
    let services = services.and_then(|value| read_services(value, errors));
    groups.extend(people.map(group_mentions).unwrap_or_default());
    let managed = people.and_then(|value| subjects("managed", value, errors));
    if let Some(people) = people
        && managed.as_ref().is_some_and(|managed| managed.users.contains("root"))
    {
        errors.at(&people.span(), "root is never managed, so that there is always a way in: take it out");
        return None;
    }
    Some(Gate { managed: managed?, services: services?, location: errors.source.location(&table.span) })
}

fn read_services(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<BTreeSet<Service>> {
    let mut services = BTreeSet::new();
    let items = array("services", value, errors)?;
    if items.is_empty() {
        errors.at(&value.span(), "services names no program: write services = [\"sudo\", \"su\"]");
    }
    for item in &items {
        let Some(word) = text("a service", item, errors) else { continue };
        match word.parse::<Service>() {
            Ok(service) if services.insert(service) => {}
            Ok(_) => errors.at(&item.span(), format!("{word:?} stands twice in services: once is enough")),
            Err(()) => {
                let known = Service::ALL.map(|service| service.word().to_string()).join(", ");
                errors.at(
                    &item.span(),
                    format!("the service {word:?} is none that the PAM module knows: these are {known}"),
                );
            }
        }
    }
    (services.len() == items.len() && !items.is_empty()).then_some(services)
}

/// Every group of `{ users = [ … ], groups = [ … ] }`, whatever else is wrong with it.
fn group_mentions(people: &Value<'_>) -> Vec<GroupMention> {
    let DeValue::Table(table) = people.get_ref() else { return Vec::new() };
    let groups = table.iter().find(|(key, _)| key.get_ref() == "groups").map(|(_, value)| value.get_ref());
    let Some(DeValue::Array(items)) = groups else { return Vec::new() };
    items
        .iter()
        .filter_map(|item| match item.get_ref() {
            DeValue::String(name) => Some(GroupMention { name: name.to_string(), span: item.span() }),
            _ => None,
        })
        .collect()
}
