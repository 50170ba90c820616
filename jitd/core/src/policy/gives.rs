//! What a grant gives: a copy of its role, with every group by number and by name.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::sudo_role::SudoRole;

/// A group of this host, by number and by name: both have to agree with the host at every step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupRef {
    /// Its number.
    pub gid: u32,
    /// Its name.
    pub name: String,
}

/// What a grant gives. Later policy does not change it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gives {
    /// Commands through sudo.
    pub sudo: Option<SudoRole>,
    /// Membership in these groups.
    #[serde(default)]
    pub groups: Vec<GroupRef>,
}

impl Gives {
    /// The numbers of the groups.
    #[must_use]
    pub fn gids(&self) -> Vec<u32> {
        self.groups.iter().map(|group| group.gid).collect()
    }
}
