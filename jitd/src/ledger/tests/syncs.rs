//! Counts system calls with strace: one append is one sync, and a sync that fails is an append that failed.

use std::path::Path;

use super::super::{AppendError, Purpose};
use super::{TempDir, child, note, one_of_each, open, read_all};

/// Shows in the trace where the child is.
fn mark(name: &str) {
    let _ = Path::new("/jit-test-mark").join(name).metadata();
}

/// What the traced child does: the names of its marks are those of what follows them.
fn appends(dir: &Path) {
    let mut ledger = open(dir).unwrap();
    mark("first");
    ledger.append(&one_of_each(), Purpose::Raise).unwrap();
    mark("second");
    ledger.append(&[note(1)], Purpose::Raise).unwrap();
    mark("many");
    for at in 0..300 {
        ledger.append(&[note(at)], Purpose::Raise).unwrap();
    }
    mark("tidy");
    ledger.tidy().unwrap();
    mark("after");
    ledger.append(&[note(1)], Purpose::Raise).unwrap();
    mark("end");
}

/// The syncs behind each mark.
fn count(trace: &str) -> Vec<(String, usize)> {
    let mut counts = vec![("open".to_owned(), 0)];
    for line in trace.lines() {
        if let Some((_, rest)) = line.split_once("/jit-test-mark/") {
            counts.push((rest.split('"').next().unwrap().to_owned(), 0));
        } else if line.contains("sync(") && !line.contains("resumed") {
            counts.last_mut().unwrap().1 += 1;
        }
    }
    counts
}

const CALLS: &str = "trace=fsync,fdatasync,sync,syncfs,sync_file_range,msync,stat,statx,newfstatat";

#[test]
fn an_append_is_one_sync_even_the_first() {
    if let Some(dir) = child::dir() {
        return appends(&dir);
    }
    if !child::has("strace") {
        return child::not_tested("the number of syncs, for there is no strace");
    }
    let dir = TempDir::new();
    let trace = dir.join("trace");
    let wrapper = ["strace", "-f", "-qq", "-e", CALLS, "-o", trace.to_str().unwrap()];
    let name = "an_append_is_one_sync_even_the_first";
    let done = child::command(&wrapper, module_path!(), name, &dir.join("state")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let counts = count(&std::fs::read_to_string(&trace).unwrap());
    let of = |name: &str| counts.iter().find(|(mark, _)| mark == name).unwrap().1;
    assert_eq!((of("first"), of("second"), of("many"), of("after")), (1, 1, 300, 1), "{counts:?}");
    assert!(of("open") > 0 && of("tidy") > 1, "{counts:?}");
}

#[test]
fn a_sync_that_fails_is_an_append_that_failed_and_the_next_one_works() {
    if let Some(dir) = child::dir() {
        return append_until_one_fails(&dir);
    }
    if !child::has("strace") {
        return child::not_tested("a sync that fails, for there is no strace");
    }
    let mut failed = Vec::new();
    // SQLite is built with one of the first two.
    for call in ["fdatasync", "fsync", "pwrite64"] {
        let dir = TempDir::new();
        let inject = format!("inject={call}:error=EIO:when=60");
        let wrapper = ["strace", "-f", "-qq", "-e", &inject, "-o", "/dev/null"];
        let name = "a_sync_that_fails_is_an_append_that_failed_and_the_next_one_works";
        let done = child::command(&wrapper, module_path!(), name, &dir.join("state")).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{call}: {said}");
        if said.contains("one failed") {
            failed.push(call);
        }
        assert_eq!(read_all(&dir.join("state")).len(), 100 - said.matches("one failed").count(), "{call}");
    }
    assert_eq!(failed.len(), 2, "{failed:?}");
}

/// A hundred appends, of which at most one fails; each that did not is at its place.
fn append_until_one_fails(dir: &Path) {
    use std::io::Write;

    let mut ledger = open(dir).unwrap();
    for at in 0..100 {
        let before = ledger.head();
        match ledger.append(&[note(at)], Purpose::Raise) {
            Ok(rows) => assert_eq!(rows[0].seq, before.seq + 1),
            Err(AppendError::Io(error)) => {
                assert_eq!(ledger.head(), before);
                writeln!(std::io::stdout(), "one failed: {error}").unwrap();
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}
