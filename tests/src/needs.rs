//! What this machine must have for the beds; what is missing is one sentence saying what to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::{Error, Result, cache};

/// Programs of this machine that the beds call, each with the Debian package that has it.
const PROGRAMS: [(&str, &str); 10] = [
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("bash", "bash"),
    ("chroot", "coreutils"),
    ("tar", "tar"),
    ("perl", "perl-base"),
    ("apt-get", "apt"),
    ("dpkg", "dpkg"),
    ("dpkg-deb", "dpkg"),
];

/// Free space the trees need beside the build, in MiB.
const DISK_MIB: u64 = 2048;

/// Checks once per process that beds can work here.
///
/// # Errors
/// [`Error::Missing`] with the first thing that is missing.
pub fn check() -> Result<()> {
    static SEEN: OnceLock<Option<String>> = OnceLock::new();
    match SEEN.get_or_init(first_missing) {
        None => Ok(()),
        Some(why) => Err(Error::Missing(why.clone())),
    }
}

fn first_missing() -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("the beds need root: run this as root, or in a container with --privileged".to_owned());
    }
    for (program, package) in PROGRAMS {
        if find(program).is_none() {
            return Some(format!("{program} is missing: apt-get install {package}"));
        }
    }
    if let Some(why) = no_namespaces() {
        return Some(why);
    }
    no_disk()
}

/// The path of a program of this machine.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn no_namespaces() -> Option<String> {
    let mut probe = Command::new("unshare");
    probe.args(["-m", "-p", "-i", "-u", "-n", "-f", "--propagation", "private", "--kill-child"]);
    probe.args(["sh", "-c", "mount -t tmpfs none /mnt && mount -t proc proc /proc"]);
    let output = probe.stdin(Stdio::null()).output().ok()?;
    if output.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Some(format!(
        "this machine does not let root make namespaces and mounts ({said}): use a machine or container that does"
    ))
}

fn no_disk() -> Option<String> {
    let folder = match cache::folder() {
        Ok(folder) => folder,
        Err(error) => return Some(error.chain()),
    };
    let free = free_mib(&folder)?;
    let made = std::fs::read_dir(&folder).is_ok_and(|entries| entries.count() > 4);
    (free < DISK_MIB && !made).then(|| {
        format!(
            "{} has {free} MiB free and the beds need {DISK_MIB}: make room, or set JIT_BEDS_DIR",
            folder.display()
        )
    })
}

/// Free space of a file system in MiB.
#[must_use]
pub fn free_mib(path: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    Some(stat.blocks_available().saturating_mul(stat.fragment_size()) >> 20)
}
