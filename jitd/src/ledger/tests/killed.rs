//! kill -9 in the middle of an append: what was acknowledged is there, and the chain holds.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use super::super::Purpose;
use super::{TempDir, child, note, open};

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    if let Some(dir) = child::dir() {
        append_for_ever(&dir);
    }
    let dir = TempDir::new();
    for round in 0..12 {
        let name = "what_was_acknowledged_survives_a_kill_at_any_moment";
        let mut child =
            child::command(&[], module_path!(), name, dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut acknowledged = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("durable ")?.parse::<u64>().ok());
        let first = acknowledged.nth(round * 3).unwrap();
        child.kill().unwrap();
        // What it still said before it died.
        let last = acknowledged.last().unwrap_or(first);
        child.wait().unwrap();
        let ledger = open(dir.path()).unwrap();
        assert!(ledger.head_seq() >= last, "{} < {last}", ledger.head_seq());
        let rows = ledger.rows_after(ledger.head_seq().saturating_sub(1), 1).unwrap();
        let whole = rows[0].body.contains("of 40");
        assert!(whole, "a commit is there as a whole or not at all: {}", rows[0].body);
    }
}

/// Commits of one to forty entries, the last of which says so.
fn append_for_ever(dir: &std::path::Path) -> ! {
    let mut ledger = open(dir).unwrap();
    let mut out = std::io::stdout();
    for round in 0.. {
        let mut drafts: Vec<_> = (0..round % 40).map(note).collect();
        let mut last = note(round);
        last.entry = jitd_core::record::Entry::GuardActed { note: format!("{} of 40", round % 40) };
        drafts.push(last);
        let rows = ledger.append(&drafts, Purpose::Raise).unwrap();
        writeln!(out, "durable {}", rows.last().unwrap().seq).unwrap();
        out.flush().unwrap();
        if round % 50 == 49 {
            ledger.tidy().unwrap();
        }
    }
    unreachable!("the parent kills it")
}
