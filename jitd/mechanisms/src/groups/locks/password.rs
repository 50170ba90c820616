//! `/etc/.pwd.lock`: one at a time changes accounts and groups (lckpwdf(3)).

use std::ffi::OsStr;
use std::fs::File;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

use crate::dir::{Dir, DirError};

/// How often a lock that somebody holds is tried again.
const RETRY: Duration = Duration::from_millis(1);

/// The held lock; let go when dropped, and by the kernel when its holder dies.
#[derive(Debug)]
pub struct PasswordLock {
    _file: File,
}

/// What came of waiting.
#[derive(Debug)]
#[must_use]
pub enum PasswordLocked {
    /// We hold it.
    Held(PasswordLock),
    /// Somebody else still does after the whole wait.
    Busy {
        /// Who, when the kernel says.
        holder: Option<i32>,
    },
}

impl PasswordLock {
    /// Takes the lock `name` in `dir`, waiting about `wait` at most (counted in steps; no clock is asked).
    ///
    /// # Errors
    /// The lock file can be neither opened nor made.
    pub fn take(dir: &Dir, name: &OsStr, wait: Duration) -> Result<PasswordLocked, DirError> {
        let fail = |why: Errno| dir.failed("lock", name, why.into());
        let file = dir.open_file(name, OFlag::O_WRONLY | OFlag::O_CREAT, 0o600).map_err(fail)?;
        let mut waited = Duration::ZERO;
        loop {
            match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole_file())) {
                Ok(_) => return Ok(PasswordLocked::Held(Self { _file: file })),
                Err(Errno::EAGAIN | Errno::EACCES) if waited >= wait => {
                    return Ok(PasswordLocked::Busy { holder: holder(&file) });
                }
                Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) => thread::sleep(RETRY),
                Err(why) => return Err(fail(why)),
            }
            waited = waited.saturating_add(RETRY);
        }
    }

    /// Which process holds the lock `name` in `dir` now, when the kernel says.
    #[must_use]
    pub fn holder(dir: &Dir, name: &OsStr) -> Option<i32> {
        holder(&dir.open_file(name, OFlag::O_WRONLY, 0).ok()?)
    }
}

/// A write lock from the first byte to the end, however far that is.
fn whole_file() -> libc::flock {
    libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or_default(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

fn holder(file: &File) -> Option<i32> {
    let mut lock = whole_file();
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)).ok()?;
    // -1 is said of a lock that is bound to an open file.
    (i32::from(lock.l_type) != libc::F_UNLCK && lock.l_pid > 0).then_some(lock.l_pid)
}
