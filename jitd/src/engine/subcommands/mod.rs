//! What the commands of sessions start, put on the record: lines of sudo's log, each with the session from whose process it came.
//!
//! A line counts when the kernel says that it is from the process of a session, by the uid of its person. The first of a process is the command of the
//! session itself. A sudo that runs something as root has root's gid then, and nobody else's process has: so nobody makes up what
//! root has started by writing to the log before they become sudo.

mod reading;
#[cfg(test)]
mod tests;
mod unheard;
mod whence;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use jit_common::ids::RequestId;
use jit_common::paths;
use jit_mechanisms::process_stat::Stat;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Expiry, Gives, Subcommands};
use jitd_core::record::{About, Draft, Entry};
use jitd_core::sudoers::LogSubcmds;

pub(super) use self::reading::Own;
use self::reading::{Reading, RunsAs, runs_as};
use self::unheard::{Ran, Unheard};
use self::whence::BEFORE;
use super::{Engine, wording};
use crate::clock;
use crate::subcommands::line::Line;
use crate::subcommands::{Batch, News, Reader};

/// Lines that are kept of processes that are no session's, for jitd may hear of a session late.
const LATELY: usize = 512;

/// The same of one uid.
const LATELY_EACH: usize = 64;

/// Command lines of one person that are written in [`MINUTE`], and entries with them.
const IN_A_MINUTE: (usize, usize) = (2000, 120);

/// Nanoseconds.
const MINUTE: i64 = 60 * NANOS;

/// Everything about what commands start.
#[derive(Debug)]
pub(super) struct Starts {
    reader: Reader,
    /// By the process.
    read: BTreeMap<i32, Reading>,
    lately: VecDeque<Line>,
    since: i64,
    written: BTreeMap<u32, (usize, usize)>,
    trouble: Option<String>,
    unheard: Unheard,
    /// Whether it may be others who are to be read.
    changed: bool,
    /// From where on the journal is read when it is read first, in seconds of the wall clock.
    from: Option<i64>,
}

impl Default for Starts {
    fn default() -> Self {
        let (read, written, lately, unheard) = Default::default();
        let reader = Reader::new(PathBuf::from(paths::JOURNALCTL));
        Self { reader, read, lately, since: 0, written, trouble: None, unheard, changed: true, from: None }
    }
}

impl Starts {
    /// Nanoseconds until something is due.
    pub(super) fn next(&self, now: &Now) -> Option<i64> {
        let due = self
            .read
            .values()
            .flat_map(|reading| reading.waits.into_iter().chain(reading.over_at()))
            .min()?;
        Some(due.saturating_sub(now.boot).max(0))
    }

    /// Why nothing is read at present, if that is so.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// A grant began or ended.
    pub(super) fn look_again(&mut self) {
        self.changed = true;
    }

    /// The process of a session has ended.
    pub(super) fn over(&mut self, pid: i32, now: &Now) {
        if let Some(reading) = self.read.get_mut(&pid) {
            reading.ends(now);
        }
    }

    /// PAM says as whom the command of a session runs that is known already: its process has become sudo only now, and what came before that
    /// sudo has not written.
    pub(super) fn becomes(&mut self, pid: i32, target: &str) {
        if let Some(reading) = self.read.get_mut(&pid) {
            (reading.runs_as, reading.ran) = (RunsAs::of(target), Ran::Surely);
            reading.commands.settle();
            reading.commands.give_up();
            reading.waits = None;
        }
    }

    /// Takes a line, which may be nobody's.
    fn take(&mut self, line: Line, now: &Now) {
        match self.read.get_mut(&line.pid).filter(|reading| reading.is_its(&line)) {
            Some(reading) => reading.take(line, now),
            None => {
                // Nobody's lines push out those of others.
                let mut theirs = 0;
                self.lately.retain(|kept| {
                    theirs += usize::from(kept.uid == line.uid);
                    kept.uid != line.uid || theirs < LATELY_EACH
                });
                self.lately.truncate(LATELY.saturating_sub(1));
                self.lately.push_front(line);
            }
        }
    }

    /// Nothing more comes of what a session has started last.
    fn settle(&mut self, pid: i32) {
        if let Some(reading) = self.read.get_mut(&pid) {
            reading.commands.settle();
            reading.waits = None;
        }
    }

    /// Lines of these uids had no room. Of which session they were, nobody knows: each may lack so many.
    fn leave_out(&mut self, lines: BTreeMap<u32, u64>) {
        for (uid, count) in lines {
            let theirs = self.read.values_mut().filter(|reading| reading.about.by.uid == uid);
            theirs.for_each(|reading| reading.commands.leave_out(count, reading.commands.read_to));
        }
    }

    /// Whether one more entry of a person with so many command lines has room in this minute; then it is counted.
    fn has_room(&mut self, uid: u32, count: usize, now: &Now) -> bool {
        if now.boot.saturating_sub(self.since) >= MINUTE {
            (self.since, self.written) = (now.boot, BTreeMap::new());
        }
        let (lines, entries) = self.written.entry(uid).or_default();
        let (all, more) = (lines.saturating_add(count), entries.saturating_add(1));
        let has_room = all <= IN_A_MINUTE.0 && more <= IN_A_MINUTE.1;
        if has_room {
            (*lines, *entries) = (all, more);
        }
        has_room
    }
}

impl Engine {
    /// From where on sudo's log is to be read for a session that begins in this process; `None` when it is not.
    pub(super) fn read_from(&self, expiry: Expiry, pid: u32, now: &Now) -> Option<i64> {
        let takes = self.host.dialect().log_subcmds == LogSubcmds::Taken;
        if !takes || expiry.subcommands == Subcommands::NotLogged {
            return None;
        }
        let journal = clock::of_the_journal();
        let age =
            Stat::of(&self.host.paths.proc, pid).map(|stat| now.boot.saturating_sub(stat.began) / 1_000);
        Some(journal.saturating_sub(age.unwrap_or_default()).saturating_sub(1))
    }

    /// Reads what the command of a session starts, from there on.
    pub(super) fn read_starts(
        &mut self,
        grant: &Grant,
        pid: i32,
        target: Option<&str>,
        from: i64,
        now: &Now,
    ) {
        let (id, about, runs_as) = (grant.id, grant.about(), runs_as(&grant.gives, target));
        self.write_starts(pid, now);
        let uid = about.by.uid;
        self.starts.read.insert(pid, Reading::new((id, about), runs_as, Own::ToCome, from));
        self.starts.changed = true;
        if target.is_some() {
            self.starts.ran(pid);
        }
        // Of one that jitd heard of late there may be lines already.
        let (theirs, others) = std::mem::take(&mut self.starts.lately)
            .into_iter()
            .partition::<VecDeque<Line>, _>(|line| line.pid == pid && line.uid == uid);
        self.starts.lately = others;
        theirs.into_iter().rev().for_each(|line| self.starts.take(line, now));
    }

    /// Goes on with a session from before a restart. `read_to` is up to where its lines are on the record, if any is; `at` when
    /// that was written, by the wall clock.
    pub(super) fn read_on(
        &mut self,
        (grant, about, pid): (RequestId, About, i32),
        (gives, target): (&Gives, Option<&str>),
        (read_to, own): (i64, Own),
        at: i64,
        now: &Now,
    ) {
        let reading = Reading::new((grant, about), runs_as(gives, target), own, read_to);
        self.starts.read.insert(pid, reading);
        let seconds = whence::since(read_to, at, clock::of_the_journal(), now);
        self.starts.from = Some(self.starts.from.map_or(seconds, |from| from.min(seconds)));
    }

    /// The reader has news.
    pub(super) fn starts_told(&mut self, news: News, now: &Now) {
        let Batch { lines, left_out } = match news {
            News::Read(batch) => batch,
            News::Well => return self.starts.trouble = None,
            News::Trouble(why) => return self.starts.trouble = Some(why),
        };
        lines.into_iter().for_each(|line| self.starts.take(line, now));
        self.starts.leave_out(left_out);
        let all: Vec<i32> = self.starts.read.keys().copied().collect();
        all.into_iter().for_each(|pid| self.write_starts(pid, now));
    }

    /// Writes what has waited long enough, lets go of sessions that are over, and reads whom there is to read.
    pub(super) fn keep_starts(&mut self, now: &Now) {
        let due = |at: Option<i64>| at.is_some_and(|at| at <= now.boot);
        let is_due = |reading: &Reading| due(reading.waits) || due(reading.over_at());
        let waited = self.starts.read.iter().filter(|(_, reading)| is_due(reading));
        let waited: Vec<(i32, bool)> = waited.map(|(pid, reading)| (*pid, due(reading.over_at()))).collect();
        for (pid, is_over) in waited {
            self.starts.settle(pid);
            if is_over {
                self.write_last_starts(pid, now);
                self.starts.let_go(pid);
            } else {
                self.write_starts(pid, now);
            }
        }
        if std::mem::take(&mut self.starts.changed) {
            self.read_whom(now);
        }
    }

    /// Everything that was read goes on the record, for jitd stops.
    pub(super) fn write_all_starts(&mut self, now: &Now) {
        let all: Vec<i32> = self.starts.read.keys().copied().collect();
        for pid in all {
            self.starts.settle(pid);
            self.write_starts(pid, now);
        }
    }

    /// Reads the log for those who hold a grant whose rule says so, and whose sessions have not been over for long.
    fn read_whom(&mut self, now: &Now) {
        let takes = self.host.dialect().log_subcmds == LogSubcmds::Taken;
        let logged =
            |grant: &&Grant| grant.state.is_wanted() && grant.expiry.subcommands == Subcommands::Logged;
        let hold = self.registry.live().filter(logged).map(|grant| grant.by.uid);
        let sessions = self.starts.read.values().map(|reading| reading.about.by.uid);
        let whom: BTreeSet<u32> = hold.chain(sessions).filter(|_| takes).collect();
        if whom.is_empty() {
            self.starts.trouble = None;
            self.starts.lately.clear();
        }
        let from = self.starts.from.take().unwrap_or(now.wall.div_euclid(NANOS).saturating_sub(BEFORE));
        if let Err(error) = self.starts.reader.want(whom, from, &self.handle) {
            self.starts.trouble = Some(format!("there is no thread for it: {error}"));
        }
    }

    /// Writes what there is of one session: one entry. Where there is no room for it, it is counted, and the count comes with a later one.
    fn write_starts(&mut self, pid: i32, now: &Now) {
        let Some(reading) = self.starts.read.get(&pid).filter(|reading| !reading.commands.is_empty()) else {
            return;
        };
        let (uid, count) = (reading.about.by.uid, reading.commands.count());
        let has_room = self.starts.has_room(uid, count, now);
        let Some(reading) = self.starts.read.get_mut(&pid) else { return };
        match has_room {
            true => self.put_starts(pid, now),
            false => reading.commands.give_up(),
        }
    }

    /// The same at the end: that something was left out is said in any case, and sessions are few enough.
    fn write_last_starts(&mut self, pid: i32, now: &Now) {
        self.write_starts(pid, now);
        self.put_starts(pid, now);
    }

    fn put_starts(&mut self, pid: i32, now: &Now) {
        let Some(reading) = self.starts.read.get_mut(&pid).filter(|reading| !reading.commands.is_empty())
        else {
            return;
        };
        let (count, left_out, read_to) =
            (reading.commands.count(), reading.commands.left_out, reading.commands.settled_to());
        let mut texts = Vec::new();
        let commands = match wording::typed("commands", &reading.commands.take(), &mut texts) {
            Ok(commands) => commands,
            Err(why) => {
                return crate::log::error(&format!("what a command started is not on the record: {why}"));
            }
        };
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let entry =
            Entry::SessionCommands { about: reading.about.clone(), pid, commands, count, left_out, read_to };
        self.book.note_draft(Draft { at: now.wall, request: Some(reading.grant), entry, texts });
    }
}
