//! What leaves the grant's control group by root's own means goes on, and the closing report names it.

use jit_e2e::{Release, until};

use super::{machine, run, swept, told};
use crate::site::{SOON, measured};

/// A service, a job for later, and a process without a parent in a control group of its own.
const ESCAPE: &str = "systemd-run --unit=escaped sleep 3001; echo 'sleep 3002' | at now + 1 hour; \
    mkdir /sys/fs/cgroup/outside; setsid --fork sh -c 'echo $$ > /sys/fs/cgroup/outside/cgroup.procs; exec sleep 3003'; \
    until grep -q . /sys/fs/cgroup/outside/cgroup.procs; do sleep 0.1; done; echo started; sleep 3004";

#[test]
fn a_service_a_job_and_a_process_that_moved_itself_out_are_named() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let running = run(&bed, "root", "12s", ESCAPE);
        let three = || (bed.processes("sleep").len() == 3).then_some(());
        until("the service, the one outside and the one inside", SOON, three).unwrap();
        let out =
            bed.sh("cat /sys/fs/cgroup/outside/cgroup.procs").unwrap().expect_ok().out.trim().to_owned();
        running.wait_end(SOON).unwrap();
        swept(&bed);
        assert_eq!(bed.processes("sleep").len(), 2, "the service, and the one outside");
        let report = told(&bed, "report", |_| true)["body"]["report"].clone();
        measured(&format!("{release}: {report}"));
        let (alive, changes) = (report["alive"].to_string(), report["changes"].to_string());
        assert!(alive.contains(&format!("sleep ({out}) as uid 0")), "{alive}");
        assert!(changes.contains("/run/systemd/transient/escaped.service"), "{changes}");
        assert!(changes.contains("/var/spool/cron/atjobs/"), "{changes}");
    }
}
