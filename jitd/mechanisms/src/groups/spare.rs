//! What is kept in `/etc` while anybody is in a group by jitd, or may be put into one, so that he can be taken out when there
//! is no room for another file: one spare file for each group file, and one for each of their locks (see [`crate::dir`]).

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use super::locks::{PasswordLock, PasswordLocked, lock_of};
use crate::applied;
use crate::dir::{Dir, DirError};
use crate::guard_notes;
use crate::paths::{HostPaths, name_of};

/// Room for a pid.
const LOCK_SIZE: usize = 16;

/// Makes what is missing for these files, each with the size that it has.
///
/// # Errors
/// There is no room: nobody may be put in then.
pub(super) fn keep<'n>(dir: &Dir, files: impl Iterator<Item = (&'n OsStr, usize)>) -> Result<(), DirError> {
    for (name, size) in files {
        dir.keep_spare(name, size)?;
        dir.keep_spare(&lock_of(name), LOCK_SIZE)?;
    }
    Ok(())
}

/// Makes what is missing before it is needed: whoever is put into a group then does not wait for it. Nothing is done while
/// somebody holds `/etc/.pwd.lock`: he may be about to put a spare file into the place of a group file.
///
/// # Errors
/// `/etc` cannot be used, or there is no room. Whoever is to be put into a group is told so when it comes to that.
pub fn keep_spares(paths: &HostPaths) -> Result<(), DirError> {
    let dir = Dir::open(&paths.etc_dir, paths.owner)?;
    let PasswordLocked::Held(_lock) =
        PasswordLock::take(&dir, name_of(&paths.password_lock), Duration::ZERO)?
    else {
        return Ok(());
    };
    let files = [name_of(&paths.etc_group), name_of(&paths.etc_gshadow)];
    keep(&dir, files.into_iter().filter_map(|name| Some((name, dir.identity(name)?.size()))))
}

/// Takes the spare files away, unless anybody is in a group by jitd or nobody can tell; how many there were. For when no role gives
/// a group any more.
///
/// # Errors
/// `/etc` cannot be used, or one cannot be taken away. They are only litter then.
pub fn drop_spares(paths: &HostPaths) -> Result<usize, DirError> {
    let dir = match Dir::open_as_it_is(&paths.etc_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(0),
        Err(why) => return Err(why),
    };
    // On a file system that is read-only, a name that is not there cannot be taken away either.
    let spares = names(paths).map(|name| Dir::spare_name(&name));
    let there: Vec<&OsString> = spares.iter().filter(|name| dir.identity(name).is_some()).collect();
    if there.is_empty() || !nobody_is_given(paths) {
        return Ok(0);
    }
    let mut dropped = 0;
    for name in there {
        dropped += usize::from(dir.unlink(name)?);
    }
    Ok(dropped)
}

/// Whether nobody is in a group by jitd, as far as is known.
fn nobody_is_given(paths: &HostPaths) -> bool {
    let (Ok(applied), Ok(noted)) = (applied::read(paths), guard_notes::noted(paths)) else { return false };
    applied.is_none_or(|applied| applied.given.iter().all(|of| noted.members.contains_key(of)))
}

/// Whether a file of this name in `/etc` is one of them.
pub(super) fn is_spare(paths: &HostPaths, found: &OsStr) -> bool {
    names(paths).iter().any(|name| Dir::is_spare_of(found, name))
}

/// What there may be a spare file for.
fn names(paths: &HostPaths) -> [OsString; 4] {
    let (group, gshadow) = (name_of(&paths.etc_group), name_of(&paths.etc_gshadow));
    [group.to_owned(), gshadow.to_owned(), lock_of(group), lock_of(gshadow)]
}
