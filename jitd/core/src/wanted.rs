//! What should be true on the host: a function of the live grants and of nothing else.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use jit_common::ids::RequestId;

use crate::now::{Deadline, NANOS};
use crate::policy::{Gives, Subcommands};
use crate::record::Person;
use crate::sudoers::{self, Dialect, SudoGrant};

/// One grant as the host should have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedGrant {
    /// Its id.
    pub id: RequestId,
    /// Whose it is.
    pub by: Person,
    /// What it gives.
    pub gives: Arc<Gives>,
    /// Whether sudo is to say what its commands start.
    pub subcommands: Subcommands,
    /// When it ends.
    pub deadline: Deadline,
}

/// The whole wanted state. Only the registry makes one, so nothing is ever wanted that is not on the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    grants: Vec<WantedGrant>,
}

impl Wanted {
    pub(crate) fn of(grants: Vec<WantedGrant>) -> Self {
        Self { grants }
    }

    /// The grants, sorted by id.
    #[must_use]
    pub fn grants(&self) -> &[WantedGrant] {
        &self.grants
    }

    /// The text of the sudoers file.
    #[must_use]
    pub fn sudoers(&self, dialect: Dialect) -> String {
        let ids: Vec<String> = self.grants.iter().map(|grant| grant.id.to_string()).collect();
        let gids: Vec<Vec<u32>> = self.grants.iter().map(|grant| grant.gives.gids()).collect();
        let grants: Vec<SudoGrant<'_>> = self
            .grants
            .iter()
            .zip(ids.iter().zip(&gids))
            .map(|(grant, (id, gids))| SudoGrant {
                id,
                uid: grant.by.uid,
                role: grant.gives.sudo.as_ref(),
                gids,
                subcommands: grant.subcommands,
                until_wall_secs: until_secs(&grant.deadline),
            })
            .collect();
        sudoers::render(&grants, dialect)
    }
}

/// A deadline in whole seconds, rounded up: sudo's own limit is the last way off, never the first.
#[must_use]
pub fn until_secs(deadline: &Deadline) -> i64 {
    deadline.wall.div_euclid(NANOS) + i64::from(deadline.wall.rem_euclid(NANOS) > 0)
}
