//! Which program a process runs, and for whom: for locks that somebody else holds.
//!
//! A program is known by its file (`/proc/PID/exe`, device and inode), never by its name: anybody can call a process
//! `gpasswd`. The real uid says nothing of who started a set-uid program: shadow-utils set it to 0 before they take a
//! lock. The login uid does, and where there is none, the nearest process above it that is not root's.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jit_common::escape::escaped;

use crate::paths::HostPaths;

/// The program that reads its group before it takes the lock (see [`mod@super::bystanders`]).
const GPASSWD: &str = "/usr/bin/gpasswd";

/// Programs that take `/etc/.pwd.lock` and look at the group files only while they hold `/etc/group.lock`, or never:
/// chfn, chsh and passwd of shadow-utils and whatever else changes a password by PAM (pam_unix(8) holds lckpwdf(3)), and
/// vipw, which is vigr too. systemd-sysusers is none of them: it writes `/etc/group` with the first lock alone.
const KNOWN: [&str; 8] = [
    "/usr/bin/chfn",
    "/usr/bin/chsh",
    "/usr/bin/passwd",
    "/usr/bin/su",
    "/usr/bin/sudo",
    "/usr/sbin/unix_update",
    "/usr/sbin/vipw",
    GPASSWD,
];

/// How far up the parents are asked.
const PARENTS: u32 = 16;

/// The login uid of a process that nobody logged in for (proc_pid_loginuid(5)).
const UNSET: u32 = u32::MAX;

/// A program by its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    dev: u64,
    ino: u64,
}

impl Program {
    fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|meta| Self { dev: meta.dev(), ino: meta.ino() })
    }

    /// The host's gpasswd, if it has one.
    pub(super) fn gpasswd(paths: &HostPaths) -> Option<Self> {
        Self::at(&paths.root.join(GPASSWD.trim_start_matches('/')))
    }

    /// Whether the process runs it.
    pub(super) fn is_run_by(self, paths: &HostPaths, pid: u32) -> bool {
        Self::at(&paths.proc.join(format!("{pid}/exe"))) == Some(self)
    }
}

/// Whether the process runs gpasswd.
pub(super) fn is_gpasswd(paths: &HostPaths, pid: u32) -> bool {
    Program::gpasswd(paths).is_some_and(|gpasswd| gpasswd.is_run_by(paths, pid))
}

/// Whether the process runs a program that touches the group files under `/etc/group.lock` alone.
pub(super) fn heeds_the_second_lock(paths: &HostPaths, pid: u32) -> bool {
    let known = |program: &&str| Program::at(&paths.root.join(program.trim_start_matches('/')));
    KNOWN.iter().filter_map(known).any(|program| program.is_run_by(paths, pid))
}

/// A process in words: its number, its program, and who started it.
pub(crate) fn in_words(paths: &HostPaths, pid: u32) -> String {
    let folder = paths.proc.join(pid.to_string());
    let program = fs::read_link(folder.join("exe"));
    let program = program.map(|program| format!(", {},", escaped(&program.to_string_lossy())));
    let user = started_by(paths, pid).map(|uid| format!(" started by {}", name_of(paths, uid)));
    let (program, user) = (program.unwrap_or_default(), user.unwrap_or_default());
    format!("process {pid}{program}{user}").trim_end_matches(',').to_owned()
}

/// The uid of whoever logged in and started it.
fn started_by(paths: &HostPaths, pid: u32) -> Option<u32> {
    let login = fs::read_to_string(paths.proc.join(format!("{pid}/loginuid")));
    let login = login.ok().and_then(|text| text.trim().parse().ok()).filter(|uid| *uid != UNSET);
    login.or_else(|| nearest_user(&paths.proc, pid))
}

/// The real uid of the nearest process upwards that is not root's; root when there is none.
fn nearest_user(proc: &Path, pid: u32) -> Option<u32> {
    let (mut pid, mut found) = (pid, None);
    for _ in 0..PARENTS {
        let Ok(status) = fs::read_to_string(proc.join(format!("{pid}/status"))) else { break };
        let field = |name: &str| -> Option<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse().ok()
        };
        found = field("Uid:").or(found);
        match (found, field("PPid:")) {
            (Some(0), Some(parent)) if parent > 0 => pid = parent,
            (Some(_) | None, _) => break,
        }
    }
    found
}

/// The first name that `/etc/passwd` has for a uid, and the uid.
fn name_of(paths: &HostPaths, uid: u32) -> String {
    let passwd = fs::read_to_string(&paths.etc_passwd).unwrap_or_default();
    let number = uid.to_string();
    let is = |line: &&str| line.split(':').nth(2) == Some(&number);
    match passwd.lines().find(is).and_then(|line| line.split(':').next()) {
        Some(name) => format!("{} (uid {uid})", escaped(name)),
        None => format!("uid {uid}"),
    }
}
