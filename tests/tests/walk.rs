//! A short walk over the points at which jitd and the guard can die or their disks can fail: the same ones each time, so that
//! a failure is the change's. `cargo walk` goes to others each time, and `cargo walk full` to all of them.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::walk::{Extent, Fault, Plan, told_offset, walk};
use jit_e2e::{OrSkip as _, Release};

/// Where it begins if nothing is said; it says the release as well.
const FIRST: usize = 100;

/// Points of each scenario with each fault.
const EACH: usize = 2;

/// How many scenarios at once: much of each is waiting.
const AT_ONCE: usize = 3;

#[test]
fn killed_at_any_step_or_with_a_failing_disk_the_host_is_as_the_record_says() {
    let offset = told_offset().unwrap_or(FIRST);
    let Some(release) = Release::ALL.get(offset % Release::ALL.len()).copied() else { return };
    let plan =
        Plan { release, extent: Extent::Each(EACH), offset, at_once: AT_ONCE, only: None, point: None };
    // The real one: whoever reads a run sees which points it met.
    let mut out = std::io::stderr();
    let Some(walked) = walk(&plan, &mut out).or_skip() else { return };
    for scenario in &walked {
        for fault in Fault::ALL {
            assert_eq!(scenario.walked.get(&fault), Some(&EACH), "{scenario:?}");
        }
    }
}
