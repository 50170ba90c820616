//! Looks whether a command can run with a role at all, before anybody is bothered with the request.

use std::ffi::{OsStr, OsString};

use jit_common::request::Request;
use jit_common::response::{GivesView, Response, RoleView};

use super::program::{self, Program, Way};
use crate::call::Daemon;
use crate::exit;
use crate::failure::Failure;

/// What is known of a command before a role is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beforehand {
    /// Nothing stands against it that could be seen from here.
    Ask,
    /// The same, and the person should know this.
    AskAndSay(String),
    /// It could never run: why, and the code to end with.
    Never(String, u8),
}

/// Asks jitd what the role gives, and looks at the command. A role that jitd does not show, or cannot carry, is left to
/// jitd: its refusal says why.
///
/// # Errors
///
/// jitd gave no answer. Nothing was asked for then.
pub(super) fn look(
    role: &str,
    program: &Program,
    args: &[OsString],
    daemon: &Daemon,
) -> Result<Beforehand, Failure> {
    // A refusal here is one of the request itself as well, which shows it in full.
    let Response::Roles(roles) = daemon.ask(&Request::Roles)? else { return Ok(Beforehand::Ask) };
    let carried = |one: &&RoleView| one.name == role && one.disabled.is_empty();
    let path = std::env::var_os("PATH");
    Ok(match roles.iter().find(carried) {
        Some(found) => judge(role, &found.gives, program, args, path.as_deref()),
        None => Beforehand::Ask,
    })
}

fn judge(
    role: &str,
    gives: &GivesView,
    program: &Program,
    args: &[OsString],
    path: Option<&OsStr>,
) -> Beforehand {
    let Some(way) = program.way(gives, args) else {
        let why = not_in_role(role, gives, program, args);
        return Beforehand::Never(format!("{why}; nothing was asked for"), exit::OURS);
    };
    let found = match &way {
        Way::Account { program, .. } => program::is_somewhere(program, path),
        Way::Group { .. } => program::is_somewhere(program.name(), path),
    };
    if let Err(why) = found {
        return Beforehand::Never(format!("{why}; nothing was asked for"), exit::NOT_FOUND);
    }
    match (way, &gives.sudo) {
        (Way::Group { group }, Some(_)) => Beforehand::AskAndSay(format!(
            "{} is not among the role's sudo commands, so it runs as you with group {group}",
            program::typed(program.name(), args)
        )),
        (Way::Group { .. } | Way::Account { .. }, _) => Beforehand::Ask,
    }
}

/// That a role does not allow a command, and what it allows.
pub(super) fn not_in_role(role: &str, gives: &GivesView, program: &Program, args: &[OsString]) -> String {
    let allowed = gives.sudo.as_ref().map_or_else(String::new, |sudo| sudo.commands.join(", "));
    let typed = program::typed(program.name(), args);
    format!("{typed} is not in the role {role}, which allows: {allowed}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a failed assumption is a failed test")]
    use jit_common::response::SudoView;

    use super::*;
    use crate::show::samples;

    fn seen(gives: &GivesView, word: &str) -> Beforehand {
        judge("web", gives, &Program::Word(word.into()), &[], None)
    }

    fn sudo(command: &str) -> Option<SudoView> {
        Some(SudoView { commands: vec![command.to_owned()], ..samples::sudo() })
    }

    #[test]
    fn what_the_role_does_not_allow_is_not_asked_for() {
        let gives = GivesView { sudo: sudo("/bin/sh"), groups: vec![] };
        assert_eq!(seen(&gives, "sh"), Beforehand::Ask);
        let Beforehand::Never(why, code) = seen(&gives, "ls") else { panic!("ls is not in the role") };
        assert_eq!(code, exit::OURS);
        assert_eq!(why, "ls is not in the role web, which allows: /bin/sh; nothing was asked for");
    }

    #[test]
    fn what_is_nowhere_is_not_asked_for() {
        let of_group = samples::gives_docker();
        let all = GivesView { sudo: sudo("ALL"), groups: vec![] };
        let gone = GivesView { sudo: sudo("/usr/bin/jit-no-such-program"), groups: vec![] };
        for gives in [&of_group, &all, &gone] {
            let Beforehand::Never(why, code) = seen(gives, "jit-no-such-program") else {
                panic!("there is no such program")
            };
            assert_eq!(code, exit::NOT_FOUND);
            assert!(why.contains("jit-no-such-program was not found"), "{why}");
            assert!(why.ends_with("; nothing was asked for"), "{why}");
        }
        assert_eq!(seen(&of_group, "sh"), Beforehand::Ask, "where sudo looks");
        assert_eq!(seen(&all, "sh"), Beforehand::Ask);
    }

    #[test]
    fn of_a_role_with_both_it_says_by_which_it_runs() {
        let gives = GivesView { sudo: sudo("/bin/true"), ..samples::gives_docker() };
        assert_eq!(seen(&gives, "true"), Beforehand::Ask);
        let Beforehand::AskAndSay(what) = seen(&gives, "sh") else { panic!("sh runs with the group") };
        assert_eq!(what, "sh is not among the role's sudo commands, so it runs as you with group docker");
    }
}
