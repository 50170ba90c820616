//! Memberships made equal to what is wanted, and what became of each: trouble with one is no trouble of another's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::time::Duration;

use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::{
    self, Caches, Given, GroupsError, Membership, Outcome, Refusal, Report, Wanted as WantedMembers,
};
use jitd_core::wanted::WantedGrant;

use super::before::Before;
use super::changes::Stamp;
use super::memory::{Memory, memberships};
use super::scribe::{Onlooker, Scribe};

/// How long each of the at most three locks is waited for. The engine waits with it: a second in all, and only the first time
/// that somebody sits on a lock (an open vigr(8) does so for minutes). Until a change has worked again, one try has to do.
const WAIT: Duration = Duration::from_millis(330);

/// What is known of the groups of this host beside what [`Memory`] keeps.
#[derive(Debug)]
pub(super) struct Lending {
    /// Uids of users that are not in `/etc/passwd`: they were looked up when they asked.
    elsewhere: BTreeMap<String, u32>,
    /// What was taken out while somebody may have been about to write an older list, and who.
    doubtful: BTreeMap<Membership, BTreeSet<u32>>,
    wait: Duration,
    /// The two files as they were left.
    pub(super) left: Stamp,
}

impl Default for Lending {
    fn default() -> Self {
        let (elsewhere, doubtful, left) = Default::default();
        Self { elsewhere, doubtful, wait: WAIT, left }
    }
}

/// What became of memberships.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// As it should be, or why not.
    so: BTreeMap<Membership, Result<(), String>>,
    /// Why nothing is known of any other.
    unknown: Option<String>,
    /// Whether caches of groups have to be told.
    pub(super) caches: Caches,
    /// Put in for the first time.
    pub(super) put_in: Given,
    /// Put in again, for somebody else had taken them out.
    pub(super) put_back: Given,
    /// Out of the group, and put in by jitd before.
    pub(super) taken_out: Given,
    /// Wanted, and the group is not the one that was given any more.
    astray: Given,
    /// Out of the group for the second time: somebody had written an older list.
    pub(super) came_back: Given,
    /// The files that were replaced, still open.
    pub(super) replaced: Vec<File>,
}

impl Came {
    /// Why a grant's memberships are not as they should be, of those that `count`.
    pub(super) fn trouble(&self, grant: &WantedGrant, count: impl Fn(&Membership) -> bool) -> Option<String> {
        let why = |of: Membership| match self.so.get(&of) {
            Some(Ok(())) => None,
            Some(Err(why)) => Some(why.clone()),
            None => self.unknown.clone(),
        };
        let mut whys: Vec<String> = memberships(grant).filter(|of| count(of)).filter_map(why).collect();
        whys.dedup();
        (!whys.is_empty()).then(|| whys.join("; "))
    }

    /// Why a grant gives a group that is another one by now.
    pub(super) fn astray(&self, grant: &WantedGrant) -> Option<String> {
        if self.astray.is_empty() {
            return None;
        }
        self.trouble(grant, |of| self.astray.contains(of))
    }

    fn note_astray(&mut self, outcomes: &BTreeMap<Membership, Outcome>, wanted: &WantedMembers) {
        let is_astray = |outcome: &Outcome| matches!(outcome, Outcome::Refused(why) if is_another_group(why));
        let astray =
            outcomes.iter().filter(|(of, outcome)| wanted.grants(of).is_some() && is_astray(outcome));
        self.astray.extend(astray.map(|(of, _)| of.clone()));
    }

    fn of(report: Report, wanted: &WantedMembers) -> Self {
        let mut came = Self::default();
        came.note_astray(&report.outcomes, wanted);
        for (of, outcome) in report.outcomes {
            let changed = match &outcome {
                Outcome::Added => Some(&mut came.put_in),
                Outcome::PutBack => Some(&mut came.put_back),
                Outcome::Removed | Outcome::WasGone => Some(&mut came.taken_out),
                Outcome::Kept | Outcome::AlreadyNatural | Outcome::Refused(_) => None,
            };
            changed.into_iter().for_each(|changed| changed.extend([of.clone()]));
            let so = match outcome {
                Outcome::Refused(why) => Err(why.to_string()),
                Outcome::Added | Outcome::PutBack | Outcome::Removed => Ok(()),
                Outcome::WasGone | Outcome::Kept | Outcome::AlreadyNatural => Ok(()),
            };
            came.so.insert(of, so);
        }
        (came.caches, came.replaced) = (report.caches, report.replaced);
        came
    }

    /// After a failure: what is so all the same, and the failure for the rest.
    fn not_all(seen: Result<Report, GroupsError>, wanted: &WantedMembers, error: &GroupsError) -> Self {
        let why = crate::chain(error);
        let Ok(seen) = seen else { return Self { unknown: Some(why), ..Self::default() } };
        let verdict = |of: &Membership, outcome: Outcome| match outcome {
            Outcome::Kept | Outcome::AlreadyNatural if wanted.grants(of).is_some() => Ok(()),
            Outcome::Refused(refusal) => Err(refusal.to_string()),
            Outcome::Kept | Outcome::AlreadyNatural | Outcome::Added | Outcome::PutBack => Err(why.clone()),
            // Seen without the lock: somebody may be about to write an older list.
            Outcome::Removed | Outcome::WasGone => Err(why.clone()),
        };
        let mut came = Self::default();
        came.note_astray(&seen.outcomes, wanted);
        for (of, outcome) in seen.outcomes {
            let so = verdict(&of, outcome);
            came.so.insert(of, so);
        }
        came
    }
}

impl Lending {
    /// Makes memberships as wanted, and takes out whoever is in `again`. Where what comes before has failed, nobody is put in or
    /// back: the guard may have had a reason that is not known yet.
    pub(super) fn converge_after(
        &mut self,
        before: &mut Before<'_>,
        memory: &mut Memory,
        wanted: &WantedMembers,
        again: &Given,
    ) -> Came {
        match before.failed() {
            None => {
                let given = memory.given.union(again).cloned().collect();
                self.converge(before, memory, wanted, &given)
            }
            Some(_) => {
                let going = memory.given.iter().filter(|of| wanted.grants(of).is_none());
                let going: Given = going.cloned().collect();
                self.converge(before, memory, &WantedMembers::default(), &going)
            }
        }
    }

    /// Takes out of groups what is in `given` and not wanted, and puts in what is wanted, when what comes before that is so.
    fn converge(
        &mut self,
        before: &mut Before<'_>,
        memory: &mut Memory,
        wanted: &WantedMembers,
        given: &Given,
    ) -> Came {
        self.left = Stamp::of(before.paths());
        // What a live grant has, it has whatever was in doubt before.
        let in_doubt: Given = self.doubtful.keys().filter(|of| !memory.given.contains(of)).cloned().collect();
        let again: Given = in_doubt.iter().filter(|of| wanted.grants(of).is_some()).cloned().collect();
        let given: Given = given.union(&in_doubt).cloned().collect();
        if given.is_empty() && wanted.memberships().next().is_none() {
            return Came::default();
        }
        // Whether somebody is back by an older list or not in at all: from here on it is jitd's, and that is noted first.
        let (wanted, not_again) = match note(before, memory, &again) {
            Ok(()) => (Cow::Borrowed(wanted), None),
            Err(why) => (Cow::Owned(without(wanted, &again)), Some(why)),
        };
        let mut came = self.make_so(before, memory, &wanted, &given, &again);
        for of in &again {
            if let Some(why) = &not_again {
                came.so.insert(of.clone(), Err(Refusal::NotNoted { why: why.clone() }.to_string()));
            } else if came.put_back.remove(of) {
                came.put_in.insert(of.clone());
            }
        }
        came
    }

    fn make_so(
        &mut self,
        before: &mut Before<'_>,
        memory: &mut Memory,
        wanted: &WantedMembers,
        given: &Given,
        noted: &Given,
    ) -> Came {
        let paths = before.paths();
        // Before the files are read: whoever is gone now has written what he will.
        let running = self.running(paths);
        let (bystanders, stamp) = (BTreeSet::new(), self.left.clone());
        let elsewhere = &self.elsewhere;
        let mut scribe = Scribe { before, memory, elsewhere, noted, locked: false, stamp, bystanders };
        let made = groups::converge(paths, wanted, given, self.wait, &mut scribe)
            .and_then(|report| sure(report, paths, self.wait, &mut scribe));
        let (bystanders, locked) = (scribe.bystanders, scribe.locked);
        self.left = scribe.stamp;
        match made {
            Ok(report) => {
                // Where nothing had to be done, nobody knows whether the lock is free again. Where it was done beside
                // somebody who was stopped with the lock, it is not.
                self.wait = match report.beside {
                    Some(_) => Duration::ZERO,
                    None if locked => WAIT,
                    None => self.wait,
                };
                memory.given = report.given_after(std::mem::take(&mut memory.given));
                let came_back = self.doubt(&report, bystanders, &running);
                Came { came_back, ..Came::of(report, wanted) }
            }
            Err(error) => {
                if waited_in_vain(&error) {
                    self.wait = Duration::ZERO;
                }
                if may_have_written(&error) {
                    memory.given.extend(memory.noted());
                }
                let given = memory.given.clone();
                Came::not_all(self.look(paths, wanted, &given), wanted, &error)
            }
        }
    }

    /// Who of those in doubt still runs. When that cannot be found out, all of them may.
    fn running(&self, paths: &HostPaths) -> BTreeSet<u32> {
        let in_doubt = || self.doubtful.values().flatten().copied().collect();
        match self.doubtful.is_empty() {
            true => BTreeSet::new(),
            false => groups::bystanders(paths).unwrap_or_else(|_| in_doubt()),
        }
    }

    /// Remembers what is not sure to stay out, and forgets what is. What was out before and had come back.
    fn doubt(&mut self, report: &Report, bystanders: BTreeSet<u32>, running: &BTreeSet<u32>) -> Given {
        let is_out = |of: &Membership| report.outcomes.get(of) == Some(&Outcome::Removed);
        let came_back = self.doubtful.keys().filter(|of| is_out(of)).cloned().collect();
        let is_ours = |of: &Membership| report.outcomes.get(of).and_then(Outcome::is_ours) == Some(true);
        self.doubtful.retain(|of, who| !who.is_disjoint(running) && !is_ours(of));
        if !bystanders.is_empty() {
            let out = report.outcomes.keys().filter(|of| is_out(of));
            self.doubtful.extend(out.map(|of| (of.clone(), bystanders.clone())));
        }
        came_back
    }

    /// Whether the groups have to be looked at again soon.
    pub(super) fn has_doubts(&self) -> bool {
        !self.doubtful.is_empty()
    }

    /// Whether somebody may be put in again by an older list.
    pub(super) fn doubts(&self, of: &Membership) -> bool {
        self.doubtful.contains_key(of)
    }

    /// What would become of these, with nothing changed.
    ///
    /// # Errors
    /// The groups cannot be read or changed.
    pub(super) fn look(
        &self,
        paths: &HostPaths,
        wanted: &WantedMembers,
        given: &Given,
    ) -> Result<Report, GroupsError> {
        groups::look(paths, wanted, given, &mut Onlooker { elsewhere: &self.elsewhere })
    }

    /// Notes of each of these people whether the account is one of this host. To be called while that is known: when
    /// they have just asked, or at the start. An account of this host that is deleted later is nobody's.
    pub(super) fn meet<'g>(&mut self, paths: &HostPaths, people: impl Iterator<Item = &'g WantedGrant>) {
        let mut people = people.filter(|grant| !grant.gives.groups.is_empty()).peekable();
        if people.peek().is_none() {
            return;
        }
        // One that cannot be read is told by whoever reads it next, to change a group.
        let passwd = fs::read(&paths.etc_passwd).unwrap_or_default();
        let is_local = |name: &str| {
            passwd
                .split(|byte| *byte == b'\n')
                .any(|line| line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":")))
        };
        for grant in people {
            match is_local(&grant.by.name) {
                true => drop(self.elsewhere.remove(&grant.by.name)),
                false => drop(self.elsewhere.insert(grant.by.name.clone(), grant.by.uid)),
            }
        }
    }
}

/// What is wanted, but for these.
fn without(wanted: &WantedMembers, these: &Given) -> WantedMembers {
    let mut rest = WantedMembers::default();
    for of in wanted.memberships().filter(|of| !these.contains(of)) {
        wanted.grants(of).into_iter().flatten().for_each(|id| rest.add(of.clone(), *id));
    }
    rest
}

/// Notes as given who was in doubt and is wanted again.
fn note(before: &mut Before<'_>, memory: &mut Memory, again: &Given) -> Result<(), String> {
    match again.is_empty() {
        true => Ok(()),
        false => before.make_so(memory, again),
    }
}

/// Who is gone was perhaps seen to be gone while somebody was at it with an older list: it counts when it is seen under the
/// lock as well.
fn sure(
    report: Report,
    paths: &HostPaths,
    wait: Duration,
    scribe: &mut Scribe<'_, '_>,
) -> Result<Report, GroupsError> {
    let gone = report.outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::WasGone);
    let gone: Given = gone.map(|(of, _)| of.clone()).collect();
    if scribe.locked || gone.is_empty() {
        return Ok(report);
    }
    let again = groups::look_locked(paths, &WantedMembers::default(), &gone, wait, scribe)?;
    match again.outcomes.into_iter().find(|(_, outcome)| *outcome != Outcome::WasGone) {
        None => Ok(report),
        // The next look takes it out.
        Some(_) => Err(GroupsError::Contended { path: paths.etc_group.clone() }),
    }
}

/// Whether the name or the number of the group is another's by now. Whoever has a rule of sudo by that number would be
/// given what nobody decided on.
fn is_another_group(why: &Refusal) -> bool {
    matches!(why, Refusal::NoSuchGroup { .. } | Refusal::Renamed { .. } | Refusal::GidDiffers { .. })
}

/// Whether it failed because somebody else was at it.
fn waited_in_vain(error: &GroupsError) -> bool {
    match error {
        GroupsError::Locked { .. } | GroupsError::Contended { .. } => true,
        GroupsError::Dir(_)
        | GroupsError::Missing { .. }
        | GroupsError::Fixed { .. }
        | GroupsError::NotOnlyMembers { .. }
        | GroupsError::Half { .. }
        | GroupsError::ReadBack { .. } => false,
    }
}

/// Whether somebody may have been put in all the same.
fn may_have_written(error: &GroupsError) -> bool {
    match error {
        GroupsError::Dir(_) | GroupsError::Half { .. } | GroupsError::ReadBack { .. } => true,
        GroupsError::Locked { .. }
        | GroupsError::Contended { .. }
        | GroupsError::Missing { .. }
        | GroupsError::Fixed { .. }
        | GroupsError::NotOnlyMembers { .. } => false,
    }
}
