//! One control group (cgroups(7), version 2): who is in it, and how all of them are frozen or ended together.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jit_common::ids::RequestId;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
pub use rustix::process::Signal;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use crate::paths::HostPaths;

/// What the name of each begins with.
pub(crate) const PREFIX: &str = "grant-";

/// How deep groups that a grant's own processes made in theirs are looked through.
const DEEPEST: usize = 16;

/// Processes that are held at a time.
const LOT: usize = 256;

/// Descendants of a process that are looked for.
const MOST_DESCENDANTS: usize = 4096;

/// A process that is to go into a group.
#[derive(Clone, Copy, Debug)]
pub struct Entrant<'p> {
    /// Its number.
    pub pid: u32,
    /// The uid with which it connected, by the kernel.
    pub uid: u32,
    /// The process, held since it was known to be the one that connected.
    pub process: &'p OwnedFd,
}

/// The control group of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    path: PathBuf,
    proc: PathBuf,
    sudo: PathBuf,
    password_lock: PathBuf,
}

impl Group {
    /// The one of this name, whether or not it is there.
    #[must_use]
    pub fn named(paths: &HostPaths, name: RequestId) -> Self {
        let path = paths.control_home.join(format!("{PREFIX}{name}"));
        let password_lock = paths.password_lock.clone();
        Self { path, proc: paths.proc.clone(), sudo: paths.sudo.clone(), password_lock }
    }

    /// All that there are.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn all(paths: &HostPaths) -> io::Result<Vec<RequestId>> {
        let entries = match fs::read_dir(&paths.control_home) {
            Ok(entries) => entries,
            Err(why) if is_gone(&why) => return Ok(Vec::new()),
            Err(why) => return Err(why),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            names.extend(name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<RequestId>().ok()));
        }
        Ok(names)
    }

    /// Makes it, if it is not there. Its home is never made here: it is the guard's, and given by systemd.
    pub(super) fn make(&self) -> io::Result<()> {
        match fs::create_dir(&self.path) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Puts a process into it, and looks whether it is there. Whoever connected may be gone, and its number another's by now:
    /// the process is held, and has to be of the uid that connected. 0 would be ourselves (cgroups(7)).
    pub(super) fn take(&self, Entrant { pid, uid, process }: Entrant<'_>) -> io::Result<()> {
        let gone = || io::Error::other("the process is gone");
        if !uids(&self.proc, pid).contains(&uid) {
            return Err(io::Error::other(format!("process {pid} is not one of uid {uid}")));
        }
        // It is there, so the number is still its own: what was read of it, and what is moved.
        if pid <= 1 || !is_there(process) {
            return Err(gone());
        }
        fs::write(self.path.join("cgroup.procs"), pid.to_string())?;
        match self.pids()?.contains(&pid) && is_there(process) {
            true => Ok(()),
            false => Err(io::Error::other("the process is not in it after it was put there")),
        }
    }

    /// The processes in it and in groups below it. Those of other pid namespaces, which have no number here, are left out.
    ///
    /// # Errors
    /// It cannot be read. A group that is not there has none.
    pub fn pids(&self) -> io::Result<BTreeSet<u32>> {
        let mut pids = BTreeSet::new();
        for path in self.below()? {
            match fs::read_to_string(path.join("cgroup.procs")) {
                Ok(text) => pids
                    .extend(text.lines().filter_map(|line| line.parse::<u32>().ok()).filter(|pid| *pid > 1)),
                Err(why) if is_gone(&why) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(pids)
    }

    /// Whether anything runs in it (`populated` of `cgroup.events`), in groups below it as well.
    ///
    /// # Errors
    /// It cannot be read. In a group that is not there nothing runs.
    pub fn is_populated(&self) -> io::Result<bool> {
        match fs::read_to_string(self.path.join("cgroup.events")) {
            Ok(text) => Ok(text.lines().any(|line| line == "populated 1")),
            Err(why) if is_gone(&why) => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// Kills everything in it at once, forks under way and what is frozen included (`cgroup.kill`, Linux 5.14).
    ///
    /// # Errors
    /// The kernel has no such file, or says no.
    pub fn kill(&self) -> io::Result<()> {
        gone_is_done(fs::write(self.path.join("cgroup.kill"), "1"))
    }

    /// Freezes everything in it.
    ///
    /// # Errors
    /// The kernel says no, or something in it holds the lock of the account files just now, which nobody else could take
    /// then for as long as it is frozen.
    pub fn freeze(&self) -> io::Result<()> {
        if self.holds_the_password_lock()? {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        gone_is_done(fs::write(self.path.join("cgroup.freeze"), "1"))
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// The kernel says no.
    pub fn thaw(&self) -> io::Result<()> {
        gone_is_done(fs::write(self.path.join("cgroup.freeze"), "0"))
    }

    /// Sends a signal to everybody in it but sudo, which puts the terminal right and ends when what it runs has ended; to how
    /// many. A process is held by a pidfd before it is looked for in the group, so a number that was given to somebody else
    /// meanwhile gets nothing (pidfd_open(2)).
    ///
    /// # Errors
    /// It cannot be read.
    pub fn signal_all_but_sudo(&self, signal: Signal) -> io::Result<usize> {
        let pids: Vec<u32> = self.pids()?.into_iter().collect();
        let mut sent = 0;
        // In lots: each is held, and a group may have more of them than this process may hold.
        for lot in pids.chunks(LOT) {
            let held: Vec<_> = lot.iter().filter_map(|pid| Some((*pid, hold(*pid)?))).collect();
            let still = self.pids()?;
            let meant =
                held.iter().filter(|(pid, _)| still.contains(pid) && !is_sudo(&self.proc, &self.sudo, *pid));
            sent += meant.filter(|(_, process)| pidfd_send_signal(process, signal).is_ok()).count();
        }
        Ok(sent)
    }

    /// Puts the leader of a session, which is held, and what descends from it back into this group, where they have left it: systemd
    /// moves a process for whoever has its real uid (`AttachProcessesToUnit`), and sudo keeps that of its caller. How many were put back.
    ///
    /// # Errors
    /// Somebody could not be put back.
    pub fn gather(&self, leader: u32, held: &OwnedFd) -> io::Result<usize> {
        let inside = self.pids()?;
        let mut back = 0;
        for pid in descendants(&self.proc, leader).into_iter().filter(|pid| !inside.contains(pid)) {
            let Some(process) = hold(pid) else { continue };
            let is_still = pid == leader || descendants(&self.proc, leader).contains(&pid);
            if is_still && is_there(held) && is_there(&process) {
                fs::write(self.path.join("cgroup.procs"), pid.to_string())?;
                back += 1;
            }
        }
        Ok(back)
    }

    /// Takes it away, with groups below it that are empty too.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.below()?.iter().rev().try_for_each(|path| gone_is_done(fs::remove_dir(path)))
    }

    /// Whether a process in it holds the lock of the account files, by `/proc/locks` (proc_locks(5)): the process is the fifth
    /// word of a line, device and inode are the sixth.
    fn holds_the_password_lock(&self) -> io::Result<bool> {
        let Ok(lock) = fs::metadata(&self.password_lock) else { return Ok(false) };
        let inode = format!(":{}", lock.ino());
        let pids = self.pids()?;
        let locks = fs::read_to_string(self.proc.join("locks"))?;
        let held = |line: &str| {
            let mut words = line.split_ascii_whitespace().skip(4);
            let pid = words.next().and_then(|pid| pid.parse::<u32>().ok());
            pid.is_some_and(|pid| pids.contains(&pid))
                && words.next().is_some_and(|file| file.ends_with(&inode))
        };
        Ok(locks.lines().any(held))
    }

    /// It and the groups below it, each before those below it. A link is not followed: the kernel has none there.
    fn below(&self) -> io::Result<Vec<PathBuf>> {
        let mut all = vec![self.path.clone()];
        let mut level = all.clone();
        for _ in 0..DEEPEST {
            let mut next = Vec::new();
            for path in &level {
                let entries = match fs::read_dir(path) {
                    Ok(entries) => entries,
                    Err(why) if is_gone(&why) => continue,
                    Err(why) => return Err(why),
                };
                for entry in entries {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        next.push(entry.path());
                    }
                }
            }
            all.extend(next.iter().cloned());
            level = next;
        }
        Ok(all)
    }
}

/// Kills a process, which is held, and what descends from it, wherever they are; how many.
#[must_use]
pub fn kill_with_descendants(proc: &Path, leader: u32, held: &OwnedFd) -> usize {
    let mut killed = 0;
    for pid in descendants(proc, leader) {
        let Some(process) = hold(pid) else { continue };
        let is_still = pid == leader || descendants(proc, leader).contains(&pid);
        if is_still && is_there(held) && pid != leader && pidfd_send_signal(&process, Signal::KILL).is_ok() {
            killed += 1;
        }
    }
    // The leader goes last, for what it started would not be its own any more.
    killed + usize::from(is_there(held) && pidfd_send_signal(held, Signal::KILL).is_ok())
}

/// A process and its descendants (`/proc/PID/task/TID/children`, proc(5)), as many as fit.
fn descendants(proc: &Path, leader: u32) -> Vec<u32> {
    let mut all = vec![leader];
    let mut next = 0;
    while let Some(pid) = all.get(next).copied().filter(|_| all.len() < MOST_DESCENDANTS) {
        next += 1;
        let threads = fs::read_dir(proc.join(pid.to_string()).join("task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let new = children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok());
            all.extend(new.filter(|pid: &u32| *pid > 1));
        }
    }
    all
}

/// Whether a process runs this host's sudo.
#[must_use]
pub fn is_sudo(proc: &Path, sudo: &Path, pid: u32) -> bool {
    let which = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let exe = which(&proc.join(pid.to_string()).join("exe"));
    exe.is_some() && exe == which(sudo)
}

/// Holds a process by its number; `None` when there is none of it.
#[must_use]
pub fn hold(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// The real and the effective uid of a process; none when it is gone.
fn uids(proc: &Path, pid: u32) -> Vec<u32> {
    let status = fs::read_to_string(proc.join(pid.to_string()).join("status")).unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
    uids.split_ascii_whitespace().take(2).filter_map(|uid| uid.parse().ok()).collect()
}

/// Whether a held process is still there: a pidfd is readable when it has ended (pidfd_open(2)).
#[must_use]
pub fn is_there(process: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut fds, PollTimeout::ZERO), Ok(0))
}

/// A group that was taken away between two looks (ENOENT), or under an open file of it (ENODEV).
fn is_gone(why: &io::Error) -> bool {
    let gone = [nix::errno::Errno::ENOENT, nix::errno::Errno::ENODEV];
    gone.iter().any(|errno| why.raw_os_error() == Some(*errno as i32))
}

fn gone_is_done(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(why) if is_gone(&why) => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn what_holds_the_lock_of_the_account_files_is_not_frozen() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let group = Group::named(&paths, "7k2m9xqa".parse().unwrap());
        fs::create_dir_all(&group.path).unwrap();
        fs::create_dir_all(&paths.proc).unwrap();
        fs::write(group.path.join("cgroup.procs"), "4242\n4243\n").unwrap();
        fs::write(&paths.password_lock, "").unwrap();
        let inode = fs::metadata(&paths.password_lock).unwrap().ino();
        let locks = |pid: u32, inode: u64| {
            let line = format!("1: POSIX  ADVISORY  WRITE {pid} 08:02:{inode} 0 EOF\n");
            fs::write(paths.proc.join("locks"), line).unwrap();
        };
        locks(4243, inode);
        assert_eq!(group.freeze().unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        for (pid, inode) in [(4243, inode + 1), (4244, inode)] {
            locks(pid, inode);
            group.freeze().unwrap();
        }
    }
}
