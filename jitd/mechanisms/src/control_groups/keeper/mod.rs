//! What time does to the control groups: told to hang up, told to end, ended; frozen; or left alone until a later limit.
//!
//! Nothing here waits: [`Keeper::keep`] does what is due now and [`Keeper::next`] says when to come again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use jit_common::ids::RequestId;
use jitd_core::now::{Deadline, NANOS, Now};
use jitd_core::policy::AtExpiry;
use rustix::process::Signal;

use super::group::{Entrant, Group};
use super::limit::{self, Limit};
use crate::dir::DirError;
use crate::paths::HostPaths;

mod happened;

pub use self::happened::{Happened, NotEntered};

/// Nanoseconds before the end at which everything is told to hang up.
const HANG_UP: i64 = 5 * NANOS;

/// Nanoseconds before the end at which everything is told to end.
const TERMINATE: i64 = 2 * NANOS;

/// Nanoseconds that sudo has to put the terminal right after what it ran was killed.
const PUT_RIGHT: i64 = NANOS / 5;

/// Nanoseconds between two looks at a group that should be empty soon.
const LOOK: i64 = NANOS / 50;

/// The same at one that may take its time.
const LATER: i64 = NANOS;

/// Nanoseconds for which what is to be frozen may go on because it holds the lock of the account files.
const LETS_GO: i64 = 2 * NANOS;

/// Nanoseconds after which it is said that something does not end.
const LATE: i64 = 5 * NANOS;

/// How far a group has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It runs.
    Runs,
    /// It was told to hang up.
    HungUp,
    /// It was told to end.
    Told,
    /// The grant is over, and it is frozen until its last moment.
    Frozen,
    /// The grant is over, and it may finish until its last moment.
    Finishing,
    /// Everything but sudo was killed.
    Killed,
    /// Everything was killed.
    AllKilled,
    /// The same, and it was said that it does not end.
    Stuck,
}

/// A group.
#[derive(Clone, Debug)]
struct Kept {
    limit: Limit,
    stage: Stage,
    /// When it came to this stage, on the boot clock.
    since: i64,
    /// When it is looked at again, on the boot clock; its limit may come first.
    look: i64,
    /// How many processes were in it when it was ended.
    killed: usize,
}

/// The groups of this host, as jitd keeps them.
#[derive(Debug, Default)]
pub struct Keeper {
    groups: BTreeMap<RequestId, Kept>,
}

impl Keeper {
    /// What a jitd before this one left. A group without a limit that can be read is over now.
    ///
    /// # Errors
    /// What is there cannot be told.
    pub fn load(paths: &HostPaths, now: &Now) -> io::Result<Self> {
        let mut names = Group::all(paths)?;
        names.extend(limit::names(paths).map_err(io::Error::other)?);
        names.sort_unstable();
        names.dedup();
        let mut keeper = Self::default();
        for name in names {
            let limit = limit::read(paths, name).map_err(io::Error::other)?.unwrap_or_else(|_| {
                let deadline = Deadline { wall: now.wall, boot: now.boot, boot_id: now.boot_id.clone() };
                Limit { grant: name, uid: u32::MAX, deadline, then: AtExpiry::End }
            });
            keeper.groups.insert(name, Kept::new(limit, now));
        }
        Ok(keeper)
    }

    /// Puts a process into the group `name`, which is made where it is not there; its limit is written first.
    ///
    /// # Errors
    /// It is not in it, and must not run with the grant.
    pub fn enter(
        &mut self,
        paths: &HostPaths,
        name: RequestId,
        limit: Limit,
        process: Entrant<'_>,
        now: &Now,
    ) -> Result<(), NotEntered> {
        if !paths.control_home.is_dir() {
            return Err(NotEntered::NoHome { home: paths.control_home.display().to_string() });
        }
        self.set(paths, name, limit, now).map_err(NotEntered::Limit)?;
        let group = Group::named(paths, name);
        group.make().and_then(|()| group.take(process)).map_err(NotEntered::Group)
    }

    /// Gives a group another limit: an extension, or an end that comes at once. What was frozen goes on, if it may.
    ///
    /// # Errors
    /// The old one may still stand in its file; this keeper goes by the new one if that is the earlier.
    pub fn set(
        &mut self,
        paths: &HostPaths,
        name: RequestId,
        limit: Limit,
        now: &Now,
    ) -> Result<(), DirError> {
        let written = limit::write(paths, name, &limit);
        let kept = self.groups.entry(name).or_insert_with(|| Kept::new(limit.clone(), now));
        if written.is_ok() || limit.last().left(now) < kept.limit.last().left(now) {
            kept.limit = limit;
        }
        kept.begin_anew(&Group::named(paths, name), now);
        written
    }

    /// All groups, each with its limit.
    #[must_use]
    pub fn limits(&self) -> Vec<(RequestId, Limit)> {
        self.groups.iter().map(|(name, kept)| (*name, kept.limit.clone())).collect()
    }

    /// The groups in which something runs with this grant.
    #[must_use]
    pub fn of(&self, grant: RequestId) -> Vec<RequestId> {
        let of = self.groups.iter().filter(|(_, kept)| kept.limit.grant == grant);
        of.map(|(name, _)| *name).collect()
    }

    /// The grants with which something runs.
    #[must_use]
    pub fn grants(&self) -> BTreeSet<RequestId> {
        self.groups.values().map(|kept| kept.limit.grant).collect()
    }

    /// The groups that wait, frozen, for their person to be granted the role again.
    pub fn frozen(&self) -> impl Iterator<Item = (RequestId, &Limit)> {
        let frozen = self.groups.iter().filter(|(_, kept)| kept.stage == Stage::Frozen);
        frozen.map(|(name, kept)| (*name, &kept.limit))
    }

    /// Does what is due, and says what of it a record should know.
    pub fn keep(&mut self, paths: &HostPaths, now: &Now) -> Vec<Happened> {
        let mut happened = Vec::new();
        self.groups.retain(|name, kept| {
            if kept.wait(now) > 0 {
                return true;
            }
            let (stays, what) = kept.step(*name, &Group::named(paths, *name), now);
            happened.extend(what);
            if !stays {
                // An empty group or a limit without one does no harm: the next jitd takes them away.
                let _ = Group::named(paths, *name).remove();
                let _ = limit::forget(paths, *name);
            }
            stays
        });
        happened
    }

    /// The groups that have a step due.
    #[must_use]
    pub fn due(&self, now: &Now) -> BTreeSet<RequestId> {
        self.groups.iter().filter(|(_, kept)| kept.wait(now) <= 0).map(|(name, _)| *name).collect()
    }

    /// Nanoseconds until something is due.
    #[must_use]
    pub fn next(&self, now: &Now) -> Option<i64> {
        self.groups.values().map(|kept| kept.wait(now).max(0)).min()
    }
}

/// Whether a group is still there after a step, and what a record should know of it.
type Stepped = (bool, Option<Happened>);

impl Kept {
    fn new(limit: Limit, now: &Now) -> Self {
        let stage = stage_at_entry(&limit, now);
        Self { limit, stage, since: now.boot, look: now.boot, killed: 0 }
    }

    /// It has another limit: if that is to come, what was to end goes on.
    fn begin_anew(&mut self, group: &Group, now: &Now) {
        if self.limit.deadline.reached(now) {
            self.look = now.boot;
            return;
        }
        match self.stage {
            Stage::Runs | Stage::HungUp | Stage::Told | Stage::Finishing => {}
            // What cannot be thawed is ended at its last moment, as it would be otherwise.
            Stage::Frozen => drop(group.thaw()),
            Stage::Killed | Stage::AllKilled | Stage::Stuck => return,
        }
        self.enter(stage_at_entry(&self.limit, now), now.boot, now);
    }

    fn enter(&mut self, stage: Stage, look: i64, now: &Now) {
        (self.stage, self.since, self.look) = (stage, now.boot, look);
    }

    /// Nanoseconds until its next step.
    fn wait(&self, now: &Now) -> i64 {
        let (left, look) = (self.limit.deadline.left(now), self.look.saturating_sub(now.boot));
        match (self.stage, self.limit.then) {
            (Stage::Runs, AtExpiry::End) => left.saturating_sub(HANG_UP),
            (Stage::HungUp, AtExpiry::End) => left.saturating_sub(TERMINATE),
            (Stage::Runs | Stage::HungUp, AtExpiry::Pause(_) | AtExpiry::Finish(_)) | (Stage::Told, _) => {
                left
            }
            (Stage::Frozen | Stage::Finishing, _) => self.limit.last().left(now).min(look),
            (Stage::Killed | Stage::AllKilled | Stage::Stuck, _) => look,
        }
    }

    /// Takes the step that is due.
    fn step(&mut self, name: RequestId, group: &Group, now: &Now) -> Stepped {
        let over = self.limit.deadline.reached(now);
        // What cannot be told is taken for running.
        if over && !group.is_populated().unwrap_or(true) {
            let late = self.limit.last().left(now).saturating_neg().max(0);
            return (
                false,
                Some(Happened::Over { grant: self.limit.grant, name, killed: self.killed, late }),
            );
        }
        match self.stage {
            Stage::Runs | Stage::HungUp | Stage::Told if over => (true, self.expire(group, now)),
            Stage::Runs | Stage::HungUp | Stage::Told => (true, self.tell(group, now)),
            Stage::Frozen | Stage::Finishing if self.limit.last().reached(now) => {
                (true, self.kill(group, now))
            }
            Stage::Finishing if matches!(self.limit.then, AtExpiry::Pause(_)) => {
                (true, self.expire(group, now))
            }
            Stage::Frozen | Stage::Finishing => {
                self.look = now.boot.saturating_add(LATER);
                (true, None)
            }
            Stage::Killed => (true, self.kill_all(group, now)),
            Stage::AllKilled | Stage::Stuck => (true, self.insist(group, now)),
        }
    }

    /// Tells what runs that its end is near. Whether it listens does not matter.
    fn tell(&mut self, group: &Group, now: &Now) -> Option<Happened> {
        let (signal, stage) = match self.limit.deadline.left(now) <= TERMINATE {
            true => (Signal::TERM, Stage::Told),
            false => (Signal::HUP, Stage::HungUp),
        };
        let _ = group.signal_all_but_sudo(signal);
        self.enter(stage, now.boot, now);
        None
    }

    /// The grant is over.
    fn expire(&mut self, group: &Group, now: &Now) -> Option<Happened> {
        if self.limit.last().reached(now) {
            return self.kill(group, now);
        }
        let (grant, later) = (self.limit.grant, now.boot.saturating_add(LATER));
        let processes = group.pids().map_or(0, |pids| pids.len());
        match self.limit.then {
            // Its last moment is its deadline.
            AtExpiry::End => self.kill(group, now),
            AtExpiry::Finish(_) => {
                self.enter(Stage::Finishing, later, now);
                Some(Happened::Finishing { grant, processes })
            }
            AtExpiry::Pause(_) => match group.freeze() {
                Ok(()) => {
                    self.enter(Stage::Frozen, later, now);
                    Some(Happened::Frozen { grant, processes })
                }
                // It has the lock of the account files for a moment, and is frozen when it has let go. Whoever keeps it is killed.
                Err(why)
                    if why.kind() == io::ErrorKind::ResourceBusy
                        && self.limit.deadline.left(now) > -LETS_GO =>
                {
                    self.enter(Stage::Finishing, now.boot.saturating_add(LOOK), now);
                    None
                }
                // What cannot be frozen must not run on.
                Err(_) => self.kill(group, now),
            },
        }
    }

    /// Kills everything but sudo.
    fn kill(&mut self, group: &Group, now: &Now) -> Option<Happened> {
        self.killed = group.pids().map_or(1, |pids| pids.len());
        let _ = group.signal_all_but_sudo(Signal::KILL);
        // Frozen, sudo could put nothing right.
        let _ = group.thaw();
        self.enter(Stage::Killed, now.boot.saturating_add(LOOK), now);
        None
    }

    /// Kills sudo as well, when it had its time.
    fn kill_all(&mut self, group: &Group, now: &Now) -> Option<Happened> {
        if now.boot.saturating_sub(self.since) < PUT_RIGHT {
            self.look = now.boot.saturating_add(LOOK);
            return None;
        }
        self.enter(Stage::AllKilled, now.boot.saturating_add(LOOK), now);
        let _ = group.kill();
        None
    }

    /// Goes on until nothing is left, and says once that it takes long.
    fn insist(&mut self, group: &Group, now: &Now) -> Option<Happened> {
        let late = now.boot.saturating_sub(self.since) >= LATE;
        self.look = now.boot.saturating_add(if late { LATER } else { LOOK });
        let killed = group.kill();
        if !late || self.stage == Stage::Stuck {
            return None;
        }
        self.enter(Stage::Stuck, self.look, now);
        let why = match killed {
            Ok(()) => "it was killed and does not end; what waits for a device ends when the device answers"
                .to_owned(),
            Err(why) => format!("it cannot be killed: {why}"),
        };
        Some(Happened::Stuck { grant: self.limit.grant, why })
    }
}

/// Whoever comes in the last seconds is not told to go at once: that is for those who were there before.
fn stage_at_entry(limit: &Limit, now: &Now) -> Stage {
    match limit.deadline.left(now) {
        left if left <= TERMINATE => Stage::Told,
        left if left <= HANG_UP => Stage::HungUp,
        _ => Stage::Runs,
    }
}

#[cfg(test)]
mod tests;
