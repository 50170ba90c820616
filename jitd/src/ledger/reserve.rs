//! Room kept on the disk, so that endings can be recorded when everything else is full.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// How much is kept, in bytes.
///
/// One commit writes four or five pages of 4 KiB to the write-ahead log, and the ending of a grant is two commits: 8 MiB
/// hold the endings of some 200 grants that end one by one. Of those that are due together some 250 are one commit, so
/// that more than a thousand fit.
pub const RESERVE_BYTES: i64 = 8 << 20;

/// The reserve, held or given up.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// Open while the room is held.
    held: Option<File>,
}

impl Reserve {
    /// Takes the room if it can be had. Having none is no error: jitd has to run on a full disk.
    pub(super) fn at(path: &Path) -> Self {
        let mut reserve = Self { path: path.to_owned(), held: None };
        // A failure shows in `is_held`, and `refill` meets it again and reports it.
        let _ = reserve.refill();
        reserve
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Takes the room, unless it is held.
    pub(super) fn refill(&mut self) -> io::Result<()> {
        if self.held.is_some() {
            return Ok(());
        }
        let file = self.open()?;
        if let Err(error) = nix::fcntl::posix_fallocate(&file, 0, RESERVE_BYTES) {
            // What could be had of it stays with those who need it.
            file.set_len(0)?;
            return Err(error.into());
        }
        self.held = Some(file);
        Ok(())
    }

    /// The file, made where there is none. Giving the room up empties it, so whatever else stands in its place goes: a link, a
    /// pipe, another name of a file.
    fn open(&self) -> io::Result<File> {
        match self.path.symlink_metadata() {
            Ok(found) if found.is_file() && found.nlink() == 1 => {}
            Ok(_) => std::fs::remove_file(&self.path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&self.path)
    }

    /// Gives the room up. False when there was none to give.
    pub(super) fn release(&mut self) -> bool {
        let Some(file) = self.held.take() else { return false };
        // Synced, for a journalling file system hands the blocks out again only after it has committed the truncation.
        file.set_len(0).and_then(|()| file.sync_all()).is_ok()
    }
}
