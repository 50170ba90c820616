//! One run of the emulator: started with its disk, killed like a power cut, and gone with the harness.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::monitor::Monitor;
use super::ports::Ports;
use super::tools::Tools;
use crate::holder::Holder;
use crate::{Error, Result, until};

const SCRIPT: &str = include_str!("holder.sh");

/// How many commands can be in the machine at the same time; as many as `agent.service` serves.
const PORTS: u32 = 4;

/// How long the emulator may take to make its sockets.
const STARTING: Duration = Duration::from_secs(30);

/// How long a saved machine may take to be loaded or written.
const MOVING: Duration = Duration::from_secs(120);

const KERNEL: &str = "console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off tsc=reliable";

/// The machine itself. Its time is counted in instructions, so on a busy machine it is slow without noticing: nothing in it runs into a
/// time limit for that. While it has nothing to do its time goes as everybody's.
pub(super) const MACHINE: &str = "-accel tcg,thread=single -icount shift=1,sleep=on -M q35 -cpu qemu64 -smp 1 -m 512 -nodefaults \
    -no-user-config -display none -serial file:console -qmp unix:monitor,server=on,wait=off -device virtio-rng-pci \
    -device virtio-serial-pci,id=ports -device virtio-blk-pci,drive=disk";

/// What is on the disk's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// The bare disk.
    Raw,
    /// What was written over another disk.
    Over,
}

impl Disk {
    pub(crate) fn file(self) -> &'static str {
        match self {
            Disk::Raw => "disk.raw",
            Disk::Over => "disk.qcow2",
        }
    }

    fn format(self) -> &'static str {
        match self {
            Disk::Raw => "raw",
            Disk::Over => "qcow2",
        }
    }
}

/// An emulator with its sockets.
#[derive(Debug)]
pub(crate) struct Emulator {
    pub(crate) monitor: Monitor,
    pub(crate) ports: Ports,
}

/// Starts the process that holds emulators, one after the other, in this folder.
pub(crate) fn holder(folder: &Path) -> Result<Holder> {
    let mut launcher = Command::new("unshare");
    // No network: the ways in are sockets of the file system.
    launcher.args(["-n", "-p", "-f", "--kill-child"]);
    Holder::start(launcher, SCRIPT, &[folder])
}

/// Cuts the power of what runs now.
pub(crate) fn cut(holder: &mut Holder) -> Result<()> {
    holder.say("cut")?;
    holder.line().map(drop)
}

impl Emulator {
    /// A machine that boots from its disk. The clock on its board says `clock` (`2030-06-01T12:00:00`) now.
    pub(crate) fn boot(
        holder: &mut Holder,
        tools: &Tools,
        folder: &Path,
        disk: Disk,
        clock: &str,
    ) -> Result<Emulator> {
        start(holder, folder, command(tools, disk, clock)?)
    }

    /// A machine that goes on where another one was saved.
    pub(crate) fn resume(
        holder: &mut Holder,
        tools: &Tools,
        folder: &Path,
        disk: Disk,
        clock: &str,
        state: &Path,
    ) -> Result<Emulator> {
        let mut words = command(tools, disk, clock)?;
        words.extend(["-incoming".to_owned(), format!("exec:cat '{}'", state.display())]);
        let mut emulator = start(holder, folder, words)?;
        emulator.until_status("paused")?;
        emulator.monitor.execute("cont", "{}")?;
        Ok(emulator)
    }

    /// Stops the machine and writes all of it but its disk to a file.
    pub(crate) fn save(&mut self, state: &Path) -> Result<()> {
        self.monitor.execute("stop", "{}")?;
        self.monitor.execute("migrate-set-parameters", "{\"max-bandwidth\":10000000000}")?;
        self.monitor.execute("migrate", &format!("{{\"uri\":\"exec:cat > '{}'\"}}", state.display()))?;
        let mut answer = String::new();
        until("the machine to be saved", MOVING, || {
            answer = self.monitor.execute("query-migrate", "{}").unwrap_or_else(|error| error.chain());
            let over = ["completed", "failed", "ended"].iter().any(|word| answer.contains(word));
            over.then_some(())
        })?;
        if answer.contains("\"completed\"") {
            return Ok(());
        }
        Err(Error::Odd(format!("the machine could not be saved: {answer}")))
    }

    fn until_status(&mut self, status: &str) -> Result<()> {
        let named = format!("\"status\": \"{status}\"");
        let mut failed = None;
        until(&format!("the machine to be {status}"), MOVING, || {
            match self.monitor.execute("query-status", "{}") {
                Ok(answer) => answer.contains(&named).then_some(()),
                Err(error) => {
                    failed = Some(error);
                    Some(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}

fn start(holder: &mut Holder, folder: &Path, words: Vec<String>) -> Result<Emulator> {
    for socket in sockets() {
        // Of the run before.
        let _ = fs::remove_file(folder.join(socket));
    }
    let path = folder.join("command");
    fs::write(&path, words.join("\n") + "\n").map_err(Error::io(format!("write {}", path.display())))?;
    holder.say("start")?;
    holder.line()?;
    let directory = File::open(folder).map_err(Error::io(format!("open {}", folder.display())))?;
    let connect = |socket: &str| {
        // The folder's own path may be longer than a socket's may be.
        let path = format!("/proc/self/fd/{}/{socket}", directory.as_raw_fd());
        until(&format!("the emulator's socket {socket}"), STARTING, || UnixStream::connect(&path).ok())
    };
    let said = |error: Error| {
        let said = fs::read_to_string(folder.join("emulator.log")).unwrap_or_default();
        Error::Missing(format!("no machine can be emulated here: {}\n{said}", error.chain()))
    };
    let mut streams = sockets().map(|socket| connect(&socket)).collect::<Result<Vec<_>>>().map_err(said)?;
    let monitor = Monitor::new(streams.remove(0)).map_err(said)?;
    Ok(Emulator { monitor, ports: Ports::new(streams) })
}

/// The monitor's, then the ports'.
fn sockets() -> impl Iterator<Item = String> {
    std::iter::once("monitor".to_owned()).chain((1..=PORTS).map(|number| format!("port{number}")))
}

/// The command of the emulator; all names of sockets and of the disk are those in its folder.
fn command(tools: &Tools, disk: Disk, clock: &str) -> Result<Vec<String>> {
    let tree = tools.tree();
    let at = |below: &str| tree.join(below).to_string_lossy().into_owned();
    let mut words =
        vec!["env".to_owned(), format!("QEMU_MODULE_DIR={}", at("usr/lib/x86_64-linux-gnu/qemu"))];
    words.extend(tools.call("usr/bin/qemu-system-x86_64"));
    words.extend(["-L".to_owned(), at("usr/share/qemu"), "-L".to_owned(), at("usr/share/seabios")]);
    words.extend(MACHINE.split_whitespace().map(str::to_owned));
    for number in 1..=PORTS {
        words.extend([
            "-chardev".to_owned(),
            format!("socket,id=port{number},path=port{number},server=on,wait=off"),
        ]);
        words.extend([
            "-device".to_owned(),
            format!("virtserialport,bus=ports.0,nr={number},chardev=port{number}"),
        ]);
    }
    let drive = format!("file={},format={},if=none,id=disk,cache=writeback", disk.file(), disk.format());
    words.extend(["-drive".to_owned(), drive]);
    words.extend(["-rtc".to_owned(), format!("base={clock},clock=host")]);
    let path = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    words.extend(["-kernel".to_owned(), path(tools.kernel()?), "-initrd".to_owned(), path(tools.initrd())]);
    words.extend(["-append".to_owned(), KERNEL.to_owned()]);
    Ok(words)
}
