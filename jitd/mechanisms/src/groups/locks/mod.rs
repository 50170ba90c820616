//! The locks that keep us and shadow-utils apart.
//!
//! Matched with shadow-utils 4.13 and 4.17.4 (`commonio_lock`, `commonio_unlock` in lib/commonio.c, the same in both
//! in what is said here) and glibc's lckpwdf(3). They do two things, and so do we, in their order:
//!
//! 1. lckpwdf: a write lock by fcntl on the whole of `/etc/.pwd.lock`, made with mode 0600. With it, and only then:
//! 2. `FILE.lock` for each file: the pid in decimal and a NUL byte is written to `FILE.PID`, which is then given the
//!    second name `FILE.lock` by link(2) and must have exactly two names; then `FILE.PID` goes. Where `FILE.lock` is
//!    there already, the pid in it is asked for with kill(2) and signal 0: nobody there, it is taken away and link(2)
//!    tried once more. No pid in it: it counts as held.
//!
//! They let go in the reverse order. A program that holds only the second kind (their `--root` and `--prefix` modes)
//! is kept apart from us by it, too.
//!
//! What differs here, and why:
//! - glibc waits for the first lock with `alarm`, which belongs to the whole process. Here it is tried again and
//!   again for a bounded time.
//! - Our lock on `/etc/.pwd.lock` is bound to the open file (`F_OFD_SETLK`, fcntl(2)) and not to the process. It and
//!   the others' exclude each other as two of theirs do, but ours is not lost when something else in this
//!   process opens and closes that file, and it keeps two threads apart.
//! - `FILE.PID` is not synced. It has its second name for well under a millisecond, around the renames: almost always
//!   both names come and go between two commits of the file system, so that after a power cut neither is there.
//!   Should the lock be left behind empty all the same, the last point takes care of it.
//! - Where there is no room for `FILE.PID`, a file that was kept for it gets that name, and is kept again afterwards.
//! - They take both locks before they read the files. We read before, compare (inode, size, times) under the first lock
//!   and again under the second, right before the renames, and read again if somebody was there.
//! - A lock file from before this boot is stale whatever it says, and so is one whose pid now belongs to a process
//!   younger than it: pids start over with every boot. We look at that only while we hold `/etc/.pwd.lock`, which a
//!   holder of the lock file holds too while it is alive.
//! - A removal may go on beside a stopped holder of `/etc/.pwd.lock`, see `turn`. A lock file is stale then only when its
//!   process is dead, or broken when a stopped gpasswd has held it for [`LONG`]. That gpasswd still has an older list and
//!   may write it one day: the result is looked at again as long as it lives.

mod link;
mod password;
mod stale;

pub(super) use link::lock_of;
pub use link::{LinkLock, LinkLocked};
pub use password::{PasswordLock, PasswordLocked};
pub use stale::{Judging, LONG};

use std::ffi::OsStr;

use crate::dir::{Dir, DirError};

/// Whether the lock file `name` was left behind. Only for the holder of `/etc/.pwd.lock`.
pub(super) fn is_left_behind(dir: &Dir, name: &OsStr) -> Result<bool, DirError> {
    Ok(stale::judge(dir, name, Judging::Fully)? == stale::Judged::Stale)
}

#[cfg(test)]
mod tests;
