//! The one sudoers file that jitd writes: made equal to what is wanted, and read back.
//!
//! Nothing here is synced to a disk: `/run` is a tmpfs, empty after a reboot, and a reboot ends every grant.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use jit_common::ids::RequestId;

use crate::blocks::Holds;
use crate::dir::{Content, Dir, DirError, Durability, Entry};
use crate::guard_notes::{self, NotesError};
use crate::lock::Lock;
use crate::paths::{HostPaths, RUN_DIR_MODE, SUDOERS_DIR_MODE, name_of};

/// The mode that sudo wants of its files.
pub(crate) const FILE_MODE: u32 = 0o440;

/// More than this is no file of ours.
pub(crate) const SIZE_MAX: u64 = 64 * 1024 * 1024;

/// How long the lock is waited for. A holder that hangs longer is passed by: taking a privilege away must not wait for it.
pub(crate) const LOCK_WAIT: Duration = Duration::from_millis(200);

/// What came of making the host equal to what is wanted.
#[derive(Debug, PartialEq, Eq)]
pub enum Converged {
    /// It was so already, byte for byte, with the right owner and mode.
    AlreadySo,
    /// It was written, and read back.
    Written {
        /// What was there before.
        found: Found,
    },
}

/// What was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A file with the right owner and mode, and this text.
    Text(String),
    /// Something that jitd never leaves there, in words: a wrong owner or mode, no text, no file.
    Altered(String),
}

impl Found {
    /// What others changed since this text was written here; `None` when it was exactly so.
    ///
    /// The caller knows what he wrote last, or what the record says should have been there.
    #[must_use]
    pub fn drift_from(&self, earlier: &str) -> Option<String> {
        match self {
            Self::Missing if earlier.is_empty() => None,
            Self::Missing => Some("it was gone".into()),
            Self::Text(text) if text == earlier => None,
            Self::Text(text) => {
                let (had, has) = (Holds::of(earlier).ids(), Holds::of(text).ids());
                let name =
                    |ids: Vec<&RequestId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let (added, lost) =
                    (name(has.difference(&had).collect()), name(had.difference(&has).collect()));
                Some(match (added.is_empty(), lost.is_empty()) {
                    (true, true) => "its text was changed".into(),
                    (false, true) => format!("it also held {added}"),
                    (true, false) => format!("it did not hold {lost}"),
                    (false, false) => format!("it held {added} and did not hold {lost}"),
                })
            }
            Self::Altered(what) => Some(what.clone()),
        }
    }
}

/// Why the host could not be made equal to what is wanted.
#[derive(Debug, thiserror::Error)]
pub enum SudoersError {
    /// A directory or file could not be used.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// What is wanted holds grants that the guard has ended.
    #[error("the guard has removed {}; take its notes before anything is put back", list(.ids))]
    NotesWaiting {
        /// The grants.
        ids: BTreeSet<RequestId>,
    },
    /// Something would be raised, and nobody knows whether the guard has ended it.
    #[error("the guard's notes cannot be read, so nothing is raised")]
    NotesUnknown(#[from] NotesError),
    /// It was written and is not there.
    #[error("{path} was written but does not hold what was written; somebody else writes there: {found}")]
    ReadBack {
        /// The file.
        path: String,
        /// What it holds.
        found: String,
    },
}

fn list(ids: &BTreeSet<RequestId>) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Makes the sudoers file hold `wanted`, with owner root and mode 0440, and reads it back.
///
/// # Errors
/// It is not so afterwards, or the guard's notes speak against it; whatever was there before still is, unless the
/// error is [`SudoersError::ReadBack`].
pub fn converge(paths: &HostPaths, wanted: &str) -> Result<Converged, SudoersError> {
    let run_dir = Dir::open_or_make(&paths.run_dir, paths.owner, RUN_DIR_MODE)?;
    let dir = run_dir.child_or_make(name_of(&paths.sudoers_dir), SUDOERS_DIR_MODE)?;
    let name = name_of(&paths.sudoers_file);
    // Held or not, we go on: the sweep below makes the rename of whoever hangs with the lock fail.
    let _lock = Lock::take(&run_dir, name_of(&paths.converge_lock), LOCK_WAIT);
    let entry = dir.read(name, SIZE_MAX)?;
    let found = found(&entry, paths);
    ask_notes(paths, wanted, &found)?;
    if matches!(&found, Found::Text(text) if text == wanted) {
        return Ok(Converged::AlreadySo);
    }
    dir.sweep(name)?;
    let staged = dir.stage(name, wanted.as_bytes(), FILE_MODE, Durability::ThisBoot)?;
    // Again, now that the temporary file is there: from here on the guard sweeps it before it removes anything, so
    // a jitd that is stopped between this line and the rename cannot bring back what the guard ended.
    ask_notes(paths, wanted, &found)?;
    staged.publish()?;
    match found_now(&dir, name, paths)? {
        Found::Text(text) if text == wanted => Ok(Converged::Written { found }),
        Found::Text(_) => Err(read_back(paths, "another text")),
        Found::Missing => Err(read_back(paths, "it is gone")),
        Found::Altered(what) => Err(read_back(paths, &what)),
    }
}

/// What is in the sudoers file now, as text.
///
/// # Errors
/// It cannot be read.
pub fn look(paths: &HostPaths) -> Result<Found, DirError> {
    match Dir::open_as_it_is(&paths.sudoers_dir, paths.owner) {
        Ok(dir) => found_now(&dir, name_of(&paths.sudoers_file), paths),
        Err(DirError::Missing { .. }) => Ok(Found::Missing),
        Err(why) => Err(why),
    }
}

/// The files beside ours that sudo would read: somebody else's rules in our directory. They are told, never deleted.
///
/// sudo passes over names that hold a dot or end in `~` (sudoers(5), "Including other files").
///
/// # Errors
/// The directory cannot be listed.
pub fn strangers(paths: &HostPaths) -> Result<Vec<OsString>, DirError> {
    let dir = match Dir::open_as_it_is(&paths.sudoers_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(Vec::new()),
        Err(why) => return Err(why),
    };
    let ours = name_of(&paths.sudoers_file);
    Ok(dir.names()?.into_iter().filter(|name| name != ours && is_read_by_sudo(name)).collect())
}

/// Removes one of them.
///
/// # Errors
/// It cannot be removed: it is a folder, or the file system does not let it go.
pub fn remove_stranger(paths: &HostPaths, name: &OsStr) -> Result<(), DirError> {
    let dir = Dir::open_as_it_is(&paths.sudoers_dir, paths.owner)?;
    dir.unlink(name).map(drop)
}

/// The grants that this text, which was written here, holds and the file does not hold any more. A file that was altered otherwise
/// has lost none.
#[must_use]
pub fn lost(paths: &HostPaths, written: &str) -> BTreeSet<RequestId> {
    let had = Holds::of(written).ids();
    match look(paths) {
        Ok(Found::Missing) => had,
        Ok(Found::Text(text)) => had.difference(&Holds::of(&text).ids()).copied().collect(),
        Ok(Found::Altered(_)) | Err(_) => BTreeSet::new(),
    }
}

/// Whether sudo reads a file of this name in an included directory.
pub(crate) fn is_read_by_sudo(name: &OsStr) -> bool {
    let name = name.as_bytes();
    !name.contains(&b'.') && !name.ends_with(b"~")
}

/// Refuses what would raise a grant that the guard has ended.
fn ask_notes(paths: &HostPaths, wanted: &str, found: &Found) -> Result<(), SudoersError> {
    let wanted = Holds::of(wanted).ids();
    match guard_notes::pending(paths) {
        Ok(removed) => {
            let ids: BTreeSet<RequestId> = wanted.intersection(&removed).copied().collect();
            if ids.is_empty() { Ok(()) } else { Err(SudoersError::NotesWaiting { ids }) }
        }
        // Lowering never waits: what only takes grants away is done without the notes.
        Err(why) => match found {
            Found::Text(text) if wanted.is_subset(&Holds::of(text).ids()) => Ok(()),
            Found::Missing | Found::Altered(_) if wanted.is_empty() => Ok(()),
            Found::Text(_) | Found::Missing | Found::Altered(_) => Err(why.into()),
        },
    }
}

fn found_now(dir: &Dir, name: &OsStr, paths: &HostPaths) -> Result<Found, DirError> {
    Ok(found(&dir.read(name, SIZE_MAX)?, paths))
}

fn found(entry: &Entry, paths: &HostPaths) -> Found {
    match entry {
        Entry::Missing => Found::Missing,
        Entry::Strange(what) => Found::Altered(what.clone()),
        Entry::File(Content { uid, .. }) if *uid != paths.owner.as_raw() => {
            Found::Altered(format!("it belonged to uid {uid}"))
        }
        Entry::File(Content { mode, .. }) if *mode != FILE_MODE => {
            Found::Altered(format!("its mode was {mode:04o}"))
        }
        Entry::File(Content { bytes, .. }) => match std::str::from_utf8(bytes) {
            Ok(text) => Found::Text(text.to_owned()),
            Err(_) => Found::Altered("it was not UTF-8".into()),
        },
    }
}

fn read_back(paths: &HostPaths, found: &str) -> SudoersError {
    SudoersError::ReadBack { path: paths.sudoers_file.display().to_string(), found: found.to_owned() }
}

#[cfg(test)]
mod tests;
