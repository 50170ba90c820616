//! `at_expiry = "finish"` and `"pause"`: alive and listed until a limit; frozen, and resumed by the role granted again.

use jit_e2e::{Release, until};

use super::{MANY, SLEEPERS, STUBBORN, machine, run, swept, told};
use crate::site::{Product as _, SOON};

#[test]
fn what_may_finish_runs_on_without_the_role_and_is_ended_at_its_limit() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let running = run(&bed, "slow", "4s", STUBBORN);
        let finishing = told(&bed, "swept", |body| !body["what"]["finishing"].is_null());
        assert!(finishing["body"]["what"]["finishing"]["processes"].as_u64().unwrap() > MANY);
        assert!(running.is_running() && bed.processes("sleep").len() == SLEEPERS);
        assert!(!bed.may("alice"), "nothing new is started with it");
        let id = finishing["id"].as_str().unwrap();
        let listed = bed.jitctl("alice", &["show", id]).unwrap().expect_ok().expect_says("runs with it now");
        assert_eq!(listed.out.matches("  sleep (").count(), SLEEPERS, "{listed}");
        assert!(listed.out.contains("as uid 0"), "{listed}");
        running.wait_end(SOON).unwrap();
        assert!(swept(&bed).0 < 1_000);
        assert!(bed.processes("sleep").is_empty());
    }
}

#[test]
fn what_is_frozen_goes_on_when_the_role_is_granted_again() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let script = "trap '' HUP TERM; echo started; while :; do date +%N > /run/beat; sleep 0.05; done";
        let running = run(&bed, "held", "4s", script);
        told(&bed, "swept", |body| !body["what"]["frozen"].is_null());
        let beat = || bed.read("/run/beat").unwrap();
        let frozen = beat();
        assert!(!bed.may("alice") && running.is_running());
        assert_eq!(beat(), frozen, "it does not run");
        bed.grant("alice", "held", "4s");
        told(&bed, "swept", |body| body["what"] == "resumed");
        until("it to go on", SOON, || (beat() != frozen).then_some(())).unwrap();
        // And it is frozen again, and ended when nobody grants it any more.
        running.wait_end(SOON).unwrap();
        assert!(swept(&bed).0 < 1_000);
    }
}
