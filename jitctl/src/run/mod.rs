//! `elevate … -- COMMAND`: the grant, the command through sudo, and the grant given back however the command ends.

mod beforehand;
mod child;
mod program;
mod within;

pub(crate) use self::within::become_it;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use jit_common::paths::SUDO;
use jit_common::refusal::Refusal;
use jit_common::request::{Ask, DropTarget, Request};
use jit_common::response::{EndedView, GrantView, Response};

use self::beforehand::Beforehand;
use self::child::{Child, Ended, With};
use self::program::{Found, Program, Way};
use crate::call::Daemon;
use crate::exit;
use crate::failure::Failure;
use crate::json::AnswerJson;
use crate::output::Output;
use crate::perform;
use crate::show;
use crate::show::page::Ink;
use crate::signals::Signals;
use crate::time::Clock;
use crate::wait::{self, Until, Waited};

/// Runs `program` with a grant of the role that `ask` names. Returns the exit code.
pub(crate) fn run(ask: Ask, program: &OsStr, args: &[OsString], daemon: &Daemon, output: &Output) -> u8 {
    // A path where no program is needs no grant.
    let program = match Program::find(program) {
        Found::Yes(program) => program,
        Found::NotRunnable(why) => return ours(output, &why, exit::NOT_RUNNABLE),
        Found::Nowhere(why) => return ours(output, &why, exit::NOT_FOUND),
    };
    match beforehand::look(&ask.role, &program, args, daemon) {
        Ok(Beforehand::Ask) => {}
        Ok(Beforehand::AskAndSay(what)) => output.remark(Ink::Warn, &what),
        Ok(Beforehand::Never(why, code)) => return ours(output, &why, code),
        Err(failure) => {
            output.failure(&failure, exit::OURS);
            return exit::OURS;
        }
    }
    // From here on ^C must not leave a grant behind.
    let mut signals = match Signals::catch() {
        Ok(signals) => signals,
        Err(error) => return ours(output, &format!("signals cannot be caught: {error}"), exit::OURS),
    };
    match granted(&Request::Elevate(ask), daemon, &mut signals, output) {
        Got::Grant(grant) => {
            let code = with_grant(&grant, &program, args, daemon, &mut signals, output);
            give_back(&grant, daemon, output);
            code
        }
        Got::TooLate(grant, signal) => {
            give_back(&grant, daemon, output);
            child::code_of_signal(signal)
        }
        Got::Nothing(code) => code,
    }
}

/// What came of asking.
enum Got {
    /// A live grant.
    Grant(Box<GrantView>),
    /// One that came as this signal told us to end.
    TooLate(Box<GrantView>, i32),
    /// None: the code to end with. It is said why.
    Nothing(u8),
}

/// Asks, and waits for people and for the start where it has to.
fn granted(request: &Request, daemon: &Daemon, signals: &mut Signals, output: &Output) -> Got {
    let answer = match daemon.ask(request) {
        Ok(Response::Open(open)) => wait::wait(*open, Until::Live, daemon, signals, output),
        Ok(answer) => Ok(Waited::Over(answer)),
        Err(failure) => Err(failure),
    };
    match answer {
        Ok(Waited::Over(Response::Granted(grant))) => Got::Grant(grant),
        Ok(Waited::Interrupted(signal, Response::Granted(grant))) => Got::TooLate(grant, signal),
        Ok(Waited::Interrupted(signal, Response::Open(open))) => {
            // The answer may be unprintable when standard error is gone; the code says it all the same.
            let _ = perform::left_open(&open, &output.at_present());
            Got::Nothing(child::code_of_signal(signal))
        }
        Ok(Waited::Over(other) | Waited::Interrupted(_, other)) => {
            // As above.
            let _ = perform::conclude(request, &other, daemon, output);
            Got::Nothing(exit::OURS)
        }
        Err(failure) => {
            output.failure(&failure, exit::OURS);
            if may_be_live(&failure) {
                output.remark(Ink::Warn, "it is not known whether the role was granted: see `jitctl status`");
            }
            Got::Nothing(exit::OURS)
        }
    }
}

fn ours(output: &Output, why: &str, code: u8) -> u8 {
    output.remark(Ink::Plain, why);
    code
}

/// Whether jitd may have granted although its answer was not understood.
fn may_be_live(failure: &Failure) -> bool {
    use jit_common::client::ClientError;
    match failure {
        Failure::Client(ClientError::Unreachable { .. } | ClientError::WrongVersion { .. }) => false,
        Failure::Client(_) | Failure::OutOfTurn => true,
        // That the request stays open, and how to look at it, is in its sentence.
        Failure::GaveUp { .. }
        | Failure::Away(_)
        | Failure::CannotWait(_)
        | Failure::Usage(_)
        | Failure::Time(_)
        | Failure::Start(_)
        | Failure::ReaderGone
        | Failure::Output(_)
        | Failure::Read { .. }
        | Failure::Content { .. }
        | Failure::Invalid { .. } => false,
    }
}

/// What happens while the grant is live.
fn with_grant(
    grant: &GrantView,
    program: &Program,
    args: &[OsString],
    daemon: &Daemon,
    signals: &mut Signals,
    output: &Output,
) -> u8 {
    if let Some(signal) = signals.pending_end() {
        return child::code_of_signal(signal);
    }
    let clock = Clock::read();
    // As above.
    let _ = output.answer(&show::granted::for_command(grant, &clock), &AnswerJson::granted(grant));
    // It was looked at before, but the role may be another one by now.
    let Some(way) = program.way(&grant.gives, args) else {
        let why = beforehand::not_in_role(&grant.role, &grant.gives, program, args);
        return ours(output, &format!("{why}; it was not run, and the role is given back"), exit::OURS);
    };
    let child = match way {
        Way::Account { run_as, program } => Child::start(
            within::starter(grant.id, daemon, SUDO.as_ref()),
            With::Account(&run_as),
            &program,
            args,
        ),
        Way::Group { group } => {
            let program = program.by_search_path(std::env::var_os("PATH").as_deref());
            Child::start(
                within::starter(grant.id, daemon, SUDO.as_ref()),
                With::Group(&group),
                &program,
                args,
            )
        }
    };
    let child = match child {
        Ok(child) => child,
        Err(error) => return ours(output, &format!("sudo cannot be run: {error}"), exit::OURS),
    };
    let pid = child.pid();
    match child.wait(signals) {
        Ok(Ended::Exited(code)) => ended(pid, code, daemon),
        Ok(Ended::Signalled(signal)) => ended(pid, child::code_of_signal(signal), daemon),
        Ok(Ended::LeftBehind(signal)) => {
            let why = "sudo could not be told to end: the command may go on; the role is given back now";
            ours(output, why, child::code_of_signal(signal))
        }
        Err(error) => ours(output, &format!("the command's end cannot be learnt: {error}"), exit::OURS),
    }
}

/// How long jitd may take to hear how a command ended: after that it writes when, and not how.
const TO_SAY: Duration = Duration::from_secs(1);

/// Tells jitd how the command ended, for the record. Without it the record says when it ended and not how.
fn ended(pid: Option<i32>, code: u8, daemon: &Daemon) -> u8 {
    if let Some(pid) = pid {
        let _ = daemon.ask_within(&Request::Leave { pid, status: code }, TO_SAY);
    }
    code
}

/// Gives the grant back, and says so when it could not be.
fn give_back(grant: &GrantView, daemon: &Daemon, output: &Output) {
    let clock = Clock::read();
    let stays = match daemon.ask(&Request::Drop(DropTarget::Named(grant.id.to_string()))) {
        Ok(Response::Ended(ended)) => match ended.iter().find_map(|ended| ended.stuck.clone()) {
            None => return left_behind(grant, &ended, output),
            Some(why) => format!("it is stuck on its way off ({why}); jitd goes on trying"),
        },
        // Its time was up, or somebody took it away: it is off, which is all that was wanted.
        Ok(Response::Refused { refusal: Refusal::NotNow { .. } | Refusal::NoSuchThing { .. }, .. }) => return,
        Ok(Response::Refused { refusal, .. }) => {
            format!("{refusal}; it stays until {}", clock.short(grant.until))
        }
        Ok(_) => format!("{}; it stays until {}", Failure::OutOfTurn, clock.short(grant.until)),
        Err(failure) => {
            format!("{}; it stays until {}", failure.chain().join(": "), clock.short(grant.until))
        }
    };
    output.remark(
        Ink::Bad,
        &format!("the role {} ({}) could not be given back: {stays}", grant.role, grant.id),
    );
}

/// Says what goes on although the grant is off.
fn left_behind(grant: &GrantView, ended: &[EndedView], output: &Output) {
    let residue: Vec<&str> = ended.iter().flat_map(|ended| &ended.residue).map(String::as_str).collect();
    if !residue.is_empty() {
        let still = residue.join(", ");
        output.remark(Ink::Warn, &format!("the role {} is given back; {still}", grant.role));
    }
}
