//! What stands on the command line. Only its shape; what it means is decided in `intent`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use jit_common::duration::GrantDuration;
use jit_common::ids::{IdPrefix, RequestId};
use jit_common::paths;

use crate::exit::{self, Exit};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "jitctl",
    version,
    about = "Ask for a privilege, give it back, and see who has what and why",
    long_about = "Ask for a privilege, give it back, and see who has what and why.\n\n\
        Without a command it shows your grants. Ids may be shortened as long as they stay unique.",
    after_help = exit_table(),
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Answer in JSON, with names and forms that stay
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Where jitd listens
    #[arg(long, global = true, value_name = "PATH", default_value = paths::SOCKET)]
    pub(crate) socket: PathBuf,
    /// How long to wait for an answer of jitd
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s")]
    pub(crate) timeout: GrantDuration,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for a role, and with COMMAND run it through sudo and give the role back when it ends
    ///
    /// Without ROLE it shows the roles you may ask for, and how. When people have to approve, it waits for them; ^C leaves
    /// the request open.
    Elevate(Elevate),
    /// Ask for more time for a grant that is live
    Extend(Extend),
    /// Show your grants, what waits for you, and the state of jitd
    Status,
    /// Compare the host with the record now (auditors, operators and root)
    Drift,
    /// Show the roles you may ask for, and how
    Roles,
    /// Show how a request would be decided, rule by rule, without making it
    Explain(Explain),
    /// Show open requests: those that wait for you, yours, and the others that you may see
    Pending,
    /// Approve a request: look at it first with `show`
    Approve(Approve),
    /// Deny a request, which closes it
    Deny {
        /// The id of the request, or its beginning
        id: IdPrefix,
        /// Why, for the record and for who asked
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
    /// Wait for an open request of yours again, as `elevate` does
    Wait {
        /// Which one, by id or role; not needed when you have only one
        #[arg(value_name = "ID|ROLE")]
        which: Option<String>,
    },
    /// Take an open request of yours back
    Cancel {
        /// The id of the request, or its beginning
        id: IdPrefix,
    },
    /// Show the whole story of one request: what it changes on this host, why, and what came of it
    Show {
        /// The id of a request, or its beginning
        id: IdPrefix,
    },
    /// Become a program that runs with a grant: what `elevate ROLE -- COMMAND` starts
    #[command(hide = true)]
    RunWith(RunWith),
    /// Give a grant of yours back
    Drop(Drop),
    /// Take grants away from others (operators and root)
    Revoke(Revoke),
    /// Throw the kill switch: no new grants until `unlock` (operators and root)
    Lock {
        /// End every live grant as well
        #[arg(long)]
        revoke: bool,
        #[command(flatten)]
        note: Note,
    },
    /// Release the kill switch (operators and root)
    Unlock {
        #[command(flatten)]
        note: Note,
    },
    /// Read the record
    Log(Log),
    /// Check and test a policy, without jitd and without root
    #[command(subcommand)]
    Policy(Policy),
}

/// `elevate`.
#[derive(Debug, Args)]
pub(crate) struct Elevate {
    /// The role
    pub(crate) role: Option<String>,
    #[command(flatten)]
    pub(crate) terms: Terms,
    /// Do not wait for people to approve: end with code 4 while the request is open
    #[arg(long, requires = "role", conflicts_with = "command")]
    pub(crate) no_wait: bool,
    /// Run this through sudo, and give the role back when it ends
    #[arg(last = true, requires = "role", value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// `run-with`.
#[derive(Debug, Args)]
pub(crate) struct RunWith {
    /// The grant
    pub(crate) id: RequestId,
    /// The program, and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

/// `extend`.
#[derive(Debug, Args)]
pub(crate) struct Extend {
    /// Which one, by id or role; not needed when you have only one
    #[arg(value_name = "ID|ROLE")]
    pub(crate) which: Option<String>,
    /// How much longer than its present end: 45s, 30m, 1h30m, 2d
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) duration: GrantDuration,
    /// Why (without it, the reason of the grant)
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// A ticket or change number (without it, that of the grant)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ticket: Option<String>,
    /// Do not wait for people to approve: end with code 4 while the request is open
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `approve`.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The id of the request, or its beginning
    pub(crate) id: IdPrefix,
    /// For this long and no longer; never more than was asked for
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) duration: Option<GrantDuration>,
    #[command(flatten)]
    pub(crate) note: Note,
}

/// What a request says beside the role.
#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// For how long: 45s, 30m, 1h30m, 2d (without it, the rule's default)
    #[arg(long = "for", requires = "role", value_name = "DURATION")]
    pub(crate) duration: Option<GrantDuration>,
    /// Why
    #[arg(long, requires = "role", value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// A ticket or change number
    #[arg(long, requires = "role", value_name = "NUMBER")]
    pub(crate) ticket: Option<String>,
    /// When it shall begin: 14:30 (the next such time), "2026-11-23 08:00", 2026-11-23T08:00:00Z
    #[arg(long, requires = "role", value_name = "TIME")]
    pub(crate) at: Option<String>,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The role
    pub(crate) role: String,
    #[command(flatten)]
    pub(crate) terms: Terms,
    /// As if this person asked (auditors, operators and root)
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
}

/// `drop`.
#[derive(Debug, Args)]
pub(crate) struct Drop {
    /// Which one, by id or role; not needed when you have only one
    #[arg(value_name = "ID|ROLE", conflicts_with = "all")]
    pub(crate) which: Option<String>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
}

/// `revoke`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["id", "user", "all"]))]
pub(crate) struct Revoke {
    /// This grant
    pub(crate) id: Option<IdPrefix>,
    /// Every grant of this person
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Every grant on this host
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) note: Note,
}

/// A remark for the record.
#[derive(Debug, Args)]
pub(crate) struct Note {
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}

/// `log`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Log {
    #[command(subcommand)]
    pub(crate) command: Option<LogCommand>,
    #[command(flatten)]
    pub(crate) filter: LogFilter,
}

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct LogFilter {
    /// From then on: 2h, today, 14:00, 2026-11-22, 2026-11-22T10:00
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// About this person
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// About this role
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// Of this request
    #[arg(long)]
    pub(crate) id: Option<IdPrefix>,
    /// Of this kind, as `refused` or `ended`; may be given several times
    #[arg(long = "kind", value_name = "KIND")]
    pub(crate) kinds: Vec<String>,
    /// What was run with grants, and what became of it when they ended
    #[arg(long)]
    pub(crate) commands: bool,
    /// Go on with what comes
    #[arg(long, short = 'f')]
    pub(crate) follow: bool,
}

/// What else can be done with the record.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Write the whole record to standard output, for `log verify` (auditors and root)
    Export,
    /// Erase the reason, ticket and notes of one request, as the law may ask; its entries stay (root)
    Erase {
        /// The id of the request, or its beginning
        id: IdPrefix,
    },
    /// Check an export: the chain of hashes, and the signatures of its checkpoints
    Verify {
        /// The export; - for standard input
        file: PathBuf,
        /// The public host key that must have signed, in hex (as `started` entries and checkpoints show it)
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
}

/// `policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Read a policy as jitd would, and say what is wrong with it
    Check {
        /// Files, or one directory
        #[arg(value_name = "FILES|DIR", default_value = paths::POLICY_DIR)]
        paths: Vec<PathBuf>,
    },
    /// Decide the cases of a file, and compare with what they expect
    Test {
        /// The cases
        #[arg(value_name = "CASES.toml")]
        cases: PathBuf,
        /// The policy
        #[arg(long, value_name = "DIR", default_value = paths::POLICY_DIR)]
        policy: PathBuf,
    },
}

fn exit_table() -> String {
    let row = |code: u8, meaning: &str| format!("\n  {code:>3}  {meaning}");
    let rows: String = Exit::TABLE.iter().map(|(exit, meaning)| row(exit.code(), meaning)).collect();
    let command = [
        row(exit::OURS, "with -- COMMAND: jitctl's own failure, a refusal too"),
        row(exit::NOT_RUNNABLE, "with -- COMMAND: the path COMMAND cannot be run"),
        row(exit::NOT_FOUND, "with -- COMMAND: nothing is at the path COMMAND"),
    ];
    format!("Exit codes:{rows}{}\nElse COMMAND's own; 128+N when signal N ended it.", command.concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn nothing_at_all_is_no_crash() {
        let empty: [OsString; 0] = [];
        assert!(CommandLine::try_parse_from(empty).unwrap().command.is_none());
        assert!(parse("jitctl").unwrap().command.is_none());
    }

    #[test]
    fn elevate_takes_its_command_behind_two_dashes() {
        let line = parse("jitctl elevate web --for 30m --reason x -- systemctl --now restart").unwrap();
        let Some(Command::Elevate(elevate)) = line.command else { panic!("no elevate") };
        assert_eq!(elevate.command, ["systemctl", "--now", "restart"]);
        assert_eq!(elevate.terms.duration.unwrap().as_secs(), 1800);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "jitctl elevate -- id",
            "jitctl elevate --reason x",
            "jitctl elevate --for 30m",
            "jitctl elevate web systemctl",
            "jitctl elevate web --for 30",
            "jitctl elevate web --for 30M",
            "jitctl elevate --no-wait",
            "jitctl elevate --at 14:30",
            "jitctl elevate web --no-wait -- id",
            "jitctl extend web",
            "jitctl extend --for 30M",
            "jitctl approve",
            "jitctl approve 7k2m --for 0s",
            "jitctl deny 7k2m",
            "jitctl cancel",
            "jitctl wait 7k2m -- id",
            "jitctl pending 7k2m",
            "jitctl show",
            "jitctl show ../../etc",
            "jitctl revoke",
            "jitctl revoke 7k2m --all",
            "jitctl revoke --user a --all",
            "jitctl drop web --all",
            "jitctl log --follow export",
            "jitctl policy",
            "jitctl sudo",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_help_has_every_exit_code() {
        let help = exit_table();
        for (exit, meaning) in Exit::TABLE {
            assert!(help.contains(&format!("{}  {meaning}", exit.code())), "{help}");
        }
    }
}
