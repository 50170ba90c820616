//! Whose turn it is with the group files: the first lock, ours or one that stands in for ours.
//!
//! Whoever may run `chfn` can stop it while it holds `/etc/.pwd.lock` (SIGSTOP, or `cgroup.freeze` in a scope of his own),
//! for as long as he likes. That must keep nobody in a group. So a removal that has waited in vain goes on beside a holder
//! whose program is known to touch the group files under `/etc/group.lock` alone ([`super::process`]): as long as it holds the
//! first lock, everybody else is kept out as if we held it, and from it itself the second lock keeps us apart. What others
//! lose by this is a try: a usermod that comes to `/etc/group.lock` in the moment in which we hold it fails, and says so.
//!
//! Nobody is put in that way. What was seen or done that way counts only if the holder has not let go meanwhile.
//! No lock file is taken for stale then, but for one whose process is dead, and one that a gpasswd has held for
//! [`locks::LONG`](super::locks::LONG): it asks nothing of anybody while it holds it, so it has been stopped.

use super::error::GroupsError;
use super::locks::{Judging, LinkLock, LinkLocked, PasswordLock, PasswordLocked};
use super::{file, process};
use std::ffi::OsStr;
use std::time::Duration;

use crate::dir::Dir;
use crate::paths::{HostPaths, name_of};

/// The first lock.
#[derive(Debug)]
pub(super) enum Turn<'a> {
    /// It is ours.
    Ours {
        /// Held.
        _lock: PasswordLock,
    },
    /// It is another's, which stands in for ours.
    Beside {
        /// `/etc`.
        dir: &'a Dir,
        /// The host.
        paths: &'a HostPaths,
        /// Who holds it.
        pid: u32,
    },
}

impl<'a> Turn<'a> {
    /// Waits for the first lock up to about `wait`.
    ///
    /// # Errors
    /// Somebody holds it who may be in the middle of a change, or nobody can tell who.
    pub(super) fn take(dir: &'a Dir, paths: &'a HostPaths, wait: Duration) -> Result<Self, GroupsError> {
        match PasswordLock::take(dir, name_of(&paths.password_lock), wait)? {
            PasswordLocked::Held(lock) => Ok(Self::Ours { _lock: lock }),
            PasswordLocked::Busy { holder } => match holder.and_then(|pid| u32::try_from(pid).ok()) {
                Some(pid) if process::heeds_the_second_lock(paths, pid) => {
                    Ok(Self::Beside { dir, paths, pid })
                }
                holder => Err(locked(paths, holder)),
            },
        }
    }

    /// Why nobody may be put in.
    pub(super) fn no_raising(&self) -> Option<GroupsError> {
        match self {
            Self::Ours { .. } => None,
            Self::Beside { paths, pid, .. } => Some(locked(paths, Some(*pid))),
        }
    }

    /// In words, beside whom we go on.
    pub(super) fn beside(&self) -> Option<String> {
        match self {
            Self::Ours { .. } => None,
            Self::Beside { paths, pid, .. } => Some(process::in_words(paths, *pid)),
        }
    }

    /// Whether everybody else has been kept out all the time.
    pub(super) fn still_is(&self) -> bool {
        match self {
            Self::Ours { .. } => true,
            Self::Beside { dir, paths, pid } => {
                let holder = PasswordLock::holder(dir, name_of(&paths.password_lock));
                holder.and_then(|pid| u32::try_from(pid).ok()) == Some(*pid)
            }
        }
    }

    /// Takes the second kind of lock for each of the files, in this order; let go in the reverse order.
    ///
    /// # Errors
    /// Somebody holds one.
    pub(super) fn link_locks<'d>(
        &self,
        dir: &'d Dir,
        paths: &HostPaths,
        names: &[&OsStr],
        wait: Duration,
    ) -> Result<Vec<LinkLock<'d>>, GroupsError> {
        let judging = match self {
            Self::Ours { .. } => Judging::Fully,
            Self::Beside { paths, pid, .. } => {
                Judging::Beside { breaks: process::is_gpasswd(paths, *pid).then_some(*pid) }
            }
        };
        let mut held = Vec::new();
        for name in names {
            match LinkLock::take(dir, name, wait, judging)? {
                LinkLocked::Held(lock) => held.insert(0, lock),
                LinkLocked::Busy { name, pid, holder } => {
                    let holder = pid.map_or(holder, |pid| process::in_words(paths, pid));
                    return Err(GroupsError::Locked { path: file::path(dir, &name), holder });
                }
            }
        }
        Ok(held)
    }
}

fn locked(paths: &HostPaths, holder: Option<u32>) -> GroupsError {
    let holder = holder.map_or_else(|| "somebody".into(), |pid| process::in_words(paths, pid));
    GroupsError::Locked { path: paths.password_lock.clone(), holder }
}
