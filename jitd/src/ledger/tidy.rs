//! Work that may wait for a quiet moment: folding the write-ahead log into the database, taking the reserve again,
//! erasing texts. It costs several syncs, so none of it is on the way of a request.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jit_common::ids::RequestId;
use rusqlite::Connection;

use super::place::Place;
use super::{Ledger, TidyError, schema};

/// Pages in the write-ahead log from which on it is folded in: 1 MiB, some 50 to 250 commits.
const LOG_PAGES: usize = 256;

/// The write-ahead log is made this long, in bytes, before it is used: overwriting spares a commit from allocating blocks,
/// which is slower, and which a full disk refuses.
const LOG_BYTES: u64 = 4 << 20;

/// How many pages the write-ahead log holds, as SQLite reports it after each commit.
#[derive(Clone, Debug, Default)]
pub(super) struct LogSize(Arc<AtomicUsize>);

impl LogSize {
    /// Has `db` report its commits.
    pub(super) fn watch(&self, db: &mut Connection) -> rusqlite::Result<()> {
        let pages = Arc::clone(&self.0);
        db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count: std::ffi::c_int| {
            pages.store(usize::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }

    fn pages(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Ledger {
    /// Folds the write-ahead log into the database when it has grown, and takes the reserve when it is not held. Costs
    /// nothing when there is nothing to do.
    ///
    /// # Errors
    /// When something cannot be done now. Nothing is lost by it, and the next call tries again.
    pub fn tidy(&mut self) -> Result<(), TidyError> {
        if self.log.pages() >= LOG_PAGES {
            self.fold(Fold::Reuse).map_err(TidyError::Log)?;
        }
        self.reserve.refill().map_err(TidyError::Reserve)
    }

    /// Erases what people typed for one request: the entries stay, with the hashes of what is gone. Returns how many
    /// texts there were.
    ///
    /// The bytes are overwritten in the database and cut off the write-ahead log. Copies that the file system, a backup
    /// or a sink has are beyond its reach.
    ///
    /// # Errors
    /// When the database cannot be written. Then nothing is erased.
    pub fn erase_texts(&mut self, request: RequestId) -> rusqlite::Result<usize> {
        let erased = self.db.execute(
            "DELETE FROM texts WHERE seq IN (SELECT seq FROM records WHERE request = ?1 AND request <> '')",
            [request.as_str()],
        )?;
        self.fold(Fold::CutOff)?;
        Ok(erased)
    }

    fn fold(&mut self, how: Fold) -> rusqlite::Result<()> {
        let sql = match how {
            Fold::Reuse => "PRAGMA wal_checkpoint(RESTART)",
            Fold::CutOff => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        self.db.query_row(sql, [], |_| Ok(()))?;
        warm(&self.db, &self.place)
    }
}

/// What becomes of the file of the write-ahead log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    /// It keeps its length and is written from its beginning again.
    Reuse,
    /// It is cut to nothing first.
    CutOff,
}

/// Makes the next commit cost one sync: the first one of a new log also syncs the log's header, and the folder when the
/// file is new, so a commit that changes nothing is made here; and then the log is made long.
pub(super) fn warm(db: &Connection, place: &Place) -> rusqlite::Result<()> {
    db.pragma_update(None, "user_version", schema::VERSION)?;
    // Only speed depends on it.
    let _ = lengthen(place);
    Ok(())
}

/// Writes zeros behind the end of the write-ahead log. SQLite stops reading a log at the first frame whose salt is not
/// that of its header, and a frame of zeros is none.
fn lengthen(place: &Place) -> io::Result<()> {
    let mut log = OpenOptions::new().append(true).open(&place.log)?;
    let missing = LOG_BYTES.saturating_sub(log.metadata()?.len());
    if missing == 0 {
        return Ok(());
    }
    log.write_all(&vec![0; usize::try_from(missing).unwrap_or(0)])?;
    log.sync_all()
}
