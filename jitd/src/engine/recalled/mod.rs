//! After a restart: sessions whose lines of sudo's log were being read are read on, from where the record has them. Which those are is
//! found while the record is read anyway, whatever has become of their grants since.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use jit_common::ids::RequestId;
use jit_mechanisms::control_groups;
use jit_mechanisms::process_stat::Stat;
use jitd_core::now::{BootId, NANOS, Now};
use jitd_core::policy::Gives;
use jitd_core::record::{About, Entry};

use super::Engine;
use super::session::Session;
use super::subcommands::Own;
use crate::clock;

/// Sessions that have ended lately and are looked at.
const ENDED: usize = 512;

/// Nanoseconds after its end for which a session may have lines that were not read.
const LATELY: i64 = 60 * NANOS;

/// Microseconds by which the clocks may have moved against each other since a process is on the record.
const APART: i64 = 2_000_000;

/// The sessions of this boot that the record has and whose lines are read.
#[derive(Debug, Default)]
pub struct Begun {
    boot: Option<BootId>,
    /// Those whose end is not on the record, by their processes: never more than a host has.
    running: BTreeMap<i32, Recorded>,
    /// The last that have ended, oldest first, each with its process and when by the wall clock.
    ended: VecDeque<(i32, i64, Recorded)>,
}

/// A session as the record has it.
#[derive(Debug)]
struct Recorded {
    grant: RequestId,
    about: About,
    target: Option<String>,
    /// From where on its lines are read: its process is older.
    from: i64,
    /// Up to where they are on the record.
    read_to: i64,
    own: Own,
    /// When it began, or when the last of its lines were written, by the wall clock.
    at: i64,
}

impl Begun {
    /// Takes an entry of the record, in their order.
    pub fn replay(&mut self, at: i64, request: Option<RequestId>, entry: &Entry) {
        match (entry, request) {
            (Entry::Started { boot_id, .. }, _) if self.boot.as_ref() != Some(boot_id) => {
                *self = Self { boot: Some(boot_id.clone()), ..Self::default() };
            }
            (Entry::SessionBegan { about, from, target, read_from, .. }, Some(grant)) => {
                let Some(pid) = from.pid else { return };
                // Whoever had this number before is gone.
                self.running.remove(&pid);
                if let Some(from) = *read_from {
                    let (about, target, own) = (about.clone(), target.clone(), Own::ToCome);
                    let recorded = Recorded { grant, about, target, from, read_to: from, own, at };
                    self.running.insert(pid, recorded);
                }
            }
            (Entry::SessionCommands { pid, read_to, .. }, Some(grant)) => {
                if let Some(recorded) = self.of(grant, *pid) {
                    (recorded.read_to, recorded.own, recorded.at) = (*read_to, Own::Seen, at);
                }
            }
            (Entry::SessionEnded { pid, .. }, Some(grant)) => self.ended(grant, *pid, at),
            (_other, _) => {}
        }
    }

    fn of(&mut self, grant: RequestId, pid: i32) -> Option<&mut Recorded> {
        let ended = self.ended.iter_mut().rev().filter(|(of, ..)| *of == pid).map(|(.., recorded)| recorded);
        self.running.get_mut(&pid).into_iter().chain(ended).find(|recorded| recorded.grant == grant)
    }

    fn ended(&mut self, grant: RequestId, pid: i32, at: i64) {
        if self.running.get(&pid).is_some_and(|recorded| recorded.grant == grant) {
            self.ended.extend(self.running.remove(&pid).map(|recorded| (pid, at, recorded)));
            if self.ended.len() > ENDED {
                self.ended.pop_front();
            }
        }
    }
}

impl Engine {
    /// Reads on what commands start that ran when jitd was there last, or have ended since.
    pub(super) fn recall_starts(&mut self, begun: Begun, now: &Now) {
        let Begun { boot, running, ended } = begun;
        // Of another boot nothing runs, and its journal's clock was another.
        if boot.as_ref() != Some(&now.boot_id) {
            return;
        }
        let mut gives = BTreeMap::new();
        for (pid, at, recorded) in ended {
            if now.wall.saturating_sub(at) <= LATELY {
                self.recall_reading(pid, recorded, &mut gives, now);
                self.starts.over(pid, now);
            }
        }
        for (pid, recorded) in running {
            self.recall_running(pid, &recorded, now);
            self.recall_reading(pid, recorded, &mut gives, now);
            if !self.sessions.running.get(&pid).is_some_and(Session::is_there) {
                self.starts.over(pid, now);
            }
        }
    }

    fn recall_reading(
        &mut self,
        pid: i32,
        recorded: Recorded,
        gives: &mut BTreeMap<RequestId, Option<Gives>>,
        now: &Now,
    ) {
        let Recorded { grant, about, target, read_to, own, at, .. } = recorded;
        let gives = gives.entry(grant).or_insert_with(|| self.given_with(grant));
        if let Some(gives) = gives {
            self.read_on((grant, about, pid), (gives, target.as_deref()), (read_to, own), at, now);
        }
    }

    /// What a grant gives, by the record.
    fn given_with(&self, grant: RequestId) -> Option<Gives> {
        let rows = self.book.rows_of(grant).unwrap_or_else(|why| {
            crate::log::error(&format!("what sessions of {grant} start is not read on: {why}"));
            Vec::new()
        });
        rows.iter().find_map(|row| match row.entry() {
            Ok(Entry::Intent { gives, .. }) => Some(gives),
            Ok(_) | Err(_) => None,
        })
    }

    /// A session that is not known by its grant is known by its process alone: one that does not end with its grant, that runs with an
    /// extension of it, or after which the grant had many others. One that is gone ends as the others do.
    fn recall_running(&mut self, pid: i32, recorded: &Recorded, now: &Now) {
        if self.sessions.running.contains_key(&pid) {
            return;
        }
        let of = (recorded.grant, recorded.about.clone());
        let process = u32::try_from(pid).ok().and_then(control_groups::hold);
        let process = process.filter(|_| self.is_as_old(pid, recorded.from, now));
        let names = self.sessions.keeper.limits().into_iter().map(|(name, _)| name);
        let session = match process.as_ref().and_then(|_| self.group_with(pid, names)) {
            Some(name) => Session::recalled(&self.host.paths, of, name, pid),
            None => Session::recalled_outside(of, process),
        };
        self.sessions.running.insert(pid, session);
    }

    /// Whether a process was there at this moment of the journal's clock: its number may be another's by now.
    fn is_as_old(&self, pid: i32, from: i64, now: &Now) -> bool {
        // Of what a suspend has lasted since, the journal's clock knows nothing.
        let suspended = (now.boot / 1_000).saturating_sub(clock::of_the_journal()).max(0);
        let latest = from.saturating_add(suspended).saturating_add(APART);
        let stat = u32::try_from(pid).ok().and_then(|pid| Stat::of(&self.host.paths.proc, pid));
        stat.is_some_and(|stat| stat.began / 1_000 <= latest)
    }
}
