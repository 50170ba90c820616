//! Reads a `[role.NAME]`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use toml::de::DeValue;

use super::keys::{Errors, Table, Value, array, boolean, text};
use super::names::{is_role_name, line_of_text};
use crate::policy::model::{Risk, Role};
use crate::policy::sudo_role::{
    Authenticate, Command, Commands, RunAs, SudoRole, SudoRoleError, WrittenCommands,
};

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
    let table = Table::open("a role", &["summary", "risk", "sudo"], value, errors)?;
    let summary = table
        .require("summary", "\"what it is for\"", errors)
        .and_then(|value| line_of_text("summary", value, errors));
    let risk = table.get("risk").map_or(Some(Risk::default()), |value| read_risk(value, errors));
    let example = "{ run_as = \"root\", password = false, commands = [[\"/usr/bin/id\"]] }";
    let sudo = table.require("sudo", example, errors).and_then(|value| read_sudo(value, errors));
    let location = errors.source.location(&table.span);
    Some(Role { name: name.to_string(), summary: summary?, risk: risk?, sudo: sudo?, location })
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
