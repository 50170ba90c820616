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
use rustix::fs::AtFlags;

use super::stale::{Judged, Judging, LONG, judge};
use crate::dir::{Dir, DirError, Identity};

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
        let name = with_ending(of, "lock");
        let pid = process::id();
        let temp = with_ending(of, &pid.to_string());
        // From a process of the same number that died.
        dir.unlink(&temp)?;
        let fail = |why: std::io::Error| dir.failed("write", &temp, why);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let mut file = dir.open_file(&temp, flags, 0o600).map_err(|why| fail(why.into()))?;
        let _litter = Litter { dir, name: &temp };
        file.write_all(format!("{pid}\0").as_bytes()).map_err(fail)?;
        let mut broke = None;
        for _ in 0..2 {
            match rustix::fs::linkat(dir.fd(), &temp, dir.fd(), &name, AtFlags::empty()) {
                Ok(()) => {
                    let names = file.metadata().map_err(fail)?.nlink();
                    let lock = Self { dir, name: name.clone(), file, broke };
                    return Ok(match names {
                        2 => LinkLocked::Held(lock),
                        // Somebody gave our file another name: nothing that shadow-utils do.
                        names => {
                            LinkLocked::Busy { name, pid: None, holder: format!("a file with {names} names") }
                        }
                    });
                }
                Err(rustix::io::Errno::EXIST) => match judge(dir, &name, judging)? {
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
                    return Err(dir.failed("make", &name, Errno::from_raw(why.raw_os_error()).into()));
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
            let _ = self.dir.unlink(&self.name);
        }
    }
}

/// A temporary name that goes with this value.
struct Litter<'a> {
    dir: &'a Dir,
    name: &'a OsStr,
}

impl Drop for Litter<'_> {
    fn drop(&mut self) {
        let _ = self.dir.unlink(self.name);
    }
}

fn with_ending(name: &OsStr, ending: &str) -> OsString {
    let mut with = name.to_owned();
    with.push(".");
    with.push(ending);
    with
}
