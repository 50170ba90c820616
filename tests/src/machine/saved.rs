//! A machine that was booted once, set up and saved: where every test with a machine begins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::emulator::{self, Disk, Emulator};
use super::ports::Ports;
use super::tools::Tools;
use crate::error::say;
use crate::rootns::{lower, mount_point};
use crate::{Error, Release, Result, cache, manifest, product, program, trees};

const IMAGE: &str = include_str!("image.sh");
const AGENT: &str = include_str!("agent.sh");
const AGENT_UNIT: &str = include_str!("agent.service");
const AS: &str = include_str!("as.sh");
const SETUP: &str = include_str!("setup.sh");

/// The size of the disk. The file of it is as large as what is on it.
const DISK: &str = "1500M";

/// How long a machine may take from its first instruction to its first answer, or to be set up: a busy machine emulates slowly.
pub(crate) const BOOT: Duration = Duration::from_secs(300);

/// What the clock on the board says when the machine is booted for the first time: later than any release, so that nobody corrects it.
pub const FIRST: &str = "2030-06-01T12:00:00";

/// Waits until systemd has started everything, and tells of what has failed.
pub(crate) const SETTLED: &str = "state=$(systemctl is-system-running --wait) || { echo \"$state\"; systemctl --failed --no-pager; false; }";

/// A saved machine: its disk and its state.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) tools: Tools,
    entry: cache::Entry,
}

impl Saved {
    /// The machine of a release with the product, people and a policy; booted and saved if it is not there yet.
    pub(crate) fn get(release: Release) -> Result<Saved> {
        let tools = Tools::get(release)?;
        let layers = vec![product::layer(release)?, trees::tree(release)?];
        let system = lower(&layers);
        let install = manifest::script("postinst")?;
        let kept = tools.tree();
        let recipe = [
            emulator::MACHINE,
            IMAGE,
            AGENT,
            AGENT_UNIT,
            AS,
            DISK,
            FIRST,
            &install,
            SETUP,
            &system,
            &kept.to_string_lossy(),
        ];
        let name = format!("machine-{}", release.suite());
        let entry = cache::entry(&name, &recipe.join("\0"), |folder| {
            say(&format!("booting a {release} machine (once for each build, about half a minute)"));
            image(&tools, &system, folder)?;
            let mut holder = emulator::holder(folder)?;
            let mut machine = Emulator::boot(&mut holder, &tools, folder, Disk::Raw, FIRST)?;
            let run = |ports: &Ports, what: &str, script: &str| ports.ask(what, script, BOOT)?.ok();
            run(&machine.ports, "the boot", SETTLED)?;
            run(
                &machine.ports,
                "the installation",
                &format!("sh -s configure <<'SCRIPT'\n{install}\nSCRIPT\n"),
            )?;
            run(&machine.ports, "the setup", &format!("set -e\n{SETUP}\nsync\n"))?;
            machine.save(&folder.join("state"))?;
            emulator::cut(&mut holder)
        })?;
        Ok(Saved { tools, entry })
    }

    /// The state to go on from.
    pub(crate) fn state(&self) -> PathBuf {
        self.entry.path().join("state")
    }

    /// A disk in `folder` that begins as the saved one.
    pub(crate) fn disk(&self, folder: &Path) -> Result<()> {
        self.tools.disk_over(&self.entry.path().join(Disk::Raw.file()), &folder.join(Disk::Over.file()))
    }
}

fn image(tools: &Tools, system: &str, folder: &Path) -> Result<()> {
    for (name, text) in [("agent", AGENT), ("as", AS), ("agent.service", AGENT_UNIT)] {
        let path = folder.join(name);
        fs::write(&path, text).map_err(Error::io(format!("write {}", path.display())))?;
    }
    let mut make = Command::new("unshare");
    make.args(["-m", "--propagation", "private", "bash", "-c", IMAGE, "image"]).arg(tools.tree()).arg(system);
    make.arg(mount_point("machine")?).arg(folder).arg(folder.join(Disk::Raw.file())).arg(DISK);
    program::run(&mut make).map(drop)
}
