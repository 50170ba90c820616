//! Files that are kept ready for a full file system: `.NAME.jit-spare`.
//!
//! Whoever has filled a file system with files, or with data, keeps others from making one there. What has to be replaced
//! or locked all the same is written into a file that was made while there was room, and the file that it replaces is the
//! next spare one: nothing is given back that somebody else could take. Best effort where data is copied on
//! write (btrfs), for then there is no room to be had in advance.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use rustix::fs::{FallocateFlags, RenameFlags, fallocate, renameat_with};
use rustix::io::Errno as Raw;

use super::{Dir, DirError};

/// The end of their names.
const ENDING: &[u8] = b".jit-spare";

/// Sizes are rounded up to this: a list of members may grow a little by others' hands.
const BLOCK: u64 = 8192;

impl Dir {
    /// Sees to it that there is a spare file for `name` with room for `size` bytes.
    ///
    /// # Errors
    /// There is no room for it now.
    pub(crate) fn keep_spare(&self, name: &OsStr, size: usize) -> Result<(), DirError> {
        let spare = spare_of(name);
        let fail = |why: std::io::Error| self.failed("make", &spare, why);
        let file = self.open_file(&spare, OFlag::O_WRONLY | OFlag::O_CREAT, 0o600);
        let file = file.map_err(|why| fail(why.into()))?;
        let meta = file.metadata().map_err(fail)?;
        if !meta.is_file() {
            return Err(fail(std::io::Error::other("it is not a regular file; take it away")));
        }
        let size = u64::try_from(size).unwrap_or(u64::MAX).div_ceil(BLOCK).saturating_mul(BLOCK);
        match if meta.len() < size { fallocate(&file, FallocateFlags::empty(), 0, size) } else { Ok(()) } {
            // A file system that cannot: the file alone is worth keeping.
            Ok(()) | Err(Raw::OPNOTSUPP | Raw::NOSYS) => Ok(()),
            Err(why) => Err(fail(why.into())),
        }
    }

    /// Gives the spare file for `name` the name `to`, and opens it; `None` when there is none.
    pub(crate) fn take_spare(&self, name: &OsStr, to: &OsStr) -> Option<File> {
        self.rename(&spare_of(name), to).ok()?;
        self.open_file(to, OFlag::O_WRONLY, 0)
            .ok()
            .filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()))
    }

    /// Makes the file `from` the spare one for `name` again. One that is lost is made anew when there is room.
    pub(crate) fn put_spare(&self, name: &OsStr, from: &OsStr) {
        let _ = self.rename(from, &spare_of(name));
    }

    /// Gives two files each other's name.
    pub(crate) fn exchange(&self, one: &OsStr, other: &OsStr) -> Result<(), Raw> {
        renameat_with(self.fd.as_fd(), one, self.fd.as_fd(), other, RenameFlags::EXCHANGE)
    }

    /// The name of the spare file for `name`.
    pub(crate) fn spare_name(name: &OsStr) -> OsString {
        spare_of(name)
    }

    /// Whether a file of this name is a spare one for `name`.
    pub(crate) fn is_spare_of(found: &OsStr, name: &OsStr) -> bool {
        found == spare_of(name)
    }
}

/// Whether something failed because there is no room.
pub(crate) fn is_full(why: Errno) -> bool {
    matches!(why, Errno::ENOSPC | Errno::EDQUOT)
}

fn spare_of(name: &OsStr) -> OsString {
    OsStr::from_bytes(&[b".", name.as_bytes(), ENDING].concat()).to_owned()
}
