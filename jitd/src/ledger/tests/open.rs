//! Opening: an empty folder, a second jitd, other versions, other files, other people's files.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use jitd_core::record::chain::GENESIS;
use rusqlite::Connection;

use super::super::{Damage, Head, OpenError, Purpose};
use super::{TempDir, note, one_of_each, open, read_all, waiting};

#[test]
fn a_new_ledger_is_empty_private_and_ready() {
    let dir = TempDir::new();
    let state = dir.join("state");
    let ledger = open(&state).unwrap();
    assert_eq!(ledger.head(), Head { seq: 0, hash: GENESIS });
    assert!(ledger.reserve_is_held());
    assert_eq!(state.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    for name in ["ledger.db", "ledger.db-wal", "ledger.lock", "ledger.reserve", "host.key"] {
        let mode = state.join(name).metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert!(!state.join("ledger.db-shm").exists());
}

#[test]
fn every_kind_of_entry_comes_back_as_it_was_written() {
    let dir = TempDir::new();
    let drafts = [one_of_each(), waiting()].concat();
    let rows = open(dir.path()).unwrap().append(&drafts, Purpose::Raise).unwrap();
    let read = read_all(dir.path());
    assert_eq!(read.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>(), rows);
    let kinds: std::collections::BTreeSet<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds.len(), 23, "all but those that tests of their own write");
    for (draft, (row, entry)) in drafts.iter().zip(&read) {
        assert_eq!((draft.at, draft.request), (row.at, row.request));
        assert!(draft.entry == *entry || row.kind == "checkpoint", "{}", row.kind);
        assert_eq!(draft.texts.len(), row.texts.len());
    }
}

#[test]
fn a_second_jitd_is_told_so() {
    let dir = TempDir::new();
    let _first = open(dir.path()).unwrap();
    let second = open(dir.path()).unwrap_err();
    assert!(matches!(second, OpenError::Locked { .. }), "{second}");
    assert!(second.to_string().contains("another jitd"));
}

#[test]
fn no_other_program_reads_or_writes_beside_us() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    ledger.append(&[note(1)], Purpose::Lower).unwrap();
    let other = Connection::open(dir.join("ledger.db")).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let count = other.query_row("SELECT count(*) FROM records", [], |row| row.get::<_, i64>(0));
    assert_eq!(count.unwrap_err().sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    ledger.append(&[note(2)], Purpose::Lower).unwrap();
}

#[test]
fn a_ledger_that_somebody_else_has_open_is_locked() {
    let dir = TempDir::new();
    drop(open(dir.path()).unwrap());
    let other = Connection::open(dir.join("ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
}

#[test]
fn another_version_is_refused_and_left_alone() {
    let dir = TempDir::new();
    drop(open(dir.path()).unwrap());
    let change = |version: i64| {
        let db = Connection::open(dir.join("ledger.db")).unwrap();
        db.pragma_update(None, "user_version", version).unwrap();
    };
    change(2);
    let before = fs::read(dir.join("ledger.db")).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 2, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("install the newer jitd"));
    assert_eq!(fs::read(dir.join("ledger.db")).unwrap(), before);
    change(0);
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::NotALedger { .. }));
}

#[test]
fn what_is_no_ledger_is_not_taken_for_one() {
    let dir = TempDir::new();
    let path = dir.join("ledger.db");
    let write = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    };
    write(b"");
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::NotALedger { .. }), "empty");
    // SQLite deletes the log of a database that it takes for a new one, and the newest entries may be in it alone.
    let log = dir.join("ledger.db-wal");
    fs::write(&log, "the newest entries").unwrap();
    for length in [1, 99] {
        write(&vec![b'S'; length]);
        assert!(matches!(open(dir.path()).unwrap_err(), OpenError::NotALedger { .. }), "{length} bytes");
        assert_eq!(fs::read_to_string(&log).unwrap(), "the newest entries", "{length} bytes");
    }
    fs::remove_file(&log).unwrap();
    write(&[b'x'; 5000]);
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::NotALedger { .. }), "text");
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::NotALedger { .. }), "another program's");
}

#[test]
fn the_log_of_a_ledger_that_was_moved_away_is_not_played_into_a_new_one() {
    let dir = TempDir::new();
    fs::write(dir.join("ledger.db-wal"), b"something").unwrap();
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::StrayLog { .. }));
    fs::remove_file(dir.join("ledger.db-wal")).unwrap();
    open(dir.path()).unwrap();
}

#[test]
fn an_unfinished_new_ledger_is_begun_again() {
    let dir = TempDir::new();
    fs::write(dir.join("ledger.db.new"), b"half").unwrap();
    fs::write(dir.join("ledger.db.new-journal"), b"half").unwrap();
    open(dir.path()).unwrap().append(&[note(1)], Purpose::Raise).unwrap();
    assert_eq!(read_all(dir.path()).len(), 1);
}

#[test]
fn what_others_could_have_written_is_refused() {
    let dir = TempDir::new();
    drop(open(dir.path()).unwrap());
    for (name, mode) in [("ledger.db", 0o640), ("ledger.db", 0o602), ("", 0o750), ("", 0o701)] {
        let path = dir.join(name);
        let before = path.metadata().unwrap().permissions();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Unsafe { .. }), "{name} {mode:o}: {error}");
        fs::set_permissions(&path, before).unwrap();
    }
    fs::rename(dir.join("ledger.db"), dir.join("elsewhere.db")).unwrap();
    symlink(dir.join("elsewhere.db"), dir.join("ledger.db")).unwrap();
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::Unsafe { .. }));
}

#[test]
fn a_host_key_that_is_none_or_open_to_others_is_refused() {
    let dir = TempDir::new();
    let key = open(dir.path()).unwrap().host_key().to_owned();
    assert_eq!(fs::read_to_string(dir.join("host.key.pub")).unwrap(), format!("{key}\n"));
    assert_eq!(open(dir.path()).unwrap().host_key(), key, "made once");
    fs::set_permissions(dir.join("host.key"), Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::Key(_)));
    fs::set_permissions(dir.join("host.key"), Permissions::from_mode(0o600)).unwrap();
    fs::write(dir.join("host.key"), "nothing of the kind\n").unwrap();
    assert!(matches!(open(dir.path()).unwrap_err(), OpenError::Key(_)));
}

#[test]
fn tables_without_their_triggers_are_damaged() {
    let dir = TempDir::new();
    drop(open(dir.path()).unwrap());
    Connection::open(dir.join("ledger.db")).unwrap().execute_batch("DROP TRIGGER records_stay").unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { fault: Damage::Tables, .. }), "{error:?}");
}
