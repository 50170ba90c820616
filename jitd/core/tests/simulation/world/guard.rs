//! The guard: it reads `applied` alone, and takes off what is past its deadline, with jitd or without.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::now::{NANOS, Now};
use jitd_core::sudoers::{block_ids, remove_blocks};

use super::host::{Applied, By, GroupsHealth, Host, Membership, Note, StateHealth, SudoersHealth};

/// How long jitd is given to do it itself.
pub(crate) const GRACE: i64 = NANOS / 2;
/// The longest between two looks.
pub(crate) const LOOK: i64 = NANOS / 2;

/// Whether it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    Yes,
    No,
}

/// What it has in memory.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) runs: Runs,
    /// Notes that could not be written yet.
    unwritten: Vec<Note>,
    /// Grants of which a part is off.
    half: BTreeSet<RequestId>,
    /// Since when nobody wants who was given.
    unclaimed: BTreeMap<Membership, i64>,
}

impl Guard {
    pub(crate) fn new() -> Self {
        Self { runs: Runs::Yes, unwritten: Vec::new(), half: BTreeSet::new(), unclaimed: BTreeMap::new() }
    }

    /// It is killed, or starts: what it had in memory is gone.
    pub(crate) fn forget(&mut self) {
        *self = Self { runs: self.runs, ..Self::new() };
    }

    /// `jit-guard --all`, a program of its own, takes off whatever there is.
    pub(crate) fn take_all(host: &mut Host, now: &Now, true_time: i64) {
        let ids = host.applied.iter().flat_map(|applied| applied.lines.keys().copied());
        let all = ids.chain(host.blocks().unwrap_or_default()).collect();
        Self::new().take_off(host, all, now, true_time);
    }

    /// One look at the host.
    pub(crate) fn sweep(&mut self, host: &mut Host, now: &Now, true_time: i64) {
        let noted: BTreeSet<RequestId> =
            host.notes.iter().chain(&self.unwritten).filter_map(removed).collect();
        let on_host = host.blocks().unwrap_or_default();
        let mut going: BTreeSet<RequestId> = on_host.intersection(&noted).copied().collect();
        let lines = host.applied.iter().flat_map(|applied| &applied.lines);
        going.extend(lines.filter(|(_, line)| line_is_due(line, now)).map(|(id, _)| *id));
        self.take_off(host, going, now, true_time);
    }

    fn take_off(&mut self, host: &mut Host, going: BTreeSet<RequestId>, now: &Now, true_time: i64) {
        let applied = host.applied.clone().unwrap_or_default();
        let noted: BTreeSet<RequestId> =
            host.notes.iter().chain(&self.unwritten).filter_map(removed).collect();
        let cut = self.cut(host, &going);
        let stuck = self.take_members_out(host, &applied, &going, &noted, now, true_time);
        if cut {
            self.note_what_is_over(&stuck, &noted, now);
        }
        if host.state_health == StateHealth::Fine {
            host.notes.append(&mut self.unwritten);
        }
    }

    /// Cuts these out of sudo's file. Whether they are out.
    fn cut(&mut self, host: &mut Host, going: &BTreeSet<RequestId>) -> bool {
        let Some(text) = host.sudoers.clone() else { return true };
        let there: Option<BTreeSet<RequestId>> =
            block_ids(&text).map(|ids| ids.into_iter().map(|id| id.parse().unwrap()).collect());
        let hit = there.as_ref().is_none_or(|there| !there.is_disjoint(going));
        if going.is_empty() || !hit {
            return true;
        }
        match host.sudoers_health {
            SudoersHealth::CannotTouch => return false,
            SudoersHealth::CannotWrite => host.sudoers = None,
            SudoersHealth::Fine => {
                let ids: Vec<&str> = going.iter().map(RequestId::as_str).collect();
                host.sudoers = remove_blocks(&text, &ids);
            }
        }
        self.half.extend(there.into_iter().flatten().filter(|id| going.contains(id)));
        true
    }

    /// Takes out whom no line wants but of those that are over. The grants of which somebody is still in.
    fn take_members_out(
        &mut self,
        host: &mut Host,
        applied: &Applied,
        these: &BTreeSet<RequestId>,
        noted: &BTreeSet<RequestId>,
        now: &Now,
        true_time: i64,
    ) -> BTreeSet<RequestId> {
        let going: BTreeSet<RequestId> = these.union(noted).copied().collect();
        let over = |of: &Membership, ids: &BTreeSet<RequestId>| {
            host.notes.iter().chain(&self.unwritten).any(|note| match note {
                Note::Member { of: other, ids: others } => other == of && ids.is_subset(others),
                Note::Removed { .. } => false,
            })
        };
        let mut leaving = applied.members_of_only(&going);
        leaving.retain(|of, ids| !over(of, ids));
        self.unclaimed.retain(|of, _| leaving.get(of).is_some_and(BTreeSet::is_empty));
        // What no grant wants is left to jitd for a while: it may be just about it.
        leaving.retain(|of, ids| {
            let mut since = || *self.unclaimed.entry(of.clone()).or_insert(now.boot);
            !ids.is_empty() || now.boot.saturating_sub(since()) >= GRACE
        });
        if host.groups_health == GroupsHealth::Locked {
            return leaving.into_values().flatten().collect();
        }
        for (of, ids) in leaving {
            if host.is_in(&of) {
                host.take_out(of.gid, &of.user, By::Us, true_time);
                self.half.extend(ids.iter().copied());
            }
            self.unwritten.push(Note::Member { of, ids });
        }
        BTreeSet::new()
    }

    fn note_what_is_over(&mut self, stuck: &BTreeSet<RequestId>, noted: &BTreeSet<RequestId>, now: &Now) {
        let over: Vec<RequestId> = self.half.iter().copied().filter(|id| !stuck.contains(id)).collect();
        self.half.retain(|id| stuck.contains(id));
        let new = over.into_iter().filter(|id| !noted.contains(id));
        self.unwritten.extend(new.map(|id| Note::Removed { id, wall: now.wall }));
    }

    /// Whether it leaves it to jitd for a while to take somebody out whom no grant wants.
    pub(crate) fn leaves_to_jitd(&self, of: &Membership) -> bool {
        self.unclaimed.contains_key(of)
    }

    /// Whether it took somebody out, and jitd has not read of it.
    pub(crate) fn took(&self, host: &Host, of: &Membership) -> bool {
        host.notes.iter().chain(&self.unwritten).any(|note| match note {
            Note::Member { of: other, .. } => other == of,
            Note::Removed { .. } => false,
        })
    }

    /// Nanoseconds until it looks again, when there is anything to look for.
    pub(crate) fn next(&self, host: &Host, now: &Now) -> Option<i64> {
        let applied = host.applied.as_ref()?;
        let waits =
            applied.lines.values().map(|line| line.deadline.left(now).saturating_add(GRACE).max(LOOK));
        let claimed = |of: &Membership| applied.lines.values().any(|line| line.groups.contains(of));
        let busy = !applied.given.iter().all(claimed)
            || !self.unclaimed.is_empty()
            || !self.unwritten.is_empty()
            || !self.half.is_empty();
        waits.chain(busy.then_some(LOOK)).min()
    }
}

fn removed(note: &Note) -> Option<RequestId> {
    match note {
        Note::Removed { id, .. } => Some(*id),
        Note::Member { .. } => None,
    }
}

fn line_is_due(line: &super::host::Line, now: &Now) -> bool {
    line.deadline.boot_id != now.boot_id || line.deadline.left(now) <= -GRACE
}
