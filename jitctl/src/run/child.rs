//! The command as a child: its signals, and how it ends.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Command, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGTERM};

use crate::signals::Signals;

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

/// What sudo is to run a command with.
#[derive(Clone, Copy, Debug)]
pub(super) enum With<'a> {
    /// The rights of this account.
    Account(&'a str),
    /// The person's own and this group.
    Group(&'a str),
}

/// The running command.
pub(super) struct Child(process::Child);

impl Child {
    /// Starts `sudo [-u RUN_AS | -g GROUP] -- PROGRAM ARGS…` by `sudo`, with our own terminal, in our own process group: ^C reaches
    /// it from the terminal, as it would without us. Where a password is asked for, sudo asks on that terminal.
    pub(super) fn start(
        mut sudo: Command,
        with: With<'_>,
        program: &OsStr,
        args: &[OsString],
    ) -> io::Result<Self> {
        match with {
            With::Account("root") => &mut sudo,
            With::Account(run_as) => sudo.args(["-u", run_as]),
            With::Group(group) => sudo.args(["-g", group]),
        };
        sudo.arg("--").arg(program).args(args).spawn().map(Self)
    }

    /// Its number.
    pub(super) fn pid(&self) -> Option<i32> {
        i32::try_from(self.0.id()).ok()
    }

    /// Waits for the end, whatever is signalled in the meantime.
    pub(super) fn wait(mut self, signals: &mut Signals) -> io::Result<Ended> {
        // It may have ended before its SIGCHLD was looked for.
        if let Some(status) = self.0.try_wait()? {
            return Ok(ended(status));
        }
        for signal in signals.forever() {
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
        let pid = self.pid().ok_or_else(|| io::Error::other("a process without a number"))?;
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
