//! Many at once: each is in, all are out in one rewrite; and what one of them costs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use jit_e2e::{Inside, Release, until};

use super::{files, lend, lending, members};
use crate::site::{Product as _, REASON, SOON, measured, site_with, wall};

const FIRST_UID: u32 = 20_000;

/// Accounts of people on call, written as useradd would, all at once.
fn crowd(bed: &Inside, people: u32) {
    let group = bed.run(&["getent", "group", "oncall"]).unwrap().expect_ok().out;
    let gid = group.split(':').nth(2).unwrap().to_owned();
    let (mut passwd, mut shadow) = (bed.read("/etc/passwd").unwrap(), bed.read("/etc/shadow").unwrap());
    for number in 0..people {
        let uid = FIRST_UID + number;
        writeln!(passwd, "p{number}:x:{uid}:{gid}::/:/bin/sh").unwrap();
        writeln!(shadow, "p{number}:*:20000:0:99999:7:::").unwrap();
    }
    bed.write("/etc/passwd", &passwd).unwrap();
    bed.write("/etc/shadow", &shadow).unwrap();
}

/// Everybody of the crowd asks, so many at a time; `length` is a shell expression.
fn ask(people: u32, at_a_time: u32, length: &str) -> String {
    format!(
        "seq 0 {last} | xargs -P {at_a_time} -I @ sh -c 'n=@; setpriv --reuid=$(({FIRST_UID} + n)) --clear-groups \
         jitctl elevate docker --for {length} --reason \"{REASON}\" --json' > /tmp/answers",
        last = people - 1,
    )
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn twenty_who_ask_at_once_are_twenty_members() {
    for release in Release::ALL {
        let Some(site) = site_with(release, |bed| {
            lend(bed);
            crowd(bed, 20);
        }) else {
            return;
        };
        let before = files(&site);
        site.sh(&ask(20, 20, "30m")).unwrap();
        let answers = site.read("/tmp/answers").unwrap();
        assert_eq!(count(&answers, "\"answer\":\"granted\""), 20, "{answers:.3000}");
        for members in members(&site, "docker") {
            assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), 20, "{members:?}");
        }
        site.jitctl("root", &["revoke", "--all"]).unwrap().expect_ok();
        assert_eq!(files(&site), before);
    }
}

#[test]
fn four_hundred_due_at_once_are_out_in_one_rewrite() {
    const PEOPLE: u32 = 400;
    let Some(site) = site_with(Release::Bookworm, |bed| {
        lend(bed);
        crowd(bed, PEOPLE);
    }) else {
        return;
    };
    let before = files(&site);
    // How long it takes them all to ask is found out first, for they are to be due together.
    const FIRST: u32 = 40;
    let start = wall();
    site.sh(&ask(FIRST, 8, "30m")).unwrap();
    let each = (wall() - start) / i64::from(FIRST);
    site.jitctl("root", &["revoke", "--all"]).unwrap().expect_ok();
    let start = wall();
    // Each grant costs the next one a little: sudo reads them all.
    let due = (start + 9 * each * i64::from(PEOPLE)) / 1_000_000_000 + 10;
    let limit = Duration::from_nanos(u64::try_from(due * 1_000_000_000 - wall()).unwrap());
    let length = format!("$(({due} - $(date +%s)))s");
    site.command(&["bash", "-c", &ask(PEOPLE, 8, &length)]).limit(limit).run().unwrap();
    let answers = site.read("/tmp/answers").unwrap();
    assert_eq!(count(&answers, "\"answer\":\"granted\""), PEOPLE as usize, "{answers:.3000}");
    assert_eq!(members(&site, "docker").map(|members| members.len()), [PEOPLE as usize; 2]);
    measured(&format!("{PEOPLE} granted in {} ms", (wall() - start) / 1_000_000));

    let pid = site.jitd.pid_inside().unwrap().to_string();
    let words = ["strace", "-f", "-e", "trace=rename,renameat,renameat2", "-o", "/tmp/renames", "-p", &pid];
    let strace = site.command(&words).spawn().unwrap();
    strace.wait_for("attached", SOON).unwrap();
    let out = || (files(&site) == before).then(wall);
    let out = until("all to be out, and the rest as it was", limit + SOON, out).unwrap();
    let ended = || Some(site.record("ended")).filter(|ended| ended.len() == (FIRST + PEOPLE) as usize);
    until("all to be on the record", SOON, ended).unwrap();
    strace.terminate().unwrap();
    let deadlines: BTreeSet<i64> = site
        .record("intent")
        .iter()
        .skip(FIRST as usize)
        .map(|entry| entry["body"]["deadline"]["wall"].as_i64().unwrap())
        .collect();
    measured(&format!(
        "all out {} ms after the last deadline",
        (out - deadlines.last().unwrap()) / 1_000_000
    ));
    // Whoever asked in the last moment of a second was heard in the next, or later on a busy machine.
    assert!(deadlines.len() <= 8, "{deadlines:?}");
    let renames = site.read("/tmp/renames").unwrap();
    for file in ["\"group\"", "\"gshadow\""] {
        assert_eq!(count(&renames, file), deadlines.len(), "{renames}");
    }
    assert!(site.record("guard-acted").is_empty(), "jitd was in time");
}

/// Every call that makes a disk write out what it holds.
const SYNCS: [&str; 6] = ["fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync"];

#[test]
fn a_group_costs_four_syncs_before_the_answer() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        for (name, user) in [("first", "alice"), ("second", "dora"), ("third", "carl")] {
            let pid = site.jitd.pid_inside().unwrap().to_string();
            let calls = format!("trace={},sendto,sendmsg,write,writev", SYNCS.join(","));
            let file = format!("/tmp/{name}");
            let words = ["strace", "-f", "-y", "-s", "4096", "-e", &calls, "-o", &file, "-p", &pid];
            let strace = site.command(&words).spawn().unwrap();
            strace.wait_for("attached", SOON).unwrap();
            site.elevate(user, "docker", "30m").expect_ok();
            strace.terminate().unwrap();
            let trace = site.read(&file).unwrap();
            let is_answer = |line: &&str| line.contains("<socket:") && line.contains("groups at once");
            assert!(trace.lines().any(|line| is_answer(&line)), "no answer in:\n{trace}");
            let is_sync = |line: &&str| SYNCS.iter().any(|call| line.contains(&format!(" {call}(")));
            let syncs: Vec<&str> =
                trace.lines().take_while(|line| !is_answer(line)).filter(is_sync).collect();
            measured(&format!("{release}, {name}: {syncs:?}"));
            let of = |part: &str| syncs.iter().position(|sync| sync.contains(part));
            let order = ["/ledger.db-wal>", "/.applied.", "/etc/.group.", "/etc/.gshadow."].map(of);
            assert_eq!(order, [Some(0), Some(1), Some(2), Some(3)], "{syncs:#?}");
            // The answer is said by another thread. On a busy machine what came of it is written by then, which it does not
            // wait for.
            assert!(syncs.iter().skip(4).all(|sync| sync.contains("/ledger.db-wal>")), "{syncs:#?}");
            assert!(syncs.len() <= 5, "{syncs:#?}");
        }
    }
}
