//! The host: sudo's file, the groups, what jitd and the guard leave each other. Each can fail by itself.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::now::{Deadline, NANOS};
use jitd_core::sudoers::block_ids;

/// Nanoseconds after which the kernel has written a file back by itself.
const SYNCED_AFTER: i64 = 30 * NANOS;

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Membership {
    pub(crate) gid: u32,
    pub(crate) uid: u32,
    pub(crate) user: String,
}

/// One grant in `applied`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) deadline: Deadline,
    pub(crate) groups: BTreeSet<Membership>,
}

/// `applied`: what may be on the host, and whom jitd put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) lines: BTreeMap<RequestId, Line>,
    pub(crate) given: BTreeSet<Membership>,
}

impl Applied {
    /// What was given and no line but those of `going` wants, with the lines that did.
    pub(crate) fn members_of_only(
        &self,
        going: &BTreeSet<RequestId>,
    ) -> BTreeMap<Membership, BTreeSet<RequestId>> {
        let mut off: BTreeMap<Membership, BTreeSet<RequestId>> =
            self.given.iter().map(|of| (of.clone(), BTreeSet::new())).collect();
        for (id, line) in &self.lines {
            for of in &line.groups {
                if !going.contains(id) {
                    off.remove(of);
                } else if let Some(ids) = off.get_mut(of) {
                    ids.insert(*id);
                }
            }
        }
        off
    }
}

/// What the guard noted for jitd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// A grant is off, all of it.
    Removed { id: RequestId, wall: i64 },
    /// Somebody is out of a group.
    Member { of: Membership, ids: BTreeSet<RequestId> },
}

/// How sudo's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SudoersHealth {
    Fine,
    /// Nothing can be written beside it; it can be taken away.
    CannotWrite,
    /// Nothing can be done to it.
    CannotTouch,
}

/// How the groups are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupsHealth {
    Fine,
    /// Somebody sits on a lock.
    Locked,
}

/// How the folder of `applied`, the notes and the mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateHealth {
    Fine,
    Full,
}

/// The host.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// sudo's file, gone with every boot.
    pub(crate) sudoers: Option<String>,
    /// Who is in which group, by name, as `/etc/group` has it.
    pub(crate) members: BTreeSet<(u32, String)>,
    /// Who of them is there by jitd: nobody on the host can see this.
    pub(crate) put_in: BTreeSet<Membership>,
    /// `applied`, as programs read it now.
    pub(crate) applied: Option<Applied>,
    /// Versions of `applied` of which a power cut may bring one back.
    unsynced: Vec<(i64, Option<Applied>)>,
    pub(crate) notes: Vec<Note>,
    /// The mark of the kill switch.
    pub(crate) mark: Option<String>,
    pub(crate) sudoers_health: SudoersHealth,
    pub(crate) groups_health: GroupsHealth,
    pub(crate) state_health: StateHealth,
    /// When somebody who was in a group by nature left it, by true time.
    pub(crate) left: BTreeMap<(u32, String), i64>,
    /// Whom jitd or the guard took out without having put them in.
    pub(crate) wronged: Vec<(u32, String)>,
    /// A power cut has brought back an older `applied`, and jitd has not run since.
    pub(crate) applied_is_old: bool,
}

/// Who takes somebody out of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// jitd or the guard.
    Us,
    /// An admin.
    Others,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self {
            sudoers: None,
            members: BTreeSet::new(),
            put_in: BTreeSet::new(),
            applied: None,
            unsynced: Vec::new(),
            notes: Vec::new(),
            mark: None,
            sudoers_health: SudoersHealth::Fine,
            groups_health: GroupsHealth::Fine,
            state_health: StateHealth::Fine,
            left: BTreeMap::new(),
            wronged: Vec::new(),
            applied_is_old: false,
        }
    }

    /// The grants in sudo's file; `None` when it is in no shape of jitd's.
    pub(crate) fn blocks(&self) -> Option<BTreeSet<RequestId>> {
        let Some(text) = &self.sudoers else { return Some(BTreeSet::new()) };
        Some(block_ids(text)?.into_iter().map(|id| id.parse().unwrap()).collect())
    }

    /// Writes `applied`. What was there before may come back with a power cut, unless it is synced.
    pub(crate) fn write_applied(&mut self, new: Applied, synced: bool, true_time: i64) -> bool {
        if self.state_health == StateHealth::Full {
            return false;
        }
        let before = self.applied.replace(new);
        self.unsynced.push((true_time, before));
        if synced {
            self.unsynced.clear();
        }
        true
    }

    pub(crate) fn is_in(&self, of: &Membership) -> bool {
        self.members.contains(&(of.gid, of.user.clone()))
    }

    /// jitd puts somebody in.
    pub(crate) fn put_in(&mut self, of: &Membership) {
        if self.members.insert((of.gid, of.user.clone())) {
            self.put_in.insert(of.clone());
        }
    }

    /// Takes somebody out, whoever put them in.
    pub(crate) fn take_out(&mut self, gid: u32, user: &str, by: By, true_time: i64) {
        if self.members.remove(&(gid, user.to_owned())) {
            let before = self.put_in.len();
            self.put_in.retain(|of| (of.gid, of.user.as_str()) != (gid, user));
            if before == self.put_in.len() {
                self.left.insert((gid, user.to_owned()), true_time);
                self.wronged.extend((by == By::Us).then(|| (gid, user.to_owned())));
            }
        }
    }

    /// Whether somebody is in a group and not by jitd, now or from `since` on.
    pub(crate) fn is_natural(&self, gid: u32, user: &str, since: i64) -> bool {
        let key = (gid, user.to_owned());
        let lent = self.put_in.iter().any(|of| (of.gid, of.user.as_str()) == (gid, user));
        (self.members.contains(&key) && !lent) || self.left.get(&key).is_some_and(|at| *at >= since)
    }

    /// The machine goes down: what lives under /run is gone, and of what was not synced an older version may be there.
    pub(crate) fn power_cut(&mut self, true_time: i64, choose: impl FnOnce(usize) -> usize) {
        self.sudoers = None;
        self.unsynced.retain(|(at, _)| true_time - at < SYNCED_AFTER);
        let which = choose(self.unsynced.len() + 1);
        if let Some((_, older)) = self.unsynced.get(which) {
            self.applied = older.clone();
            self.applied_is_old = true;
        }
        self.unsynced.clear();
    }
}
