//! Damage: whatever byte is changed, whichever entry is missing, it is found, and at the right entry.

use jitd_core::record::chain;
use rusqlite::Connection;

use super::super::schema::SCHEMA;
use super::super::{OpenError, Purpose, Row};
use super::{TempDir, one_of_each, open, read_all};

/// Changes a closed ledger as somebody would who knows it well: the triggers are gone for the time of the change.
fn tamper(dir: &TempDir, sql: &str) {
    let db = Connection::open(dir.join("ledger.db")).unwrap();
    let triggers: Vec<&str> = SCHEMA.into_iter().filter(|sql| sql.starts_with("CREATE TRIGGER")).collect();
    for trigger in &triggers {
        let name = trigger.split_whitespace().nth(2).unwrap();
        db.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    db.execute_batch(sql).expect(sql);
    for trigger in triggers {
        db.execute_batch(trigger).unwrap();
    }
}

fn ledger() -> (TempDir, Vec<Row>) {
    let dir = TempDir::new();
    let rows = open(dir.path()).unwrap().append(&one_of_each(), Purpose::Raise).unwrap();
    (dir, rows)
}

fn damaged_at(dir: &TempDir) -> Option<u64> {
    match open(dir.path()) {
        Ok(_) => None,
        Err(OpenError::Damaged { seq, .. }) => Some(seq),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn one_byte_changed_in_any_column_of_any_entry_is_found_there() {
    for (column, change) in [
        ("at", "at + 1"),
        ("kind", "'x' || substr(kind, 2)"),
        ("request", "CASE request WHEN '' THEN '0' ELSE '0' || substr(request, 2) END"),
        ("body", "replace(body, '\"kind\":', '\"kind\": ')"),
        (
            "hash",
            "CAST(CASE substr(hash, 1, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(hash, 2) AS BLOB)",
        ),
    ] {
        let (dir, rows) = ledger();
        for seq in [1, 7, 12, 19] {
            let saved = std::fs::read(dir.join("ledger.db")).unwrap();
            tamper(&dir, &format!("UPDATE records SET {column} = {change} WHERE seq = {seq}"));
            if column == "request" && rows[seq - 1].request.is_some_and(|id| id.as_str().starts_with('0')) {
                tamper(
                    &dir,
                    &format!("UPDATE records SET request = '1' || substr(request, 2) WHERE seq = {seq}"),
                );
            }
            assert_eq!(damaged_at(&dir), Some(seq as u64), "{column} of {seq}");
            std::fs::write(dir.join("ledger.db"), saved).unwrap();
            assert_eq!(damaged_at(&dir), None, "restored");
        }
    }
}

#[test]
fn every_single_byte_of_a_body_counts() {
    let (dir, rows) = ledger();
    let body = &rows[6].body;
    let saved = std::fs::read(dir.join("ledger.db")).unwrap();
    for index in (0..body.len()).step_by(17) {
        let mut changed = body.as_bytes().to_vec();
        changed[index] ^= 1;
        let hex = chain::hex(&changed);
        tamper(&dir, &format!("UPDATE records SET body = CAST(x'{hex}' AS TEXT) WHERE seq = 7"));
        assert_eq!(damaged_at(&dir), Some(7), "byte {index}");
        std::fs::write(dir.join("ledger.db"), &saved).unwrap();
    }
}

#[test]
fn missing_moved_and_inserted_entries_are_found() {
    for (sql, seq) in [
        ("DELETE FROM records WHERE seq = 1", 1),
        ("DELETE FROM records WHERE seq = 5", 5),
        ("DELETE FROM records WHERE seq BETWEEN 5 AND 9", 5),
        ("UPDATE records SET seq = 100 WHERE seq = 5", 5),
        ("UPDATE records SET seq = 100 WHERE seq = 19", 19),
        ("UPDATE records SET seq = -1 WHERE seq = 19", 1),
        ("INSERT INTO records SELECT 20, at, kind, request, body, hash FROM records WHERE seq = 19", 20),
        ("INSERT INTO records SELECT 0, at, kind, request, body, hash FROM records WHERE seq = 1", 1),
        (
            "UPDATE records SET seq = 100 WHERE seq = 3; UPDATE records SET seq = 3 WHERE seq = 4; \
          UPDATE records SET seq = 4 WHERE seq = 100",
            3,
        ),
    ] {
        let (dir, _) = ledger();
        tamper(&dir, sql);
        assert_eq!(damaged_at(&dir), Some(seq), "{sql}");
    }
}

#[test]
fn texts_may_be_erased_but_not_changed_moved_or_added() {
    for (sql, seq) in [
        ("UPDATE texts SET text = 'INC-43 nginx stuck' WHERE field = 'reason' AND seq = 7", Some(7)),
        ("UPDATE texts SET salt = zeroblob(16) WHERE field = 'ticket'", Some(7)),
        ("UPDATE texts SET salt = x'00' WHERE field = 'ticket'", Some(7)),
        ("UPDATE texts SET field = 'note' WHERE field = 'ticket'", Some(7)),
        ("UPDATE texts SET seq = 8 WHERE seq = 7", Some(8)),
        ("UPDATE texts SET seq = 99 WHERE seq = 7", Some(19)),
        ("DELETE FROM texts WHERE seq = 7", None),
        ("DELETE FROM texts", None),
    ] {
        let (dir, _) = ledger();
        tamper(&dir, sql);
        assert_eq!(damaged_at(&dir), seq, "{sql}");
    }
}

#[test]
fn a_history_written_anew_from_an_entry_on_breaks_the_next_checkpoint() {
    let (dir, rows) = ledger();
    // Whoever can write the file can also compute hashes: the chain alone then holds.
    let mut previous = rows[5].hash;
    for row in &rows[6..] {
        let body = row.body.replace("alice", "carol");
        let hash = chain::link(&previous, &chain::Stored { body: &body, ..row.stored() });
        let (body, hex) = (body.replace('\'', "''"), chain::hex(&hash));
        tamper(&dir, &format!("UPDATE records SET body = '{body}', hash = x'{hex}' WHERE seq = {}", row.seq));
        previous = hash;
    }
    let checkpoint = rows.iter().find(|row| row.kind == "checkpoint").unwrap().seq;
    assert_eq!(damaged_at(&dir), Some(checkpoint));
}

#[test]
fn a_file_cut_short_or_scribbled_over_is_never_read_as_whole() {
    let (dir, rows) = ledger();
    let path = dir.join("ledger.db");
    let whole = std::fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(1000) {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(open(dir.path()).is_err(), "cut to {length}");
    }
    for page in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        std::fs::write(&path, &bytes).unwrap();
        match open(dir.path()) {
            Err(_) => {}
            // The page held no entry: an index, which is not what the record rests on.
            Ok(ledger) => assert_eq!(ledger.rows_after(0, 100).unwrap(), rows, "page {page}"),
        }
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(read_all(dir.path()).len(), rows.len());
}

#[test]
fn a_damaged_ledger_is_left_as_it_was_found() {
    let (dir, _) = ledger();
    tamper(&dir, "UPDATE records SET at = 5 WHERE seq = 5");
    // Something in the log as well, which closing would fold in.
    let other = Connection::open(dir.join("ledger.db")).unwrap();
    other.execute_batch("DELETE FROM texts WHERE seq = 7").unwrap();
    let copies: Vec<_> = ["ledger.db", "ledger.db-wal"]
        .map(|name| (dir.join(name), std::fs::read(dir.join(name)).unwrap()))
        .into_iter()
        .collect();
    drop(other);
    for (path, bytes) in &copies {
        std::fs::write(path, bytes).unwrap();
    }
    let before: Vec<_> = copies.iter().map(|(path, _)| std::fs::read(path).unwrap()).collect();
    assert_eq!(damaged_at(&dir), Some(5));
    let after: Vec<_> = copies.iter().map(|(path, _)| std::fs::read(path).unwrap()).collect();
    assert!(before == after);
}

#[test]
fn a_header_that_names_another_format_is_refused_before_anything_is_written() {
    for (at, byte) in [(18, 0x12), (18, 1), (19, 0), (19, 3), (20, 58)] {
        let (dir, _) = ledger();
        let path = dir.join("ledger.db");
        let mut bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[18..21], [2, 2, 0], "as jitd makes it");
        bytes[at] = byte;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(open(dir.path()), Err(OpenError::NotALedger { .. })), "{at} {byte}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}
