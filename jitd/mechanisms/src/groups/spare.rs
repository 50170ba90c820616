//! What is kept in `/etc` while anybody is in a group by jitd, or may be put into one, so that he can be taken out when there
//! is no room for another file: one spare file for each group file, and one for each of their locks (see [`crate::dir`]).

use std::ffi::{OsStr, OsString};

use super::locks::lock_of;
use crate::dir::{Dir, DirError};
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

/// Makes what is missing before it is needed: whoever is put into a group then does not wait for it.
///
/// # Errors
/// `/etc` cannot be used, or there is no room. Whoever is to be put into a group is told so when it comes to that.
pub fn keep_spares(paths: &HostPaths) -> Result<(), DirError> {
    let dir = Dir::open(&paths.etc_dir, paths.owner)?;
    let files = [name_of(&paths.etc_group), name_of(&paths.etc_gshadow)];
    keep(&dir, files.into_iter().filter_map(|name| Some((name, dir.identity(name)?.size()))))
}

/// Takes the spare files away, when nobody is in a group by jitd any more and no role gives one.
///
/// # Errors
/// `/etc` cannot be used, or one cannot be taken away. They are only litter then.
pub fn drop_spares(paths: &HostPaths) -> Result<usize, DirError> {
    let dir = match Dir::open_as_it_is(&paths.etc_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(0),
        Err(why) => return Err(why),
    };
    let mut dropped = 0;
    // Where nothing can be taken away, nothing has to be, as a rule.
    for name in
        names(paths).iter().map(|name| Dir::spare_name(name)).filter(|name| dir.identity(name).is_some())
    {
        dropped += usize::from(dir.unlink(&name)?);
    }
    Ok(dropped)
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
