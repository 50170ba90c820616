//! The process that becomes a command run with a grant: it has jitd put it into the grant's control group, and then is sudo.
//! So whatever sudo starts, and whatever that leaves behind, is in the group as well.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use jit_common::ids::RequestId;
use jit_common::request::Request;
use jit_common::response::Response;

use super::{ours, program};
use crate::call::Daemon;
use crate::exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::show::page::Ink;

/// Has jitd put this process into the control group of a grant, and becomes `words`. Returns the exit code when it cannot.
pub(crate) fn become_it(id: RequestId, words: &[OsString], daemon: &Daemon, output: &Output) -> u8 {
    let Some((name, args)) = words.split_first() else {
        return ours(output, "there is nothing to run", exit::OURS);
    };
    let command = program::typed(name, args);
    match daemon.ask(&Request::Enter { id, command }) {
        Ok(Response::Entered { outside: None }) => {}
        Ok(Response::Entered { outside: Some(why) }) => {
            let what = format!("what this starts is NOT ended with the role: {why}");
            output.remark(Ink::Warn, &what);
        }
        Ok(Response::Refused { refusal, .. }) => {
            return ours(output, &format!("it was not run: {refusal}"), exit::OURS);
        }
        Ok(_) => return failed(output, &Failure::OutOfTurn),
        Err(failure) => return failed(output, &failure),
    }
    let error = Command::new(name).args(args).exec();
    ours(output, &format!("{} cannot be run: {error}", name.to_string_lossy()), exit::OURS)
}

fn failed(output: &Output, failure: &Failure) -> u8 {
    output.failure(failure, exit::OURS);
    exit::OURS
}

/// The command that becomes `sudo` with a grant: this program itself, for the kernel then says who enters.
pub(super) fn starter(id: RequestId, daemon: &Daemon, sudo: &OsStr) -> Command {
    let mut starter = Command::new("/proc/self/exe");
    starter
        .arg("--socket")
        .arg(&daemon.socket)
        .arg("--timeout")
        .arg(format!("{}s", daemon.timeout.as_secs().max(1)));
    starter.arg("run-with").arg(id.as_str()).arg("--").arg(sudo);
    starter
}
