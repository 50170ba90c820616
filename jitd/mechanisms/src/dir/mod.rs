//! A directory that was looked at before anything in it is trusted or changed.
//!
//! Everything goes through its descriptor and a plain name: nobody can put a link or another directory in the
//! way between the look and the use (the class of CVE-2025-6020).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};

mod error;
mod spare;
mod staged;

pub use error::DirError;
pub(crate) use spare::is_full;
pub use staged::{Durability, Staged};

/// A directory held open.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
    owner: Uid,
}

/// Which file it is and in which state: two equal values mean that nobody wrote, replaced or re-moded it between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    dev: u64,
    ino: u64,
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
}

impl Identity {
    /// Of an open or a looked-up file.
    #[must_use]
    pub fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            ctime: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// When its bytes were last written, in seconds since 1970 as the wall clock had it.
    pub(crate) fn written(&self) -> i64 {
        self.mtime.0
    }

    /// How long it is, in bytes.
    pub(crate) fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Whether both are the same file, whatever happened to it between.
    #[must_use]
    pub fn same_file(&self, other: Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }
}

/// A regular file and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// All of its bytes.
    pub bytes: Vec<u8>,
    /// Its owner's uid.
    pub uid: u32,
    /// Its permission bits, set-id bits included.
    pub mode: u32,
    /// Which file it was.
    pub identity: Identity,
}

impl Content {
    /// Whether `owner` owns it and nobody else may write to it.
    #[must_use]
    pub fn is_only_of(&self, owner: Uid) -> bool {
        self.uid == owner.as_raw() && self.mode & 0o022 == 0
    }
}

/// What stands under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Missing,
    /// A regular file.
    File(Content),
    /// Something that is no file of ours, in words.
    Strange(String),
}

/// What stands under a name, held open.
pub(crate) enum OpenEntry {
    /// Nothing.
    Missing,
    /// A regular file.
    File {
        /// At its end.
        file: File,
        /// As it was before it was read.
        meta: std::fs::Metadata,
        /// All of its bytes.
        bytes: Vec<u8>,
    },
    /// Something that is no file of ours, in words.
    Strange(String),
}

/// How a directory is opened for reading names below it: never through a link, never kept by a child.
const OPEN_DIR: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Dir {
    /// Opens `path`, which `owner` must own and nobody else may write to.
    ///
    /// # Errors
    /// It is missing, a link, somebody else's, or writable by others.
    pub fn open(path: &Path, owner: Uid) -> Result<Self, DirError> {
        Self::open_as_it_is(path, owner)?.checked()
    }

    /// Opens `path` whatever its owner and mode: for taking things away, which must work in a spoilt directory.
    ///
    /// # Errors
    /// It is missing or a link.
    pub fn open_as_it_is(path: &Path, owner: Uid) -> Result<Self, DirError> {
        let fd =
            openat(AT_FDCWD, path, OPEN_DIR, Mode::empty()).map_err(|why| DirError::opening(path, why))?;
        Ok(Self { fd, path: path.to_owned(), owner })
    }

    /// Opens `path`, making it with `mode` when it is missing.
    ///
    /// # Errors
    /// As [`Dir::open`], or it could not be made.
    pub fn open_or_make(path: &Path, owner: Uid, mode: u32) -> Result<Self, DirError> {
        let made = mkdirat(AT_FDCWD, path, Mode::from_bits_truncate(mode));
        Self::after_making(made, mode, path, || Self::open(path, owner))
    }

    /// Opens the directory `name` in this one.
    ///
    /// # Errors
    /// As [`Dir::open`].
    pub fn child(&self, name: &OsStr) -> Result<Self, DirError> {
        let path = self.path.join(name);
        let fd = openat(self.fd.as_fd(), name, OPEN_DIR, Mode::empty());
        let fd = fd.map_err(|why| DirError::opening(&path, why))?;
        Self { fd, path, owner: self.owner }.checked()
    }

    /// Opens the directory `name` in this one, making it with `mode` when it is missing.
    ///
    /// # Errors
    /// As [`Dir::open_or_make`].
    pub fn child_or_make(&self, name: &OsStr, mode: u32) -> Result<Self, DirError> {
        let path = self.path.join(name);
        let made = mkdirat(self.fd.as_fd(), name, Mode::from_bits_truncate(mode));
        Self::after_making(made, mode, &path, || self.child(name))
    }

    fn after_making(
        made: nix::Result<()>,
        mode: u32,
        path: &Path,
        open: impl FnOnce() -> Result<Self, DirError>,
    ) -> Result<Self, DirError> {
        match made {
            Ok(()) => {
                let dir = open()?;
                // The umask had its say in mkdir: it must not have any.
                fchmod(dir.fd.as_fd(), Mode::from_bits_truncate(mode))
                    .map_err(|why| DirError::Make { path: path.to_owned(), source: why.into() })?;
                Ok(dir)
            }
            Err(Errno::EEXIST) => open(),
            Err(why) => Err(DirError::Make { path: path.to_owned(), source: why.into() }),
        }
    }

    /// This directory, if it is safe to write in.
    fn checked(self) -> Result<Self, DirError> {
        self.check()?;
        Ok(self)
    }

    /// Whether it is safe to write in.
    ///
    /// # Errors
    /// It is somebody else's, or writable by others.
    pub fn check(&self) -> Result<(), DirError> {
        let meta = self.meta().map_err(|source| DirError::Open { path: self.path.clone(), source })?;
        let mode = meta.permissions().mode() & 0o7777;
        if meta.uid() != self.owner.as_raw() {
            let (found, wanted) = (meta.uid(), self.owner.as_raw());
            return Err(DirError::Owner { path: self.path.clone(), found, wanted });
        }
        if mode & 0o022 != 0 {
            return Err(DirError::Writable { path: self.path.clone(), mode });
        }
        Ok(())
    }

    fn meta(&self) -> io::Result<std::fs::Metadata> {
        File::from(self.fd.try_clone()?).metadata()
    }

    /// Whether others cannot write in it.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.meta()
            .is_ok_and(|meta| meta.uid() == self.owner.as_raw() && meta.permissions().mode() & 0o022 == 0)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Opens the file `name` with `flags`; a link is never followed and a FIFO never waited for.
    pub(crate) fn open_file(&self, name: &OsStr, flags: OFlag, mode: u32) -> Result<File, Errno> {
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        openat(self.fd.as_fd(), name, flags, Mode::from_bits_truncate(mode)).map(File::from)
    }

    /// Opens the file `name` for reading and for writing at its end, making it with `mode` where there is none. A link, a pipe, or a
    /// file that has another name as well is not written to.
    ///
    /// # Errors
    /// It cannot be opened or made, or is no such file.
    pub fn append_to(&self, name: &OsStr, mode: u32) -> Result<File, DirError> {
        let fail = |source| self.failed("write to", name, source);
        let flags = OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_CREAT;
        let strange = |why: &str| fail(io::Error::other(why.to_owned()));
        let file = match self.open_file(name, flags, mode) {
            Ok(file) => file,
            Err(Errno::ELOOP) => return Err(strange("it is a link, which is not followed; take it away")),
            Err(why) => return Err(fail(why.into())),
        };
        let meta = file.metadata().map_err(fail)?;
        if !meta.is_file() {
            return Err(strange("it is not a regular file; take it away"));
        }
        match meta.nlink() {
            0 | 1 => Ok(file),
            names => Err(strange(&format!(
                "it has {names} names, and what is written by one stands under all; move it away, and a new one is made"
            ))),
        }
    }

    /// What stands under `name`; more than `max` bytes are strange.
    ///
    /// # Errors
    /// It cannot be opened or read.
    pub fn read(&self, name: &OsStr, max: u64) -> Result<Entry, DirError> {
        Ok(match self.read_open(name, max)? {
            OpenEntry::Missing => Entry::Missing,
            OpenEntry::Strange(why) => Entry::Strange(why),
            OpenEntry::File { meta, bytes, .. } => {
                let (uid, mode) = (meta.uid(), meta.permissions().mode() & 0o7777);
                Entry::File(Content { bytes, uid, mode, identity: Identity::of(&meta) })
            }
        })
    }

    /// As [`Dir::read`], and a file is kept open.
    pub(crate) fn read_open(&self, name: &OsStr, max: u64) -> Result<OpenEntry, DirError> {
        let fail = |source| self.failed("read", name, source);
        let mut file = match self.open_file(name, OFlag::O_RDONLY, 0) {
            Ok(file) => file,
            Err(Errno::ENOENT) => return Ok(OpenEntry::Missing),
            Err(Errno::ELOOP) => return Ok(OpenEntry::Strange("it is a symbolic link".into())),
            // A socket (ENXIO) or a device without a driver: nothing that anybody reads as a file.
            Err(Errno::ENXIO | Errno::ENODEV) => {
                return Ok(OpenEntry::Strange("it is not a regular file".into()));
            }
            Err(why) => return Err(fail(why.into())),
        };
        let meta = file.metadata().map_err(fail)?;
        if !meta.is_file() {
            return Ok(OpenEntry::Strange("it is not a regular file".into()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(max)).unwrap_or_default());
        let read = file.by_ref().take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
        if u64::try_from(read).unwrap_or(u64::MAX) > max {
            return Ok(OpenEntry::Strange(format!("it is longer than {max} bytes")));
        }
        Ok(OpenEntry::File { file, meta, bytes })
    }

    /// Which file stands under `name` now; `None` when none that can be opened does.
    #[must_use]
    pub fn identity(&self, name: &OsStr) -> Option<Identity> {
        let meta = self.open_file(name, OFlag::O_PATH, 0).ok()?.metadata().ok()?;
        Some(Identity::of(&meta))
    }

    /// Takes `name` away; whether it was there. One failure is not taken for an answer: a lock file that stays keeps
    /// everybody else out for as long as its holder lives.
    ///
    /// # Errors
    /// It is there and cannot be taken away.
    pub fn unlink(&self, name: &OsStr) -> Result<bool, DirError> {
        let unlink = || unlinkat(self.fd.as_fd(), name, UnlinkatFlags::NoRemoveDir);
        match unlink().or_else(|why| if why == Errno::ENOENT { Err(why) } else { unlink() }) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(why) => Err(self.failed("remove", name, why.into())),
        }
    }

    /// Gives the file `from` the name `to`, in place of whatever had it.
    ///
    /// # Errors
    /// It is not there, or cannot be renamed.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> Result<(), DirError> {
        renameat(self.fd.as_fd(), from, self.fd.as_fd(), to)
            .map_err(|why| self.failed("rename", from, why.into()))
    }

    /// Every name in it but `.` and `..`, sorted.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn names(&self) -> Result<Vec<OsString>, DirError> {
        let fail = |why: Errno| self.failed("list", OsStr::new("."), why.into());
        let mut dir = nix::dir::Dir::openat(self.fd.as_fd(), ".", OPEN_DIR, Mode::empty()).map_err(fail)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let entry = entry.map_err(fail)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Makes what was renamed or removed in it outlive a power cut.
    ///
    /// # Errors
    /// The disk says no.
    pub fn sync(&self) -> Result<(), DirError> {
        nix::unistd::fsync(self.fd.as_fd()).map_err(|why| self.failed("sync", OsStr::new("."), why.into()))
    }

    pub(crate) fn failed(&self, verb: &'static str, name: &OsStr, source: io::Error) -> DirError {
        let path = if name == "." { self.path.clone() } else { self.path.join(name) };
        DirError::File { verb, path, source }
    }
}

#[cfg(test)]
mod tests;
