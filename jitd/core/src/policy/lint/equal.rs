//! Whether a role is equal to root, and by which command or group.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::groups;
use super::programs::{self, When};
use crate::policy::model::Role;
use crate::policy::sudo_role::{Arguments, Command, Commands, SudoRole};

/// Why a role is equal to root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EqualToRoot {
    /// The command or the group, as shown to people.
    pub by: String,
    /// How it leads to root, in a phrase.
    pub why: String,
}

impl fmt::Display for EqualToRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.by, self.why)
    }
}

/// Everything in a role that leads to root: commands that run as root, and groups. What runs as another account is not
/// looked at.
#[must_use]
pub fn equal_to_root(role: &Role) -> Vec<EqualToRoot> {
    let mut ways = role.sudo.as_ref().map_or_else(Vec::new, ways_by_sudo);
    ways.extend(role.groups.iter().filter_map(|group| {
        groups::way_to_root(group)
            .map(|why| EqualToRoot { by: format!("the group {group}"), why: why.to_string() })
    }));
    ways
}

fn ways_by_sudo(role: &SudoRole) -> Vec<EqualToRoot> {
    if role.run_as.as_str() != "root" {
        return Vec::new();
    }
    match &role.commands {
        Commands::All => {
            alloc::vec![EqualToRoot { by: "ALL".to_string(), why: "every command there is".to_string() }]
        }
        Commands::These(commands) => commands
            .iter()
            .filter_map(|command| {
                way_to_root(command).map(|why| EqualToRoot { by: command.to_string(), why: why.to_string() })
            })
            .collect(),
    }
}

fn way_to_root(command: &Command) -> Option<&'static str> {
    let path = command.path();
    if programs::OPEN_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        return Some("it lies where people other than root write files");
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    match programs::plain_name(name) {
        "systemctl" => systemctl(command.arguments()),
        "journalctl" => pager(command.arguments()),
        plain if programs::PACKAGE_MANAGERS.contains(&plain) => package_manager(command.arguments()),
        plain => programs::KNOWN
            .iter()
            .find(|known| known.names.contains(&plain) || known.names.contains(&name))
            .filter(|known| applies(known.when, command.arguments()))
            .map(|known| known.why),
    }
}

fn applies(when: When, arguments: &Arguments) -> bool {
    match (when, arguments) {
        (When::Always, _) | (_, Arguments::Any) => true,
        (When::AnyArguments, Arguments::Exactly(_)) => false,
        // With a script of root's to run, or a command to run, a shell is no more than that script.
        (When::WithoutScript, Arguments::Exactly(arguments)) => !arguments
            .iter()
            .any(|argument| argument.starts_with('/') || argument == "-c" || argument == "-e"),
    }
}

const PAGER: &str = "it opens a pager, and a pager runs a shell for whoever types !sh: add --no-pager";

fn pager(arguments: &Arguments) -> Option<&'static str> {
    match arguments {
        Arguments::Exactly(arguments) if arguments.iter().any(|argument| argument == "--no-pager") => None,
        Arguments::Exactly(_) | Arguments::Any => Some(PAGER),
    }
}

fn systemctl(arguments: &Arguments) -> Option<&'static str> {
    let Arguments::Exactly(words) = arguments else {
        return Some("with any arguments it edits, links and starts any unit");
    };
    let verb = words.iter().find(|word| !word.starts_with('-')).map_or("list-units", String::as_str);
    match verb {
        "edit" => Some("it opens an editor, and an editor runs a shell"),
        "status" | "show" | "cat" | "help" | "log" => pager(arguments),
        verb if verb.starts_with("list-") => pager(arguments),
        _ => None,
    }
}

fn package_manager(arguments: &Arguments) -> Option<&'static str> {
    let harmless = ["update", "makecache", "check-update", "refresh", "list", "search", "info", "check"];
    match arguments {
        Arguments::Exactly(words)
            if words
                .iter()
                .find(|word| !word.starts_with('-'))
                .is_some_and(|verb| harmless.contains(&verb.as_str())) =>
        {
            None
        }
        Arguments::Exactly(_) | Arguments::Any => {
            Some("a package manager runs the scripts of packages as root, and its questions offer a shell")
        }
    }
}
