//! A whole machine with its own kernel, disk and clocks, emulated: what no namespace can give.

mod emulator;
mod monitor;
mod ports;
mod saved;
mod tools;

use std::time::{Duration, Instant};

use self::emulator::{Disk, Emulator};
use self::saved::{BOOT, SETTLED, Saved};
use crate::error::say;
use crate::holder::Holder;
use crate::inside::quote;
use crate::rootns::{Folder, next_number};
use crate::{Error, Output, Release, Result, until};

pub use saved::FIRST;

/// The longest a command may take when nothing else is said.
const LIMIT: Duration = Duration::from_secs(300);

/// How long a machine may take to go down, to fall asleep or to wake up.
const TURNING: Duration = Duration::from_secs(300);

/// A machine. It goes on where it was saved, in some seconds, and is gone with its disk when it is dropped or the test's process dies.
#[derive(Debug)]
pub struct MachineBed {
    title: String,
    saved: Saved,
    emulator: Option<Emulator>,
    holder: Holder,
    // After the holder: its folder goes when nobody is in it any more.
    folder: Folder,
}

impl MachineBed {
    /// A machine with the product installed as its package does it, units enabled and started, and with the people and the policy of
    /// `setup.sh`. It was booted once for each build, and saved.
    ///
    /// # Errors
    /// [`Error::Missing`] when this machine cannot have it; else when the product does not build, install or start.
    pub fn with_product(release: Release) -> Result<MachineBed> {
        let saved = Saved::get(release)?;
        let folder = Folder::new()?;
        saved.disk(folder.path())?;
        let mut holder = emulator::holder(folder.path())?;
        let emulator =
            Emulator::resume(&mut holder, &saved.tools, folder.path(), Disk::Over, FIRST, &saved.state())?;
        let title = format!("machine-{}-{}", release.suite(), next_number());
        Ok(MachineBed { title, saved, emulator: Some(emulator), holder, folder })
    }

    /// What the machine is called in messages.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Runs a bash script as root and waits for its end.
    ///
    /// # Errors
    /// When it does not end in time, or the machine is down. A failing script is no error: see [`Output::code`].
    pub fn sh(&self, script: &str) -> Result<Output> {
        self.running()?.ports.ask(&format!("root# {script}"), script, LIMIT)
    }

    /// Runs a command as root.
    ///
    /// # Errors
    /// As [`MachineBed::sh`].
    pub fn run(&self, words: &[&str]) -> Result<Output> {
        self.running()?.ports.ask(&format!("root# {}", words.join(" ")), &line(words), LIMIT)
    }

    /// Runs a command as a user, logged in as themselves, without a terminal.
    ///
    /// # Errors
    /// As [`MachineBed::sh`].
    pub fn as_user(&self, user: &str, words: &[&str]) -> Result<Output> {
        let script = line(&[&["exec", "/usr/local/lib/bed/as", user], words].concat());
        self.running()?.ports.ask(&format!("{user}$ {}", words.join(" ")), &script, LIMIT)
    }

    /// Runs jitctl as a user.
    ///
    /// # Errors
    /// As [`MachineBed::sh`].
    pub fn jitctl(&self, user: &str, words: &[&str]) -> Result<Output> {
        self.as_user(user, &[&["jitctl"], words].concat())
    }

    /// Cuts the power: what the machine has not written to its disk is lost.
    ///
    /// # Errors
    /// When the emulator cannot be killed.
    pub fn cut(&mut self) -> Result<()> {
        self.emulator = None;
        emulator::cut(&mut self.holder)
    }

    /// Boots the machine after [`MachineBed::cut`]; the clock on its board says `clock` then (`2030-06-01T12:00:00`). Returns when
    /// systemd has started everything.
    ///
    /// # Errors
    /// When it does not come up, or a unit fails.
    pub fn up(&mut self, clock: &str) -> Result<()> {
        let folder = self.folder.path();
        let booted = Emulator::boot(&mut self.holder, &self.saved.tools, folder, Disk::Over, clock)?;
        self.emulator.insert(booted).ports.ask("the boot", SETTLED, BOOT)?.ok().map(drop)
    }

    /// Reboots in good order; returns when systemd has started everything again.
    ///
    /// # Errors
    /// When it does not go down or does not come up, or a unit fails.
    pub fn reboot(&mut self) -> Result<()> {
        self.sh("systemctl reboot --no-block")?.ok()?;
        let machine = self.running_mut()?;
        machine.monitor.wait("RESET", TURNING)?;
        machine.ports.ask("the boot", SETTLED, BOOT)?.ok().map(drop)
    }

    /// Suspends to memory, and wakes the machine after so long.
    ///
    /// # Errors
    /// When it does not fall asleep or does not wake up.
    pub fn suspend(&mut self, length: Duration) -> Result<()> {
        let machine = self.running_mut()?;
        machine.monitor.forget();
        let asleep = machine.ports.begin("a suspend", "echo mem > /sys/power/state")?;
        machine.monitor.wait("SUSPEND", TURNING)?;
        let since = Instant::now();
        until("the machine to have slept", TURNING, || (since.elapsed() >= length).then_some(()))?;
        machine.monitor.execute("system_wakeup", "{}")?;
        machine.monitor.wait("WAKEUP", TURNING)?;
        machine.ports.finish(asleep, TURNING)?.ok().map(drop)
    }

    fn running(&self) -> Result<&Emulator> {
        self.emulator.as_ref().ok_or_else(|| Error::Odd(format!("{} is down", self.title)))
    }

    fn running_mut(&mut self) -> Result<&mut Emulator> {
        self.emulator.as_mut().ok_or_else(|| Error::Odd(format!("{} is down", self.title)))
    }
}

/// Words as a shell takes them.
fn line(words: &[&str]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

impl Drop for MachineBed {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let console = std::fs::read_to_string(self.folder.path().join("console")).unwrap_or_default();
        say(&console);
        const JOURNAL: &str = "date; journalctl --no-pager -o short-monotonic -n 60 -u jitd -u jit-guard";
        let said = self.running().and_then(|machine| machine.ports.ask("the journal", JOURNAL, TURNING));
        say(&said.map_or_else(|error| error.chain(), |output| output.text()));
    }
}
