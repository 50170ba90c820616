//! Appending: all or nothing, in order, never twice; checkpoints; reading; erasing.

use jitd_core::record::chain;
use jitd_core::record::{Draft, Entry, Person};
use rusqlite::Connection;

use super::super::{AppendError, CHECKPOINT_NANOS, Ledger, Purpose};
use super::{TempDir, approved, long_ago, note, one_of_each, open, read_all, request, typed, waiting};

#[test]
fn numbers_have_no_gaps_and_each_hash_follows() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    let mut rows = ledger.append(&[note(1), note(2)], Purpose::Raise).unwrap();
    assert!(ledger.append(&[], Purpose::Raise).unwrap().is_empty());
    rows.extend(ledger.append(&[note(3)], Purpose::Lower).unwrap());
    let mut previous = chain::GENESIS;
    for (row, seq) in rows.iter().zip(1..) {
        assert_eq!(row.seq, seq);
        assert_eq!(row.hash, chain::link(&previous, &row.stored()));
        previous = row.hash;
    }
    assert_eq!((ledger.head().seq, ledger.head().hash), (3, previous));
    assert_eq!(ledger.rows_after(0, 10).unwrap(), rows);
}

#[test]
fn the_tables_refuse_every_change_of_an_entry() {
    let dir = TempDir::new();
    open(dir.path()).unwrap().append(&one_of_each(), Purpose::Raise).unwrap();
    let db = Connection::open(dir.join("ledger.db")).unwrap();
    let copy = "SELECT seq, at, kind, request, '{}', hash FROM records WHERE seq = 3";
    for recursive in ["ON", "OFF"] {
        db.pragma_update(None, "recursive_triggers", recursive).unwrap();
        for sql in [
            "UPDATE records SET body = '{}' WHERE seq = 3",
            "UPDATE OR REPLACE records SET seq = 3 WHERE seq = 4",
            "DELETE FROM records WHERE seq = 19",
            "DELETE FROM records",
            &format!("INSERT OR REPLACE INTO records {copy}"),
            &format!("REPLACE INTO records {copy}"),
            &format!("INSERT INTO records {copy} ON CONFLICT (seq) DO UPDATE SET body = '{{}}'"),
            "INSERT INTO records SELECT 21, at, kind, request, body, hash FROM records WHERE seq = 3",
            "INSERT INTO records SELECT NULL, at, kind, request, body, hash FROM records WHERE seq = 3",
            "UPDATE texts SET text = 'something else'",
            "INSERT OR REPLACE INTO texts SELECT seq, field, salt, 'something else' FROM texts",
        ] {
            let error = db.execute_batch(sql).expect_err(sql);
            assert_eq!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::ConstraintViolation),
                "{sql}: {error}"
            );
        }
    }
    drop(db);
    assert_eq!(read_all(dir.path()).len(), 19);
}

#[test]
fn entries_that_would_be_damaged_are_refused_whole() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    let mut wrong = note(2);
    wrong.texts.push(typed("reason", "an entry without a reason").1);
    let error = ledger.append(&[note(1), wrong], Purpose::Raise).unwrap_err();
    assert!(matches!(error, AppendError::Unfit { place: 2, .. }), "{error}");
    assert_eq!(ledger.head_seq(), 0);
    let (hash, mut text) = typed("note", "what was hashed");
    text.text = "what was not".to_owned();
    let person = jitd_core::record::Person { uid: 0, name: "root".to_owned() };
    let mut locked = note(3);
    locked.entry = Entry::Locked { by: person, from: jitd_core::record::Origin::default(), note: Some(hash) };
    locked.texts.push(text);
    assert!(ledger.append(&[locked], Purpose::Raise).is_err());
    ledger.append(&[note(4)], Purpose::Raise).unwrap();
}

#[test]
fn a_checkpoint_signs_the_entry_before_it_wherever_it_lands() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    assert!(ledger.checkpoint_now(1).is_none(), "nothing to sign");
    ledger.append(&[note(1)], Purpose::Raise).unwrap();
    let checkpoint = ledger.checkpoint_now(2).unwrap();
    let rows = ledger.append(&[note(2), checkpoint.clone(), note(3)], Purpose::Lower).unwrap();
    let Entry::Checkpoint { of, hash, .. } = rows[1].entry().unwrap() else { panic!("no checkpoint") };
    assert_eq!((of, hash), (2, chain::hex(&rows[0].hash)));
    ledger.append(&[checkpoint], Purpose::Lower).unwrap();
    assert!(ledger.checkpoint_now(2).is_none(), "the newest entry is one");
    drop(ledger);
    let ledger = open(dir.path()).unwrap();
    assert_eq!((ledger.opened().checkpoints, ledger.opened().signed_up_to), (2, Some(4)));
    assert!(ledger.opened().host_keys.contains(ledger.host_key()));
    assert!(ledger.checkpoint_now(2).is_none(), "that is known after opening again");
}

#[test]
fn a_checkpoint_is_due_after_many_entries_or_an_hour() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    let start = long_ago();
    assert!(ledger.checkpoint_due(start).is_none());
    ledger.append(&[note(start)], Purpose::Raise).unwrap();
    assert!(ledger.checkpoint_due(start + CHECKPOINT_NANOS - 1).is_none());
    let due = ledger.checkpoint_due(start + CHECKPOINT_NANOS).unwrap();
    assert!(ledger.checkpoint_due(start + CHECKPOINT_NANOS).is_none(), "offered once");
    ledger.append(&[due], Purpose::Lower).unwrap();
    assert!(ledger.checkpoint_due(start + 10 * CHECKPOINT_NANOS).is_none(), "nothing new");
    let many: Vec<_> = (0..256).map(|_| note(start + CHECKPOINT_NANOS)).collect();
    ledger.append(&many, Purpose::Lower).unwrap();
    assert!(ledger.checkpoint_due(start + CHECKPOINT_NANOS).is_some());
}

#[test]
fn rows_are_found_by_request_and_by_prefix() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    ledger.append(&one_of_each(), Purpose::Raise).unwrap();
    let rows = ledger.rows_of(request()).unwrap();
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0].typed().reason, Some("INC-42 nginx stuck"));
    assert_eq!(ledger.requests_like("7k").unwrap(), [request()]);
    assert_eq!(ledger.requests_like("").unwrap().len(), 2);
    assert_eq!(ledger.requests_like("7k2m9xqb").unwrap(), []);
    assert_eq!(ledger.requests_like("%").unwrap(), []);
    assert_eq!(ledger.rows_after(18, 10).unwrap().len(), 1);
    assert_eq!(ledger.rows_after(u64::MAX, 10).unwrap().len(), 0);
    let applied =
        ledger.rows_for_sinks(0, 100).unwrap().into_iter().find(|row| row.kind == "applied").unwrap();
    assert!(applied.texts.is_empty());
    assert_eq!(applied.typed().reason, Some("INC-42 nginx stuck"), "the reason of its request");
    assert_eq!(applied.typed().ticket, Some("INC-42"));
}

#[test]
fn an_erased_text_is_gone_from_the_disk_and_the_chain_holds() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    ledger.append(&one_of_each(), Purpose::Raise).unwrap();
    let on_disk = || {
        let mut bytes = std::fs::read(dir.join("ledger.db")).unwrap();
        bytes.extend(std::fs::read(dir.join("ledger.db-wal")).unwrap_or_default());
        bytes.windows(18).any(|window| window == b"INC-42 nginx stuck")
    };
    assert!(on_disk());
    assert_eq!(ledger.erase_texts(request()).unwrap(), 3);
    assert!(!on_disk());
    assert_eq!(ledger.rows_of(request()).unwrap()[0].typed().reason, None);
    let head = ledger.head();
    ledger.append(&[note(1)], Purpose::Raise).unwrap();
    drop(ledger);
    let ledger = open(dir.path()).unwrap();
    assert_eq!(ledger.opened().erased, 3);
    assert_eq!(ledger.rows_after(0, 100).unwrap()[18].hash, head.hash);
}

#[test]
fn with_a_request_the_notes_of_its_approvers_are_erased() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    ledger.append(&waiting(), Purpose::Raise).unwrap();
    let note = |ledger: &Ledger, kind: &str| {
        let row = ledger.rows_after(0, 100).unwrap().into_iter().find(|row| row.kind == kind).unwrap();
        row.typed().note.map(str::to_owned)
    };
    assert_eq!(note(&ledger, "approved").as_deref(), Some("fine with me"));
    assert_eq!(ledger.erase_texts(approved()).unwrap(), 3, "reason, ticket and a note");
    assert_eq!(note(&ledger, "approved"), None);
    assert_eq!(note(&ledger, "closed").as_deref(), Some("not tonight"), "that is of another request");
    drop(ledger);
    assert_eq!(open(dir.path()).unwrap().opened().erased, 3, "and the chain holds");
}

#[test]
fn a_vote_has_the_reason_of_its_request_beside_its_own_note() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    ledger.append(&waiting(), Purpose::Raise).unwrap();
    let rows = ledger.rows_for_sinks(0, 100).unwrap();
    for (kind, note) in
        [("pending", None), ("approved", Some("fine with me")), ("closed", Some("not tonight"))]
    {
        let typed = rows.iter().find(|row| row.kind == kind).unwrap().typed();
        assert_eq!((typed.reason, typed.note), (Some("INC-42 nginx stuck"), note), "{kind}");
    }
}

#[test]
fn tidying_folds_a_long_log_in_and_loses_nothing() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    let size = || dir.join("ledger.db").metadata().unwrap().len();
    let before = size();
    for at in 0..300 {
        ledger.append(&[note(at)], Purpose::Raise).unwrap();
    }
    assert_eq!(size(), before, "nothing is folded in on the way of an append");
    ledger.tidy().unwrap();
    assert!(size() > before);
    let log = dir.join("ledger.db-wal").metadata().unwrap().len();
    ledger.append(&[note(300)], Purpose::Raise).unwrap();
    assert_eq!(dir.join("ledger.db-wal").metadata().unwrap().len(), log, "the log is written over");
    drop(ledger);
    assert_eq!(read_all(dir.path()).len(), 301);
}

#[test]
fn entries_about_one_person_are_found_a_stretch_at_a_time() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    let about = |uid, name: &str, at| {
        let by = Person { uid, name: name.into() };
        Draft {
            at,
            request: None,
            entry: Entry::RefusalsCounted { by, count: 1, seconds: 60 },
            texts: Vec::new(),
        }
    };
    let mut drafts = vec![about(1000, "alice", 1), about(100, "alice", 2), about(1000, "alicia", 3)];
    drafts.extend((4..4500).map(note));
    drafts.push(Draft { at: 4500, request: None, entry: forged(), texts: Vec::new() });
    drafts.extend((0..5).map(|at| about(1000, "alice", 4501 + at)));
    ledger.append(&drafts, Purpose::Raise).unwrap();
    let alice = Person { uid: 1000, name: "alice".into() };
    let (mut found, mut after, mut looks) = (Vec::new(), 0, 0);
    while after < ledger.head_seq() {
        let (rows, to) = ledger.rows_about(&alice, after, 3).unwrap();
        assert!(to > after && to - after <= 2000 && rows.len() <= 3);
        found.extend(rows.iter().map(|row| row.seq));
        (after, looks) = (to, looks + 1);
    }
    assert_eq!(found, [1, 4501, 4502, 4503, 4504, 4505]);
    assert_eq!(looks, 4);
    assert_eq!(ledger.rows_about(&alice, after, 3).unwrap(), (Vec::new(), after));
}

#[test]
fn what_somebody_decided_for_others_is_found_with_what_is_about_them() {
    let dir = TempDir::new();
    let mut ledger = open(dir.path()).unwrap();
    let drafts = waiting();
    ledger.append(&drafts, Purpose::Raise).unwrap();
    let deciders: Vec<&Person> = drafts.iter().filter_map(|draft| draft.entry.decided_by()).collect();
    assert!(deciders.len() >= 3, "votes and a denial");
    for person in deciders {
        let (rows, _) = ledger.rows_about(person, 0, 1000).unwrap();
        let theirs = drafts
            .iter()
            .zip(1..)
            .filter(|(draft, _)| [draft.entry.person(), draft.entry.decided_by()].contains(&Some(person)));
        let theirs: Vec<u64> = theirs.map(|(_, seq)| seq).collect();
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), theirs, "{}", person.name);
    }
}

/// An entry that quotes what somebody typed to look like one about alice.
fn forged() -> Entry {
    Entry::GuardActed { note: "\"by\":{\"uid\":1000,\"name\":\"alice\"}".into() }
}
