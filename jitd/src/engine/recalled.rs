//! After a restart: sessions whose lines of sudo's log were being read are read on, from where the record has them.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jit_mechanisms::control_groups;
use jit_mechanisms::process_stat::Stat;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Gives, Subcommands};
use jitd_core::record::{About, Entry};

use super::Engine;
use super::session::Session;
use super::subcommands::Own;

/// Grants that have ended lately and are looked at.
const ENDED: usize = 64;

/// Nanoseconds after its end for which a session may have lines that were not read.
const LATELY: i64 = 60 * NANOS;

/// Nanoseconds by which the clocks may have moved against each other since a process is on the record.
const APART: i64 = 2 * NANOS;

/// A session as the record has it.
struct Recorded {
    target: Option<String>,
    /// From where on its lines are read.
    from: i64,
    seq: u64,
    /// When it began, or when the last of its lines were written, by the wall clock.
    at: i64,
}

impl Engine {
    /// Reads on what commands start that ran when jitd was there last, or have ended since.
    pub(super) fn recall_starts(&mut self, now: &Now) {
        let logged = |grant: &&Grant| grant.expiry.subcommands == Subcommands::Logged;
        let live = self.registry.live().filter(logged).map(|grant| grant.id);
        let ids: BTreeSet<RequestId> = live.chain(self.book.unreported(ENDED).unwrap_or_default()).collect();
        ids.into_iter().for_each(|id| self.recall_starts_of(id, now));
    }

    fn recall_starts_of(&mut self, id: RequestId, now: &Now) {
        let mut of: Option<(About, Gives)> = None;
        let mut sessions: BTreeMap<i32, Recorded> = BTreeMap::new();
        for row in self.book.rows_of(id).unwrap_or_default() {
            match row.entry() {
                Ok(Entry::Intent { about, gives, expiry, .. }) => {
                    of = (expiry.subcommands == Subcommands::Logged).then_some((about, gives));
                }
                Ok(Entry::SessionBegan { from, target, read_from: Some(read), .. }) => {
                    let recorded = Recorded { target, from: read, seq: row.seq, at: row.at };
                    sessions.extend(from.pid.map(|pid| (pid, recorded)));
                }
                Ok(Entry::SessionEnded { pid, .. }) if now.wall.saturating_sub(row.at) > LATELY => {
                    sessions.remove(&pid);
                }
                Ok(_) | Err(_) => {}
            }
        }
        let Some((about, gives)) = of.filter(|_| !sessions.is_empty()) else { return };
        let read: BTreeMap<i32, (u64, i64, i64)> = self.read_of(id);
        for (pid, recorded) in sessions {
            let Recorded { target, from, seq, at } = recorded;
            self.recall_by_number((id, &about), pid, at, now);
            // A process of before may have had the same number.
            let last = read.get(&pid).filter(|(written, ..)| *written > seq);
            let (from, at) = last.map_or(((from, Own::ToCome), at), |(_, at, to)| ((*to, Own::Seen), *at));
            self.read_on((id, about.clone(), pid), (&gives, target.as_deref()), from, at);
            if !self.sessions.running.get(&pid).is_some_and(Session::is_there) {
                self.starts.over(pid, now);
            }
        }
    }

    /// The last entry about what the sessions of a grant have started, by their processes: its number, when it was written, and up to where
    /// the log was read for it.
    fn read_of(&self, id: RequestId) -> BTreeMap<i32, (u64, i64, i64)> {
        let rows = self.book.last_starts_of(id).unwrap_or_else(|why| {
            crate::log::error(&format!("what commands of {id} have started may be written twice: {why}"));
            Vec::new()
        });
        let read = rows.iter().filter_map(|row| match row.entry().ok()? {
            Entry::SessionCommands { pid, read_to, .. } => Some((pid, (row.seq, row.at, read_to))),
            _other => None,
        });
        read.collect()
    }

    /// A session that is in no group by its grant's name is known by its process alone: one that does not end with its grant, or runs with an
    /// extension of it.
    fn recall_by_number(&mut self, of: (RequestId, &About), pid: i32, at: i64, now: &Now) {
        if self.sessions.running.contains_key(&pid) {
            return;
        }
        let began = now.boot.saturating_sub(now.wall.saturating_sub(at)).saturating_add(APART);
        let Some(number) = u32::try_from(pid).ok() else { return };
        let process = control_groups::hold(number);
        let is_it = Stat::of(&self.host.paths.proc, number).is_some_and(|stat| stat.began <= began);
        if let Some(process) = process.filter(|_| is_it) {
            let session = Session::recalled_outside((of.0, of.1.clone()), process);
            self.sessions.running.insert(pid, session);
        }
    }
}
