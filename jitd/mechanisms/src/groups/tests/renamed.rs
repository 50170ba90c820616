//! Groups and people who are called something else by now.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

use std::fs;
use std::time::Instant;

use super::{Book, GROUP, GSHADOW, PASSWD, alice, host, member, outcome, run, texts};
use crate::groups::*;

#[test]
fn somebody_who_got_another_name_is_not_called_gone() {
    let given = Given::from([alice()]);
    let scratch = host();
    run(&scratch, &[alice()], &Given::new()).unwrap();
    // What usermod -l does.
    let (group, gshadow) = texts(&scratch);
    let paths = scratch.paths();
    fs::write(&paths.etc_group, group.replace("alice", "alice2")).unwrap();
    fs::write(&paths.etc_gshadow, gshadow.replace("alice", "alice2")).unwrap();
    fs::write(&paths.etc_passwd, PASSWD.replace("alice", "alice2")).unwrap();
    let outcomes = outcome(&scratch, &[], &given);
    let Outcome::Refused(why) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(why.to_string().contains("gpasswd -d alice2 docker"), "{why}");
    let first = fs::read_to_string(&paths.etc_group).unwrap();
    assert!(first.contains("bob,alice2"), "it may be a new account with an old number");
    // A second name of somebody who still has the first one is his own business.
    fs::write(&paths.etc_passwd, format!("{PASSWD}alice2:x:1000:1000::/:/bin/sh\n")).unwrap();
    assert_eq!(outcome(&scratch, &[], &given), [Outcome::WasGone]);
    fs::write(&paths.etc_passwd, PASSWD.replace("alice", "alice2")).unwrap();
    fs::write(&paths.etc_group, GROUP).unwrap();
    fs::write(&paths.etc_gshadow, GSHADOW).unwrap();
    assert_eq!(outcome(&scratch, &[], &given), [Outcome::WasGone], "out by the new name as well");
}

#[test]
fn a_thousand_members_of_a_renamed_group_are_one_more_pass() {
    let teams: String =
        (0..10_000).map(|at| format!("team{at}:x:{}:anna{at},bert{at}\n", 2_000 + at)).collect();
    let texts = |group: &str| format!("{group}:x:999:u7\n{teams}");
    let of = |at: u32| member("docker", 999, &format!("u{at}"), 5_000 + at);
    let given: Given = (0..1_000).map(of).collect();
    let time = |group: &str| {
        let scratch = host();
        fs::write(scratch.paths().etc_group, texts(group)).unwrap();
        let begun = Instant::now();
        let report = look(&scratch.paths(), &Wanted::default(), &given, &mut Book::default()).unwrap();
        let renamed = |outcome: &&Outcome| matches!(outcome, Outcome::Refused(Refusal::Renamed { .. }));
        (begun.elapsed(), report.outcomes.values().filter(renamed).count())
    };
    let (as_it_was, none) = time("docker");
    let (renamed, one) = time("whales");
    assert_eq!((none, one), (0, 1), "the others were not in it");
    // Once for each of them would be some hundred times as long.
    assert!(renamed < as_it_was * 20, "{renamed:?} and {as_it_was:?}");
}
