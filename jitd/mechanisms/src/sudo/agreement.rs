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
    let asks = role.password == Authenticate::Asked && sudo.flavour() == Flavour::Classic;
    if asks
        && !answers.allowed.is_empty()
        && let Some(why) = remembers(sudo, user, limit)
    {
        let allowed = std::mem::take(&mut answers.allowed);
        answers.refused.extend(allowed.into_iter().map(|command| (command, why.clone())));
    }
    answers
}

/// Why sudo would not ask for the password each time, if that is so. In sudoers the last `timestamp_timeout` wins, and an
/// admin's may stand behind ours; then a cached password outlives the question, and perhaps the grant.
fn remembers(sudo: &Sudo, user: &str, limit: Duration) -> Option<String> {
    let said = match child::run(sudo.program(), &["-n", "-l", "-U", user], limit) {
        Ok(Ended::Exited { output, .. }) => output,
        Ok(Ended::TimedOut { .. }) | Err(_) => String::new(),
    };
    match last_timeout(&said) {
        Some("0") => None,
        Some(minutes) => Some(format!(
            "this host's sudoers has timestamp_timeout={minutes} behind the grants, so sudo would remember the password; \
             move it before the line that includes /etc/sudoers.d/00-jit"
        )),
        None => Some("sudo does not say for how long it remembers a password".to_owned()),
    }
}

/// The last `timestamp_timeout` in what `sudo -l` says.
fn last_timeout(said: &str) -> Option<&str> {
    let value = said.rsplit_once("timestamp_timeout=")?.1;
    value.split([',', '\n', ' ']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_timeout_is_the_one_that_counts() {
        let said = "Matching Defaults entries for alice on web1:\n    env_reset, timestamp_timeout=0,\n    \
                    secure_path=/usr/sbin\\:/usr/bin, timestamp_timeout=60\n\nUser alice may run:\n";
        assert_eq!(last_timeout(said), Some("60"));
        assert_eq!(last_timeout(&said.replace("60", "0")), Some("0"));
        assert_eq!(last_timeout("User alice is not allowed to run sudo on web1.\n"), None);
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
