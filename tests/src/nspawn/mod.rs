//! A bed with the real systemd as process 1, by systemd-nspawn from the Debian 12 tree; this machine's own process 1 may be anything.

mod unit;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub use unit::Unit;

use crate::holder::Holder;
use crate::inside::Door;
use crate::rootns::{lower, mount_point, next_number};
use crate::{Error, Inside, Output, Release, Result, cache, processes, product, program, trees, until};

const SCRIPT: &str = include_str!("holder.sh");

/// How long systemd may take from its first instruction to "running".
const BOOT: Duration = Duration::from_secs(60);

/// A booted machine. It starts in about a second and is gone, with all its processes, mounts and control groups, when it is
/// dropped or the test's process dies.
#[derive(Debug)]
pub struct BootedBed {
    inside: Inside,
    release: Release,
    holder: Holder,
    _layers: Vec<cache::Entry>,
}

impl BootedBed {
    /// A machine with nothing but the packages of the tree, booted.
    ///
    /// # Errors
    /// [`Error::Missing`] when this machine cannot have beds.
    pub fn bare(release: Release) -> Result<BootedBed> {
        BootedBed::over(release, vec![trees::tree(release)?])
    }

    /// A machine with the product installed as its package does it: units enabled and started, no policy.
    ///
    /// # Errors
    /// [`Error::Missing`] when this machine cannot have beds; else when the product does not build, install or start.
    pub fn with_product(release: Release) -> Result<BootedBed> {
        let bed = BootedBed::over(release, vec![product::layer(release)?, trees::tree(release)?])?;
        bed.install()?.ok()?;
        Ok(bed)
    }

    fn over(release: Release, mut layers: Vec<cache::Entry>) -> Result<BootedBed> {
        let name = format!("{}-{}", release.suite(), next_number());
        let tools = trees::tree(Release::Bookworm)?;
        let mut launcher = Command::new("env");
        launcher.arg(format!("SCRIPT={SCRIPT}"));
        let mut holder = Holder::start(
            launcher,
            SCRIPT,
            &[&PathBuf::from(lower(&layers)), &mount_point("nspawn")?, Path::new(&name), tools.path()],
        )?;
        holder.line().map_err(|error| {
            Error::Missing(format!(
                "no booted machine can be had here, its control groups or mounts fail: {}",
                error.chain()
            ))
        })?;
        let leader = boot(&mut holder)?;
        layers.push(tools);
        let inside = Inside::new(name, Door::Manager, leader)?;
        let bed = BootedBed { inside, release, holder, _layers: layers };
        bed.wait_running()?;
        Ok(bed)
    }

    /// The release of its tree.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }

    /// A unit of the machine's systemd.
    #[must_use]
    pub fn unit<'a>(&'a self, name: &'a str) -> Unit<'a> {
        Unit::new(&self.inside, name)
    }

    /// Starts jitd by systemd; returns when it is ready.
    ///
    /// # Errors
    /// When systemd says no.
    pub fn start_jitd(&self) -> Result<Unit<'_>> {
        let unit = self.unit("jitd.service");
        unit.start()?;
        Ok(unit)
    }

    /// Starts jit-guard by systemd; returns when it runs.
    ///
    /// # Errors
    /// When systemd says no.
    pub fn start_guard(&self) -> Result<Unit<'_>> {
        let unit = self.unit("jit-guard.service");
        unit.start()?;
        Ok(unit)
    }

    /// Reboots in good order and waits until the machine runs again.
    ///
    /// # Errors
    /// When it does not go down or does not come up.
    pub fn reboot(&mut self) -> Result<()> {
        self.manager(&["systemctl", "reboot", "--no-block"])?;
        let ended = self.holder.line()?;
        if ended != "ended 133" {
            return Err(Error::Odd(format!("{} was to reboot but its holder says: {ended}", self.title())));
        }
        self.up()
    }

    /// Powers the machine off in good order. Its disk stays; see [`BootedBed::up`].
    ///
    /// # Errors
    /// When it does not go down.
    pub fn down(&mut self) -> Result<()> {
        self.manager(&["systemctl", "poweroff", "--no-block"])?;
        self.holder.line().map(drop)
    }

    /// Kills process 1: everything inside dies at once, as in a power cut, but the disk has all that was written.
    ///
    /// # Errors
    /// When it is already down.
    pub fn cut(&mut self) -> Result<()> {
        let pid =
            i32::try_from(self.leader()).map_err(|_| Error::Odd("a strange process number".to_owned()))?;
        kill(Pid::from_raw(pid), Signal::SIGKILL).map_err(Error::io(format!("kill {}", self.title())))?;
        self.holder.line().map(drop)
    }

    /// Boots the machine again after [`BootedBed::down`] or [`BootedBed::cut`].
    ///
    /// # Errors
    /// When it does not come up.
    pub fn up(&mut self) -> Result<()> {
        let leader = boot(&mut self.holder)?;
        self.inside.set_leader(leader)?;
        self.wait_running()
    }

    /// What `systemctl is-system-running` says: "running" when every unit is well.
    ///
    /// # Errors
    /// When systemd cannot be asked.
    pub fn state(&self) -> Result<Output> {
        self.run(&["systemctl", "is-system-running"])
    }

    fn wait_running(&self) -> Result<()> {
        self.wait_for_file("/run/systemd/private", BOOT)?;
        let state = self.manager(&["timeout", "60", "systemctl", "is-system-running", "--wait"]).or_else(
            |error| match error {
                Error::Program { output, .. } if output.trim() == "degraded" => Ok(output),
                other => Err(other),
            },
        )?;
        match state.trim() {
            "running" => Ok(()),
            other => {
                let failed = self.manager(&["systemctl", "--failed", "--no-legend", "--plain"])?;
                Err(Error::Odd(format!("{} is {other}: {failed}", self.title())))
            }
        }
    }

    /// Runs one of systemd's own tools in the namespaces of process 1, for what must work before or without systemd-run.
    fn manager(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.leader().to_string(), "-a", "/usr/bin/env", "-i", "LC_ALL=C.UTF-8"]);
        command.arg("PATH=/usr/sbin:/usr/bin:/sbin:/bin").args(words);
        program::run(&mut command)
    }
}

/// Has the holder boot the machine and finds its process 1.
fn boot(holder: &mut Holder) -> Result<u32> {
    holder.say("boot")?;
    let keeper = holder.pid();
    let is_leader = |pid: u32| {
        let numbers = processes::numbers(pid);
        numbers.len() > 2 && numbers.last() == Some(&1) && processes::name(pid).as_deref() == Some("systemd")
    };
    until("process 1 of a booting machine", BOOT, || {
        processes::descendants(keeper).into_iter().find(|&pid| is_leader(pid))
    })
}

impl Deref for BootedBed {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.inside
    }
}

impl Drop for BootedBed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.inside.tell_background();
            let journal =
                self.manager(&["journalctl", "--no-pager", "-n", "200", "-u", "jitd", "-u", "jit-guard"]);
            crate::error::say(&journal.unwrap_or_else(|error| error.chain()));
        }
    }
}
