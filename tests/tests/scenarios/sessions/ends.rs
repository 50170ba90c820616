//! `at_expiry = "end"`: gone at the deadline, and at once by whatever ends the grant earlier.

use jit_e2e::{Release, until};

use super::{MANY, SLEEPERS, STUBBORN, bystander, machine, run, swept, told};
use crate::site::{Product as _, SOON, measured};

#[test]
fn at_the_deadline_everything_that_was_started_is_gone_and_nothing_else() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let other = bystander(&bed);
        let running = run(&bed, "root", "7s", STUBBORN);
        until("all to run", SOON, || (bed.processes("sleep").len() == SLEEPERS + 1).then_some(())).unwrap();
        let began = told(&bed, "session-began", |_| true);
        assert!(began["body"]["outside"].is_null(), "{began}");
        assert!(began["texts"]["command"].as_str().unwrap().contains("/bin/sh -c"), "{began}");
        let output = running.wait_end(SOON).unwrap();
        assert_ne!(output.code, 0, "{output}");
        let (late, killed) = swept(&bed);
        measured(&format!("{release}: {killed} processes gone {late} ms after the deadline"));
        assert!(late < 1_000 && killed > MANY, "{late} ms, {killed}");
        assert_eq!(bed.processes("sleep").len(), 1, "the bystander");
        assert!(other.is_running());
        let left =
            bed.sh("ls -d /sys/fs/cgroup/system.slice/jit-guard.service/grant-* /run/jit/limits/*").unwrap();
        assert_eq!(left.out, "", "{left}");
    }
}

#[test]
fn what_listens_is_told_before_and_ends_by_itself() {
    let Some(bed) = machine(Release::Trixie) else { return };
    let script = "trap 'echo hung up > /run/told' HUP; trap 'echo ended >> /run/told; exit 3' TERM; echo started; \
        while :; do sleep 0.1; done";
    let running = run(&bed, "root", "8s", script);
    running.wait_end(SOON).unwrap().expect_code(3);
    assert_eq!(bed.read("/run/told").unwrap(), "hung up\nended\n");
    assert_eq!(swept(&bed).1, 0, "nothing had to be killed");
    let ended = told(&bed, "session-ended", |_| true);
    assert_eq!(ended["body"]["status"], 3);
}

#[test]
fn a_revocation_a_drop_and_the_kill_switch_end_it_at_once() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        for (user, words) in [
            ("olga", &["revoke", "--user", "alice"][..]),
            ("alice", &["drop", "root"]),
            ("olga", &["lock", "--revoke"]),
        ] {
            let running = run(&bed, "root", "30m", STUBBORN);
            bed.jitctl(user, words).unwrap().expect_ok();
            running.wait_end(SOON).unwrap();
            let (late, killed) = swept(&bed);
            measured(&format!("{release}, {words:?}: {killed} processes gone after {late} ms"));
            assert!(late < 1_000, "{late} ms");
            assert!(bed.processes("sleep").is_empty());
            assert_eq!(bed.sudoers(), crate::site::HEADER);
        }
    }
}

#[test]
fn what_is_left_behind_ends_when_the_command_ends() {
    let Some(bed) = machine(Release::Bookworm) else { return };
    let running = run(&bed, "root", "30m", "setsid sleep 3001 & echo started; exit 7");
    running.wait_end(SOON).unwrap().expect_code(7);
    assert_eq!(swept(&bed).1, 1);
    assert!(bed.processes("sleep").is_empty());
    assert_eq!(told(&bed, "session-ended", |_| true)["body"]["status"], 7);
    // The service may look at all of the host, and nothing was left.
    let report = &told(&bed, "report", |_| true)["body"]["report"];
    assert!(report["looks"]["entries"].as_u64() > Some(5_000), "{report}");
    assert!(!report["left-out"].to_string().contains("os error"), "{report}");
    assert!(report["alive"].as_array().unwrap().is_empty(), "{report}");
}

#[test]
fn an_extension_keeps_it_running() {
    let Some(bed) = machine(Release::Trixie) else { return };
    let running = run(&bed, "root", "10s", STUBBORN);
    bed.jitctl("alice", &["extend", "root", "--for", "12s"]).unwrap().expect_ok();
    told(&bed, "ended", |body| body["cause"] == "replaced");
    let first = bed.record("intent").first().unwrap()["body"]["deadline"]["wall"].as_i64().unwrap();
    let past = || (crate::site::wall() > first + 1_500_000_000).then_some(());
    until("the first deadline to pass", SOON, past).unwrap();
    assert!(running.is_running());
    assert_eq!(bed.processes("sleep").len(), SLEEPERS);
    running.wait_end(SOON).unwrap();
    assert!(swept(&bed).0 < 1_000);
    assert!(bed.processes("sleep").is_empty());
}
