//! Under load: others are answered, memory stays small, and nothing that is due is late. `cargo load` is the same with release
//! builds and ten thousand grants.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::load::{self, Sudo};
use jit_e2e::{OrSkip as _, Release, RootBed};

/// Live grants in debug builds, which take longer.
const GRANTS: u32 = 500;

/// Seconds until they are all due.
const SECONDS: u64 = 20;

#[test]
fn a_thousand_at_once_are_answered_beside_those_who_mean_no_good() {
    let Some(bed) = RootBed::with_product(Release::Bookworm).or_skip() else { return };
    let crowd = load::crowd(bed, load::CLIENTS).unwrap();
    tell(&crowd.lines());
    assert_eq!(crowd.missed(), [""; 0], "{crowd:#?}");
}

#[test]
fn many_live_grants_are_held_and_all_are_off_on_time_in_one_rewrite() {
    let Some(bed) = RootBed::with_product(Release::Bookworm).or_skip() else { return };
    let held = load::held(bed, GRANTS, SECONDS, Sudo::AskedNow).unwrap();
    tell(&held.lines());
    assert_eq!(held.missed(), [""; 0], "{held:#?}");
}

/// Tells figures to whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stderr, reason = "libtest captures it, and shows it when the test fails")]
fn tell(lines: &[String]) {
    eprintln!("{}", lines.join("\n"));
}
