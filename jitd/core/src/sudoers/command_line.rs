//! What somebody had sudo run, by sudo's own command line (sudo(8)).

use alloc::vec::Vec;

use super::standing::name_of;
use crate::policy::{Arguments, Commands, Gives};

/// Options of one letter that take a word.
const WITH_A_WORD: &str = "aCcDghpRrTtUu";

/// Options of one letter that stand alone.
const ALONE: &str = "ABbEHknNPS";

/// Long options that stand alone, or hold their word behind `=`.
const LONG: [&str; 8] = [
    "--askpass",
    "--bell",
    "--background",
    "--preserve-env",
    "--set-home",
    "--no-update",
    "--non-interactive",
    "--stdin",
];

/// Long options that take a word, behind `=` or as the next one.
const LONG_WITH_A_WORD: [&str; 10] = [
    "--auth-type",
    "--close-from",
    "--login-class",
    "--chdir",
    "--group",
    "--prompt",
    "--chroot",
    "--role",
    "--command-timeout",
    "--user",
];

/// The command of a command line of sudo, its arguments behind it. `None` for a shell, for `sudoedit`, and for what is not
/// understood.
#[must_use]
pub fn command<'a>(line: &[&'a str]) -> Option<Vec<&'a str>> {
    let (sudo, mut rest) = line.split_first()?;
    // Any other name is the caller's choice (execve(2)), and sudo does not look at it.
    if name_of(sudo) == "sudoedit" {
        return None;
    }
    while let Some((word, after)) = rest.split_first() {
        rest = match *word {
            "--" => {
                rest = after;
                break;
            }
            long if long.starts_with("--") => {
                let name = long.split_once('=').map_or(long, |(name, _)| name);
                match (is_short_for(name, &LONG), is_short_for(name, &LONG_WITH_A_WORD)) {
                    (true, _) => after,
                    (false, true) if name.len() < long.len() => after,
                    (false, true) => after.get(1..)?,
                    (false, false) => return None,
                }
            }
            letters if letters.starts_with('-') && letters.len() > 1 => behind_letters(letters, after)?,
            word if is_assignment(word) => after,
            _ => break,
        };
    }
    let skip = rest.iter().take_while(|word| is_assignment(word)).count();
    let command: Vec<&str> = rest.get(skip..)?.to_vec();
    (!command.is_empty()).then_some(command)
}

/// Whether an option is one of these or begins one (getopt_long(3)). What could be several is none to sudo, which has ended then.
fn is_short_for(name: &str, these: &[&str]) -> bool {
    name.len() > 2 && these.iter().any(|long| long.starts_with(name))
}

/// A value for the environment of the command, `NAME=value`.
fn is_assignment(word: &str) -> bool {
    word.contains('=') && !word.starts_with(['/', '='])
}

/// What is left behind `-nu`, whose last letter may take the next word.
fn behind_letters<'a, 'b>(letters: &str, after: &'b [&'a str]) -> Option<&'b [&'a str]> {
    let mut letters = letters.strip_prefix('-')?.chars();
    while let Some(letter) = letters.next() {
        if WITH_A_WORD.contains(letter) {
            return if letters.as_str().is_empty() { after.get(1..) } else { Some(after) };
        }
        if !ALONE.contains(letter) {
            return None;
        }
    }
    Some(after)
}

/// How well a grant explains that somebody runs something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fits {
    /// It is not for becoming this account.
    No,
    /// It is for becoming this account.
    Target,
    /// It is for this command as well.
    Command,
}

/// How well what a grant gives explains that `person` became `target` with `command`; `None` when that is not known.
///
/// A program is told by the last part of its path: sudo has let it through, and only which rule it was is asked here.
#[must_use]
pub fn fits(gives: &Gives, person: &str, target: &str, command: Option<&[&str]>) -> Fits {
    // With a group for a while, people run anything as themselves.
    if !gives.groups.is_empty() && target == person {
        return Fits::Command;
    }
    let Some(role) = gives.sudo.as_ref().filter(|role| role.run_as.as_str() == target) else {
        return Fits::No;
    };
    let these = match &role.commands {
        Commands::All => return Fits::Command,
        Commands::These(these) => these,
    };
    let Some((program, arguments)) = command.and_then(|words| words.split_first()) else {
        return Fits::Target;
    };
    let meant = these.iter().any(|allowed| {
        name_of(allowed.path()) == name_of(program)
            && match allowed.arguments() {
                Arguments::Any => true,
                Arguments::Exactly(exactly) => exactly == arguments,
            }
    });
    if meant { Fits::Command } else { Fits::Target }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use alloc::string::ToString;

    use super::*;
    use crate::policy::{Authenticate, Command, GroupRef, RunAs, SudoRole};

    #[test]
    fn the_command_stands_behind_the_options() {
        for (line, found) in [
            ("sudo id", Some("id")),
            ("/usr/bin/sudo -n id -u", Some("id -u")),
            ("sudo -nu root /usr/bin/id -n", Some("/usr/bin/id -n")),
            ("sudo -uroot id", Some("id")),
            ("sudo -u root -- id", Some("id")),
            ("sudo -u root A=b -- X=/y id Z=1", Some("id Z=1")),
            ("sudo --user root --preserve-env=HOME id", Some("id")),
            ("sudo --user=root --non-interactive id", Some("id")),
            ("sudo -g docker -p x: id", Some("id")),
            ("sudo", None),
            ("sudo -u", None),
            ("sudo -i", None),
            ("sudo -s id", None),
            ("sudo -ns id", None),
            ("sudo -e /etc/motd", None),
            ("sudoedit /etc/motd", None),
            ("sudo --login", None),
            ("sudo --new-option x id", None),
            ("x -n id", Some("id")),
            ("sudo --us root --non-inter id", Some("id")),
            ("sudo --us=root id", Some("id")),
            ("./sudoedit x", None),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let command = command(&words).map(|words| words.join(" "));
            assert_eq!(command.as_deref(), found, "{line}");
        }
        assert_eq!(command(&[]), None);
    }

    fn role(commands: Commands) -> Gives {
        let sudo =
            SudoRole { run_as: RunAs::new("root").unwrap(), password: Authenticate::NotAsked, commands };
        Gives { sudo: Some(sudo), groups: Vec::new() }
    }

    #[test]
    fn a_grant_fits_by_target_and_then_by_command() {
        let words = |line: &str| line.split(' ').map(ToString::to_string).collect::<Vec<_>>();
        let these = ["/usr/bin/id", "/usr/bin/systemctl restart nginx", "/usr/bin/ls ..."];
        let these: Vec<Command> = these.iter().map(|line| Command::new(&words(line)).unwrap()).collect();
        let (these, all) = (role(Commands::These(these)), role(Commands::All));
        for (target, command, fit) in [
            ("root", Some("id"), Fits::Command),
            ("root", Some("/bin/id"), Fits::Command),
            ("root", Some("id -u"), Fits::Target),
            ("root", Some("systemctl restart nginx"), Fits::Command),
            ("root", Some("systemctl stop nginx"), Fits::Target),
            ("root", Some("ls -l /"), Fits::Command),
            ("root", None, Fits::Target),
            ("bin", Some("id"), Fits::No),
        ] {
            let words: Option<Vec<&str>> = command.map(|line| line.split(' ').collect());
            assert_eq!(fits(&these, "alice", target, words.as_deref()), fit, "{target} {command:?}");
        }
        assert_eq!(fits(&all, "alice", "root", None), Fits::Command);
        let group = Gives { sudo: None, groups: alloc::vec![GroupRef { gid: 7, name: "docker".into() }] };
        assert_eq!(fits(&group, "alice", "alice", None), Fits::Command);
        assert_eq!(fits(&group, "alice", "root", None), Fits::No);
    }
}
