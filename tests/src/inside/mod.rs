//! The inside of a bed, the same for every kind of bed: commands, files, people.

mod command;
mod files;
mod output;
mod people;
mod running;

use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::say;
use crate::{Error, Result, processes};

pub(crate) use command::quote;
pub use command::{Command, Login, Terminal};
pub use output::Output;
pub use people::Account;
pub use running::Running;

/// How a command gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// nsenter and setpriv: the bed has no init of its own to ask.
    Namespaces,
    /// systemd-run: the bed's systemd starts it, in the bed's control groups and with the bed's capabilities.
    Manager,
}

/// The inside of a bed. [`crate::RootBed`] and [`crate::BootedBed`] dereference to it.
#[derive(Debug)]
pub struct Inside {
    title: String,
    door: Door,
    /// The bed's process 1, by its number outside. A reboot changes it.
    leader: AtomicU32,
    background: Mutex<Vec<Running>>,
}

impl Inside {
    /// # Errors
    /// When the leader still has this machine's own root: a bed that is not closed off would change this machine.
    pub(crate) fn new(title: String, door: Door, leader: u32) -> Result<Inside> {
        let inside = Inside { title, door, leader: AtomicU32::new(0), background: Mutex::new(Vec::new()) };
        inside.set_leader(leader)?;
        Ok(inside)
    }

    /// What the bed is called in messages.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The bed's process 1, by its number outside.
    #[must_use]
    pub fn leader(&self) -> u32 {
        self.leader.load(Ordering::Acquire)
    }

    pub(crate) fn set_leader(&self, pid: u32) -> Result<()> {
        let identity = |path: &str| -> Result<(u64, u64)> {
            let data = std::fs::metadata(path).map_err(Error::io(format!("look at {path}")))?;
            Ok((data.dev(), data.ino()))
        };
        if identity(&format!("/proc/{pid}/root/"))? == identity("/")? {
            return Err(Error::Odd(format!("process {pid} of {} is not in a bed", self.title)));
        }
        self.leader.store(pid, Ordering::Release);
        Ok(())
    }

    pub(crate) fn door(&self) -> Door {
        self.door
    }

    /// A command to be refined (user, input, terminal …) and then run or spawned. As root if nothing else is said.
    pub fn command(&self, words: &[&str]) -> Command<'_> {
        Command::new(self, words)
    }

    /// Runs a command as root and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time. A failing command is no error: see [`Output::code`].
    pub fn run(&self, words: &[&str]) -> Result<Output> {
        self.command(words).run()
    }

    /// Runs a bash script as root and waits for its end.
    ///
    /// # Errors
    /// As [`Inside::run`].
    pub fn sh(&self, script: &str) -> Result<Output> {
        self.run(&["bash", "-c", script])
    }

    /// Runs a command as a user, logged in as themselves, without a terminal.
    ///
    /// # Errors
    /// As [`Inside::run`], and when there is no such user.
    pub fn as_user(&self, user: &str, words: &[&str]) -> Result<Output> {
        self.command(words).user(user).run()
    }

    /// The processes inside with this short name (see `comm` in proc(5)), by their numbers outside.
    #[must_use]
    pub fn processes(&self, name: &str) -> Vec<u32> {
        let home = processes::namespace(self.leader());
        let inside = |pid: &u32| home.is_some() && processes::namespace(*pid) == home;
        let named = |pid: &u32| processes::name(*pid).as_deref() == Some(name) && processes::alive(*pid);
        processes::all().into_iter().filter(named).filter(inside).collect()
    }

    pub(crate) fn remember(&self, running: &Running) {
        self.background.lock().unwrap_or_else(PoisonError::into_inner).push(running.clone());
    }

    /// The programs in the background that were started last, with all they said: the newest is the last.
    pub(crate) fn newest_stories(&self, count: usize) -> String {
        let background = self.background.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = background.iter().rev().take(count).map(Running::story).collect::<Vec<_>>();
        newest.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// For a bed that goes while its test fails: what the programs in the background said.
    pub(crate) fn tell_background(&self) {
        for running in self.background.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            say(&running.story());
        }
    }
}
