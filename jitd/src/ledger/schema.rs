//! The tables of the ledger, and the settings of SQLite under which they are kept.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// `application_id` in the header of the file: "jitl". It tells file(1), and jitd, that this is a ledger.
pub(super) const APPLICATION_ID: i64 = 0x6a69_746c;

/// `user_version` in the header of the file: the version of these tables and of the hash.
pub(super) const VERSION: i64 = 1;

/// The tables of version 1. The triggers keep an honest program from mistakes; against the rest there is the chain.
///
/// `records_in_order` also refuses what `INSERT OR REPLACE` would do. It holds with `recursive_triggers` off too, in
/// which case the deletion inside a REPLACE fires no trigger.
pub(super) const SCHEMA: [&str; 8] = [
    "CREATE TABLE records (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  request TEXT NOT NULL,
  body TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT",
    "CREATE INDEX records_of_request ON records (request, seq) WHERE request <> ''",
    "CREATE TABLE texts (
  seq INTEGER NOT NULL,
  field TEXT NOT NULL,
  salt BLOB NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (seq, field)
) STRICT, WITHOUT ROWID",
    "CREATE TRIGGER records_in_order BEFORE INSERT ON records
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM records)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: this number is not the next one'); END",
    "CREATE TRIGGER records_stay BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: entries are not deleted'); END",
    "CREATE TRIGGER records_unchanged BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: entries are not changed'); END",
    "CREATE TRIGGER texts_once BEFORE INSERT ON texts
WHEN EXISTS (SELECT 1 FROM texts WHERE seq = NEW.seq AND field = NEW.field)
BEGIN SELECT RAISE(ABORT, 'a text in the ledger is not replaced, only erased'); END",
    "CREATE TRIGGER texts_unchanged BEFORE UPDATE ON texts
BEGIN SELECT RAISE(ABORT, 'a text in the ledger is not changed, only erased'); END",
];

/// Makes the tables in an empty file, in one transaction.
pub(super) fn create(db: &mut Connection) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    SCHEMA.iter().try_for_each(|sql| change.execute_batch(sql))?;
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    change.pragma_update(None, "user_version", VERSION)?;
    change.commit()?;
    // Stays in the header of the file.
    let _mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    Ok(())
}

/// Whether the tables, indexes and triggers are these and no others.
pub(super) fn is_ours(db: &Connection) -> rusqlite::Result<bool> {
    let mut statement = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let mut found: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    found.sort_unstable();
    let mut ours = SCHEMA;
    ours.sort_unstable();
    Ok(found == ours)
}

/// What a setting that matters should read as, and what it does read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What the ledger needs.
    pub wanted: &'static str,
    /// What SQLite says it is.
    pub found: String,
}

/// Takes the file for this connection alone, before anything is read from it.
///
/// With `locking_mode=EXCLUSIVE` set before the first access, SQLite keeps the index of the write-ahead log in its own
/// memory: there is no `-shm` file, and a second program finds the database locked (<https://sqlite.org/wal.html>, 8).
///
/// Closing it does not fold the log in until [`keep`] says so: a ledger that turns out to be damaged stays as it was found.
pub(super) fn take(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(std::time::Duration::ZERO)?;
    let _mode: String = db.pragma_update_and_check(None, "locking_mode", "exclusive", |row| row.get(0))?;
    Ok(())
}

/// Lets the connection fold the log in when it is closed.
pub(super) fn keep(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// Sets what the ledger needs, and reads back what its promises rest on. `None` when all is as wanted.
pub(super) fn configure(db: &Connection) -> rusqlite::Result<Option<Setting>> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    let _mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "recursive_triggers", true)?;
    // An erased text is overwritten with zeros.
    db.pragma_update(None, "secure_delete", true)?;
    // Folding the log into the database costs more syncs than a commit: `Ledger::tidy` does it when nobody waits.
    let _pages: i64 = db.pragma_update_and_check(None, "wal_autocheckpoint", 0, |row| row.get(0))?;
    // With a full disk there must be no need for a temporary file.
    db.pragma_update(None, "temp_store", "memory")?;
    let needed = [
        ("journal_mode", "wal"),
        ("locking_mode", "exclusive"),
        ("synchronous", "2"),
        ("recursive_triggers", "1"),
        ("secure_delete", "1"),
    ];
    for (name, wanted) in needed {
        let value: rusqlite::types::Value = db.pragma_query_value(None, name, |row| row.get(0))?;
        let found = match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        if found != wanted {
            return Ok(Some(Setting { name, wanted, found }));
        }
    }
    Ok(None)
}

/// What is wrong with the pages of the file that hold no entry, or lead to one: what is read by one way may not be found by another, and what
/// is appended may be written over something.
pub(super) fn damaged_pages(db: &Connection) -> rusqlite::Result<Option<String>> {
    let said: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

/// A number from the header of the file.
pub(super) fn header(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, name, |row| row.get(0))
}
