//! The ledger as it lies on the disk: whatever its bytes, it is opened with entries that were written, in their order and whole,
//! or refused by a sentence; a ledger that is refused is not touched, and one that is opened goes on.
//!
//! The first byte says how the bytes are made into a ledger: changes of a real one, the files themselves, or changes of its
//! rows by somebody who knows SQLite, with or without the hashes made anew.

use std::fs;

use jitd::ledger::{Ledger, OpenError, Purpose, Row};
use jitd_core::record::chain::{self, GENESIS};
use jitd_core::record::verify::Verifier;
use jitd_core::record::{Draft, Entry};
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::ledger_base::{Folder, base, write};
use crate::{bytes::Bytes, sentence};

/// The most changes of one kind.
const MOST: usize = 16;

const FILES: [&str; 2] = ["ledger.db", "ledger.db-wal"];

/// Whether the entries can only be those that were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hashes {
    /// They can: nobody made hashes.
    AsWritten,
    /// Somebody who knows how made them anew.
    Anew,
}

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let mut rest = Bytes(data);
    let folder = Folder::new();
    // In the way of the room that is kept for endings: making it would be most of the work here.
    fs::create_dir(folder.path().join("ledger.reserve")).unwrap();
    let hashes = match rest.byte() % 4 {
        0 => changed_bytes(&folder, &mut rest),
        1 => any_bytes(&folder, &mut rest),
        2 => changed_rows(&folder, &mut rest, Hashes::AsWritten),
        _ => changed_rows(&folder, &mut rest, Hashes::Anew),
    };
    opens(&folder, hashes);
}

/// The real files, with a few changes: bytes written over, or the end cut off.
fn changed_bytes(folder: &Folder, rest: &mut Bytes<'_>) -> Hashes {
    let base = base();
    let mut files = [base.database.clone(), base.log.clone()];
    for _ in 0..MOST {
        if rest.is_empty() {
            break;
        }
        let how = rest.byte();
        let file = &mut files[usize::from(how & 1)];
        let at = usize::try_from(u32::from_le_bytes(rest.array()) >> 8).unwrap() % file.len().max(1);
        match how >> 1 & 3 {
            0 => file.truncate(at),
            1 => file.get_mut(at).into_iter().for_each(|byte| *byte ^= rest.byte() | 1),
            _ => {
                let new = rest.take(1 + usize::from(how >> 3));
                file.iter_mut().skip(at).zip(new).for_each(|(byte, new)| *byte = *new);
            }
        }
    }
    for (name, bytes) in FILES.into_iter().zip(&files) {
        write(&folder.path().join(name), bytes);
    }
    Hashes::AsWritten
}

/// The files themselves, as far as there is anything.
fn any_bytes(folder: &Folder, rest: &mut Bytes<'_>) -> Hashes {
    let length = usize::try_from(u32::from_le_bytes(rest.array()) & 0x00ff_ffff).unwrap();
    let database = rest.take(length);
    for (name, bytes) in FILES.into_iter().zip([database, rest.0]) {
        if !bytes.is_empty() {
            write(&folder.path().join(name), bytes);
        }
    }
    Hashes::AsWritten
}

/// Rows changed by SQL, with the triggers away for as long as that takes.
fn changed_rows(folder: &Folder, rest: &mut Bytes<'_>, hashes: Hashes) -> Hashes {
    const COLUMNS: [(&str, &str); 9] = [
        ("records", "seq"),
        ("records", "at"),
        ("records", "kind"),
        ("records", "request"),
        ("records", "body"),
        ("records", "hash"),
        ("texts", "field"),
        ("texts", "salt"),
        ("texts", "text"),
    ];
    write(&folder.path().join(FILES[0]), &base().database);
    let db = Connection::open(folder.path().join(FILES[0])).unwrap();
    let triggers = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
    let triggers: Vec<(String, String)> = {
        let mut statement = db.prepare(triggers).unwrap();
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        found.collect::<Result<_, _>>().unwrap()
    };
    db.execute_batch("PRAGMA synchronous=off; BEGIN").unwrap();
    triggers.iter().for_each(|(name, _)| db.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    for _ in 0..MOST {
        if rest.is_empty() {
            break;
        }
        let (seq, how) = (i64::from(rest.byte() % 32), rest.byte());
        let (table, column) = COLUMNS[usize::from(how) % COLUMNS.len()];
        // What the tables refuse stays as it is.
        let _ = match how >> 6 {
            0 => db.execute(&format!("DELETE FROM {table} WHERE seq = ?1"), [seq]),
            _ => {
                let sql = format!("UPDATE OR REPLACE {table} SET {column} = ?2 WHERE seq = ?1");
                db.execute(&sql, params![seq, value(how >> 4, rest)])
            }
        };
    }
    if hashes == Hashes::Anew {
        link_anew(&db);
    }
    triggers.iter().for_each(|(_, sql)| db.execute_batch(sql).unwrap());
    db.execute_batch("COMMIT").unwrap();
    hashes
}

fn value(how: u8, rest: &mut Bytes<'_>) -> Value {
    let length = usize::from(rest.byte());
    match how & 3 {
        0 => Value::Integer(i64::from_le_bytes(rest.array())),
        1 => Value::Blob(rest.take(length).to_vec()),
        2 => Value::Text(String::from_utf8_lossy(rest.take(length)).into_owned()),
        _ => Value::Null,
    }
}

/// Gives every row the hash that follows.
fn link_anew(db: &Connection) {
    type Columns = (i64, i64, String, String, String);
    let mut statement = db.prepare("SELECT seq, at, kind, request, body FROM records ORDER BY seq").unwrap();
    let columns = |row: &rusqlite::Row<'_>| {
        Ok::<Columns, _>((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    };
    let rows: Vec<Columns> = statement.query_map([], columns).unwrap().filter_map(Result::ok).collect();
    let mut previous = GENESIS;
    for (seq, at, kind, request, body) in &rows {
        let stored = chain::Stored { seq: u64::try_from(*seq).unwrap_or(0), at: *at, kind, request, body };
        previous = chain::link(&previous, &stored);
        db.execute("UPDATE records SET hash = ?2 WHERE seq = ?1", params![seq, previous]).unwrap();
    }
}

fn files(folder: &Folder) -> Vec<Option<Vec<u8>>> {
    FILES.iter().map(|name| fs::read(folder.path().join(name)).ok()).collect()
}

fn opens(folder: &Folder, hashes: Hashes) {
    let before = files(folder);
    let mut seen: Vec<Row> = Vec::new();
    let opened = Ledger::open(folder.path(), &mut |row, _: &Entry| seen.push(row.clone()));
    let mut ledger = match opened {
        Ok(ledger) => ledger,
        Err(why) => return is_refused(&why, folder, &before),
    };
    assert_eq!(ledger.rows_after(0, usize::MAX).unwrap(), seen, "what is read later is what was verified");
    let head = is_whole(&seen);
    assert_eq!(ledger.head_seq(), head);
    if hashes == Hashes::AsWritten {
        let written = &base().rows;
        assert!(seen.len() <= written.len(), "nobody wrote so many");
        for (found, written) in seen.iter().zip(written) {
            assert_eq!(found.stored().body, written.stored().body);
            assert_eq!((found.seq, found.at, found.hash), (written.seq, written.at, written.hash));
            assert_eq!((&found.kind, found.request), (&written.kind, written.request));
            assert!(found.texts.iter().all(|text| written.texts.contains(text)), "a text that nobody typed");
        }
    }
    goes_on(&mut ledger, head);
    drop(ledger);
    if let Err(why) = Ledger::open(folder.path(), &mut |_, _| {}) {
        panic!("what was opened and appended to is not opened again: {why}");
    }
}

/// Verified a second time, from the rows alone; the number of the last.
fn is_whole(rows: &[Row]) -> u64 {
    let mut verifier = Verifier::new(jitd::ledger::signature_holds);
    for row in rows {
        let texts: Vec<_> = row.texts.iter().map(|text| text.as_ref()).collect();
        verifier.entry(&row.stored(), &row.hash, &texts).unwrap();
    }
    verifier.report().last
}

fn goes_on(ledger: &mut Ledger, head: u64) {
    let entry = Entry::GuardActed { note: "removed 7k2m9xqa 1 overdue".to_owned() };
    let draft = Draft { at: 1, request: None, entry, texts: Vec::new() };
    match ledger.append(&[draft], Purpose::Lower) {
        Ok(rows) => assert_eq!(rows[0].seq, head + 1),
        // Pages that no entry is on may be damaged all the same.
        Err(why) => sentence::is_told(&why),
    }
}

/// A refusal says why, and leaves the evidence as it was.
fn is_refused(why: &OpenError, folder: &Folder, before: &[Option<Vec<u8>>]) {
    sentence::is_one(&jit_common::escape::escaped(&jit_common::causes::chain(why)).to_string());
    let after = files(folder);
    for (name, (before, after)) in FILES.iter().zip(before.iter().zip(&after)) {
        // Opening makes an empty log where there is none.
        let (before, after) = (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
        assert!(before == after, "{name} was written to: {why}");
    }
}
