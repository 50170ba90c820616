//! A file written beside its place, and then put into it in one step.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::fcntl::{OFlag, PosixFadviseAdvice, posix_fadvise, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, fchown};

use super::{Dir, DirError};

/// How long a file has to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A power cut may take it: what it speaks of is gone then as well.
    ThisBoot,
    /// After a power cut the old bytes may be there or the new ones, either of them whole: the file is synced and its
    /// directory is not. For one who knows from elsewhere what the new ones say, and writes them again if need be.
    OldOrNew,
    /// It must be there after a power cut: the file and its directory are synced.
    AcrossReboot,
}

/// Bytes under a temporary name, with owner and mode as they shall be. Dropped, it is gone.
#[derive(Debug)]
pub struct Staged<'dir> {
    dir: &'dir Dir,
    name: OsString,
    temp: Option<OsString>,
    file: File,
    made: Made,
}

/// Where its file is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// It is a new one.
    Anew,
    /// It is the spare one, for there is no room for another. What it replaces is the next.
    FromSpare,
}

impl Dir {
    /// Writes `bytes` beside `name` with `mode`; sudo ignores the temporary name because of its dots.
    ///
    /// # Errors
    /// It could not be written (a full disk, a read-only one).
    pub fn stage(
        &self,
        name: &OsStr,
        bytes: &[u8],
        mode: u32,
        durability: Durability,
    ) -> Result<Staged<'_>, DirError> {
        let staged = self.stage_as(name, bytes, |file| Ok(self.own(file, mode)?))?;
        match durability {
            Durability::ThisBoot => {}
            Durability::OldOrNew | Durability::AcrossReboot => staged.sync()?,
        }
        Ok(staged)
    }

    /// As [`Dir::stage`], with `dress` to give the file its owner, mode and whatever else it needs, and not synced.
    pub(crate) fn stage_as(
        &self,
        name: &OsStr,
        bytes: &[u8],
        dress: impl Fn(&File) -> io::Result<()>,
    ) -> Result<Staged<'_>, DirError> {
        let temp = temp_name(name);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let fail = |why: Errno| self.failed("write", &temp, why.into());
        let new = match self.open_file(&temp, flags, 0o600) {
            Ok(file) => {
                let staged = Staged {
                    dir: self,
                    name: name.to_owned(),
                    temp: Some(temp.clone()),
                    file,
                    made: Made::Anew,
                };
                staged.fill(bytes, &dress).map(|()| staged)
            }
            Err(why) => Err(fail(why)),
        };
        match new {
            Err(why) if why.is_full() => {
                let Some(file) = self.take_spare(name, &temp) else { return Err(why) };
                let (name, temp) = (name.to_owned(), Some(temp));
                let staged = Staged { dir: self, name, temp, file, made: Made::FromSpare };
                staged.fill(bytes, &dress).map(|()| staged)
            }
            done => done,
        }
    }

    /// Owner, group and mode are set on the descriptor: neither umask nor a set-gid directory has a say.
    fn own(&self, file: &File, mode: u32) -> Result<(), Errno> {
        fchown(file.as_fd(), Some(self.owner), Some(Gid::effective()))?;
        fchmod(file.as_fd(), Mode::from_bits_truncate(mode))
    }

    /// Replaces `name` in one step.
    ///
    /// # Errors
    /// As [`Dir::stage`] and [`Staged::publish`].
    pub fn replace(
        &self,
        name: &OsStr,
        bytes: &[u8],
        mode: u32,
        durability: Durability,
    ) -> Result<(), DirError> {
        self.stage(name, bytes, mode, durability)?.publish()?;
        match durability {
            Durability::ThisBoot | Durability::OldOrNew => Ok(()),
            Durability::AcrossReboot => self.sync(),
        }
    }

    /// Takes away every temporary file for `name`, whoever left it; how many there were.
    ///
    /// Only for the holder of the lock on `name`, or for one who goes on without it: the rename of a writer that
    /// was stopped half-way then fails instead of bringing back an old state.
    ///
    /// # Errors
    /// The directory cannot be listed, or one cannot be taken away.
    pub fn sweep(&self, name: &OsStr) -> Result<usize, DirError> {
        self.sweep_all(&[name])
    }

    /// As [`Dir::sweep`], for several names in one look at the directory.
    pub(crate) fn sweep_all(&self, names: &[&OsStr]) -> Result<usize, DirError> {
        let mut swept = 0;
        for found in self.names()? {
            if names.iter().any(|name| is_temp_of(&found, name)) && self.unlink(&found)? {
                swept += 1;
            }
        }
        Ok(swept)
    }
}

impl Dir {
    /// Whether a file of this name is one that [`Dir::stage`] made for `name`.
    pub(crate) fn is_temp_of(found: &OsStr, name: &OsStr) -> bool {
        is_temp_of(found, name)
    }
}

impl Staged<'_> {
    /// Where it lies for now.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path.join(self.temp.as_deref().unwrap_or_default())
    }

    /// Has the disk begin with its bytes, and waits for nothing: what another sync makes the file system commit meanwhile takes
    /// this file along. Only a hint; whoever needs the bytes on the disk syncs them.
    pub(crate) fn begin_sync(&self) {
        let _ = posix_fadvise(&self.file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    }

    /// Makes its bytes, owner and mode outlive a power cut.
    pub(crate) fn sync(&self) -> Result<(), DirError> {
        self.file.sync_all().map_err(|why| self.failed(why))
    }

    fn fill(&self, bytes: &[u8], dress: impl Fn(&File) -> io::Result<()>) -> Result<(), DirError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let written = (&self.file).write_all(bytes).and_then(|()| match self.made {
            Made::Anew => Ok(()),
            Made::FromSpare => self.file.set_len(length),
        });
        written.and_then(|()| dress(&self.file)).map_err(|why| self.failed(why))
    }

    fn failed(&self, why: io::Error) -> DirError {
        self.dir.failed("write", self.temp.as_deref().unwrap_or(&self.name), why)
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// [`DirError::Interrupted`] when somebody took it away meanwhile.
    pub fn publish(mut self) -> Result<(), DirError> {
        let Some(temp) = self.temp.take() else { return Ok(()) };
        if self.made == Made::FromSpare && self.dir.exchange(&temp, &self.name).is_ok() {
            self.dir.put_spare(&self.name, &temp);
            return Ok(());
        }
        match renameat(self.dir.fd.as_fd(), temp.as_os_str(), self.dir.fd.as_fd(), self.name.as_os_str()) {
            Ok(()) => Ok(()),
            Err(Errno::ENOENT) => Err(DirError::Interrupted { path: self.dir.path.join(&self.name) }),
            Err(why) => {
                self.temp = Some(temp);
                Err(self.dir.failed("replace", &self.name, why.into()))
            }
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if let Some(temp) = &self.temp {
            match self.made {
                // What stays is swept by the next writer; sudo never reads it.
                Made::Anew => drop(self.dir.unlink(temp)),
                Made::FromSpare => self.dir.put_spare(&self.name, temp),
            }
        }
    }
}

/// A name that no other writer has: `.NAME.PID.COUNT.tmp`.
fn temp_name(name: &OsStr) -> OsString {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut temp = OsString::from(".");
    temp.push(name);
    temp.push(format!(".{}.{}.tmp", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    temp
}

fn is_temp_of(found: &OsStr, name: &OsStr) -> bool {
    found
        .as_bytes()
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(name.as_bytes()))
        .is_some_and(|rest| rest.starts_with(b".") && rest.ends_with(b".tmp"))
}
