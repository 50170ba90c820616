//! The ledger's tests, and what they share: a folder of their own, and entries of every kind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed assumption is a failed test"
)]

mod append;
mod child;
mod damage;
mod examples;
mod export;
mod full;
mod killed;
mod open;
mod syncs;
mod waiting;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use jitd_core::record::{Draft, Entry};

pub(crate) use self::examples::{long_ago, one_of_each, request, typed};
pub(crate) use self::waiting::{WAITING, approved, waiting};

use super::{Ledger, OpenError, Row};

/// A folder that only this test uses, mode 0700, gone afterwards.
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        use std::os::unix::fs::DirBuilderExt;

        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("jitd-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens a ledger whose entries nobody looks at.
pub(crate) fn open(dir: &Path) -> Result<Ledger, OpenError> {
    Ledger::open(dir, &mut |_, _| {})
}

/// What is read when the ledger is opened.
fn read_all(dir: &Path) -> Vec<(Row, Entry)> {
    let mut all = Vec::new();
    Ledger::open(dir, &mut |row, entry| all.push((row.clone(), entry.clone()))).unwrap();
    all
}

/// An entry about nothing much.
fn note(at: i64) -> Draft {
    let entry = Entry::GuardActed { note: format!("note {at}") };
    Draft { at, request: None, entry, texts: Vec::new() }
}
