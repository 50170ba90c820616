//! The three files together, as they were read: what is planned for them, and written in one go.

use std::ffi::OsStr;
use std::fs::File;
use std::time::Duration;

use super::accounts::Elsewhere;
use super::error::GroupsError;
use super::file::{self, Found, Read};
use super::locks::LinkLock;
use super::plan::{Gshadow, Plan, Texts, groups, plan};
use super::spare;
use super::text::only_members_differ;
use super::turn::Turn;
use super::{Given, Wanted};
use crate::dir::{Dir, Identity, Staged};
use crate::paths::{HostPaths, name_of};

/// The files as they were read.
pub(super) struct Files<'a> {
    dir: &'a Dir,
    group_name: &'a OsStr,
    gshadow_name: &'a OsStr,
    group: Read,
    gshadow: Found,
    passwd_name: &'a OsStr,
    passwd: (Vec<u8>, Option<Identity>),
}

/// What came of writing.
pub(super) enum Wrote {
    /// There was nothing to write.
    Nothing,
    /// It is written. A process whose lock was broken for it may still write an older list.
    Over {
        /// That process.
        broke: Option<u32>,
    },
    /// Somebody else had written in between; nothing of ours is there.
    Changed,
}

impl<'a> Files<'a> {
    pub(super) fn read(dir: &'a Dir, paths: &'a HostPaths) -> Result<Self, GroupsError> {
        let (group_name, gshadow_name) = (name_of(&paths.etc_group), name_of(&paths.etc_gshadow));
        let passwd_name = name_of(&paths.etc_passwd);
        let path = || file::path(dir, group_name);
        let group = match file::read(dir, group_name)? {
            Found::File(read) => read,
            Found::Missing => return Err(GroupsError::Missing { path: path() }),
            Found::Fixed(why) => return Err(GroupsError::Fixed { path: path(), why }),
        };
        let gshadow = file::read(dir, gshadow_name)?;
        let passwd = file::bytes(dir, passwd_name)?;
        Ok(Self { dir, group_name, gshadow_name, group, gshadow, passwd_name, passwd })
    }

    /// The files that it may have replaced, as they were opened.
    pub(super) fn into_open(self) -> impl Iterator<Item = File> {
        let gshadow = match self.gshadow {
            Found::File(read) => Some(read.into_file()),
            Found::Missing | Found::Fixed(_) => None,
        };
        std::iter::once(self.group.into_file()).chain(gshadow)
    }

    /// Whether all three still are as they were read.
    pub(super) fn are_current(&self) -> bool {
        let gshadow = match &self.gshadow {
            Found::Missing => self.dir.identity(self.gshadow_name).is_none(),
            Found::File(read) => read.is_current(self.dir, self.gshadow_name),
            Found::Fixed(_) => false,
        };
        gshadow
            && self.group.is_current(self.dir, self.group_name)
            && self.dir.identity(self.passwd_name) == self.passwd.1
    }

    pub(super) fn plan(&self, wanted: &Wanted, given: &Given, elsewhere: &mut Elsewhere<'_>) -> Plan {
        let gshadow = match &self.gshadow {
            Found::Missing => Gshadow::Absent,
            Found::File(read) => Gshadow::Text(&read.bytes),
            Found::Fixed(why) => Gshadow::Unusable(why.clone()),
        };
        let texts = Texts { group: &self.group.bytes, gshadow, passwd: &self.passwd.0 };
        plan(&texts, wanted, given, elsewhere)
    }

    /// What the plan changes: the file's name, as it was, and as it shall be. In the order of shadow-utils.
    fn changes<'p>(&'p self, plan: &'p Plan) -> Vec<(&'p OsStr, &'p Read, &'p [u8])> {
        let group = plan.group.as_deref().map(|text| (self.group_name, &self.group, text));
        let gshadow = match (&self.gshadow, plan.gshadow.as_deref()) {
            (Found::File(read), Some(text)) => Some((self.gshadow_name, read, text)),
            (Found::File(_) | Found::Missing | Found::Fixed(_), _) => None,
        };
        group.into_iter().chain(gshadow).collect()
    }

    /// Looks whether the plan changes lists of members and nothing else.
    pub(super) fn check(&self, plan: &Plan, wanted: &Wanted, given: &Given) -> Result<(), GroupsError> {
        let groups = groups(wanted, given);
        for (name, read, text) in self.changes(plan) {
            if !only_members_differ(&read.bytes, text, &groups) {
                return Err(GroupsError::NotOnlyMembers { path: file::path(self.dir, name) });
            }
        }
        Ok(())
    }

    /// Writes what the plan changes beside the files, not synced yet.
    pub(super) fn stage(&self, plan: &Plan) -> Result<Vec<Staged<'a>>, GroupsError> {
        let changes = self.changes(plan);
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        if plan.raised().next().is_some() {
            let gshadow = match &self.gshadow {
                Found::File(read) => Some((self.gshadow_name, read.bytes.len())),
                Found::Missing | Found::Fixed(_) => None,
            };
            let group = (self.group_name, self.group.bytes.len());
            spare::keep(self.dir, [group].into_iter().chain(gshadow))?;
        }
        self.dir.sweep_all(&changes.iter().map(|(name, ..)| *name).collect::<Vec<_>>())?;
        let mut staged = Vec::new();
        for (name, read, text) in &changes {
            staged.push(read.stage(self.dir, name, text)?);
        }
        staged.iter().for_each(Staged::begin_sync);
        Ok(staged)
    }

    /// Puts what was staged for this plan in its place.
    pub(super) fn publish(
        &self,
        staged: Vec<Staged<'a>>,
        plan: &Plan,
        (turn, wait): (&Turn<'_>, Duration),
        paths: &HostPaths,
    ) -> Result<Wrote, GroupsError> {
        let changes = self.changes(plan);
        if changes.is_empty() {
            if plan.lowers() {
                self.dir.sync()?;
            }
            return Ok(Wrote::Nothing);
        }
        // After all are written: the file system then has less to commit for the second.
        for staged in &staged {
            staged.sync()?;
        }
        let names = match &self.gshadow {
            Found::Missing => vec![self.group_name],
            Found::File(_) | Found::Fixed(_) => vec![self.group_name, self.gshadow_name],
        };
        let locks = turn.link_locks(self.dir, paths, &names, wait)?;
        let broke = locks.iter().find_map(LinkLock::broke);
        if changes.iter().any(|(name, read, _)| !read.is_current(self.dir, name)) {
            return Ok(Wrote::Changed);
        }
        let mut first = true;
        for (staged, (name, ..)) in staged.into_iter().zip(&changes) {
            match staged.publish() {
                Ok(()) => first = false,
                Err(why) if first => return Err(why.into()),
                Err(source) => return Err(GroupsError::Half { path: file::path(self.dir, name), source }),
            }
        }
        // Before the sync, so that it takes the lock files off the disk as well. The first lock is still held.
        drop(locks);
        if plan.lowers() {
            self.dir.sync()?;
        }
        for (name, _, text) in changes {
            if !file::holds(self.dir, name, text)? {
                return Err(GroupsError::ReadBack { path: file::path(self.dir, name) });
            }
        }
        Ok(Wrote::Over { broke })
    }
}
