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

/// The syncs that jitd made until it said on a socket that this was granted.
fn syncs_before_answer(bed: &Inside, name: &str) -> Vec<String> {
    let trace = bed.read(&format!("/tmp/{name}")).unwrap();
    let is_answer = |line: &&str| line.contains("<socket:") && line.contains("on-call at once");
    assert!(trace.lines().any(|line| is_answer(&line)), "no answer in:\n{trace}");
    let before = trace.lines().take_while(|line| !is_answer(line));
    let is_sync = |line: &&str| SYNCS.iter().any(|call| line.contains(&format!(" {call}(")));
    before.filter(is_sync).map(str::to_owned).collect()
}

#[test]
fn a_grant_makes_one_sync_before_the_answer() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        for name in ["first", "second", "third"] {
            let strace = trace(&site, name);
            site.elevate("alice", "ids", "30m").expect_ok();
            strace.terminate().unwrap();
            let syncs = syncs_before_answer(&site, name);
            measured(&format!("{release}, {name}: {syncs:?}"));
            assert_eq!(syncs.len(), 1, "{syncs:#?}");
            site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        }
    }
}
