//! What can be wrong with a directory or a file in it.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// Why a directory or a file in it could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// It is not there.
    #[error("{} does not exist; make it (the package and the units do)", .path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// A link, or no directory.
    #[error("{} is not a directory but something else, perhaps a link; take it away", .path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to uid {found}; it must belong to uid {wanted}: chown it", .path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        found: u32,
        /// Who should own it.
        wanted: u32,
    },
    /// Others can change what is in it.
    #[error("{} has mode {mode:04o}, so others can write in it; chmod go-w it", .path.display())]
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It could not be opened.
    #[error("{} could not be opened", .path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be made.
    #[error("{} could not be made", .path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something in it could not be used.
    #[error("could not {verb} {}", .path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A temporary file was gone when it should have been renamed.
    #[error("the temporary file for {} was taken away before it could be put in place; look again and retry", .path.display())]
    Interrupted {
        /// The file that was to be replaced.
        path: PathBuf,
    },
}

impl DirError {
    /// Whether it failed because there is no room.
    pub(crate) fn is_full(&self) -> bool {
        let Self::File { source, .. } = self else { return false };
        source.raw_os_error().is_some_and(|code| super::is_full(Errno::from_raw(code)))
    }

    pub(super) fn opening(path: &Path, why: Errno) -> Self {
        let path = path.to_owned();
        match why {
            Errno::ENOENT => Self::Missing { path },
            Errno::ELOOP | Errno::ENOTDIR => Self::NotADirectory { path },
            other => Self::Open { path, source: other.into() },
        }
    }
}
