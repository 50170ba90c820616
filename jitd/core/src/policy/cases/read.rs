//! Reads the cases from TOML.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jit_common::refusal::POLICY_CODES;
use toml::de::DeTable;

use super::{Case, Expect};
use crate::policy::civil::CivilTime;
use crate::policy::facts::HasPassword;
use crate::policy::parse::{
    DEEPEST, Errors, Places, PolicyError, Source, Table, Value, array, boolean, check_person_name, integer,
    line_of_text, name_list, tables, text, too_deep,
};
use crate::policy::schedule::check_zone;

const KEYS: [&str; 16] = [
    "name",
    "who",
    "groups",
    "unreachable",
    "missing",
    "password",
    "role",
    "duration",
    "reason",
    "ticket",
    "time",
    "zone",
    "live",
    "open",
    "approvals",
    "expect",
];

/// The most people that a case can expect to be asked: eight entries of twenty.
const MOST_APPROVALS: u32 = 160;

/// Reads a file of cases.
///
/// # Errors
/// Every error of the file, in the order of its lines.
pub fn parse_cases(name: &str, source_text: &str) -> Result<Vec<Case>, Vec<PolicyError>> {
    let places = Places::of(source_text);
    let source = Source { name, text: source_text, places: &places };
    let mut errors = Errors::new(source);
    let mut cases = Vec::new();
    if let Some(at) = too_deep(source_text) {
        errors.at(&(at..at), format!("more than {DEEPEST} brackets are open here: close them"));
        return Err(errors.found);
    }
    match DeTable::parse(source_text) {
        Err(error) => errors.at(&error.span().unwrap_or_default(), format!("not TOML: {}", error.message())),
        Ok(document) => {
            let table = Table::of("a file of cases", &["case"], document.get_ref(), 0..0, &mut errors);
            if table.require("case", "a list of cases, each under [[case]]", &mut errors).is_some() {
                for value in tables("case", table.get("case"), &mut errors) {
                    cases.extend(read_case(value, &mut errors));
                }
            }
        }
    }
    if errors.found.is_empty() {
        Ok(cases)
    } else {
        errors.found.sort();
        Err(errors.found)
    }
}

fn read_case(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Case> {
    let table = Table::open("a case", &KEYS, value, errors)?;
    let who = table.require("who", "\"alice\"", errors).and_then(|value| {
        text("who", value, errors).and_then(|who| errors.check(&value.span(), check_person_name(who)))
    });
    let role = table.require("role", "\"web-restart\"", errors).and_then(|value| text("role", value, errors));
    let expect = table
        .require("expect", "\"granted by RULE\" or \"refused CODE\"", errors)
        .and_then(|value| read_expect(value, errors));
    let mut names = |key: &str| {
        table.get(key).map_or_else(BTreeSet::new, |value| name_list(key, value, check_person_name, errors))
    };
    let (groups, unreachable, missing) = (names("groups"), names("unreachable"), names("missing"));
    let mut typed =
        |key: &str| table.get(key).and_then(|value| text(key, value, errors)).map(ToString::to_string);
    let (reason, ticket) = (typed("reason"), typed("ticket"));
    let mut checked =
        |key: &'static str| table.get(key).and_then(|value| Some((text(key, value, errors)?, value.span())));
    let (duration, time, zone) = (checked("duration"), checked("time"), checked("zone"));
    let duration = duration.and_then(|(text, span)| errors.check(&span, text.parse()));
    let time = time.and_then(|(text, span)| errors.check(&span, CivilTime::parse(text)));
    let zone = zone.and_then(|(text, span)| errors.check(&span, check_zone(text)));
    let password = match table.get("password").map(|value| boolean("password", value, errors)) {
        None | Some(Some(true)) => HasPassword::Usable,
        Some(Some(false) | None) => HasPassword::None,
    };
    let live = table.get("live").map_or_else(Vec::new, |value| read_live(value, errors));
    let open =
        table.get("open").map_or_else(BTreeSet::new, |value| name_list("open", value, take_role, errors));
    let approvals = table
        .get("approvals")
        .map_or(Some(0), |value| integer("approvals", 0..=MOST_APPROVALS, value, errors));
    if let (Some(Expect::Refused { .. }), Some(value)) = (&expect, table.get("approvals")) {
        errors.at(&value.span(), "a refusal needs no approvals: leave them out");
    }
    let name = table.get("name").map(|value| line_of_text("name", value, errors));
    let (who, role) = (who?, role?.to_string());
    Some(Case {
        name: name.unwrap_or_else(|| Some(format!("{who} asks for {role}")))?,
        location: errors.source.location(&table.span),
        who,
        groups,
        unreachable,
        missing,
        password,
        role,
        duration,
        reason,
        ticket,
        time,
        zone,
        live,
        open: open.into_iter().collect(),
        approvals: approvals?,
        expect: expect?,
    })
}

fn read_expect(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Expect> {
    let written = text("expect", value, errors)?;
    if written == "granted" {
        return Some(Expect::Granted { by: None });
    }
    if written == "refused" {
        return Some(Expect::Refused { code: None });
    }
    if let Some(rule) = written.strip_prefix("granted by ") {
        return Some(Expect::Granted { by: Some(rule.to_string()) });
    }
    if let Some(code) = written.strip_prefix("refused ").filter(|code| POLICY_CODES.contains(code)) {
        return Some(Expect::Refused { code: Some(code.to_string()) });
    }
    let message = format!(
        "{written:?} says nothing to expect: write \"granted by RULE\" or \"refused CODE\", with one of the codes {}",
        POLICY_CODES.join(", ")
    );
    errors.at(&value.span(), message);
    None
}

/// Any text does: a role that is not there is never open.
fn take_role(name: &str) -> Result<String, String> {
    Ok(name.to_string())
}

fn read_live(value: &Value<'_>, errors: &mut Errors<'_>) -> Vec<(String, String)> {
    let mut live = Vec::new();
    for item in array("live", value, errors).unwrap_or_default() {
        let Some(table) = Table::open("a live grant", &["role", "rule"], item, errors) else { continue };
        let mut part = |key: &str| {
            let value = table.require(key, "\"…\"", errors)?;
            text(key, value, errors).map(ToString::to_string)
        };
        if let (Some(role), Some(rule)) = (part("role"), part("rule")) {
            live.push((role, rule));
        }
    }
    live
}
