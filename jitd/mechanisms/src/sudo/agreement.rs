//! Whether sudo itself says that a person may run a command: "granted" is only said when it does.
//!
//! Asked as root by `sudo -n -l -U USER -u RUNAS -- COMMAND ARGS`. Measured on sudo 1.9.13p3 (Debian 12), 1.9.16p2
//! (Debian 13) and sudo-rs 0.2.5 alike: allowed is exit 0 with the command on standard output, whether or not it
//! would ask for a password; not allowed is exit 1 with no output (sudo-rs has a sentence where the person has no rule
//! at all); an unknown user or run-as user is exit 1 with a sentence. A syntax error in some drop-in is printed before
//! either answer and does not change it.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use jit_common::child::{self, Ended};
use jit_common::visudo::Flavour;
use jitd_core::policy::{Arguments, Authenticate, Command, Commands, SudoRole};

use super::probe::Sudo;

/// What stands for "every command" when a role gives them all.
const REPRESENTATIVES: [&str; 2] = ["/usr/bin/true", "/bin/true"];

/// What sudo said about one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The person may run it.
    Agrees,
    /// The person may not.
    Refuses {
        /// sudo's own line, or what its silence means.
        said: String,
    },
    /// It did not answer; that is neither a yes nor a no, and nothing to remember.
    Unclear {
        /// Why.
        why: String,
    },
}

/// What sudo said about the commands of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleAgreement {
    /// Those the person may run.
    pub allowed: Vec<Command>,
    /// Those the person may not, and what sudo said.
    pub refused: Vec<(Command, String)>,
    /// Those it gave no answer about, and why.
    pub unclear: Vec<(Command, String)>,
}

impl RoleAgreement {
    /// Whether sudo agrees to the whole role.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.allowed.is_empty() && self.refused.is_empty() && self.unclear.is_empty()
    }
}

/// Asks sudo whether `user` may run `argv` as `run_as`. Needs root.
///
/// `user` is an account name: neither sudo takes `#UID` here.
#[must_use]
pub fn ask(sudo: &Sudo, user: &str, run_as: &str, argv: &[&str], limit: Duration) -> Agreement {
    ask_program(sudo.program(), user, run_as, argv, limit)
}

fn ask_program(program: &Path, user: &str, run_as: &str, argv: &[&str], limit: Duration) -> Agreement {
    let options = ["-n", "-l", "-U", user, "-u", run_as, "--"];
    let args: Vec<&OsStr> = options.iter().chain(argv).map(OsStr::new).collect();
    match child::run(program, &args, limit) {
        Ok(Ended::Exited { status, output }) => answer(status.code(), &output),
        Ok(Ended::TimedOut { .. }) => {
            Agreement::Unclear { why: format!("sudo did not answer within {} ms", limit.as_millis()) }
        }
        Err(why) => Agreement::Unclear { why: format!("{} could not be run: {why}", program.display()) },
    }
}

fn answer(code: Option<i32>, output: &str) -> Agreement {
    // Complaints about some drop-in come first and are not the answer.
    let own = |line: &&str| line.starts_with("sudo: ") || line.starts_with("sudo-rs: ");
    let said = output.lines().map(str::trim).find(own);
    match code {
        Some(0) => Agreement::Agrees,
        Some(1) => {
            let silent = "sudo says that this person may not run it";
            Agreement::Refuses { said: said.unwrap_or(silent).to_owned() }
        }
        Some(code) => {
            Agreement::Unclear { why: format!("sudo exited with {code}: {}", said.unwrap_or("silently")) }
        }
        None => Agreement::Unclear { why: "sudo was killed by a signal".to_owned() },
    }
}

/// Asks sudo about every command of a role; each answer may take `limit`.
///
/// A command with any arguments is asked about without any; a role with every command by `/usr/bin/true`.
#[must_use]
pub fn ask_role(sudo: &Sudo, user: &str, role: &SudoRole, limit: Duration) -> RoleAgreement {
    let mut answers = RoleAgreement::default();
    let representative;
    let commands = match &role.commands {
        Commands::These(commands) => commands.as_slice(),
        Commands::All => {
            representative = REPRESENTATIVES
                .iter()
                .filter(|path| Path::new(path).exists())
                .filter_map(|path| Command::new(&[(*path).to_owned()]).ok())
                .take(1)
                .collect::<Vec<_>>();
            representative.as_slice()
        }
    };
    for command in commands {
        let mut argv = vec![command.path()];
        match command.arguments() {
            Arguments::Any => {}
            Arguments::Exactly(arguments) => argv.extend(arguments.iter().map(String::as_str)),
        }
        match ask(sudo, user, role.run_as.as_str(), &argv, limit) {
            Agreement::Agrees => answers.allowed.push(command.clone()),
            Agreement::Refuses { said } => answers.refused.push((command.clone(), said)),
            Agreement::Unclear { why } => answers.unclear.push((command.clone(), why)),
        }
    }
    if role.password == Authenticate::Asked
        && sudo.flavour() == Flavour::Classic
        && !answers.allowed.is_empty()
        && let Err(doubt) = asks_each_time(sudo, user, limit)
    {
        let allowed = std::mem::take(&mut answers.allowed).into_iter();
        match doubt {
            Agreement::Refuses { said } => {
                answers.refused.extend(allowed.map(|command| (command, said.clone())))
            }
            Agreement::Unclear { why } => {
                answers.unclear.extend(allowed.map(|command| (command, why.clone())))
            }
            Agreement::Agrees => answers.allowed.extend(allowed),
        }
    }
    answers
}

/// Whether sudo asks this person for the password each time. In sudoers the last `timestamp_timeout` wins, and an admin's
/// may stand behind ours; then a cached password outlives the question, and perhaps the grant.
fn asks_each_time(sudo: &Sudo, user: &str, limit: Duration) -> Result<(), Agreement> {
    let unclear =
        |why: &str| Agreement::Unclear { why: format!("sudo does not say what defaults hold: {why}") };
    match child::run(sudo.program(), &["-n", "-l", "-U", user], limit) {
        Ok(Ended::Exited { status, output }) if status.success() => {
            remembers(&output).map_or(Ok(()), |said| Err(Agreement::Refuses { said }))
        }
        Ok(Ended::Exited { .. }) => Err(unclear("it failed")),
        Ok(Ended::TimedOut { .. }) => Err(unclear("it took too long")),
        Err(why) => Err(unclear(&why.to_string())),
    }
}

/// Why sudo would not ask each time, by what `sudo -l` says of the person's defaults; `None` when it would.
///
/// The first paragraph has the defaults that hold, and the last of a kind wins; the second those bound to a command or
/// to the account that it runs as.
fn remembers(said: &str) -> Option<String> {
    const TIMEOUT: &str = "timestamp_timeout=";
    let value = |text: &str| text.split([',', '\n', ' ']).next().map(str::to_owned);
    let paragraph = |title: &str| said.split("\n\n").find(|text| text.trim_start().starts_with(title));
    let holding = paragraph("Matching Defaults entries for").unwrap_or_default();
    let bound = paragraph("Runas and Command-specific defaults for").unwrap_or_default();
    let last = holding.rsplit_once(TIMEOUT).and_then(|(_, rest)| value(rest));
    let elsewhere = bound.split(TIMEOUT).skip(1).filter_map(value).find(|value| value != "0");
    if holding.contains("exempt_group=") {
        return Some(
            "this host's sudoers has exempt_group, whose members sudo never asks for a password".into(),
        );
    }
    match last.filter(|last| last != "0").or(elsewhere) {
        Some(minutes) => Some(format!(
            "this host's sudoers has timestamp_timeout={minutes} beside the grants, so sudo would remember the password; \
             put it before the line that includes /etc/sudoers.d, or bind it to other people"
        )),
        None if holding.contains(TIMEOUT) => None,
        None => Some("sudo does not take over that the password is asked for each time".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_timeout_that_holds_is_the_one_that_counts() {
        let ours = "Matching Defaults entries for alice on web1:\n    env_reset, timestamp_timeout=0,\n    use_pty\n\n";
        let may = "User alice may run the following commands on web1:\n    (root) PASSWD: NOSETENV: ALL\n";
        let bound =
            "Runas and Command-specific defaults for alice:\n    Defaults!/usr/bin/x timestamp_timeout=";
        let with = |middle: &str| remembers(&format!("{ours}{middle}{may}"));
        assert_eq!(with(""), None);
        assert_eq!(with(&format!("{bound}0\n\n")), None);
        assert!(with(&format!("{bound}5\n\n")).is_some_and(|why| why.contains("timestamp_timeout=5")));
        let later = ours.replace("use_pty", "timestamp_timeout=60");
        let hidden = remembers(&format!("{later}{bound}0\n\n{may}"));
        assert!(hidden.is_some_and(|why| why.contains("timestamp_timeout=60")), "a bound one hides nothing");
        assert!(remembers(&ours.replace("use_pty", "exempt_group=wheel")).is_some());
        assert!(remembers("User alice is not allowed to run sudo on web1.\n").is_some());
    }

    #[test]
    fn only_an_exit_of_zero_is_a_yes() {
        assert_eq!(answer(Some(0), "/etc/sudoers.d/zz:1:13: syntax error\n/usr/bin/id\n"), Agreement::Agrees);
        assert!(matches!(answer(Some(1), ""), Agreement::Refuses { said } if said.contains("may not")));
        let unknown = answer(Some(1), "sudo: unknown user nosuch\n");
        assert_eq!(unknown, Agreement::Refuses { said: "sudo: unknown user nosuch".into() });
        let behind = answer(Some(1), "/etc/sudoers.d/zz:1:13: syntax error\ngarbage here\n");
        assert!(
            matches!(behind, Agreement::Refuses { said } if said.contains("may not")),
            "not its complaint"
        );
        assert!(matches!(answer(Some(127), "x"), Agreement::Unclear { .. }));
        assert!(matches!(answer(None, ""), Agreement::Unclear { .. }));
    }

    #[test]
    fn a_sudo_that_cannot_be_run_is_no_answer() {
        let gone = ask_program(Path::new("/nonexistent/sudo"), "a", "root", &["/x"], Duration::from_secs(1));
        assert!(matches!(gone, Agreement::Unclear { .. }));
    }

    #[test]
    fn a_role_that_nobody_was_asked_about_is_not_agreed_to() {
        assert!(!RoleAgreement::default().is_whole());
    }
}
