//! What commands of sudo start, as sudo's log in the journal has it: read on a thread of its own, by `journalctl`, for as long as somebody
//! holds a grant whose rule says so. Nobody waits for it; what was read comes as a message.
//!
//! The journal and no file or socket of our own: sudo writes there as the admin has set it up, and journald keeps beside each line
//! the process, uid and gid from which it came, which the kernel has told it.

pub mod commands;
mod journal;
pub mod line;
pub mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jitd_core::now::NANOS;

use self::journal::{Gone, Journal};
use self::line::Line;
use crate::clock;
use crate::engine::{Handle, Message, NotTaken};

/// How long to wait for the journal to have more, before it is looked whether it is still wanted.
const LOOK: Duration = Duration::from_millis(250);

/// Nanoseconds between two messages to the engine: each may become an entry of the record.
const PACE: i64 = NANOS;

/// Before journalctl is started anew, and at most after it has failed again and again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Bytes of lines that may wait for the engine, with [`OF_EACH`] more for each.
const ROOM: usize = 8 * 1024 * 1024;

/// The same of one uid, so that nobody takes the place of others.
const ROOM_EACH: usize = 512 * 1024;

/// Bytes that a line takes beside its text.
const OF_EACH: usize = 256;

/// Seconds by which two clocks may differ in what they say of the time between two lines.
const SLACK: i64 = 5;

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Lines of people who hold a grant, in the order of the journal.
    pub lines: Vec<Line>,
    /// How many more there were of a uid, for which there was no room.
    pub left_out: BTreeMap<u32, u64>,
}

/// What the engine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This was read.
    Read(Batch),
    /// It is read.
    Well,
    /// It is not, and why.
    Trouble(String),
}

/// What is wanted of the thread.
#[derive(Debug)]
struct Want {
    /// Whose lines. With nobody in it nothing is read.
    uids: BTreeSet<u32>,
    /// From where on, in seconds of the wall clock.
    since: i64,
    /// Whether it is to end.
    over: bool,
}

/// Both ends of what is wanted.
type Shared = Arc<(Mutex<Want>, Condvar)>;

/// Reads for the engine, from its first use on.
#[derive(Debug)]
pub struct Reader {
    program: PathBuf,
    shared: Option<Shared>,
}

impl Reader {
    /// One that does not read yet, by this journalctl.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self { program, shared: None }
    }

    /// Reads what these people run by sudo, and nothing with nobody; what was written before `since` counts for nothing where it does not
    /// read yet.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn want(&mut self, uids: BTreeSet<u32>, since: i64, engine: &Handle) -> io::Result<()> {
        match &self.shared {
            None if uids.is_empty() => Ok(()),
            None => self.start(uids, since, engine.clone()),
            Some(shared) => {
                let mut want = lock(shared);
                if want.uids.is_empty() {
                    want.since = since;
                }
                want.uids = uids;
                shared.1.notify_one();
                Ok(())
            }
        }
    }

    fn start(&mut self, uids: BTreeSet<u32>, since: i64, engine: Handle) -> io::Result<()> {
        let shared = Arc::new((Mutex::new(Want { uids, since, over: false }), Condvar::new()));
        let (program, ours) = (self.program.clone(), shared.clone());
        let run = move || {
            let (batch, bytes) = Default::default();
            Thread { program, shared: ours, engine, batch, bytes, read_to: None }.run();
        };
        thread::Builder::new().name("subcommands".into()).spawn(run)?;
        self.shared = Some(shared);
        Ok(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            lock(shared).over = true;
            shared.1.notify_one();
        }
    }
}

/// A panic elsewhere leaves what is wanted as it was, which is whole at each moment.
fn lock(shared: &Shared) -> MutexGuard<'_, Want> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why the thread reads no further for now.
enum Stop {
    /// Nobody wants it.
    NotWanted,
    /// journalctl has ended, or never began.
    Gone(Gone),
    /// Nobody is there to tell.
    Over,
}

/// How a pause ended.
#[derive(PartialEq, Eq)]
enum Pause {
    Enough,
    Over,
}

struct Thread {
    program: PathBuf,
    shared: Shared,
    engine: Handle,
    batch: Batch,
    /// Bytes in it, of each uid.
    bytes: BTreeMap<u32, usize>,
    /// The last line that was read: when, by the journal's monotonic clock and in seconds of the wall clock.
    read_to: Option<(i64, i64)>,
}

impl Thread {
    fn run(mut self) {
        let (first, most) = AGAIN;
        let mut wait = first;
        while let Some(since) = self.wait_until_wanted() {
            match self.follow(since) {
                Stop::NotWanted => wait = first,
                Stop::Over => return,
                Stop::Gone(gone) => {
                    // First of all: when jitd is stopped, systemd ends journalctl with it.
                    if self.pause(wait) == Pause::Over {
                        return;
                    }
                    let why = crate::chain(&gone);
                    crate::log::error(&format!("what commands of sudo start is not read: {why}"));
                    if self.engine.tell_blocking(Message::Subcommands(News::Trouble(why))).is_err() {
                        return;
                    }
                    wait = wait.saturating_mul(2).min(most);
                }
            }
        }
    }

    /// From where on is to be read, once something is; `None` when nothing will be any more.
    fn wait_until_wanted(&self) -> Option<i64> {
        let idle = |want: &mut Want| want.uids.is_empty() && !want.over;
        let guard = lock(&self.shared);
        let want = self.shared.1.wait_while(guard, idle).unwrap_or_else(PoisonError::into_inner);
        (!want.over).then_some(want.since)
    }

    /// Lets journalctl rest, but for the end.
    fn pause(&self, wait: Duration) -> Pause {
        let guard = lock(&self.shared);
        let waited = self.shared.1.wait_timeout_while(guard, wait, |want| !want.over);
        let (_want, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() { Pause::Enough } else { Pause::Over }
    }

    /// Reads until something stands in the way. What was read twice is known by its time.
    fn follow(&mut self, since: i64) -> Stop {
        let mut journal = match Journal::follow(&self.program, self.behind(since)) {
            Ok(journal) => journal,
            Err(gone) => return Stop::Gone(gone),
        };
        let (mut news, mut wait) = (Some(News::Well), clock::time_for(PACE));
        loop {
            let read = journal.look(LOOK, |line| self.take(line));
            let want = lock(&self.shared);
            let (unwanted, over) = (want.uids.is_empty(), want.over);
            drop(want);
            if over {
                return Stop::Over;
            }
            if read.is_err() || !wait() {
                wait = clock::time_for(PACE);
                let well = news.take().filter(|_| read.is_ok()).map(Message::Subcommands);
                let told = well.map_or(Ok(()), |well| self.engine.tell_blocking(well));
                if told.is_err() || self.tell() == Err(NotTaken::Stopped) {
                    return Stop::Over;
                }
            }
            match read {
                Ok(()) if unwanted => return Stop::NotWanted,
                Ok(()) => {}
                Err(gone) => return Stop::Gone(gone),
            }
        }
    }

    /// From where on a journalctl has to read that is started anew, in seconds of the wall clock as it is now: it may have been set
    /// since the last line was read.
    fn behind(&self, since: i64) -> i64 {
        match self.read_to {
            None => since,
            Some((at, wall)) => {
                let ago = clock::of_the_journal().saturating_sub(at) / 1_000_000;
                clock::wall_seconds().saturating_sub(ago).min(wall).saturating_sub(SLACK)
            }
        }
    }

    /// Keeps a line of somebody who is asked about.
    fn take(&mut self, line: Line) {
        let wanted = lock(&self.shared).uids.contains(&line.uid);
        if !wanted || !line.may_be_of_this_boot(clock::of_the_journal()) {
            return;
        }
        self.read_to = self.read_to.max(Some((line.at, line.wall)));
        let all: usize = self.bytes.values().sum();
        let theirs = self.bytes.entry(line.uid).or_default();
        let room = line.says.len().saturating_add(OF_EACH);
        if theirs.saturating_add(room) <= ROOM_EACH && all.saturating_add(room) <= ROOM {
            *theirs = theirs.saturating_add(room);
            return self.batch.lines.push(line);
        }
        let count = self.batch.left_out.entry(line.uid).or_default();
        *count = count.saturating_add(1);
    }

    /// Tells what was read, unless the engine has too much to do: then it is told with what comes next.
    fn tell(&mut self) -> Result<(), NotTaken> {
        if self.batch == Batch::default() {
            return Ok(());
        }
        let read = std::mem::take(&mut self.batch);
        let told = self.engine.tell_now(Message::Subcommands(News::Read(read.clone())));
        match &told {
            Ok(()) => self.bytes.clear(),
            Err(_) => self.batch = read,
        }
        told
    }
}
