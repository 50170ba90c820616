//! Opening: one process alone, every promise of SQLite read back, every entry verified.

use std::path::Path;

use jitd_core::record::Entry;
use jitd_core::record::chain::Hash;
use jitd_core::record::verify::{Report, TextRef, Verifier};
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::place::{self, Place};
use super::reserve::Reserve;
use super::tidy::{self, LogSize};
use super::{Damage, Head, HostKey, Ledger, OpenError, Row, Signed, Standing, Text, read, schema, sign};

type Check = fn(&[u8; 32], &[u8], &[u8; 64]) -> bool;

impl Ledger {
    /// Opens the ledger in the folder `dir` (mode 0700; made when it is not there), or begins one, and passes every entry
    /// to `each`, oldest first. Whoever folds them should keep nothing of it when an error follows.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing was written to a ledger that is damaged, newer, or somebody else's.
    pub fn open(dir: &Path, each: &mut dyn FnMut(&Row, &Entry)) -> Result<Self, OpenError> {
        let place = Place::new(dir);
        let lock = place.lock()?;
        if !place.has_database()? {
            create(&place)?;
        }
        let key = HostKey::open_or_create(&place.host_key)?;
        let log = LogSize::default();
        let db = connect(&place, &log)?;
        let mut signed = Signed { seq: 0, at: None };
        let mut verifier = Verifier::new(sign::signature_holds as Check);
        verify(&db, &place, &mut verifier, &mut |row, entry| {
            signed.saw(row.seq, row.at, &row.kind);
            each(row, entry);
        })?;
        if let Some(why) = schema::damaged_pages(&db).map_err(|source| place.sqlite(source))? {
            return Err(OpenError::Damaged { seq: verifier.report().last, fault: Damage::Pages(why) });
        }
        schema::keep(&db).map_err(|source| place.sqlite(source))?;
        let opened = verifier.report().clone();
        let head = Head { seq: opened.last, hash: opened.head };
        // On a full disk the first commits cost more syncs, or fail and say so. It is no reason not to start.
        let _ = tidy::warm(&db, &place);
        let reserve = Reserve::at(&place.reserve);
        let connection = Standing::Good;
        Ok(Self { db, place, head, key, signed, reserve, log, connection, opened, _lock: lock })
    }

    /// Opens the database anew after an error, and verifies what is behind the newest entry known to be written: after a
    /// commit whose sync failed there may be more.
    pub(super) fn reopen(&mut self) -> Result<(), OpenError> {
        // The old connection goes first, for it has the file for itself alone.
        let nothing = Connection::open_in_memory().map_err(|source| self.place.sqlite(source))?;
        drop(std::mem::replace(&mut self.db, nothing));
        let db = connect(&self.place, &self.log)?;
        let head = self.head;
        let known: Option<Hash> = match head.seq {
            0 => Some(head.hash),
            seq => {
                let seq = read::column(seq).map_err(|source| self.place.sqlite(source))?;
                db.query_row("SELECT hash FROM records WHERE seq = ?1", [seq], |row| row.get(0)).ok()
            }
        };
        if known != Some(head.hash) {
            let fault = jitd_core::record::verify::Fault::Hash;
            return Err(OpenError::Damaged { seq: head.seq, fault: Damage::Entry(fault) });
        }
        let mut verifier = Verifier::after(sign::signature_holds as Check, head.seq, head.hash);
        let signed = &mut self.signed;
        verify(&db, &self.place, &mut verifier, &mut |row, _| signed.saw(row.seq, row.at, &row.kind))?;
        schema::keep(&db).map_err(|source| self.place.sqlite(source))?;
        self.head = Head { seq: verifier.report().last, hash: verifier.report().head };
        self.db = db;
        self.connection = Standing::Good;
        Ok(())
    }
}

impl Place {
    pub(super) fn sqlite(&self, source: rusqlite::Error) -> OpenError {
        let path = self.database.clone();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => OpenError::Full { path, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
            Some(ErrorCode::NotADatabase) => {
                OpenError::NotALedger { path, why: "it is not a database".to_owned() }
            }
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { seq: 1, fault: Damage::Column(source) },
            _ => OpenError::Sqlite { path, source },
        }
    }
}

/// Begins a ledger: under another name, and renamed when it is whole, so that a crash leaves none or a good one.
fn create(place: &Place) -> Result<(), OpenError> {
    use std::os::unix::fs::OpenOptionsExt;

    let beside = |end: &str| {
        let mut name = place.unfinished.as_os_str().to_owned();
        name.push(end);
        name
    };
    let ends = ["-journal", "-wal", "-shm"];
    for end in ends.into_iter().chain([""]) {
        place::remove_if_there(Path::new(&beside(end)))?;
    }
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&place.unfinished)
        .map_err(|error| place::io_error(&place.unfinished, error))?;
    let failed = |source| place.sqlite(source);
    let mut db = Connection::open_with_flags(&place.unfinished, flags()).map_err(failed)?;
    db.pragma_update(None, "synchronous", "full").map_err(failed)?;
    schema::create(&mut db).map_err(failed)?;
    db.close().map_err(|(_, source)| failed(source))?;
    std::fs::rename(&place.unfinished, &place.database)
        .map_err(|error| place::io_error(&place.database, error))?;
    // SQLite does not mind when it cannot take its journal away. Under this name it is nobody's, and only litter.
    for end in ends {
        let _ = place::remove_if_there(Path::new(&beside(end)));
    }
    place.sync()
}

/// One thread has the connection at a time, and no file is made by opening it.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn connect(place: &Place, log: &LogSize) -> Result<Connection, OpenError> {
    let failed = |source| place.sqlite(source);
    let mut db = Connection::open_with_flags(&place.database, flags()).map_err(failed)?;
    schema::take(&db).map_err(failed)?;
    let id = schema::header(&db, "application_id").map_err(failed)?;
    let version = schema::header(&db, "user_version").map_err(failed)?;
    let path = || place.database.clone();
    if id != schema::APPLICATION_ID {
        let why = "it is the database of another program".to_owned();
        return Err(OpenError::NotALedger { path: path(), why });
    }
    if version > schema::VERSION {
        return Err(OpenError::Newer { path: path(), found: version, known: schema::VERSION });
    }
    if version < schema::VERSION {
        let why = format!("its version is {version}, and no jitd ever wrote that");
        return Err(OpenError::NotALedger { path: path(), why });
    }
    if !schema::is_ours(&db).map_err(failed)? {
        return Err(OpenError::Damaged { seq: 1, fault: Damage::Tables });
    }
    if let Some(setting) = schema::configure(&db).map_err(failed)? {
        return Err(OpenError::NotDurable(setting));
    }
    log.watch(&mut db).map_err(failed)?;
    Ok(db)
}

/// Takes every entry behind the verifier's last one.
fn verify(
    db: &Connection,
    place: &Place,
    verifier: &mut Verifier<Check>,
    each: &mut dyn FnMut(&Row, &Entry),
) -> Result<(), OpenError> {
    let failed = |source| place.sqlite(source);
    let sql = format!("SELECT {} FROM records WHERE seq > ?1 OR seq < 1 ORDER BY seq", read::COLUMNS);
    let from = read::column(verifier.report().last).map_err(failed)?;
    let mut statement = db.prepare(&sql).map_err(failed)?;
    let mut texts = db.prepare(read::TEXTS).map_err(failed)?;
    let mut rows = statement.query([from]).map_err(failed)?;
    loop {
        let expected = verifier.report().last.saturating_add(1);
        let unreadable = |error| damaged(place, expected, error);
        let Some(found) = rows.next().map_err(unreadable)? else { break };
        let mut row = read::row(found).map_err(unreadable)?;
        let seq = read::column(row.seq).map_err(unreadable)?;
        let found = texts.query_map([seq], read::text).map_err(unreadable)?;
        row.texts = found.collect::<Result<_, _>>().map_err(unreadable)?;
        let borrowed: Vec<TextRef<'_>> = row.texts.iter().map(Text::as_ref).collect();
        let entry = verifier
            .entry(&row.stored(), &row.hash, &borrowed)
            .map_err(|fault| OpenError::Damaged { seq: expected, fault: Damage::Entry(fault) })?;
        each(&row, &entry);
    }
    stray_texts(db, verifier.report()).map_err(failed)?.map_or(Ok(()), Err)
}

/// Texts behind the last entry, or before the first.
fn stray_texts(db: &Connection, report: &Report) -> rusqlite::Result<Option<OpenError>> {
    let last = read::column(report.last)?;
    let count: i64 =
        db.query_row("SELECT count(*) FROM texts WHERE seq > ?1 OR seq < 1", params![last], |row| {
            row.get(0)
        })?;
    let fault = |count| OpenError::Damaged { seq: report.last, fault: Damage::StrayTexts(count) };
    Ok(u64::try_from(count).ok().filter(|count| *count > 0).map(fault))
}

/// An entry that cannot be read: the disk's fault, or damage.
fn damaged(place: &Place, seq: u64, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        None | Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Damaged { seq, fault: Damage::Column(error) }
        }
        Some(_) => place.sqlite(error),
    }
}
