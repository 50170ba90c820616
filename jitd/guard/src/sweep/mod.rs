//! One sweep of the host: look, take off what has to go, and leave a note of it.
//!
//! sudo's part goes first, the members of groups after it, and what goes wrong with one of them keeps the other from
//! nothing. A grant is noted as removed when all of it is off; until then it is tried again.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::causes::chain;
use jit_common::ids::RequestId;
use jit_mechanisms::groups::Membership;
use jit_mechanisms::guard_notes::{self, Note, Noted, Why};
use jit_mechanisms::removal::{self, Doubts, OnHost, Removed, Which};
use jit_mechanisms::{HostPaths, Now, applied};

use crate::members::{self, Leaving, Went};
use crate::plan::{GRACE, Known, LOOK, Next, PATIENCE, TakeOff, plan};
use crate::running::Running;

/// The guard between two sweeps.
#[derive(Debug)]
pub struct Guard {
    paths: HostPaths,
    /// Notes that could not be written yet (a full disk). What they tell was done all the same.
    unwritten: Vec<Note>,
    /// Grants of which something is off and something is not.
    half: BTreeMap<RequestId, Why>,
    /// Members whom no grant wants, and since when that has been seen, on the boot clock.
    unclaimed: BTreeMap<Membership, i64>,
    /// Who is out of a group and may come back.
    doubts: Doubts,
    /// What was wrong the last time, so that it is said once and not twice a second.
    wrong: BTreeSet<String>,
    damage: Option<String>,
    patience: Patience,
    running: Running,
}

/// What a sweep did.
#[derive(Debug)]
pub struct Swept {
    /// Lines for the log.
    pub said: Vec<String>,
    /// When to look again.
    pub next: Next,
}

/// For how long `applied` has been out of reach.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// Since when, on the boot clock.
    since: Option<i64>,
}

impl Patience {
    /// What was read, or that it is damaged, once it has been unreadable for longer than [`PATIENCE`].
    pub(crate) fn judge(&mut self, known: Known, now: &Now) -> Known {
        match known {
            Known::Unreadable(why) => {
                let since = *self.since.get_or_insert(now.boot);
                match now.boot.saturating_sub(since) < PATIENCE {
                    true => Known::Unreadable(why),
                    false => Known::Damaged(why),
                }
            }
            Known::Nothing | Known::Grants(_) | Known::Damaged(_) => {
                self.since = None;
                known
            }
        }
    }
}

/// What is known about the host, read in this order: a block that is seen was named in `applied` before.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What is there.
    pub(crate) on_host: OnHost,
    /// What `applied` says.
    pub(crate) known: Known,
    /// What is noted and not yet on the record.
    pub(crate) noted: Noted,
}

impl Seen {
    /// Looks. What cannot be read counts as the worst it could be; `wrong` gets the sentences.
    pub(crate) fn look(paths: &HostPaths, wrong: &mut BTreeSet<String>) -> Self {
        let on_host = removal::on_host(paths).unwrap_or_else(|why| {
            let why = chain(&why);
            wrong.insert(why.clone());
            OnHost::Unclear { named: BTreeSet::new(), why }
        });
        let known = match applied::read(paths) {
            Ok(None) => Known::Nothing,
            Ok(Some(applied)) => Known::Grants(applied),
            Err(why) if why.is_fleeting() => {
                wrong.insert(chain(&why));
                Known::Unreadable(chain(&why))
            }
            Err(why) => Known::Damaged(chain(&why)),
        };
        let noted = guard_notes::noted(paths).unwrap_or_else(|why| {
            wrong.insert(chain(&why));
            Noted::default()
        });
        Self { on_host, known, noted }
    }
}

impl Guard {
    /// A guard of these paths.
    pub fn new(paths: &HostPaths) -> Self {
        Self {
            paths: paths.clone(),
            unwritten: Vec::new(),
            half: BTreeMap::new(),
            unclaimed: BTreeMap::new(),
            doubts: Doubts::default(),
            wrong: BTreeSet::new(),
            damage: None,
            patience: Patience::default(),
            running: Running::default(),
        }
    }

    /// Sweeps once.
    pub fn sweep(&mut self, now: &Now) -> Swept {
        let mut said = Vec::new();
        let mut wrong = BTreeSet::new();
        let mut seen = Seen::look(&self.paths, &mut wrong);
        seen.known = self.patience.judge(seen.known, now);
        seen.noted.extend(&self.unwritten);
        let (take_off, mut next) = plan(&seen.on_host, &seen.known, &seen.noted.ids(), now);
        self.mark_damage(&seen.known, now, &mut said);
        let sudoers = carry_out(&self.paths, &seen.on_host, &take_off);
        let went = self.take_members_out(&seen, &take_off, now);
        match &sudoers {
            Ok(None) => {}
            Ok(Some(removed)) => {
                said.extend(lines(removed, &take_off));
                self.unwritten.extend(unlinked(removed, &take_off, now));
                self.half.extend(ended(removed, &take_off));
            }
            Err(why) => drop(wrong.insert(chain(why))),
        }
        for (id, why) in &went.touched {
            self.half.entry(*id).or_insert(*why);
        }
        if sudoers.is_ok() {
            self.note_what_is_over(&seen, &went, now);
        }
        let running = self.running.end_overdue(&self.paths, now);
        self.unwritten.extend(running.notes);
        if let Err(why) = self.write_notes() {
            wrong.insert(chain(&why));
        }
        said.extend(went.said.into_iter().chain(running.said));
        wrong.extend(went.wrong.into_iter().chain(running.wrong));
        said.extend(wrong.difference(&self.wrong).cloned());
        if !wrong.is_empty() || !self.unclaimed.is_empty() || running.any {
            next = sooner(next);
        }
        self.wrong = wrong;
        Swept { said, next }
    }

    /// Takes out whoever has to go. What no grant wants is left to jitd for a grace period: it may be just about it.
    fn take_members_out(&mut self, seen: &Seen, take_off: &TakeOff, now: &Now) -> Went {
        let mut leaving = members::leaving(&seen.known, take_off, &seen.noted);
        let unclaimed = |leaving: &Leaving| leaving.grants.is_empty();
        self.unclaimed.retain(|of, _| leaving.get(of).is_some_and(unclaimed));
        leaving.retain(|of, leaving| {
            let mut since = || *self.unclaimed.entry(of.clone()).or_insert(now.boot);
            !unclaimed(leaving) || now.boot.saturating_sub(since()) >= GRACE
        });
        let (paths, unwritten) = (&self.paths, &mut self.unwritten);
        members::take_out(paths, &leaving, members::WAIT, (&mut self.doubts, now), &mut |notes| {
            unwritten.extend(notes);
            // What cannot be written here is tried again below, and told there.
            if guard_notes::append(paths, unwritten).is_ok() {
                unwritten.clear();
            }
        })
    }

    /// Notes the grants that are off as a whole, each once.
    fn note_what_is_over(&mut self, seen: &Seen, went: &Went, now: &Now) {
        match seen.known {
            Known::Nothing | Known::Grants(_) | Known::Damaged(_) => {}
            // Nobody knows what belongs to them.
            Known::Unreadable(_) => return,
        }
        let (stuck, over): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.half).into_iter().partition(|(id, _)| went.stuck.contains(id));
        self.half = stuck;
        let new = over.into_iter().filter(|(id, _)| !seen.noted.grants.contains_key(id));
        self.unwritten.extend(new.map(|(id, why)| Note::Removed { id, wall: now.wall, why }));
    }

    /// Notes a damage of `applied` once, as long as it stays the same.
    fn mark_damage(&mut self, known: &Known, now: &Now, said: &mut Vec<String>) {
        let damage = match known {
            Known::Damaged(what) => Some(what.clone()),
            Known::Nothing | Known::Grants(_) | Known::Unreadable(_) => None,
        };
        if let Some(what) = damage.as_ref().filter(|what| self.damage.as_ref() != Some(what)) {
            said.push(what.clone());
            said.push(members::UNKNOWN.to_owned());
            self.unwritten.push(Note::AppliedDamaged { wall: now.wall, what: what.clone() });
        }
        self.damage = damage;
    }

    fn write_notes(&mut self) -> Result<(), guard_notes::NotesError> {
        guard_notes::append(&self.paths, &self.unwritten)?;
        self.unwritten.clear();
        Ok(())
    }
}

/// Takes off what the plan says, if any of it is there.
pub(crate) fn carry_out(
    paths: &HostPaths,
    on_host: &OnHost,
    take_off: &TakeOff,
) -> Result<Option<Removed>, removal::RemovalError> {
    match take_off {
        TakeOff::Everything(_) if on_host.has(Which::Everything) => removal::remove_all(paths).map(Some),
        TakeOff::These(these) => {
            let ids: BTreeSet<RequestId> = these.keys().copied().collect();
            if on_host.has(Which::These(&ids)) { removal::remove(paths, &ids).map(Some) } else { Ok(None) }
        }
        TakeOff::Everything(_) => Ok(None),
    }
}

/// The grants that sudo's part of went, each with its reason.
///
/// A grant that only went because the whole file did is not among them: jitd puts it back, as it is not over.
pub(crate) fn ended(removed: &Removed, take_off: &TakeOff) -> BTreeMap<RequestId, Why> {
    removed.ids.iter().filter_map(|id| Some((*id, reason(take_off, *id)?))).collect()
}

/// The note that the whole sudoers file went, if it did.
pub(crate) fn unlinked(removed: &Removed, take_off: &TakeOff, now: &Now) -> Option<Note> {
    let why = main_reason(take_off);
    removed.unlinked.is_some().then_some(Note::Unlinked { wall: now.wall, why })
}

/// What a removal says in the log.
pub(crate) fn lines(removed: &Removed, take_off: &TakeOff) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for id in &removed.ids {
        if let Some(why) = reason(take_off, *id) {
            by_reason.entry(why.word()).or_default().push(id.to_string());
        }
    }
    let mut lines: Vec<String> =
        by_reason.into_iter().map(|(why, ids)| format!("removed {}: {why}", ids.join(", "))).collect();
    if let Some(why) = &removed.unlinked {
        lines.push(format!("took the whole sudoers file away: {why}"));
    }
    if let Some(why) = &removed.without_lock {
        lines.push(format!("went on without the lock: {why}"));
    }
    lines
}

fn reason(take_off: &TakeOff, id: RequestId) -> Option<Why> {
    match take_off {
        TakeOff::Everything(why) => Some(*why),
        TakeOff::These(these) => these.get(&id).copied(),
    }
}

fn main_reason(take_off: &TakeOff) -> Why {
    match take_off {
        TakeOff::Everything(why) => *why,
        TakeOff::These(these) => these.values().next().copied().unwrap_or(Why::Overdue),
    }
}

fn sooner(next: Next) -> Next {
    match next {
        Next::OnChange => Next::Within(LOOK),
        Next::Within(wait) => Next::Within(wait.min(LOOK)),
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod member_tests;
