//! Takes grants off the host, with or without jitd: what the guard does.
//!
//! Taking away never waits for long and never gives up because something else is spoilt: where a block cannot be cut
//! out cleanly, the whole file goes. A jitd that runs puts back what was still live.

use std::collections::BTreeSet;
use std::time::Duration;

use jit_common::ids::RequestId;
use jitd_core::sudoers::remove_blocks;

use crate::blocks::Holds;
use crate::dir::{Content, Dir, DirError, Durability, Entry};
use crate::lock::{Lock, Locked};
use crate::paths::{HostPaths, name_of};
use crate::sudoers_file::{FILE_MODE, LOCK_WAIT, SIZE_MAX};

mod members;

pub use members::{Doubts, MembersRemoved, remove_members};

/// How often a removal starts over because somebody wrote the file meanwhile.
const TRIES: u32 = 8;

/// What to take off.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// These grants.
    These(&'a BTreeSet<RequestId>),
    /// Whatever there is.
    Everything,
}

/// What is on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnHost {
    /// Nothing of ours that gives anybody anything.
    Nothing,
    /// Exactly these grants.
    Grants(BTreeSet<RequestId>),
    /// A file in which nobody can tell what belongs to whom; these ids are named in it.
    Unclear {
        /// The ids named.
        named: BTreeSet<RequestId>,
        /// Why it is unclear.
        why: String,
    },
}

impl OnHost {
    /// The ids in it, as far as they can be told.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<RequestId> {
        match self {
            Self::Nothing => BTreeSet::new(),
            Self::Grants(ids) | Self::Unclear { named: ids, .. } => ids.clone(),
        }
    }

    /// Whether anything of this has to be taken off.
    #[must_use]
    pub fn has(&self, which: Which<'_>) -> bool {
        match (self, which) {
            (Self::Nothing, _) => false,
            (Self::Grants(_) | Self::Unclear { .. }, Which::Everything) => true,
            (Self::Grants(ids), Which::These(these)) => !ids.is_disjoint(these),
            // Any rule in it may be one of these.
            (Self::Unclear { .. }, Which::These(these)) => !these.is_empty(),
        }
    }
}

/// What was taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The grants that were there and are not any more.
    pub ids: BTreeSet<RequestId>,
    /// Why the whole file went, when it did.
    pub unlinked: Option<String>,
    /// Why we went on without the lock, when we did: somebody hangs with it.
    pub without_lock: Option<String>,
}

/// Why something is still there.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// It can be neither cut out nor taken away.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// Somebody puts it back as fast as it is taken away.
    #[error("{path} was cut {TRIES} times and each time somebody wrote it again; find out who writes there")]
    Contended {
        /// The file.
        path: String,
    },
}

/// What is on the host now.
///
/// # Errors
/// It cannot be read, so nobody knows.
pub fn on_host(paths: &HostPaths) -> Result<OnHost, DirError> {
    match open_dir(paths)? {
        Some(dir) => Ok(judge(&dir.read(name_of(&paths.sudoers_file), SIZE_MAX)?)),
        None => Ok(OnHost::Nothing),
    }
}

/// Takes these grants off, and checks that they are.
///
/// # Errors
/// They may still be there: try again.
pub fn remove(paths: &HostPaths, ids: &BTreeSet<RequestId>) -> Result<Removed, RemovalError> {
    take_off(paths, Which::These(ids))
}

/// Takes everything off, and checks that it is.
///
/// # Errors
/// Something may still be there: try again.
pub fn remove_all(paths: &HostPaths) -> Result<Removed, RemovalError> {
    take_off(paths, Which::Everything)
}

/// Takes away the temporary files of writers that died; how many. Nothing is done while somebody holds the lock.
///
/// # Errors
/// They cannot be taken away. sudo does not read them, so they are only litter.
pub fn sweep_litter(paths: &HostPaths) -> Result<usize, DirError> {
    let Some(dir) = open_dir(paths)? else { return Ok(0) };
    match lock(paths, Duration::ZERO) {
        Ok(_held) => dir.sweep(name_of(&paths.sudoers_file)),
        Err(_) => Ok(0),
    }
}

fn take_off(paths: &HostPaths, which: Which<'_>) -> Result<Removed, RemovalError> {
    let Some(dir) = open_dir(paths)? else { return Ok(Removed::default()) };
    let name = name_of(&paths.sudoers_file);
    let mut removed = Removed::default();
    let _lock = lock(paths, LOCK_WAIT).map_err(|why| removed.without_lock = Some(why));
    // A writer stopped between its temporary file and its rename shall not bring back what goes now. A temporary
    // file that stays is told by nothing: what counts is looked at below.
    let _ = dir.sweep(name);
    for _ in 0..TRIES {
        let entry = dir.read(name, SIZE_MAX)?;
        let on_host = judge(&entry);
        if !on_host.has(which) {
            return Ok(removed);
        }
        match (&on_host, &entry) {
            (OnHost::Grants(_), Entry::File(content)) => {
                if let Err(why) = cut(&dir, paths, content, which) {
                    match why {
                        NotCut::Changed => continue,
                        NotCut::Failed(why) => {
                            dir.unlink(name)?;
                            removed.unlinked = Some(why);
                        }
                    }
                }
            }
            (OnHost::Unclear { why, .. }, _) => {
                dir.unlink(name)?;
                removed.unlinked = Some(why.clone());
            }
            (OnHost::Grants(_) | OnHost::Nothing, _) => {}
        }
        removed.ids.extend(gone(&on_host, which, removed.unlinked.is_some()));
    }
    Err(RemovalError::Contended { path: paths.sudoers_file.display().to_string() })
}

/// Why a block was not cut out.
enum NotCut {
    /// Somebody wrote the file after we had read it.
    Changed,
    /// It cannot be written; the file has to go.
    Failed(String),
}

fn cut(dir: &Dir, paths: &HostPaths, content: &Content, which: Which<'_>) -> Result<(), NotCut> {
    let name = name_of(&paths.sudoers_file);
    let text = String::from_utf8_lossy(&content.bytes);
    let ids = match which {
        Which::These(ids) => ids.clone(),
        Which::Everything => Holds::of(&text).ids(),
    };
    let ids: Vec<&str> = ids.iter().map(RequestId::as_str).collect();
    let Some(rest) = remove_blocks(&text, &ids) else {
        return Err(NotCut::Failed("it is not in the shape that jitd writes".into()));
    };
    if !dir.is_safe() {
        return Err(NotCut::Failed("others can write in its directory".into()));
    }
    let told = |why: DirError| NotCut::Failed(why.to_string());
    let staged = dir.stage(name, rest.as_bytes(), FILE_MODE, Durability::ThisBoot).map_err(told)?;
    if dir.identity(name) != Some(content.identity) {
        return Err(NotCut::Changed);
    }
    match staged.publish() {
        Ok(()) => Ok(()),
        Err(DirError::Interrupted { .. }) => Err(NotCut::Changed),
        Err(why) => Err(told(why)),
    }
}

/// The ids that went with a cut, or with the whole file.
fn gone(on_host: &OnHost, which: Which<'_>, whole_file: bool) -> BTreeSet<RequestId> {
    match (on_host, which) {
        (OnHost::Grants(ids), Which::These(these)) if !whole_file => {
            ids.intersection(these).copied().collect()
        }
        (OnHost::Grants(ids), Which::These(_) | Which::Everything) => ids.clone(),
        (OnHost::Unclear { named, .. }, _) => named.clone(),
        (OnHost::Nothing, _) => BTreeSet::new(),
    }
}

fn judge(entry: &Entry) -> OnHost {
    let unclear = |named, why: &str| OnHost::Unclear { named, why: why.to_owned() };
    match entry {
        Entry::Missing => OnHost::Nothing,
        Entry::Strange(why) => unclear(BTreeSet::new(), why),
        // Its owner and mode do not matter here: whether sudo would read it today is no reason to leave it.
        Entry::File(content) => match std::str::from_utf8(&content.bytes).map(Holds::of) {
            Ok(Holds::Nothing) => OnHost::Nothing,
            Ok(Holds::Grants(ids)) => OnHost::Grants(ids),
            Ok(Holds::Unclear(named)) => unclear(named, "it is not in the shape that jitd writes"),
            // sudo reads on over what is no text, so the other blocks give what they give.
            Err(_) => unclear(Holds::of(&String::from_utf8_lossy(&content.bytes)).ids(), "it is not UTF-8"),
        },
    }
}

fn open_dir(paths: &HostPaths) -> Result<Option<Dir>, DirError> {
    match Dir::open_as_it_is(&paths.sudoers_dir, paths.owner) {
        Ok(dir) => Ok(Some(dir)),
        Err(DirError::Missing { .. }) => Ok(None),
        Err(why) => Err(why),
    }
}

/// The lock, or why we do without.
fn lock(paths: &HostPaths, wait: Duration) -> Result<Lock, String> {
    let taken = Dir::open_as_it_is(&paths.run_dir, paths.owner)
        .and_then(|run_dir| Lock::take(&run_dir, name_of(&paths.converge_lock), wait));
    match taken {
        Ok(Locked::Held(lock)) => Ok(lock),
        Ok(Locked::Busy) => Err("somebody holds it and does not let go".into()),
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests;
