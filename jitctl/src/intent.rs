//! What the person wants, from what stands on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use jit_common::ids::RequestId;
use jit_common::request::{
    Ask, DropTarget, ExtendAsk, LiveGrants, LogQuery, LogUntil, Request, RevokeTarget,
};
use jitd_core::record::Entry;

use crate::args::{
    Approve, Command, Drop, Elevate, Extend, Log, LogCommand, LogFilter, Policy, Revoke, RunWith, Terms,
};
use crate::failure::Failure;
use crate::time::Clock;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// One question to jitd, one answer.
    Call(Request),
    /// Ask for a role or for more time, which may take people and so a while.
    Ask {
        /// `Elevate` or `Extend`.
        request: Request,
        /// Whether to wait for the people.
        wait: Wait,
    },
    /// Wait for an open request again: the one that this means, or the only one.
    TakeUp(Option<String>),
    /// Ask for a role, run a command, give the role back.
    Run {
        /// The role, and on what terms.
        ask: Ask,
        /// The command's first word.
        program: OsString,
        /// The others.
        args: Vec<OsString>,
    },
    /// Become a program that runs with a grant.
    RunWith {
        /// The grant.
        id: RequestId,
        /// The program, and its arguments.
        program: Vec<OsString>,
    },
    /// Read the record.
    Log(LogQuery),
    /// Write the whole record to standard output.
    Export,
    /// Check an export.
    Verify {
        /// The export; `-` is standard input.
        file: PathBuf,
        /// The key that must have signed, in hex.
        key: Option<String>,
    },
    /// Read a policy and say what is wrong with it.
    CheckPolicy {
        /// Files, or one directory.
        paths: Vec<PathBuf>,
    },
    /// Decide cases.
    TestPolicy {
        /// The cases.
        cases: PathBuf,
        /// The policy's directory.
        policy: PathBuf,
    },
}

/// The kinds of entries about what was run with grants.
const COMMANDS: [&str; 4] = ["session-began", "session-commands", "session-ended", "swept"];

/// Whether an open request is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until it is decided.
    Yes,
    /// Not at all.
    No,
}

impl Wait {
    fn unless(no_wait: bool) -> Self {
        if no_wait { Self::No } else { Self::Yes }
    }
}

impl Intent {
    /// Reads the intent from the command line.
    pub(crate) fn of(command: Option<Command>, clock: &Clock) -> Result<Self, Failure> {
        Ok(match command {
            None | Some(Command::Status) => Self::Call(Request::Status),
            Some(Command::Drift) => Self::Call(Request::Drift),
            Some(Command::Roles) => Self::Call(Request::Roles),
            Some(Command::Elevate(elevate)) => of_elevate(elevate, clock)?,
            Some(Command::Extend(extend)) => of_extend(extend),
            Some(Command::Explain(explain)) => {
                let ask = ask(explain.role, explain.terms, clock)?;
                Self::Call(Request::Explain { ask, user: explain.user })
            }
            Some(Command::Pending) => Self::Call(Request::Pending),
            Some(Command::Approve(Approve { id, duration, note })) => {
                Self::Call(Request::Approve { id, duration, note: note.note })
            }
            Some(Command::Deny { id, note }) => Self::Call(Request::Deny { id, note }),
            Some(Command::Wait { which }) => Self::TakeUp(which),
            Some(Command::Cancel { id }) => Self::Call(Request::Cancel(id)),
            Some(Command::Show { id }) => Self::Call(Request::Show(id)),
            Some(Command::RunWith(RunWith { id, program })) => Self::RunWith { id, program },
            Some(Command::Drop(drop)) => Self::Call(Request::Drop(drop_target(drop))),
            Some(Command::Revoke(revoke)) => Self::Call(of_revoke(revoke)?),
            Some(Command::Lock { revoke, note }) => {
                let live = if revoke { LiveGrants::Revoke } else { LiveGrants::Keep };
                Self::Call(Request::Lock { live, note: note.note })
            }
            Some(Command::Unlock { note }) => Self::Call(Request::Unlock { note: note.note }),
            Some(Command::Log(log)) => of_log(log, clock)?,
            Some(Command::Policy(Policy::Check { paths })) => Self::CheckPolicy { paths },
            Some(Command::Policy(Policy::Test { cases, policy })) => Self::TestPolicy { cases, policy },
        })
    }
}

fn ask(role: String, terms: Terms, clock: &Clock) -> Result<Ask, Failure> {
    let start = terms.at.map(|at| clock.to_come(&at)).transpose()?;
    Ok(Ask { role, duration: terms.duration, reason: terms.reason, ticket: terms.ticket, start })
}

fn of_elevate(elevate: Elevate, clock: &Clock) -> Result<Intent, Failure> {
    let Some(role) = elevate.role else { return Ok(Intent::Call(Request::Roles)) };
    let ask = ask(role, elevate.terms, clock)?;
    let mut words = elevate.command.into_iter();
    Ok(match words.next() {
        None => Intent::Ask { request: Request::Elevate(ask), wait: Wait::unless(elevate.no_wait) },
        Some(program) => Intent::Run { ask, program, args: words.collect() },
    })
}

fn of_extend(extend: Extend) -> Intent {
    let target = extend.which.map_or(DropTarget::Only, DropTarget::Named);
    let ask = ExtendAsk { duration: extend.duration, reason: extend.reason, ticket: extend.ticket };
    Intent::Ask { request: Request::Extend { target, ask }, wait: Wait::unless(extend.no_wait) }
}

fn drop_target(drop: Drop) -> DropTarget {
    match (drop.which, drop.all) {
        (Some(named), _) => DropTarget::Named(named),
        (None, true) => DropTarget::All,
        (None, false) => DropTarget::Only,
    }
}

fn of_revoke(revoke: Revoke) -> Result<Request, Failure> {
    let target = match (revoke.id, revoke.user, revoke.all) {
        (Some(id), None, false) => RevokeTarget::Grant(id),
        (None, Some(user), false) => RevokeTarget::User(user),
        (None, None, true) => RevokeTarget::All,
        _ => return Err(Failure::usage("name one of ID, --user NAME and --all")),
    };
    Ok(Request::Revoke { target, note: revoke.note.note })
}

fn of_log(log: Log, clock: &Clock) -> Result<Intent, Failure> {
    match log.command {
        None => Ok(Intent::Log(query(log.filter, clock)?)),
        Some(LogCommand::Export) => Ok(Intent::Export),
        Some(LogCommand::Erase { id }) => Ok(Intent::Call(Request::Erase(id))),
        Some(LogCommand::Verify { file, key }) => Ok(Intent::Verify { file, key }),
    }
}

fn query(filter: LogFilter, clock: &Clock) -> Result<LogQuery, Failure> {
    if let Some(kind) = filter.kinds.iter().find(|kind| !Entry::KINDS.contains(&kind.as_str())) {
        let kinds = Entry::KINDS.join(", ");
        return Err(Failure::usage(format!("no entry is of the kind {kind:?}; the kinds are {kinds}")));
    }
    let mut kinds = filter.kinds;
    if filter.commands {
        kinds.extend(COMMANDS.map(str::to_owned));
    }
    Ok(LogQuery {
        since: filter.since.map(|since| clock.since(&since)).transpose()?,
        user: filter.user,
        role: filter.role,
        id: filter.id,
        kinds,
        until: if filter.follow { LogUntil::HangUp } else { LogUntil::Now },
    })
}

/// The query that asks for everything there is.
pub(crate) fn whole_record() -> LogQuery {
    LogQuery { since: None, user: None, role: None, id: None, kinds: vec![], until: LogUntil::Now }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]
    use clap::Parser;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::args::CommandLine;

    fn intent(line: &str) -> Result<Intent, Failure> {
        let clock = Clock::fixed("2026-11-22T13:00:00Z", TimeZone::UTC);
        let args = CommandLine::try_parse_from(line.split_whitespace()).unwrap();
        Intent::of(args.command, &clock)
    }

    #[test]
    fn without_a_command_it_is_the_status_and_without_a_role_the_roles() {
        assert_eq!(intent("jitctl").unwrap(), Intent::Call(Request::Status));
        assert_eq!(intent("jitctl elevate").unwrap(), Intent::Call(Request::Roles));
    }

    #[test]
    fn a_command_makes_a_run_of_it() {
        let Intent::Run { ask, program, args } = intent("jitctl elevate web --ticket T-1 -- id -u").unwrap()
        else {
            panic!("no run")
        };
        assert_eq!((ask.role.as_str(), ask.ticket.as_deref()), ("web", Some("T-1")));
        assert_eq!((program, args), ("id".into(), vec!["-u".into()]));
    }

    #[test]
    fn targets_are_told_apart() {
        let drop = |line| match intent(line).unwrap() {
            Intent::Call(Request::Drop(target)) => target,
            other => panic!("{other:?}"),
        };
        assert_eq!(drop("jitctl drop"), DropTarget::Only);
        assert_eq!(drop("jitctl drop --all"), DropTarget::All);
        assert_eq!(drop("jitctl drop web"), DropTarget::Named("web".to_owned()));
        let revoked = intent("jitctl revoke --user alice --note bye").unwrap();
        let target = RevokeTarget::User("alice".to_owned());
        assert_eq!(revoked, Intent::Call(Request::Revoke { target, note: Some("bye".to_owned()) }));
    }

    #[test]
    fn what_is_asked_is_waited_for_unless_told_otherwise() {
        let wait = |line| match intent(line).unwrap() {
            Intent::Ask { wait, .. } => wait,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("jitctl elevate web"), Wait::Yes);
        assert_eq!(wait("jitctl elevate web --no-wait"), Wait::No);
        assert_eq!(wait("jitctl extend --for 5m --no-wait"), Wait::No);
        let Intent::Ask { request, .. } = intent("jitctl extend web --for 5m --ticket T-1").unwrap() else {
            panic!("nothing is asked")
        };
        let target = DropTarget::Named("web".to_owned());
        assert_eq!(intent("jitctl wait").unwrap(), Intent::TakeUp(None));
        assert_eq!(intent("jitctl wait web").unwrap(), Intent::TakeUp(Some("web".to_owned())));
        let duration = "5m".parse().unwrap();
        let ask = ExtendAsk { duration, reason: None, ticket: Some("T-1".to_owned()) };
        assert_eq!(request, Request::Extend { target, ask });
    }

    #[test]
    fn a_start_is_a_time_to_come() {
        let Intent::Ask { request: Request::Elevate(ask), .. } =
            intent("jitctl elevate web --at 2026-11-23T08:00:00Z").unwrap()
        else {
            panic!("nothing is asked")
        };
        assert_eq!(ask.start.map(crate::time::rfc3339).as_deref(), Some("2026-11-23T08:00:00Z"));
        assert!(matches!(intent("jitctl elevate web --at 2026-11-22T08:00"), Err(Failure::Start(_))));
        assert!(matches!(intent("jitctl elevate web --at soon -- id"), Err(Failure::Start(_))));
    }

    #[test]
    fn people_decide_by_id() {
        let Intent::Call(Request::Approve { id, duration, note }) =
            intent("jitctl approve 7k2m --for 10m --note ok").unwrap()
        else {
            panic!("no approval")
        };
        assert_eq!((id.as_str(), duration.unwrap().as_secs(), note.as_deref()), ("7k2m", 600, Some("ok")));
        let denied = Request::Deny { id: "7k2m".parse().unwrap(), note: "no".to_owned() };
        assert_eq!(intent("jitctl deny 7k2m --note no").unwrap(), Intent::Call(denied));
        let cancelled = Request::Cancel("7k2m".parse().unwrap());
        assert_eq!(intent("jitctl cancel 7k2m").unwrap(), Intent::Call(cancelled));
        assert_eq!(intent("jitctl pending").unwrap(), Intent::Call(Request::Pending));
    }

    #[test]
    fn a_time_that_is_none_is_a_usage_error() {
        assert!(intent("jitctl log --since 2h --follow").is_ok());
        assert!(matches!(intent("jitctl log --since soon"), Err(Failure::Time(_))));
    }

    #[test]
    fn what_was_run_is_four_kinds() {
        let Intent::Log(query) = intent("jitctl log --commands --kind stuck").unwrap() else {
            panic!("no query")
        };
        assert_eq!(query.kinds, ["stuck", "session-began", "session-commands", "session-ended", "swept"]);
        assert!(COMMANDS.iter().all(|kind| Entry::KINDS.contains(kind)));
    }

    #[test]
    fn a_kind_that_is_none_is_a_usage_error_with_all_kinds() {
        assert!(intent("jitctl log --kind ended --kind refused").is_ok());
        let Err(Failure::Usage(said)) = intent("jitctl log --kind granted") else { panic!("no usage error") };
        assert!(said.contains("\"granted\"") && said.contains("applied, refused"), "{said}");
    }
}
