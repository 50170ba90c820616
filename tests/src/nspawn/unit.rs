//! One unit of a booted machine's systemd: started, stopped, killed, frozen.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Error, Inside, Output, Result, processes};

/// A unit, by name.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a> {
    inside: &'a Inside,
    name: &'a str,
}

impl<'a> Unit<'a> {
    pub(crate) fn new(inside: &'a Inside, name: &'a str) -> Unit<'a> {
        Unit { inside, name }
    }

    /// Starts it; returns when systemd counts it as started (for Type=notify: when it says it is ready).
    ///
    /// # Errors
    /// When systemd says no.
    pub fn start(&self) -> Result<()> {
        self.systemctl("start").map(drop)
    }

    /// Stops it; returns when it has stopped.
    ///
    /// # Errors
    /// When systemd says no.
    pub fn stop(&self) -> Result<()> {
        self.systemctl("stop").map(drop)
    }

    /// Stops and starts it.
    ///
    /// # Errors
    /// When systemd says no.
    pub fn restart(&self) -> Result<()> {
        self.systemctl("restart").map(drop)
    }

    /// Has it read its settings again.
    ///
    /// # Errors
    /// When systemd says no.
    pub fn reload(&self) -> Result<()> {
        self.systemctl("reload").map(drop)
    }

    /// One of its properties, as `systemctl show` has it.
    ///
    /// # Errors
    /// When systemd cannot be asked.
    pub fn property(&self, property: &str) -> Result<String> {
        let shown = self.inside.run(&["systemctl", "show", "--value", "-p", property, self.name])?.ok()?;
        Ok(shown.out.trim_end().to_owned())
    }

    /// Its main process, by its number outside.
    ///
    /// # Errors
    /// When it has none now.
    pub fn main_process(&self) -> Result<u32> {
        let inside: u32 = self.property("MainPID")?.parse().unwrap_or(0);
        let home = processes::namespace(self.inside.leader());
        let is_main = |pid: &u32| {
            inside != 0
                && processes::numbers(*pid).last() == Some(&inside)
                && processes::namespace(*pid) == home
        };
        let found = processes::all().into_iter().find(is_main);
        found.ok_or_else(|| Error::Odd(format!("{} has no main process now", self.name)))
    }

    /// Sends a signal to its main process behind systemd's back.
    ///
    /// # Errors
    /// When it has none now.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.main_process()?)
            .map_err(|_| Error::Odd("a strange process number".to_owned()))?;
        kill(Pid::from_raw(pid), signal).map_err(Error::io(format!("send {signal} to {}", self.name)))
    }

    /// What it said to the journal since the machine's start.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn journal(&self) -> Result<String> {
        Ok(self.inside.run(&["journalctl", "--no-pager", "-o", "cat", "-b", "-u", self.name])?.ok()?.out)
    }

    fn systemctl(&self, verb: &str) -> Result<Output> {
        let done = self.inside.run(&["systemctl", verb, self.name])?;
        if done.success() {
            return Ok(done);
        }
        let status = self.inside.run(&["systemctl", "status", "--no-pager", "-n", "50", self.name])?;
        Err(Error::Program {
            command: done.command.clone(),
            status: format!("exit status {}", done.code),
            output: done.text() + &status.text(),
        })
    }
}
