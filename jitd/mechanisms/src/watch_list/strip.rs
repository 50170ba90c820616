//! Takes the set-gid bit off a file that somebody made with a group that they had for a while: with it, whoever runs the file has the
//! group still.

use std::io;

use rustix::fs::{FileType, Mode, fchmod, fstat};

use super::shown::unshown;
use super::tree::Tree;
use crate::paths::HostPaths;

/// The bit.
const SET_GID: u32 = 0o2000;

/// Why a bit is still there.
#[derive(Debug, thiserror::Error)]
pub enum NotStripped {
    /// It is not there under this name, or not such a file any more.
    #[error("it is no set-gid file of that group any more")]
    Another,
    /// The system does not let it be opened or changed.
    #[error("its mode could not be changed")]
    System(#[source] io::Error),
}

/// Takes the set-gid bit off the file at `path`, as [`look`](super::look) has shown it, if it still is a regular file with it and
/// of this group: that is looked at and changed through one descriptor. Whatever else its mode says stays.
///
/// # Errors
/// It is still there, or was never so.
pub fn strip_set_gid(paths: &HostPaths, path: &str, gid: u32) -> Result<(), NotStripped> {
    let tree = Tree::open(paths).map_err(NotStripped::System)?;
    let path = unshown(path).ok_or(NotStripped::Another)?;
    let system = |why: rustix::io::Errno| NotStripped::System(why.into());
    let file = tree.file(&path).map_err(system)?;
    let stat = fstat(&file).map_err(system)?;
    let is_it = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_gid == gid
        && stat.st_mode & SET_GID != 0;
    if !is_it {
        return Err(NotStripped::Another);
    }
    let mode = Mode::from_raw_mode(stat.st_mode & 0o7777 & !SET_GID);
    fchmod(&file, mode).map_err(system)?;
    let now = fstat(&file).map_err(system)?;
    match now.st_mode & SET_GID {
        0 => Ok(()),
        _ => Err(NotStripped::System(io::Error::other("the mode is the same as before"))),
    }
}
