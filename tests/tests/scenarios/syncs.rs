//! What a grant waits for: one sync of the disk, and no more, before its holder is told.

use jit_e2e::{Inside, Release, Running};

use crate::site::{Product as _, SOON, Site, measured, site};

/// Every call that makes a disk write out what it holds.
const SYNCS: [&str; 6] = ["fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync"];

/// Follows jitd with strace, into `/tmp/<name>`.
fn trace(site: &Site, name: &str) -> Running {
    let pid = site.jitd.pid_inside().unwrap().to_string();
    let calls = format!("trace={},sendto,sendmsg,write,writev", SYNCS.join(","));
    let file = format!("/tmp/{name}");
    let words = ["strace", "-f", "-y", "-s", "4096", "-e", &calls, "-o", &file, "-p", &pid];
    let strace = site.command(&words).spawn().unwrap();
    strace.wait_for("attached", SOON).unwrap();
    strace
}

/// The syncs of one grant, and what lies between them. The engine hands the answer to the thread of the sockets, which it
/// wakes by an eventfd(2); then it writes what came of it. On a busy machine that may be on the disk before the other thread
/// has run, so what counts is when the engine handed the answer over.
#[derive(Debug)]
struct Syncs {
    all: Vec<String>,
    /// How many there were when the engine first woke somebody after the first.
    at_hand_over: usize,
    /// How many there were when the answer was written to the socket.
    at_answer: usize,
}

fn syncs(bed: &Inside, name: &str) -> Syncs {
    let trace = bed.read(&format!("/tmp/{name}")).unwrap();
    let is_sync = |line: &&str| SYNCS.iter().any(|call| line.contains(&format!(" {call}(")));
    let is_answer = |line: &&str| line.contains("<socket:") && line.contains("on-call at once");
    let first = trace.lines().find(is_sync).unwrap_or_else(|| panic!("no sync in:\n{trace}"));
    let engine = first.split_whitespace().next().unwrap();
    let is_hand_over = |line: &&str| line.starts_with(&format!("{engine} ")) && line.contains("eventfd");
    let count_until = |is_it: &dyn Fn(&&str) -> bool| {
        let from = trace.lines().position(|line| line == first).unwrap();
        let end = trace.lines().skip(from).position(|line| is_it(&line));
        let end = end.unwrap_or_else(|| panic!("no answer after the first sync in:\n{trace}"));
        trace.lines().take(from + end).filter(is_sync).count()
    };
    Syncs {
        at_hand_over: count_until(&is_hand_over),
        at_answer: count_until(&is_answer),
        all: trace.lines().filter(is_sync).map(str::to_owned).collect(),
    }
}

#[test]
fn a_grant_makes_one_sync_before_the_answer() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        for name in ["first", "second", "third"] {
            let strace = trace(&site, name);
            let grant = site.grant("alice", "ids", "30m");
            site.told(&grant, "applied");
            strace.terminate().unwrap();
            let syncs = syncs(&site, name);
            measured(&format!("{release}, {name}: {syncs:?}"));
            assert!(syncs.all.iter().all(|sync| sync.contains("/ledger.db-wal>")), "{syncs:#?}");
            // One before, and one for what came of it.
            assert_eq!((syncs.all.len(), syncs.at_hand_over), (2, 1), "{syncs:#?}");
            assert!(syncs.at_answer >= 1, "{syncs:#?}");
            site.jitctl("alice", &["drop"]).unwrap().expect_ok();
            // Its closing report is an entry of its own, after everything else.
            site.told(&grant, "report");
        }
    }
}
