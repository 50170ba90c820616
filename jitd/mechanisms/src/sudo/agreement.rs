//! One question to sudo: whether a person may run a command.
//!
//! Asked as root by `sudo -n -l -U USER -u RUNAS [-g GROUP] -- COMMAND ARGS`. Measured on sudo 1.9.13p3 (Debian 12), 1.9.16p2
//! (Debian 13) and sudo-rs 0.2.5 alike: allowed is exit 0 with the command on standard output, whether or not it
//! would ask for a password; not allowed is exit 1 with no output (sudo-rs has a sentence where the person has no rule
//! at all); an unknown user, run-as user or group is exit 1 with a sentence. A syntax error in some drop-in is printed
//! before either answer and does not change it.
//!
//! About a group the question names the person as run-as user as well. Without `-u`, sudo 1.9 takes root, who asks, for
//! the one who runs: 1.9.13p3 then says yes to what it refuses, 1.9.16p2 no to what it allows. Both releases still say
//! yes with it where an admin's later rule is bound to the group alone, `alice ALL=(:docker) !ALL`; running it is refused.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use jit_common::child::{self, Ended};

use super::probe::Sudo;

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

/// As whom a command would run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAs<'a> {
    /// As this account.
    Account(&'a str),
    /// As themselves, with this group.
    Group(&'a str),
}

/// Asks sudo whether `user` may run `argv` as `run_as`. Needs root.
///
/// `user` is an account name: neither sudo takes `#UID` here.
#[must_use]
pub fn ask(sudo: &Sudo, user: &str, run_as: RunAs<'_>, argv: &[&str], limit: Duration) -> Agreement {
    ask_program(sudo.program(), user, run_as, argv, limit)
}

fn ask_program(program: &Path, user: &str, run_as: RunAs<'_>, argv: &[&str], limit: Duration) -> Agreement {
    let mut words = vec!["-n", "-l", "-U", user];
    match run_as {
        RunAs::Account(account) => words.extend(["-u", account]),
        RunAs::Group(group) => words.extend(["-u", user, "-g", group]),
    }
    words.push("--");
    let args: Vec<&OsStr> = words.iter().chain(argv).map(OsStr::new).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let gone = ask_program(
            Path::new("/nonexistent/sudo"),
            "a",
            RunAs::Account("root"),
            &["/x"],
            Duration::from_secs(1),
        );
        assert!(matches!(gone, Agreement::Unclear { .. }));
    }
}
