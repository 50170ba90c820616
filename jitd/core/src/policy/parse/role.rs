//! Reads a `[role.NAME]`.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use toml::de::DeValue;

use super::keys::{Errors, Table, Value, array, boolean, no_more_than, text, transpose};
use super::names::{check_person_name, is_role_name, line_of_text, name_list};
use crate::policy::model::{Risk, Role};
use crate::policy::sudo_role::{
    Authenticate, Command, Commands, RunAs, SudoRole, SudoRoleError, WrittenCommands,
};

/// The most groups that one role gives.
const MOST_GROUPS: usize = 16;

/// Reads one role. `None` when something is wrong; then it has been noted.
pub(super) fn read(
    name: &str,
    name_span: &core::ops::Range<usize>,
    value: &Value<'_>,
    errors: &mut Errors<'_>,
) -> Option<Role> {
    if !is_role_name(name) {
        let message = format!(
            "{name:?} is no role name: up to 63 lower-case letters, digits, and . _ - after the first, as in web-restart"
        );
        errors.at(name_span, message);
    }
    let table = Table::open("a role", &["summary", "risk", "sudo", "groups"], value, errors)?;
    let summary = table
        .require("summary", "\"what it is for\"", errors)
        .and_then(|value| line_of_text("summary", value, errors));
    let risk = table.get("risk").map_or(Some(Risk::default()), |value| read_risk(value, errors));
    let sudo = table.get("sudo").map(|value| read_sudo(value, errors));
    let groups = table.get("groups").map(|value| read_groups(value, errors));
    if sudo.is_none() && groups.is_none() {
        let message = "a role gives something: write sudo = { run_as = \"root\", password = false, \
                       commands = [[\"/usr/bin/id\"]] }, or groups = [\"docker\"], or both";
        errors.at(&table.span, message);
        return None;
    }
    let location = errors.source.location(&table.span);
    Some(Role {
        name: name.to_string(),
        summary: summary?,
        risk: risk?,
        sudo: transpose(sudo)?,
        groups: groups.unwrap_or_default(),
        location,
    })
}

/// Reads the groups that a role gives. They have to be groups of this host, which is looked at elsewhere.
fn read_groups(value: &Value<'_>, errors: &mut Errors<'_>) -> BTreeSet<String> {
    let before = errors.found.len();
    let groups = name_list("groups", value, check_given_group, errors);
    if groups.is_empty() && errors.found.len() == before {
        errors.at(&value.span(), "groups is empty: name them, as in groups = [\"docker\"], or leave it out");
    }
    no_more_than(MOST_GROUPS, groups.len(), "groups of one role", &value.span(), errors);
    groups
}

/// Checks the name of a group that a role gives.
fn check_given_group(name: &str) -> Result<String, String> {
    if name == "root" {
        return Err(
            "the group root is never given: a role that needs the rights of root has sudo".to_string()
        );
    }
    check_person_name(name)
}

fn read_risk(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Risk> {
    match text("risk", value, errors)? {
        "low" => Some(Risk::Low),
        "medium" => Some(Risk::Medium),
        "high" => Some(Risk::High),
        other => {
            errors.at(&value.span(), format!("{other:?} is no risk: write \"low\", \"medium\" or \"high\""));
            None
        }
    }
}

fn read_sudo(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<SudoRole> {
    let table = Table::open("sudo", &["run_as", "password", "commands"], value, errors)?;
    let run_as = match table.get("run_as") {
        Some(value) => {
            text("run_as", value, errors).and_then(|name| errors.check(&value.span(), RunAs::new(name)))
        }
        None => errors.check(&table.span, RunAs::new("root")),
    };
    // Absent is the careful side: sudo asks.
    let password = match table.get("password") {
        None => Some(Authenticate::Asked),
        Some(value) => boolean("password", value, errors).map(|asked| match asked {
            true => Authenticate::Asked,
            false => Authenticate::NotAsked,
        }),
    };
    let commands = table
        .require("commands", "[[\"/usr/bin/systemctl\", \"restart\", \"nginx\"]], or \"ALL\"", errors)
        .and_then(|value| read_commands(value, errors));
    Some(SudoRole { run_as: run_as?, password: password?, commands: commands? })
}

fn read_commands(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Commands> {
    if let DeValue::String(word) = value.get_ref() {
        if word == "ALL" {
            return Some(Commands::All);
        }
        errors.at(
            &value.span(),
            "commands is a list of commands, or \"ALL\": write [[\"/usr/bin/id\"]]; a shell line is not taken",
        );
        return None;
    }
    let before = errors.found.len();
    let mut commands = Vec::new();
    for item in array("commands", value, errors)? {
        let Some(words) = read_words(item, errors) else { continue };
        // Each command is checked by itself first, so that the error stands at the command.
        if errors.check(&item.span(), Command::new(&words)).is_some() {
            if commands.contains(&words) {
                errors.at(&item.span(), "this command stands twice in the role: once is enough");
            }
            commands.push(words);
        }
    }
    if errors.found.len() > before {
        return None;
    }
    let commands: Result<Commands, SudoRoleError> = WrittenCommands::These(commands).try_into();
    errors.check(&value.span(), commands)
}

fn read_words(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<Vec<String>> {
    if let DeValue::String(line) = value.get_ref() {
        let message = format!(
            "a command is a list of words, not one string: write [{}]",
            line.split_whitespace().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
        );
        errors.at(&value.span(), message);
        return None;
    }
    let items = array("a command", value, errors)?;
    items.into_iter().map(|item| text("a word of a command", item, errors).map(ToString::to_string)).collect()
}
