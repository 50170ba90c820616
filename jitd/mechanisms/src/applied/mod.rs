//! `/var/lib/jit/applied`: what is raised on this host and until when. jitd writes it before it raises anything, the
//! guard reads it, so the guard knows how to take off whatever can be there.
//!
//! Of groups it says two things: which memberships each grant wants, and which of them jitd put in itself and has not
//! taken out yet (`given`). Only the latter are ever taken out, so a member from before stays one.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::now::Deadline;

use crate::dir::{Dir, DirError, Durability, Entry};
use crate::groups::{Given, Membership};
use crate::paths::{HostPaths, STATE_DIR_MODE, name_of};

pub(crate) mod text;

pub use text::{parse, render};

/// More than this is not one of ours (some 50 000 grants).
const SIZE_MAX: u64 = 8 * 1024 * 1024;

/// What has to be undone when a grant ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undo {
    /// Its block in the sudoers file.
    Sudoers,
    /// What [`AppliedGrant::groups`] names, as far as it is in [`Applied::given`].
    Groups,
}

impl Undo {
    fn word(self) -> &'static str {
        match self {
            Self::Sudoers => "sudoers",
            Self::Groups => "groups",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Sudoers, Self::Groups].into_iter().find(|undo| undo.word() == word)
    }
}

/// One grant that may be on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedGrant {
    /// Its id.
    pub id: RequestId,
    /// Whose it is.
    pub uid: u32,
    /// When it ends.
    pub deadline: Deadline,
    /// What to undo then.
    pub undo: Vec<Undo>,
    /// The memberships that it wants, whether or not jitd had to put anybody in for them.
    pub groups: Vec<Membership>,
}

/// Everything that may be on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The grants; each id once.
    pub grants: Vec<AppliedGrant>,
    /// The memberships that jitd put in itself and has not taken out: what may be taken out, and nothing else.
    ///
    /// The grant that wants one has to be in `grants` in the same write at the latest: what no grant wants, the guard
    /// takes out a moment later.
    pub given: Given,
}

impl Applied {
    /// What has to be off when these grants end: the memberships that were given and that no other grant here wants.
    /// Each with the grants here that want it, which may be none.
    #[must_use]
    pub fn members_of_only(&self, going: &BTreeSet<RequestId>) -> BTreeMap<Membership, BTreeSet<RequestId>> {
        let mut off: BTreeMap<Membership, BTreeSet<RequestId>> =
            self.given.iter().map(|of| (of.clone(), BTreeSet::new())).collect();
        for grant in &self.grants {
            for of in &grant.groups {
                if !going.contains(&grant.id) {
                    off.remove(of);
                } else if let Some(grants) = off.get_mut(of) {
                    grants.insert(grant.id);
                }
            }
        }
        off
    }
}

/// Why a text is not a whole `applied` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Damage {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Why `applied` could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AppliedError {
    /// It is there and says nothing that can be trusted.
    #[error("{path} is damaged ({damage}); whatever is raised on this host has to be taken off")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        damage: Damage,
    },
    /// It could not be reached.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// A boot id that cannot stand in the file.
    #[error(
        "the boot id {boot_id:?} of grant {id} cannot be written: it may hold letters, digits and dashes"
    )]
    BootId {
        /// The grant.
        id: RequestId,
        /// The boot id.
        boot_id: String,
    },
}

impl AppliedError {
    /// Whether reading again may help: the system gave no memory, no descriptor or no data. What was read and is wrong,
    /// or is no file or directory at all, stays so.
    #[must_use]
    pub fn is_fleeting(&self) -> bool {
        match self {
            Self::Dir(DirError::Open { .. } | DirError::File { .. }) => true,
            Self::Dir(
                DirError::Missing { .. }
                | DirError::NotADirectory { .. }
                | DirError::Owner { .. }
                | DirError::Writable { .. }
                | DirError::Make { .. }
                | DirError::Interrupted { .. },
            )
            | Self::Damaged { .. }
            | Self::BootId { .. } => false,
        }
    }
}

/// Writes it in one step; synced when the change it speaks of outlives a reboot.
///
/// - [`Durability::ThisBoot`]: grants that live under `/run` come or go, and `given` stays as it is.
/// - [`Durability::OldOrNew`]: `given` grows, before anybody is put in. One sync. Should a power cut bring back the old
///   list, the guard does not know of the new member, but jitd's ledger does: jitd takes him out when it starts.
/// - [`Durability::AcrossReboot`]: `given` shrinks, after somebody was taken out. Should a power cut bring back the old
///   list, the guard would take out at boot whoever an admin had put in by hand meanwhile.
///
/// # Errors
/// It could not be written: nothing may be raised then.
pub fn write(paths: &HostPaths, applied: &Applied, durability: Durability) -> Result<(), AppliedError> {
    let text = render(applied)?;
    let dir = Dir::open_or_make(&paths.state_dir, paths.owner, STATE_DIR_MODE)?;
    let name = name_of(&paths.applied);
    // Only jitd writes here, and there is one: any temporary file is from one that died.
    dir.sweep(name)?;
    Ok(dir.replace(name, text.as_bytes(), 0o600, durability)?)
}

/// Takes away what a jitd left that was killed while it wrote the list; how many there were. For jitd alone: only it writes
/// here, and there is one.
///
/// # Errors
/// They cannot be taken away. Nobody reads them, so they are only litter.
pub fn sweep_litter(paths: &HostPaths) -> Result<usize, DirError> {
    match Dir::open(&paths.state_dir, paths.owner) {
        Ok(dir) => dir.sweep(name_of(&paths.applied)),
        Err(DirError::Missing { .. }) => Ok(0),
        Err(why) => Err(why),
    }
}

/// Reads it; `None` when there is none, which means that nothing is raised.
///
/// # Errors
/// It is damaged: everything has to be taken off then. Or it cannot be read, which [`AppliedError::is_fleeting`] tells
/// apart: everything has to be taken off when that stays so.
pub fn read(paths: &HostPaths) -> Result<Option<Applied>, AppliedError> {
    let damaged = |damage| AppliedError::Damaged { path: paths.applied.display().to_string(), damage };
    // As it is: a state directory with a wrong mode is no reason to leave anything raised.
    let dir = match Dir::open_as_it_is(&paths.state_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(None),
        Err(why) => return Err(why.into()),
    };
    let content = match dir.read(name_of(&paths.applied), SIZE_MAX)? {
        Entry::Missing => return Ok(None),
        Entry::Strange(why) => return Err(damaged(Damage { line: 1, why })),
        Entry::File(content) => content,
    };
    if !content.is_only_of(paths.owner) {
        let why = format!("it belongs to uid {} with mode {:04o}", content.uid, content.mode);
        return Err(damaged(Damage { line: 1, why }));
    }
    let text = String::from_utf8(content.bytes)
        .map_err(|_| damaged(Damage { line: 1, why: "it is not UTF-8".into() }))?;
    parse(&text).map(Some).map_err(damaged)
}

#[cfg(test)]
mod tests;
