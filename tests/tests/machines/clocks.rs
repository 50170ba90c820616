//! The wall clock is set, by hours and by years, both ways: back prolongs nothing, forward ends what is due by then.

use jit_e2e::{MachineBed, until};
use serde_json::Value;

use crate::site::{Granted, RELEASES, SECOND, SOON, Site as _, machine, measured, nobody_has_anything};

/// How long after the deadline, or after the step, it may be until somebody is out.
const LATE: i64 = 2 * SECOND;

/// Sets the clock, and tells the boot clock of then.
fn set(bed: &MachineBed, to: &str) -> i64 {
    let set = bed.sh(&format!("date -s '{to}' && cat /proc/uptime")).unwrap().expect_ok();
    measured(&set.out);
    bed.boot_clock()
}

/// Waits in the machine until nothing of a grant is on the host; nanoseconds of the boot clock.
fn off(bed: &MachineBed, grant: &Granted, user: &str) -> i64 {
    let script = format!(
        "while grep -q {} /run/jit/sudoers.d/jit || grep -q '^docker:.*{user}' /etc/group; do sleep 0.05; done",
        grant.id
    );
    bed.sh(&script).unwrap().expect_ok();
    bed.boot_clock()
}

fn entry(bed: &MachineBed, kind: &str, id: &str) -> Option<Value> {
    bed.record(kind).into_iter().find(|entry| entry["id"] == *id)
}

#[test]
fn a_wall_clock_that_is_set_back_prolongs_nothing() {
    for release in RELEASES {
        let Some(bed) = machine(release) else { return };
        let before = bed.groups();
        for to in ["-2 hours", "2001-01-01"] {
            let grants =
                [("alice", bed.grant("alice", "docker", "10s")), ("dora", bed.grant("dora", "ids", "10s"))];
            set(&bed, to);
            let mut live = grants.iter().filter(|(_, grant)| bed.boot_clock() < grant.boot);
            assert!(live.next().is_some(), "they were to be live when the clock was set");
            for (user, grant) in &grants {
                bed.idle_until(grant.boot);
                let late = off(&bed, grant, user) - grant.boot;
                measured(&format!("{to}: {user} off {late} ns after the deadline"));
                assert!(late < LATE, "{to}: {user} {late}");
                assert_eq!(bed.told(&grant.id, "ended")["body"]["cause"], "expired");
            }
            nobody_has_anything(&bed, &before);
        }
    }
}

#[test]
fn a_wall_clock_that_is_set_forward_ends_what_is_due_by_then_and_back_again_brings_nothing_back() {
    for release in RELEASES {
        let Some(bed) = machine(release) else { return };
        let before = bed.groups();
        let short = bed.grant("alice", "docker", "1h");
        let long = bed.grant("dora", "ids", "8h");
        bed.jitctl("alice", &["elevate", "hosts", "--no-wait"]).unwrap().expect_code(4);
        let open = bed.record("pending").pop().unwrap()["id"].as_str().unwrap().to_owned();
        let at = ["elevate", "ids", "--for", "1h", "--reason", "INC-42 later", "--at"];
        let schedule = |at_time: &str| {
            bed.jitctl("alice", &[&at[..], &[at_time]].concat()).unwrap().expect_ok();
            bed.record("scheduled").pop().unwrap()["id"].as_str().unwrap().to_owned()
        };
        let soon = schedule("2030-06-01T15:00:00Z");

        let step = set(&bed, "+2 hours");
        let late = off(&bed, &short, "alice") - step;
        measured(&format!("off {late} ns after the step"));
        assert!(late < LATE, "{late}");
        assert_eq!(bed.told(&short.id, "ended")["body"]["cause"], "expired");
        assert!(!bed.works("alice") && bed.may("dora"), "what is not due stays");
        let closed = until("the question to lapse", SOON, || entry(&bed, "closed", &open)).unwrap();
        assert_eq!(closed["body"]["cause"], "lapsed", "{closed}");
        assert!(entry(&bed, "intent", &soon).is_none(), "its start is to come");

        set(&bed, "2030-06-01 15:00:10 UTC");
        let intent = until("its start", SOON, || entry(&bed, "intent", &soon)).unwrap();
        let length = intent["body"]["deadline"]["boot"].as_i64().unwrap() - bed.boot_clock();
        assert!(length > 3500 * SECOND && length <= 3600 * SECOND, "it has its hour from now on: {length}");
        until("it to be in force", SOON, || bed.may("alice").then_some(())).unwrap();

        let step = set(&bed, "+10 years");
        for (user, id) in [("dora", &long.id), ("alice", &soon)] {
            let grant = Granted { id: id.clone(), ..long.clone() };
            let late = off(&bed, &grant, user) - step;
            measured(&format!("{user} off {late} ns after the step"));
            assert!(late < LATE, "{late}");
            assert_eq!(bed.told(id, "ended")["body"]["cause"], "expired");
        }
        nobody_has_anything(&bed, &before);
        set(&bed, "-10 years");
        nobody_has_anything(&bed, &before);
        assert_eq!(bed.jitctl("root", &["status"]).unwrap().code, 0);
        let next = bed.grant("alice", "docker", "30m");
        assert!(bed.works("alice") && next.boot > bed.boot_clock());
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
        nobody_has_anything(&bed, &before);
    }
}
