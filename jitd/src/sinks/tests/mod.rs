//! The sinks' tests, and what they share: a ledger that answers as the engine does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod choice;
mod fields;
mod journal;
mod json;
mod line;
mod tail;

use std::path::Path;
use std::sync::{Arc, Mutex};

use jitd_core::record::Draft;
use tokio::sync::watch;

use super::{Sink, SinkHealth, Source, Tail};
use crate::ledger::tests::{TempDir, one_of_each, open, waiting};
use crate::ledger::{Ledger, Purpose, Row};

/// A ledger in a folder of its own, read by sinks while it grows.
struct Host {
    dir: TempDir,
    ledger: Arc<Mutex<Ledger>>,
    head: watch::Sender<u64>,
}

impl Host {
    fn new() -> Self {
        let dir = TempDir::new();
        let ledger = Arc::new(Mutex::new(open(&dir.join("state")).unwrap()));
        Self { dir, ledger, head: watch::channel(0).0 }
    }

    fn append(&self, drafts: &[Draft]) -> Vec<Row> {
        let rows = self.ledger.lock().unwrap().append(drafts, Purpose::Raise).unwrap();
        self.head.send_replace(rows.last().unwrap().seq);
        rows
    }

    /// Begins another ledger in the place of this one.
    fn begin_anew(&mut self) {
        self.ledger = Arc::new(Mutex::new(open(&self.dir.join("new")).unwrap()));
        self.head = watch::channel(0).0;
    }

    fn source(&self) -> Source {
        let ledger = Arc::clone(&self.ledger);
        Source::new(self.head.subscribe(), move |after, limit| {
            let rows = ledger.lock().unwrap().rows_for_sinks(after, limit).map_err(|error| error.to_string());
            async move { rows }
        })
    }

    fn start(&self, sink: impl Sink + 'static) -> (tokio::task::JoinHandle<()>, SinkHealth) {
        let (tail, health) = Tail::new(self.source(), Box::new(sink), &self.dir.join("sinks"));
        (tokio::spawn(tail.run()), health)
    }

    fn socket(&self) -> std::path::PathBuf {
        self.dir.join("socket")
    }
}

/// The rows of one entry of each kind that no request has to wait for.
fn rows() -> Vec<Row> {
    rows_of(&one_of_each())
}

/// The rows of requests that wait, and of what becomes of them.
fn waiting_rows() -> Vec<Row> {
    rows_of(&waiting())
}

fn rows_of(drafts: &[Draft]) -> Vec<Row> {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    ledger.append(drafts, Purpose::Raise).unwrap();
    ledger.rows_for_sinks(0, 100).unwrap()
}

/// An event loop whose clock jumps to the next timer when nothing else is to be done.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

/// A log service that has just been started at `path`.
fn listen(path: &Path) -> std::os::unix::net::UnixDatagram {
    let _ = std::fs::remove_file(path);
    let socket = std::os::unix::net::UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    socket
}
