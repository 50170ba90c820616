//! Where the ledger lives: its folder and files, that they are root's alone, and the lock that keeps jitd single.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::OpenError;

/// How often and how far apart the lock is tried: a jitd that is just ending, or a child of it that has not begun its own
/// program yet, still holds it for a moment.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Ends of the names of SQLite's own files.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// The header that every database of SQLite begins with (<https://sqlite.org/fileformat2.html>, 1.3).
const HEADER_BYTES: usize = 100;

/// The paths of one ledger.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) dir: PathBuf,
    pub(super) database: PathBuf,
    pub(super) log: PathBuf,
    pub(super) unfinished: PathBuf,
    pub(super) reserve: PathBuf,
    pub(super) host_key: PathBuf,
    lock: PathBuf,
}

impl Place {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            database: dir.join("ledger.db"),
            log: dir.join("ledger.db-wal"),
            unfinished: dir.join("ledger.db.new"),
            reserve: dir.join("ledger.reserve"),
            host_key: dir.join("host.key"),
            lock: dir.join("ledger.lock"),
        }
    }

    /// Makes sure of the folder, and that this is the only jitd that uses it for as long as the file is held.
    pub(super) fn lock(&self) -> Result<File, OpenError> {
        match DirBuilder::new().mode(0o700).create(&self.dir) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error(&self.dir, error)),
        }
        check_private(&self.dir, Kind::Directory)?;
        let lock = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
            .open(&self.lock)
            .map_err(|error| io_error(&self.lock, error))?;
        for _ in 0..LOCK_TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(io_error(&self.lock, error)),
            }
        }
        Err(OpenError::Locked { path: self.lock.clone() })
    }

    /// Whether there is a database, which is then a private file with something in it.
    pub(super) fn has_database(&self) -> Result<bool, OpenError> {
        if !exists(&self.database)? {
            // SQLite would play the log of one database into another.
            return if exists(&self.log)? {
                Err(OpenError::StrayLog { path: self.log.clone() })
            } else {
                Ok(false)
            };
        }
        check_private(&self.database, Kind::File)?;
        self.check_companions()?;
        let length = self.database.metadata().map_err(|error| io_error(&self.database, error))?.len();
        if length < HEADER_BYTES as u64 {
            // SQLite would take it for a new database, forget everything in silence, and delete the log.
            let why = match length {
                0 => "it is empty".to_owned(),
                length => format!("it has {length} bytes, and no database is so short"),
            };
            return Err(OpenError::NotALedger { path: self.database.clone(), why });
        }
        self.check_format()?;
        Ok(true)
    }

    /// What the header says of the format of the file: the versions for who writes and who reads, and the bytes of a page that are left
    /// free. SQLite opens much that is not as it writes it, takes entries, and then does not open it again.
    fn check_format(&self) -> Result<(), OpenError> {
        let mut header = [0; HEADER_BYTES];
        let read = File::open(&self.database).and_then(|mut file| file.read_exact(&mut header));
        read.map_err(|error| io_error(&self.database, error))?;
        match header.get(18..21) {
            // 1 with a journal, 2 with a log.
            Some([1, 1, 0] | [2, 2, 0]) => Ok(()),
            Some(_) | None => {
                let why = "its header names a format of the file that no jitd writes".to_owned();
                Err(OpenError::NotALedger { path: self.database.clone(), why })
            }
        }
    }

    /// What SQLite writes beside the database is opened by it without a look, a pipe too, for which it would wait for ever.
    fn check_companions(&self) -> Result<(), OpenError> {
        for end in COMPANIONS {
            let mut path = self.database.as_os_str().to_owned();
            path.push(end);
            let path = PathBuf::from(path);
            if !exists(&path)? {
                continue;
            }
            let found = path.symlink_metadata().map_err(|error| io_error(&path, error))?;
            if !found.is_file() || found.nlink() != 1 {
                return Err(OpenError::Unsafe {
                    path,
                    why: "it is not a regular file of one name".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Makes the renames in the folder durable.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(|error| io_error(&self.dir, error))
    }
}

/// What something has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
}

/// Refuses what belongs to somebody else, is open to somebody else, or is a link.
pub(super) fn check_private(path: &Path, kind: Kind) -> Result<(), OpenError> {
    let found = path.symlink_metadata().map_err(|error| io_error(path, error))?;
    let unsafe_because = |why: String| Err(OpenError::Unsafe { path: path.to_owned(), why });
    let (is_kind, called) = match kind {
        Kind::File => (found.is_file(), "a regular file"),
        Kind::Directory => (found.is_dir(), "a folder"),
    };
    if !is_kind {
        return unsafe_because(format!("it is not {called}"));
    }
    let us = nix::unistd::geteuid().as_raw();
    if found.uid() != us {
        return unsafe_because(format!("it belongs to uid {} and not to uid {us}: chown it", found.uid()));
    }
    if found.mode() & 0o077 != 0 {
        return unsafe_because(format!("its mode is {:o}: chmod go= it", found.mode() & 0o7777));
    }
    Ok(())
}

pub(super) fn exists(path: &Path) -> Result<bool, OpenError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error(path, error)),
    }
}

pub(super) fn remove_if_there(path: &Path) -> Result<(), OpenError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error(path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), source }
}
