//! What names and short texts in a policy may look like.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};

use jit_common::escape::is_plain;

use super::keys::{Errors, Table, Value, array, no_more_than, text};
use crate::policy::model::Subjects;

/// The longest name of a rule, summary or prompt, in characters.
const LONGEST_LINE: usize = 200;
/// The most names in one list.
const MOST_NAMES: usize = 1000;

/// Whether a text is a role name: `[a-z0-9][a-z0-9._-]{0,62}`.
pub(in crate::policy) fn is_role_name(name: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 63
        && name.as_bytes().first().is_some_and(alphanumeric)
        && name.as_bytes().iter().all(|byte| alphanumeric(byte) || b"._-".contains(byte))
}

/// One line of text for people: not empty, not long, nothing in it that acts on a terminal.
pub(in crate::policy) fn line_of_text(
    what: &str,
    value: &Value<'_>,
    errors: &mut Errors<'_>,
) -> Option<String> {
    let line = text(what, value, errors)?;
    let complaint = if line.trim().is_empty() {
        format!("{what} is empty: write a few words")
    } else if line.chars().count() > LONGEST_LINE {
        format!("{what} is longer than {LONGEST_LINE} characters: shorten it")
    } else if let Some(bad) = line.chars().find(|c| !is_plain(*c)) {
        format!("{what} holds {bad:?}: write it on one line, without control characters")
    } else {
        return Some(line.to_string());
    };
    errors.at(&value.span(), complaint);
    None
}

/// Checks the name of an account or a group, as the account database would have it.
///
/// # Errors
/// A sentence that says what is wrong with the name.
pub(in crate::policy) fn check_person_name(name: &str) -> Result<String, String> {
    let wrong_character = |c: char| !is_plain(c) || ":,/".contains(c);
    if name.is_empty() || name.len() > 256 || name.trim() != name || name.contains(wrong_character) {
        Err(format!("{name:?} is no name of an account or a group"))
    } else if name.starts_with(['%', '@', '#', '+', '!']) {
        Err(format!(
            "{name:?} begins with a sign: write the plain name; groups have a list of their own (groups = [ … ])"
        ))
    } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
        Err(format!("{name:?} is a number: write the name of the account or group"))
    } else {
        Ok(name.to_string())
    }
}

/// Takes a value as a list of distinct names, each checked.
pub(in crate::policy) fn name_list(
    what: &str,
    value: &Value<'_>,
    check: fn(&str) -> Result<String, String>,
    errors: &mut Errors<'_>,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(items) = array(what, value, errors) else { return names };
    no_more_than(MOST_NAMES, items.len(), "names", &value.span(), errors);
    for item in items {
        let Some(name) = text("a name", item, errors) else { continue };
        if let Some(name) = errors.check(&item.span(), check(name))
            && !names.insert(name.clone())
        {
            errors.at(&item.span(), format!("{name:?} stands twice in {what}: once is enough"));
        }
    }
    names
}

/// Takes a value as `{ users = [ … ], groups = [ … ] }` that names somebody.
pub(super) fn subjects(what: &'static str, value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Subjects> {
    let before = errors.found.len();
    let table = Table::open(what, &["users", "groups"], value, errors)?;
    let mut list = |key: &str| {
        table.get(key).map_or_else(BTreeSet::new, |value| name_list(key, value, check_person_name, errors))
    };
    let subjects = Subjects { users: list("users"), groups: list("groups") };
    if subjects == Subjects::default() && errors.found.len() == before {
        errors.at(&value.span(), format!("{what} names nobody: write {what} = {{ groups = [\"oncall\"] }}"));
    }
    Some(subjects)
}
