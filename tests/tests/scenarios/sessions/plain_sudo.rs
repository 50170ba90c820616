//! With the module in sudo's stack, what plain `sudo` runs by a grant ends with the grant as well; what anybody may without
//! one is left alone.

use jit_e2e::{Release, until};

use super::{SLEEPERS, STUBBORN, machine, swept, told};
use crate::site::{Product as _, SOON};

/// The module's line, at the end of the stack.
const LINE: &str = "echo 'session required pam_jit.so' >> /etc/pam.d/sudo";

#[test]
fn what_plain_sudo_runs_by_a_grant_ends_with_it_and_what_it_runs_without_one_does_not() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        bed.sh(LINE).unwrap().expect_ok();
        bed.sh(
            "echo 'bob ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/20-bob; chmod 440 /etc/sudoers.d/20-bob",
        )
        .unwrap()
        .expect_ok();
        let script = ["sudo", "-n", "/bin/sh", "-c", STUBBORN];
        let others = bed.command(&["sudo", "-n", "sh", "-c", "echo started; exec sleep 4001"]).user("bob");
        let others = others.spawn().unwrap();
        others.wait_for("started", SOON).unwrap();
        bed.grant("alice", "root", "9s");
        let running = bed.command(&script).user("alice").spawn().unwrap();
        running.wait_for("started", SOON).unwrap();
        until("all to run", SOON, || (bed.processes("sleep").len() == SLEEPERS + 1).then_some(())).unwrap();
        let began = told(&bed, "session-began", |_| true);
        assert!(began["body"]["outside"].is_null(), "{began}");
        running.wait_end(SOON).unwrap();
        assert!(swept(&bed).0 < 1_000);
        assert_eq!(bed.processes("sleep").len(), 1, "bob's");
        assert!(others.is_running());
        assert_eq!(bed.record("session-began").len(), 1, "bob holds no grant");
    }
}
