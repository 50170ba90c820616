//! The product as it is installed: from the manifest, with visudo's consent, gone again without a trace in sudoers.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::manifest::{Made, Manifest};
use jit_e2e::{OrSkip as _, Release, RootBed};

#[test]
fn every_file_is_there_with_its_mode_and_the_policy_is_empty() {
    let manifest = Manifest::load().unwrap();
    for release in Release::ALL {
        let Some(bed) = RootBed::with_product(release).or_skip() else { return };
        for entry in &manifest.files {
            for path in [Some(&entry.to), entry.placed.as_ref()].into_iter().flatten() {
                assert_eq!(bed.mode(path).unwrap(), entry.mode().unwrap(), "{path}");
            }
        }
        for made in &manifest.made {
            match made {
                Made::Folder { path, mode } => {
                    assert_eq!(format!("{:04o}", bed.mode(path).unwrap()), *mode, "{path}");
                }
                Made::Group { group } => drop(bed.run(&["getent", "group", group]).unwrap().expect_ok()),
            }
        }
        assert_eq!(bed.run(&["ls", "-A", "/etc/jit/policy.d"]).unwrap().expect_ok().out, "");
        bed.run(&["visudo", "-c"]).unwrap().expect_ok().expect_says("/etc/sudoers.d/00-jit: parsed OK");
    }
}
