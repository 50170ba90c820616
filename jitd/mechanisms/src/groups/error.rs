//! Why the groups of this host could not be made as they should be.

use std::path::PathBuf;

use super::converge::TRIES;
use crate::dir::DirError;

/// Why nothing could be done at all, or not to the end.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    /// A directory or file could not be used.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// There is no such file.
    #[error("there is no {}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is something that cannot be replaced by a rename.
    #[error("{} cannot be changed: {why}", .path.display())]
    Fixed {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// Somebody held a lock for the whole wait.
    #[error("{} is locked by {holder} and was not let go in time; see who that is, then try again", .path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// Who holds it, in words: process, program and user where they can be told.
        holder: String,
    },
    /// Somebody writes the file without the locks.
    #[error("{} was written {TRIES} times by somebody who takes no lock; find out who that is", .path.display())]
    Contended {
        /// The file.
        path: PathBuf,
    },
    /// Our own change would have touched something else. Nothing was written.
    #[error("the change to {} would have touched more than lists of members; this is a bug in jitd", .path.display())]
    NotOnlyMembers {
        /// The file.
        path: PathBuf,
    },
    /// The first file is written and the second is not.
    #[error("/etc/group is changed, and {} could not be; once that is put right, the next try does the rest", .path.display())]
    Half {
        /// The second file.
        path: PathBuf,
        /// Why not.
        source: DirError,
    },
    /// It was written and is not there.
    #[error("{} was written but does not hold what was written; somebody else writes there", .path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
    },
}
