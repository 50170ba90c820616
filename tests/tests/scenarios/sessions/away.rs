//! jitd is killed and kept down, or started anew, while something runs with a grant.

use jit_e2e::{Release, until};
use nix::sys::signal::Signal;

use super::{SLEEPERS, STUBBORN, bystander, machine, run, swept, told};
use crate::site::{Product as _, SOON, measured, wall};

#[test]
fn without_jitd_the_guard_ends_it() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let other = bystander(&bed);
        let running = run(&bed, "root", "9s", STUBBORN);
        let deadline = bed.record("intent").last().unwrap()["body"]["deadline"]["wall"].as_i64().unwrap();
        for unit in ["jitd.socket", "jitd.service"] {
            bed.run(&["systemctl", "mask", "--runtime", unit]).unwrap().expect_ok();
        }
        bed.unit("jitd.service").signal(Signal::SIGKILL).unwrap();
        let gone = || (bed.processes("sleep").len() == 1).then(wall);
        let at = until("all of it to be gone", SOON, gone).unwrap();
        measured(&format!("{release}: gone {} ms after the deadline, as seen", (at - deadline) / 1_000_000));
        assert!(at >= deadline && at - deadline < 1_500_000_000, "{}", at - deadline);
        assert!(other.is_running());
        running.wait_end(SOON).unwrap();
        for unit in ["jitd.socket", "jitd.service"] {
            bed.run(&["systemctl", "unmask", "--runtime", unit]).unwrap().expect_ok();
        }
        bed.unit("jitd.service").start().unwrap();
        let acted = told(&bed, "guard-acted", |body| body["note"].as_str().unwrap().contains("were killed"));
        assert!(acted["body"]["note"].as_str().unwrap().contains("processes"), "{acted}");
        swept(&bed);
    }
}

#[test]
fn no_restart_of_jitd_or_of_the_guard_ends_anything_early_and_the_end_comes_all_the_same() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let running = run(&bed, "root", "30m", STUBBORN);
        for unit in ["jitd.service", "jit-guard.service"] {
            bed.unit(unit).restart().unwrap();
            let before = bed.unit(unit).main_process().unwrap();
            bed.unit(unit).signal(Signal::SIGKILL).unwrap();
            let anew = || bed.unit(unit).main_process().ok().filter(|pid| *pid != before);
            until("systemd to start it anew", SOON, anew).unwrap();
            assert!(running.is_running() && bed.processes("sleep").len() == SLEEPERS, "{unit}");
        }
        bed.unit("jit-guard.service").stop().unwrap();
        assert_eq!(bed.processes("sleep").len(), SLEEPERS);
        bed.unit("jit-guard.service").start().unwrap();
        bed.jitctl("olga", &["revoke", "--all"]).unwrap().expect_ok();
        running.wait_end(SOON).unwrap();
        swept(&bed);
        assert!(bed.processes("sleep").is_empty());
    }
}

#[test]
fn the_guard_ends_everything_when_it_is_asked_to() {
    let Some(bed) = machine(Release::Bookworm) else { return };
    let running = run(&bed, "slow", "30m", STUBBORN);
    bed.run(&["jit-guard", "--all"]).unwrap().expect_ok();
    running.wait_end(SOON).unwrap();
    assert!(bed.processes("sleep").is_empty());
}
