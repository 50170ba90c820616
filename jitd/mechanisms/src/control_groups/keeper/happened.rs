//! What comes of keeping groups, and of putting somebody into one.

use std::io;

use jit_common::ids::RequestId;

use crate::dir::DirError;

/// Something that a record should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The group was frozen at the grant's deadline.
    Frozen {
        /// The grant.
        grant: RequestId,
        /// How many processes.
        processes: usize,
    },
    /// The grant is over and these go on until a later limit.
    Finishing {
        /// The grant.
        grant: RequestId,
        /// How many processes.
        processes: usize,
    },
    /// Nothing of it runs any more.
    Over {
        /// The grant.
        grant: RequestId,
        /// The group.
        name: RequestId,
        /// How many processes had to be killed.
        killed: usize,
        /// How long after its last moment, in nanoseconds.
        late: i64,
    },
    /// Something in it does not end although it was killed.
    Stuck {
        /// The grant.
        grant: RequestId,
        /// What stands in the way.
        why: String,
    },
}

/// Why a process was not put into a grant's control group.
#[derive(Debug, thiserror::Error)]
pub enum NotEntered {
    /// There is no place for it.
    #[error(
        "{home} is not there: jit-guard does not run as a service of systemd here, or this host has no control groups of version 2"
    )]
    NoHome {
        /// Where it should be.
        home: String,
    },
    /// Its limit could not be written.
    #[error("until when it may run could not be written down")]
    Limit(#[source] DirError),
    /// The kernel says no.
    #[error("it could not be put into its control group")]
    Group(#[source] io::Error),
}
