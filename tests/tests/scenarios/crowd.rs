//! Many at once: five hundred people, due in one second, off in one rewrite.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use jit_e2e::{Inside, Release, until};

use crate::site::{HEADER, Product as _, REASON, SOON, measured, site_with, wall};

const PEOPLE: u32 = 500;
const FIRST_UID: u32 = 20_000;

/// Accounts of people on call, written as useradd would, all at once.
fn crowd(bed: &Inside) {
    let group = bed.run(&["getent", "group", "oncall"]).unwrap().expect_ok().out;
    let gid = group.split(':').nth(2).unwrap().to_owned();
    let (mut passwd, mut shadow) = (bed.read("/etc/passwd").unwrap(), bed.read("/etc/shadow").unwrap());
    for number in 0..PEOPLE {
        let uid = FIRST_UID + number;
        writeln!(passwd, "p{number}:x:{uid}:{gid}::/:/bin/sh").unwrap();
        writeln!(shadow, "p{number}:*:20000:0:99999:7:::").unwrap();
    }
    bed.write("/etc/passwd", &passwd).unwrap();
    bed.write("/etc/shadow", &shadow).unwrap();
}

/// Everybody asks, a few at a time, for as long as it takes until `$1` in seconds since 1970.
fn ask(due: i64) -> String {
    format!(
        "seq 0 {last} | xargs -P 8 -I @ sh -c 'n=@; setpriv --reuid=$(({FIRST_UID} + n)) --clear-groups \
         jitctl elevate ids --for $(({due} - $(date +%s)))s --reason \"{REASON}\" --json' > /tmp/answers",
        last = PEOPLE - 1,
    )
}

#[test]
fn five_hundred_grants_due_in_one_second_are_off_in_one_rewrite() {
    let Some(site) = site_with(Release::Bookworm, |bed| crowd(bed)) else { return };
    let start = wall();
    let due = start / 1_000_000_000 + 40;
    site.command(&["bash", "-c", &ask(due)]).limit(Duration::from_secs(38)).run().unwrap();
    let count = |text: &str, part: &str| text.matches(part).count();
    let answers = site.read("/tmp/answers").unwrap();
    assert_eq!(count(&answers, "\"answer\":\"granted\""), PEOPLE as usize, "{answers:.3000}");
    assert_eq!(count(&site.sudoers(), "# grant "), PEOPLE as usize);
    measured(&format!("{PEOPLE} granted in {} ms", (wall() - start) / 1_000_000));

    let pid = site.jitd.pid_inside().unwrap().to_string();
    let words = ["strace", "-f", "-e", "trace=rename,renameat,renameat2", "-o", "/tmp/renames", "-p", &pid];
    let strace = site.command(&words).spawn().unwrap();
    strace.wait_for("attached", SOON).unwrap();
    let off = || (site.sudoers() == HEADER).then(wall);
    let off = until("all to be off", Duration::from_secs(90), off).unwrap();
    let ended = || Some(site.record("ended")).filter(|ended| ended.len() == PEOPLE as usize);
    let ended = until("all to be on the record", SOON, ended).unwrap();
    strace.terminate().unwrap();

    let intents = site.record("intent");
    let deadlines: BTreeSet<i64> =
        intents.iter().map(|entry| entry["body"]["deadline"]["wall"].as_i64().unwrap()).collect();
    let last = deadlines.last().unwrap();
    measured(&format!("due at {deadlines:?}, all off {} ms after the last", (off - last) / 1_000_000));
    // Whoever asked in the last moment of a second was heard in the next.
    assert!(deadlines.len() <= 2, "they were not due in one second");
    for entry in &ended {
        assert_eq!(entry["body"]["cause"], "expired");
        assert!(entry["body"]["late-ms"].as_i64().unwrap() < 1000, "{entry}");
    }
    let renames = site.read("/tmp/renames").unwrap();
    let rewrites =
        renames.lines().filter(|line| line.contains(", \"jit\"") || line.contains("sudoers.d/jit\"")).count();
    assert_eq!(rewrites, deadlines.len(), "{renames}");
    assert!(site.record("guard-acted").is_empty(), "jitd was in time");
}
