//! Whether sudo itself says that a person may use a role: "granted" is only said when it does.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use jit_common::visudo::Flavour;
use jitd_core::policy::{Arguments, Authenticate, Command, Commands, SudoRole};

use super::agreement::{Agreement, RunAs, ask};
use super::defaults;
use super::probe::Sudo;

/// What stands for "every command" when a role gives them all, or a group.
const REPRESENTATIVES: [&str; 2] = ["/usr/bin/true", "/bin/true"];

/// What sudo was asked about: one part of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A command as the role's account.
    Command(Command),
    /// Every command as themselves, with the group of this name.
    Group(String),
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => command.fmt(f),
            Self::Group(name) => write!(f, "the group {name}"),
        }
    }
}

/// What sudo said about the commands and the groups of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleAgreement {
    /// Those the person may use.
    pub allowed: Vec<Asked>,
    /// Those the person may not, and what sudo said.
    pub refused: Vec<(Asked, String)>,
    /// Those it gave no answer about, and why.
    pub unclear: Vec<(Asked, String)>,
}

impl RoleAgreement {
    /// Whether sudo agrees to the whole role.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.allowed.is_empty() && self.refused.is_empty() && self.unclear.is_empty()
    }

    fn note(&mut self, asked: Asked, answer: Agreement) {
        match answer {
            Agreement::Agrees => self.allowed.push(asked),
            Agreement::Refuses { said } => self.refused.push((asked, said)),
            Agreement::Unclear { why } => self.unclear.push((asked, why)),
        }
    }

    /// Something holds for this person that spoils whatever sudo allows.
    fn spoil(&mut self, doubt: &Agreement) {
        for asked in std::mem::take(&mut self.allowed) {
            self.note(asked, doubt.clone());
        }
    }
}

/// Asks sudo about every command and every group of a role; each answer may take `limit`.
///
/// A command with any arguments is asked about without any; a role with every command, and a group, by
/// `/usr/bin/true`. One question more is what `Defaults` hold for the person, where that decides something.
#[must_use]
pub fn ask_role(
    sudo: &Sudo,
    user: &str,
    role: Option<&SudoRole>,
    groups: &[&str],
    limit: Duration,
) -> RoleAgreement {
    let mut answers = RoleAgreement::default();
    if let Some(role) = role {
        let run_as = RunAs::Account(role.run_as.as_str());
        for command in commands(role) {
            let answer = ask(sudo, user, run_as, &argv(&command), limit);
            answers.note(Asked::Command(command), answer);
        }
    }
    for group in groups {
        let answer = match representative() {
            Some(program) => ask(sudo, user, RunAs::Group(group), &[program], limit),
            None => Agreement::Unclear { why: format!("there is no {} to ask about", REPRESENTATIVES[0]) },
        };
        answers.note(Asked::Group((*group).to_owned()), answer);
    }
    let password = role.map_or(Authenticate::NotAsked, |role| role.password);
    if !answers.allowed.is_empty() && sudo.flavour() == Flavour::Classic {
        match defaults::ask(sudo, user, password, limit) {
            Agreement::Agrees => {}
            doubt @ (Agreement::Refuses { .. } | Agreement::Unclear { .. }) => answers.spoil(&doubt),
        }
    }
    answers
}

fn representative() -> Option<&'static str> {
    REPRESENTATIVES.into_iter().find(|path| Path::new(path).exists())
}

/// The commands to ask about.
fn commands(role: &SudoRole) -> Vec<Command> {
    match &role.commands {
        Commands::These(commands) => commands.clone(),
        Commands::All => {
            representative().and_then(|path| Command::new(&[path.to_owned()]).ok()).into_iter().collect()
        }
    }
}

fn argv(command: &Command) -> Vec<&str> {
    let arguments: &[String] = match command.arguments() {
        Arguments::Any => &[],
        Arguments::Exactly(arguments) => arguments,
    };
    std::iter::once(command.path()).chain(arguments.iter().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_nobody_was_asked_about_is_not_agreed_to() {
        assert!(!RoleAgreement::default().is_whole());
    }

    #[test]
    fn a_group_that_sudo_refuses_is_told_from_a_command() {
        let mut answers = RoleAgreement::default();
        let command = Command::new(&["/usr/bin/id".to_owned(), "-u".to_owned()]);
        answers.note(Asked::Group("docker".to_owned()), Agreement::Refuses { said: "no".to_owned() });
        if let Ok(command) = command {
            answers.note(Asked::Command(command), Agreement::Agrees);
        }
        let shown: Vec<String> =
            answers.refused.iter().map(|(asked, why)| format!("{asked}: {why}")).collect();
        assert_eq!(shown, ["the group docker: no"]);
        assert_eq!(answers.allowed.first().map(Asked::to_string).as_deref(), Some("/usr/bin/id -u"));
        answers.spoil(&Agreement::Refuses { said: "spoilt".to_owned() });
        assert!(answers.allowed.is_empty() && answers.refused.len() == 2);
    }
}
