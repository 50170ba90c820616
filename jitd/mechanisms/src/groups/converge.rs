//! Makes the host's groups equal to what is wanted: under the locks, in one rewrite of each file, and read back.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ended::barred;
use super::error::GroupsError;
use super::files::{Files, Wrote};
use super::plan::Plan;
use super::refusal::Refusal;
use super::turn::Turn;
use super::{Caches, Given, Membership, Outcome, Report, Wanted};
use crate::dir::{Dir, Staged};
use crate::paths::HostPaths;

/// How often it starts over because somebody without the first lock wrote a file meanwhile.
pub(super) const TRIES: u32 = 8;

/// What only the caller knows or keeps.
pub trait Caller {
    /// Notes down what is about to be put in for the first time, so that whatever happens next, it is known to be
    /// ours; that is nobody when people are only put back. Called under the first lock and before anything is in its place,
    /// sometimes more than once, not at all when nobody is put in or back.
    ///
    /// # Errors
    /// Why it could not be noted: nobody is put in or back then, and removals are done all the same.
    fn about_to_add(&mut self, adding: &Given) -> Result<(), String>;

    /// The uid of a user that is not in `/etc/passwd`, as looked up before: a lock is held, so nobody may be asked
    /// who takes long. `None` when there is no such user.
    fn uid_elsewhere(&mut self, user: &str) -> Option<u32>;

    /// Told what is so, after it was read back and while the first lock is still held: nobody who takes that lock is
    /// in the middle of a change. Not called where nothing had to be written and no lock was taken. Whoever it says is
    /// gone stays so after a power cut.
    fn done(&mut self, outcomes: &BTreeMap<Membership, Outcome>) {
        let _ = outcomes;
    }

    /// Told before [`Caller::done`] that a lock of this process was broken, because it had been stopped with it: as long
    /// as it lives it may write an older list, and whoever was taken out is in again.
    fn broke_the_lock_of(&mut self, pid: u32) {
        let _ = pid;
    }
}

/// What would become of everything wanted and given, with nothing changed and no lock taken.
///
/// # Errors
/// A file cannot be read, or `/etc/group` cannot be changed.
pub fn look(
    paths: &HostPaths,
    wanted: &Wanted,
    given: &Given,
    caller: &mut impl Caller,
) -> Result<Report, GroupsError> {
    let dir = Dir::open_as_it_is(&paths.etc_dir, paths.owner)?;
    let files = Files::read(&dir, paths)?;
    let plan = files.plan(wanted, given, &mut |user| caller.uid_elsewhere(user));
    if plan.raised().next().is_some() {
        dir.check()?;
    }
    Ok(Report::of(plan.outcomes))
}

/// As [`look`], and under the first lock, which is waited for up to about `wait`. [`Caller::done`] is told of what is so
/// already, and of nothing that would first have to be done.
///
/// # Errors
/// As [`look`], or somebody holds the lock.
pub fn look_locked(
    paths: &HostPaths,
    wanted: &Wanted,
    given: &Given,
    wait: Duration,
    caller: &mut impl Caller,
) -> Result<Report, GroupsError> {
    let dir = Dir::open_as_it_is(&paths.etc_dir, paths.owner)?;
    let turn = Turn::take(&dir, paths, wait)?;
    let report = look(paths, wanted, given, caller)?;
    if report.outcomes.values().any(|outcome| *outcome == Outcome::WasGone) {
        // By whom and when, nobody knows: it may not be on the disk yet.
        dir.sync()?;
    }
    if !turn.still_is() {
        return Err(GroupsError::Contended { path: paths.etc_group.clone() });
    }
    let so = report.outcomes.iter().filter(|(_, outcome)| outcome.is_so_already());
    caller.done(&so.map(|(of, outcome)| (of.clone(), outcome.clone())).collect());
    Ok(Report { beside: turn.beside(), ..report })
}

/// Makes it so. Each lock is waited for up to about `wait`. Where it is so already, no lock is taken and nothing
/// written or synced; else each changed file is synced once, and `/etc` once if anybody was taken out. Whoever is
/// put in does not have to be in after a power cut, for that ends every grant: then the file from before may be there.
///
/// Where nobody may be put in, because others can write in `/etc` or somebody was stopped with the first lock, people
/// are taken out all the same.
///
/// # Errors
/// It may not be so. Whatever was noted by [`Caller::about_to_add`] may or may not be in the files.
pub fn converge(
    paths: &HostPaths,
    wanted: &Wanted,
    given: &Given,
    wait: Duration,
    caller: &mut impl Caller,
) -> Result<Report, GroupsError> {
    let dir = Dir::open_as_it_is(&paths.etc_dir, paths.owner)?;
    let mut goal = Goal::new(wanted, given);
    let mut files = Files::read(&dir, paths)?;
    let mut plan = goal.plan(&files, caller);
    if plan.is_done() {
        return Ok(Report::of(plan.outcomes));
    }
    let mut turn = Turn::take(&dir, paths, wait)?;
    let mut report = Report::of(BTreeMap::new());
    for _ in 0..TRIES {
        if !files.are_current() {
            files = Files::read(&dir, paths)?;
            plan = goal.plan(&files, caller);
        }
        let no_raising = dir.check().err().map(GroupsError::from).or_else(|| turn.no_raising());
        if let Some(why) = no_raising.filter(|_| plan.raised().next().is_some()) {
            goal.bar(&plan.held_up(&why));
            plan = goal.plan(&files, caller);
            if plan.is_done() {
                return Err(why);
            }
        }
        // With the lock: the guard is not between a removal and its note.
        if goal.bar(&barred(paths, &goal.wanted, &plan)) == Goes::Anew {
            plan = goal.plan(&files, caller);
        }
        let (noted, staged) = goal.stage(&files, plan, caller)?;
        plan = noted;
        match files.publish(staged, &plan, (&turn, wait), paths)? {
            Wrote::Changed => continue,
            Wrote::Nothing => {}
            Wrote::Over { broke } => {
                report.caches = Caches::Stale;
                broke.into_iter().for_each(|pid| caller.broke_the_lock_of(pid));
            }
        }
        report.add(std::mem::take(&mut plan.outcomes));
        if turn.still_is() {
            caller.done(&report.outcomes);
            report.beside = turn.beside();
            report.replaced.extend(files.into_open());
            return Ok(report);
        }
        // Whoever held the lock has let go. It is done, and looked at once more with a lock that holds.
        turn = Turn::take(&dir, paths, wait)?;
        files = Files::read(&dir, paths)?;
        plan = goal.plan(&files, caller);
    }
    Err(GroupsError::Contended { path: paths.etc_group.clone() })
}

/// What is to be made so, less what turned out to be none of our business.
struct Goal {
    wanted: Wanted,
    given: Given,
    barred: BTreeMap<Membership, Refusal>,
}

/// Whether a plan still holds.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    Anew,
}

impl Goal {
    fn new(wanted: &Wanted, given: &Given) -> Self {
        Self { wanted: wanted.clone(), given: given.clone(), barred: BTreeMap::new() }
    }

    fn plan(&self, files: &Files<'_>, caller: &mut impl Caller) -> Plan {
        let elsewhere = &mut |user: &str| caller.uid_elsewhere(user);
        let mut plan = files.plan(&self.wanted, &self.given, elsewhere);
        let barred = self.barred.iter().map(|(of, why)| (of.clone(), Outcome::Refused(why.clone())));
        plan.outcomes.extend(barred);
        plan
    }

    /// Writes what the plan changes beside the files, and then has the caller note whom it puts in: nothing is in its
    /// place yet, and what the file system commits for the note it commits for these as well. Should it not be noted,
    /// nobody is put in or back.
    fn stage<'f>(
        &mut self,
        files: &Files<'f>,
        mut plan: Plan,
        caller: &mut impl Caller,
    ) -> Result<(Plan, Vec<Staged<'f>>), GroupsError> {
        loop {
            files.check(&plan, &self.wanted, &self.given)?;
            let staged = files.stage(&plan)?;
            let raises = plan.raised().next().is_some();
            match if raises { caller.about_to_add(&plan.added()) } else { Ok(()) } {
                Ok(()) => return Ok((plan, staged)),
                Err(why) => {
                    let not_noted = |of: &Membership| (of.clone(), Refusal::NotNoted { why: why.clone() });
                    self.bar(&plan.raised().map(not_noted).collect());
                }
            }
            plan = self.plan(files, caller);
        }
    }

    /// Leaves these as they are.
    fn bar(&mut self, barred: &BTreeMap<Membership, Refusal>) -> Goes {
        for (of, why) in barred {
            self.wanted.0.remove(of);
            self.given.remove(of);
            self.barred.insert(of.clone(), why.clone());
        }
        if barred.is_empty() { Goes::On } else { Goes::Anew }
    }
}

impl Plan {
    fn is_done(&self) -> bool {
        self.group.is_none() && self.gshadow.is_none()
    }

    /// Whoever would be put in and may not be.
    fn held_up(&self, why: &GroupsError) -> BTreeMap<Membership, Refusal> {
        let why = jit_common::causes::chain(why);
        self.raised().map(|of| (of.clone(), Refusal::HeldUp { why: why.clone() })).collect()
    }
}
