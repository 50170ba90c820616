//! The lock on what is being changed: waited for, but never for long.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::thread;
use std::time::Duration;

use nix::fcntl::OFlag;

use crate::dir::{Dir, DirError};

/// How often a lock that somebody holds is tried again.
const RETRY: Duration = Duration::from_millis(2);

/// A held lock (`flock`); let go when dropped, and by the kernel when its holder dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// What came of waiting.
#[derive(Debug)]
#[must_use]
pub enum Locked {
    /// We hold it.
    Held(Lock),
    /// Somebody else still does after the whole wait.
    Busy,
}

impl Lock {
    /// Takes the lock file `name` in `dir`, waiting about `wait` at most (counted in steps; no clock is asked).
    ///
    /// # Errors
    /// The lock file can be neither opened nor made.
    pub fn take(dir: &Dir, name: &OsStr, wait: Duration) -> Result<Locked, DirError> {
        let fail = |source| DirError::File { verb: "lock", path: dir.path().join(name), source };
        let flags = OFlag::O_RDWR | OFlag::O_CREAT;
        let file = dir.open_file(name, flags, 0o600).map_err(|why| fail(why.into()))?;
        match self::wait(&file, wait).map_err(fail)? {
            true => Ok(Locked::Held(Self { _file: file })),
            false => Ok(Locked::Busy),
        }
    }
}

/// Waits about `limit` for the lock of an open file; whether it is ours now.
pub(crate) fn wait(file: &File, limit: Duration) -> io::Result<bool> {
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if waited >= limit => return Ok(false),
            Err(TryLockError::WouldBlock) => thread::sleep(RETRY),
            Err(TryLockError::Error(why)) => return Err(why),
        }
        waited = waited.saturating_add(RETRY);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_held_lock_is_not_waited_for_beyond_the_limit_and_is_free_when_dropped() {
        let scratch = Scratch::new();
        let dir = Dir::open(scratch.path(), scratch.paths().owner).unwrap();
        let name = OsStr::new("lock");
        let first = Lock::take(&dir, name, Duration::ZERO).unwrap();
        assert!(matches!(first, Locked::Held(_)));
        assert!(matches!(Lock::take(&dir, name, Duration::from_millis(20)).unwrap(), Locked::Busy));
        drop(first);
        assert!(matches!(Lock::take(&dir, name, Duration::ZERO).unwrap(), Locked::Held(_)));
    }
}
