//! One sweep of the host: look, take off what has to go, and leave a note of it.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::causes::chain;
use jit_common::ids::RequestId;
use jit_mechanisms::guard_notes::{self, Note, Why};
use jit_mechanisms::removal::{self, OnHost, Removed, Which};
use jit_mechanisms::{HostPaths, Now, applied};

use crate::plan::{Known, LOOK, Next, PATIENCE, TakeOff, plan};

/// The guard between two sweeps.
#[derive(Debug)]
pub(crate) struct Guard {
    paths: HostPaths,
    /// Notes that could not be written yet (a full disk). What they tell was done all the same.
    unwritten: Vec<Note>,
    /// What was wrong the last time, so that it is said once and not twice a second.
    wrong: BTreeSet<String>,
    damage: Option<String>,
    patience: Patience,
}

/// What a sweep did.
#[derive(Debug)]
pub(crate) struct Swept {
    /// Lines for the log.
    pub(crate) said: Vec<String>,
    /// When to look again.
    pub(crate) next: Next,
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
    /// The grants whose removal is noted and not yet on the record.
    pub(crate) noted: BTreeSet<RequestId>,
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
        let noted = guard_notes::pending(paths).unwrap_or_else(|why| {
            wrong.insert(chain(&why));
            BTreeSet::new()
        });
        Self { on_host, known, noted }
    }
}

impl Guard {
    /// A guard of these paths.
    pub(crate) fn new(paths: &HostPaths) -> Self {
        Self {
            paths: paths.clone(),
            unwritten: Vec::new(),
            wrong: BTreeSet::new(),
            damage: None,
            patience: Patience::default(),
        }
    }

    /// Sweeps once.
    pub(crate) fn sweep(&mut self, now: &Now) -> Swept {
        let mut said = Vec::new();
        let mut wrong = BTreeSet::new();
        let mut seen = Seen::look(&self.paths, &mut wrong);
        seen.known = self.patience.judge(seen.known, now);
        let (take_off, mut next) = plan(&seen.on_host, &seen.known, &seen.noted, now);
        self.mark_damage(&seen.known, now, &mut said);
        match carry_out(&self.paths, &seen.on_host, &take_off) {
            Ok(None) => {}
            Ok(Some(removed)) => {
                said.extend(lines(&removed, &take_off));
                self.keep_notes(notes(&removed, &take_off, now), &seen.noted);
            }
            Err(why) => {
                wrong.insert(chain(&why));
                next = sooner(next);
            }
        }
        if let Err(why) = self.write_notes() {
            wrong.insert(chain(&why));
            next = sooner(next);
        }
        said.extend(wrong.difference(&self.wrong).cloned());
        if !wrong.is_empty() {
            next = sooner(next);
        }
        self.wrong = wrong;
        Swept { said, next }
    }

    /// Notes a damage of `applied` once, as long as it stays the same.
    fn mark_damage(&mut self, known: &Known, now: &Now, said: &mut Vec<String>) {
        let damage = match known {
            Known::Damaged(what) => Some(what.clone()),
            Known::Nothing | Known::Grants(_) | Known::Unreadable(_) => None,
        };
        if let Some(what) = damage.as_ref().filter(|what| self.damage.as_ref() != Some(what)) {
            said.push(what.clone());
            self.unwritten.push(Note::AppliedDamaged { wall: now.wall, what: what.clone() });
        }
        self.damage = damage;
    }

    /// Keeps new notes for writing; a grant that is noted already is not noted again.
    fn keep_notes(&mut self, notes: Vec<Note>, noted: &BTreeSet<RequestId>) {
        for note in notes {
            let id = note.removed_id();
            let known = |id: RequestId| {
                noted.contains(&id) || self.unwritten.iter().any(|note| note.removed_id() == Some(id))
            };
            if !id.is_some_and(known) {
                self.unwritten.push(note);
            }
        }
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

/// The notes of a removal.
///
/// A grant that only went because the whole file did is not noted as removed: jitd puts it back, as it is not over.
pub(crate) fn notes(removed: &Removed, take_off: &TakeOff, now: &Now) -> Vec<Note> {
    let wall = now.wall;
    let mut notes: Vec<Note> = removed
        .ids
        .iter()
        .filter_map(|id| Some(Note::Removed { id: *id, wall, why: reason(take_off, *id)? }))
        .collect();
    if removed.unlinked.is_some() {
        notes.push(Note::Unlinked { wall, why: main_reason(take_off) });
    }
    notes
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
