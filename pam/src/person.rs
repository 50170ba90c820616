//! Who somebody is, by the account database. The only file of the module that asks it.
//!
//! Membership that jitd gave counts as any other here. It changes nothing: no role may give a group by which people are
//! managed.

use std::collections::BTreeSet;
use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};

/// An account.
#[derive(Debug)]
pub(crate) struct Person {
    name: CString,
    own_name: String,
    uid: Uid,
    gid: Gid,
}

impl Person {
    /// The account of this name; `None` when there is none.
    pub(crate) fn named(name: &str) -> Result<Option<Self>, Errno> {
        let Some(user) = User::from_name(name)? else { return Ok(None) };
        let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
        Ok(Some(Self { name, own_name: user.name, uid: user.uid, gid: user.gid }))
    }

    /// Whether its account has this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.own_name == name
    }

    /// Its name, as the account has it.
    pub(crate) fn own_name(self) -> String {
        self.own_name
    }

    /// Its number.
    pub(crate) fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    /// Whether it is root, by whatever name.
    pub(crate) fn is_root(&self) -> bool {
        self.uid.is_root()
    }

    /// Whether it is in one of these groups. A group that is not there has nobody in it.
    pub(crate) fn is_in(&self, groups: &BTreeSet<String>) -> Result<bool, Errno> {
        let theirs = getgrouplist(&self.name, self.gid)?;
        for name in groups {
            if Group::from_name(name)?.is_some_and(|group| theirs.contains(&group.gid)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether this program runs as root.
pub(crate) fn is_root_here() -> bool {
    geteuid().is_root()
}
