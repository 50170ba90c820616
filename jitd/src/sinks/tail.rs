//! The loop that every sink runs in: it waits for new entries, tells them in order, remembers how far it came, and tries
//! again for as long as nobody listens.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use jitd_core::record::chain::Hash;
use tokio::sync::watch;

use super::cursor::{Cursor, Position};
use super::health::{Progress, SinkHealth};
use super::{Sink, SinkError};
use crate::ledger::Row;

/// Entries that are read at a time. After each lot the cursor is saved.
const LOT: usize = 256;

/// The pause after the first failure. It doubles with each further one. Short, for the queue of a datagram socket may hold
/// ten messages only (`net.unix.max_dgram_qlen`), and in a burst the reader only has to be given a moment.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

type Rows = Pin<Box<dyn Future<Output = Result<Vec<Row>, String>> + Send>>;

/// Where entries come from: the number of the newest one as it changes, and a way to read those after a number.
pub struct Source {
    head: watch::Receiver<u64>,
    rows_after: Box<dyn Fn(u64, usize) -> Rows + Send + Sync>,
}

impl Source {
    /// A source over a watched head and a function that reads at most so many entries after a number. When the function
    /// fails, the sink ends: whoever answered it has stopped.
    pub fn new<F>(
        head: watch::Receiver<u64>,
        rows_after: impl Fn(u64, usize) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Vec<Row>, String>> + Send + 'static,
    {
        Self { head, rows_after: Box::new(move |after, limit| Box::pin(rows_after(after, limit))) }
    }
}

/// One sink on its way along the ledger.
pub struct Tail {
    source: Source,
    sink: Box<dyn Sink>,
    cursor: Cursor,
    progress: watch::Sender<Progress>,
    name: &'static str,
}

/// What came of one lot.
struct Told {
    sink: Box<dyn Sink>,
    /// The last entry that was told, if one was.
    last: Option<u64>,
    /// Entries that could not be told at all.
    skipped: Vec<String>,
    /// Why it stopped early.
    trouble: Option<String>,
    /// Why the cursor could not be saved.
    forgotten: Option<String>,
}

impl Tail {
    /// A sink that keeps its cursor in the folder `cursors`, and how to see what it does.
    #[must_use]
    pub fn new(source: Source, sink: Box<dyn Sink>, cursors: &Path) -> (Self, SinkHealth) {
        let name = sink.name();
        let (progress, health) = SinkHealth::new(name);
        (Self { source, sink, cursor: Cursor::new(cursors, name), progress, name }, health)
    }

    /// Runs until the ledger is closed. What is not told then is told after the next start.
    pub async fn run(mut self) {
        let Some(mut position) = self.begin().await else { return };
        let mut pause = SHORTEST_PAUSE;
        loop {
            self.progress.send_modify(|progress| progress.sent = position.seq);
            let Ok(rows) = (self.source.rows_after)(position.seq, LOT).await else { return };
            if rows.is_empty() {
                if self.source.head.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let Some(told) = tell(self.sink, rows, self.cursor.clone(), position).await else { return };
            self.sink = told.sink;
            for notice in told.skipped.iter().chain(&told.forgotten) {
                crate::log::error(&format!("sink {}: {notice}", self.name));
            }
            if let Some(last) = told.last {
                position.seq = last;
                pause = SHORTEST_PAUSE;
            }
            self.progress.send_modify(|progress| {
                progress.sent = position.seq;
                progress.trouble.clone_from(&told.trouble);
            });
            if told.trouble.is_some() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Where to go on: behind the entry that was told last, at the beginning of a ledger that is new to the sink, and at
    /// the end of one that has lost entries.
    async fn begin(&mut self) -> Option<Position> {
        let head = *self.source.head.wait_for(|head| *head > 0).await.ok()?;
        let first = (self.source.rows_after)(0, 1).await.ok()?;
        let ledger: Hash = first.first()?.hash;
        let cursor = self.cursor.clone();
        let saved = tokio::task::spawn_blocking(move || cursor.load()).await.ok()?;
        let from_the_start = Position { seq: 0, ledger };
        Some(match saved {
            Ok(None) => from_the_start,
            Ok(Some(saved)) if saved.ledger != ledger => {
                self.notice("this is another ledger than the one told before; it is told from its beginning");
                from_the_start
            }
            Ok(Some(saved)) if saved.seq > head => {
                let told = saved.seq;
                self.notice(&format!(
                    "entry {told} was told and the ledger ends with {head}: it has LOST entries; compare the log with it"
                ));
                Position { seq: head, ledger }
            }
            Ok(Some(saved)) => saved,
            Err(error) => {
                self.notice(&format!("its cursor cannot be read, so everything is told again: {error}"));
                from_the_start
            }
        })
    }

    fn notice(&self, text: &str) {
        crate::log::error(&format!("sink {}: {text}", self.name));
    }
}

/// Tells one lot on a thread that may wait: a file system that hangs must not stop the daemon. `None` when the sink
/// panicked, which ends it.
async fn tell(sink: Box<dyn Sink>, rows: Vec<Row>, cursor: Cursor, from: Position) -> Option<Told> {
    let work = move || {
        let mut told = Told { sink, last: None, skipped: Vec::new(), trouble: None, forgotten: None };
        for row in &rows {
            match told.sink.send(row) {
                Ok(()) => {}
                Err(error @ SinkError::Never { .. }) => told.skipped.push(crate::chain(&error)),
                Err(error @ SinkError::NotNow { .. }) => {
                    told.trouble = Some(crate::chain(&error));
                    break;
                }
            }
            told.last = Some(row.seq);
        }
        if let Some(seq) = told.last
            && let Err(error) = cursor.save(Position { seq, ..from })
        {
            told.forgotten = Some(format!("where it stands cannot be remembered: {error}"));
        }
        told
    };
    tokio::task::spawn_blocking(work).await.ok()
}
