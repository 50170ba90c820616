//! Where the files of a bed lie: in memory, where a sync costs nothing, or on the disk of this machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::next_number;
use crate::{Error, Result, cache};

/// Where what is written in a bed lies.
#[derive(Debug)]
pub(crate) enum Ground {
    /// In memory.
    Memory,
    /// In a folder beside the trees.
    Disk(Folder),
}

/// A folder that goes with this value. The lock tells others that somebody uses it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Ground {
    /// A folder on the disk.
    pub(crate) fn disk() -> Result<Ground> {
        Folder::new().map(Ground::Disk)
    }

    /// The folder; nothing for memory.
    pub(super) fn path(&self) -> &Path {
        match self {
            Ground::Memory => Path::new(""),
            Ground::Disk(folder) => &folder.path,
        }
    }
}

impl Folder {
    /// An empty one. Those of harnesses that were killed are taken away first.
    pub(crate) fn new() -> Result<Folder> {
        let all = cache::folder()?.join("on-disk");
        fs::create_dir_all(&all).map_err(Error::io(format!("create {}", all.display())))?;
        // Nobody sweeps a folder between its making and its locking.
        let door = File::create(all.join("lock")).map_err(Error::io(format!("lock {}", all.display())))?;
        door.lock().map_err(Error::io(format!("lock {}", all.display())))?;
        sweep(&all);
        let path = all.join(next_number());
        fs::create_dir(&path).map_err(Error::io(format!("create {}", path.display())))?;
        let locked = || format!("lock {}", path.display());
        let lock = File::open(&path).map_err(Error::io(locked()))?;
        lock.lock().map_err(Error::io(locked()))?;
        Ok(Folder { path, lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be taken away now is swept by the next.
        let _ = fs::remove_dir_all(&self.path);
        let _ = self.lock.unlock();
    }
}

/// Takes away the folders that nobody holds.
fn sweep(all: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let unused = File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if unused && entry.path().is_dir() {
            // Left for the next time if it does not work: it only costs disk.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
