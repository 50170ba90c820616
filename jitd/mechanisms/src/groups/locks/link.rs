//! `FILE.lock`: a file that link(2) makes for one alone.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use rustix::fs::{AtFlags, RenameFlags};

use super::stale::{Judged, Judging, LONG, judge};
use crate::dir::{Dir, DirError, Identity, is_full};

/// How often a lock that somebody holds is tried again: only those who take no `/etc/.pwd.lock` make us wait here.
const RETRY: Duration = Duration::from_millis(10);

/// The held lock; its file goes when it is dropped.
#[derive(Debug)]
pub struct LinkLock<'dir> {
    dir: &'dir Dir,
    name: OsString,
    /// Held open, so that no other file can get its number.
    file: File,
    broke: Option<u32>,
    made: Made,
}

/// Where the file of a lock is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// It is a new one.
    Anew,
    /// It was kept for a time when there is no room for another, and is kept again.
    FromSpare,
}

/// What came of trying.
#[derive(Debug)]
#[must_use]
pub enum LinkLocked<'dir> {
    /// We hold it.
    Held(LinkLock<'dir>),
    /// Somebody else does, as far as can be told.
    Busy {
        /// The lock file's name.
        name: OsString,
        /// Its process, if it is known.
        pid: Option<u32>,
        /// Who, in words.
        holder: String,
    },
}

impl<'dir> LinkLock<'dir> {
    /// Takes `FILE.lock` for the file `of` in `dir`, waiting about `wait` at most (counted in steps; no clock is
    /// asked). Only for the holder of `/etc/.pwd.lock`, or beside one.
    ///
    /// # Errors
    /// It can be neither made nor looked at.
    pub fn take(
        dir: &'dir Dir,
        of: &OsStr,
        wait: Duration,
        judging: Judging,
    ) -> Result<LinkLocked<'dir>, DirError> {
        let mut waited = Duration::ZERO;
        loop {
            match Self::attempt(dir, of, judging)? {
                LinkLocked::Busy { .. } if waited < wait => thread::sleep(RETRY),
                done @ (LinkLocked::Held(_) | LinkLocked::Busy { .. }) => return Ok(done),
            }
            waited = waited.saturating_add(RETRY);
        }
    }

    /// Who held it and was stopped: it may still write an older list as long as it lives.
    #[must_use]
    pub fn broke(&self) -> Option<u32> {
        self.broke
    }

    /// What they call commonio_lock_nowait.
    fn attempt(dir: &'dir Dir, of: &OsStr, judging: Judging) -> Result<LinkLocked<'dir>, DirError> {
        let name = lock_of(of);
        let pid = process::id();
        let temp = with_ending(of, &pid.to_string());
        // From a process of the same number that died.
        dir.unlink(&temp)?;
        let fail = |why: std::io::Error| dir.failed("write", &temp, why);
        let (file, made) = written(dir, &name, &temp, &format!("{pid}\0"))?;
        let mut litter = Litter { dir, name: &temp, lock: name.clone(), made };
        let mut broke = None;
        for _ in 0..2 {
            match give_name(dir, &temp, &name) {
                Ok(expected) => {
                    // The file is the lock's from here on.
                    litter.made = Made::Anew;
                    let names = file.metadata().map_err(fail)?.nlink();
                    let lock = Self { dir, name: name.clone(), file, broke, made };
                    return Ok(match names {
                        names if names == expected => LinkLocked::Held(lock),
                        // Somebody gave our file another name: nothing that shadow-utils do.
                        names => {
                            LinkLocked::Busy { name, pid: None, holder: format!("a file with {names} names") }
                        }
                    });
                }
                Err(Errno::EEXIST) => match judge(dir, &name, judging)? {
                    Judged::Stale => drop(dir.unlink(&name)?),
                    Judged::Unclear(holder) => return Ok(LinkLocked::Busy { name, pid: None, holder }),
                    // Our own file was written just now: its time is the file system's.
                    Judged::Held { pid, made }
                        if judging == (Judging::Beside { breaks: Some(pid) })
                            && file.metadata().map_err(fail)?.mtime() - made >= LONG =>
                    {
                        broke = Some(pid);
                        dir.unlink(&name)?;
                    }
                    Judged::Held { pid, .. } => {
                        let holder = format!("process {pid}");
                        return Ok(LinkLocked::Busy { name, pid: Some(pid), holder });
                    }
                },
                Err(why) => {
                    return Err(dir.failed("make", &name, why.into()));
                }
            }
        }
        Ok(LinkLocked::Busy { name, pid: None, holder: "somebody who was faster".into() })
    }
}

impl Drop for LinkLock<'_> {
    fn drop(&mut self) {
        // Not somebody else's, should ours have been taken away. What stays is stale when we are gone.
        let Ok(ours) = self.file.metadata().map(|meta| Identity::of(&meta)) else { return };
        if self.dir.identity(&self.name).is_some_and(|now| now.same_file(ours)) {
            match self.made {
                Made::Anew => drop(self.dir.unlink(&self.name)),
                Made::FromSpare => self.dir.put_spare(&self.name, &self.name),
            }
        }
    }
}

/// A temporary name that goes with this value.
struct Litter<'a> {
    dir: &'a Dir,
    name: &'a OsStr,
    lock: OsString,
    made: Made,
}

impl Drop for Litter<'_> {
    fn drop(&mut self) {
        match self.made {
            Made::Anew => drop(self.dir.unlink(self.name)),
            Made::FromSpare => self.dir.put_spare(&self.lock, self.name),
        }
    }
}

/// Writes `FILE.PID`, or the file that is kept for when there is no room.
fn written(dir: &Dir, lock: &OsStr, temp: &OsStr, text: &str) -> Result<(File, Made), DirError> {
    let fail = |why: std::io::Error| dir.failed("write", temp, why);
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
    let new = match dir.open_file(temp, flags, 0o600) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| file).map_err(fail),
        Err(why) => Err(fail(why.into())),
    };
    match new {
        Ok(file) => Ok((file, Made::Anew)),
        Err(why) if why.is_full() => {
            dir.unlink(temp)?;
            let Some(mut file) = dir.take_spare(lock, temp) else { return Err(why) };
            let length = u64::try_from(text.len()).unwrap_or_default();
            file.write_all(text.as_bytes()).and_then(|()| file.set_len(length)).map_err(fail)?;
            Ok((file, Made::FromSpare))
        }
        Err(why) => {
            dir.unlink(temp)?;
            Err(why)
        }
    }
}

/// Gives the file its second name, or where there is no room for one (tmpfs counts names), the other name. How many names it
/// has to have then.
fn give_name(dir: &Dir, temp: &OsStr, name: &OsStr) -> Result<u64, Errno> {
    let raw = |why: rustix::io::Errno| Errno::from_raw(why.raw_os_error());
    match rustix::fs::linkat(dir.fd(), temp, dir.fd(), name, AtFlags::empty()).map_err(raw) {
        Ok(()) => Ok(2),
        Err(why) if is_full(why) => {
            let only = RenameFlags::NOREPLACE;
            rustix::fs::renameat_with(dir.fd(), temp, dir.fd(), name, only).map_err(raw).map(|()| 1)
        }
        Err(why) => Err(why),
    }
}

/// The name of the lock file of a file.
pub(in crate::groups) fn lock_of(name: &OsStr) -> OsString {
    with_ending(name, "lock")
}

fn with_ending(name: &OsStr, ending: &str) -> OsString {
    let mut with = name.to_owned();
    with.push(".");
    with.push(ending);
    with
}
