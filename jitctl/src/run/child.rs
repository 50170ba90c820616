//! The command as a child: its signals, and how it ends.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Command, ExitStatus};

use jit_common::paths;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator;

/// What ends a program that does nothing about it.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Signals that are caught so that the grant is given back first. Handlers, not a mask: the child starts with neither.
pub(super) struct Signals(iterator::Signals);

impl Signals {
    /// Catches them from now on; those that were ignored when we started (nohup, `&` of a script) stay ignored.
    pub(super) fn catch() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = ignored(&status);
        let caught = ENDING.into_iter().filter(|signal| ignored & bit(*signal) == 0);
        iterator::Signals::new(caught.chain([SIGCHLD])).map(Self)
    }

    /// A signal to end that came while there was no child yet.
    pub(super) fn pending_end(&mut self) -> Option<i32> {
        self.0.pending().find(|signal| ENDING.contains(signal))
    }
}

fn bit(signal: i32) -> u64 {
    u32::try_from(signal - 1).ok().and_then(|shift| 1u64.checked_shl(shift)).unwrap_or(0)
}

/// The mask of ignored signals from `/proc/self/status` (proc(5)); none when it cannot be read.
fn ignored(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// The exit code that says that a signal ended it.
pub(super) fn code_of_signal(signal: i32) -> u8 {
    u8::try_from(signal).unwrap_or(u8::MAX).saturating_add(128)
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this code.
    Exited(u8),
    /// By this signal.
    Signalled(i32),
    /// We were told to end by this signal and could not pass it on.
    LeftBehind(i32),
}

/// The running command.
pub(super) struct Child(process::Child);

impl Child {
    /// Starts `sudo [-u RUN_AS] -- PROGRAM ARGS…` with our own terminal, in our own process group: ^C reaches it from the
    /// terminal, as it would without us.
    pub(super) fn start(run_as: &str, program: &OsStr, args: &[OsString]) -> io::Result<Self> {
        let mut sudo = Command::new(paths::SUDO);
        if run_as != "root" {
            sudo.args(["-u", run_as]);
        }
        sudo.arg("--").arg(program).args(args).spawn().map(Self)
    }

    /// Waits for the end, whatever is signalled in the meantime.
    pub(super) fn wait(mut self, signals: &mut Signals) -> io::Result<Ended> {
        // It may have ended before its SIGCHLD was looked for.
        if let Some(status) = self.0.try_wait()? {
            return Ok(ended(status));
        }
        for signal in signals.0.forever() {
            if let Some(status) = self.0.try_wait()? {
                return Ok(ended(status));
            }
            // The terminal sends SIGINT and SIGQUIT to the child as well; the others may be for us alone.
            if matches!(signal, SIGTERM | SIGHUP) && self.pass_on(signal).is_err() {
                return Ok(Ended::LeftBehind(signal));
            }
        }
        self.0.wait().map(ended)
    }

    /// sudo keeps the caller's real uid (1.9.13, 1.9.16, sudo-rs 0.2.5), so we may signal it, and it tells the command.
    ///
    /// The child was not waited for yet, so its pid is its own.
    fn pass_on(&self, signal: i32) -> io::Result<()> {
        let pid = i32::try_from(self.0.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(pid), Signal::try_from(signal)?)?;
        Ok(())
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => Ended::Signalled(signal.unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn ends_are_told_as_a_shell_tells_them() {
        assert_eq!(ended(ExitStatus::from_raw(3 << 8)), Ended::Exited(3));
        assert_eq!(ended(ExitStatus::from_raw(15)), Ended::Signalled(15));
        assert_eq!(code_of_signal(15), 143);
        assert_eq!(code_of_signal(2), 130);
    }

    #[test]
    fn what_was_ignored_is_seen() {
        let mask = ignored("Name:\tjitctl\nSigIgn:\t0000000000001001\nSigCgt:\t0\n");
        assert_ne!(mask & bit(SIGHUP), 0, "nohup");
        assert_eq!(mask & bit(SIGINT), 0);
        assert_eq!(ignored(""), 0);
    }

    #[test]
    fn a_child_that_is_told_to_end_is_waited_for() {
        let mut signals = Signals::catch().unwrap();
        let child = Child(Command::new("/bin/sleep").arg("600").spawn().unwrap());
        let own = Pid::from_raw(i32::try_from(process::id()).unwrap());
        kill(own, Signal::SIGTERM).unwrap();
        assert_eq!(child.wait(&mut signals).unwrap(), Ended::Signalled(SIGTERM));
        let quick = Child(Command::new("/bin/sh").args(["-c", "exit 7"]).spawn().unwrap());
        assert_eq!(quick.wait(&mut signals).unwrap(), Ended::Exited(7));
    }
}
