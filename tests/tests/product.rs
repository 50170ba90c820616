//! The product as it is installed: from the manifest, with visudo's consent, gone again without a trace in sudoers.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::time::Duration;

use jit_e2e::manifest::{Made, Manifest};
use jit_e2e::{BootedBed, OrSkip as _, Release, RootBed, Signal, until};

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

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    for release in Release::ALL {
        let Some(bed) = RootBed::with_product(release).or_skip() else { return };
        let units = ["jitd.service", "jitd.socket", "jit-guard.service"];
        let verify =
            bed.run(&[&["systemd-analyze", "verify", "--man=no"], units.as_slice()].concat()).unwrap();
        assert_eq!(verify.expect_ok().text(), "");
        for unit in ["jitd.service", "jit-guard.service"] {
            // 0 is sealed, 10 wide open; above 5 systemd itself says "medium".
            let security =
                ["systemd-analyze", "security", "--offline=yes", "--threshold=50", "--no-pager", unit];
            bed.run(&security).unwrap().expect_ok();
        }
    }
}

#[test]
fn a_host_whose_sudoers_is_broken_gets_no_include() {
    let Some(bed) = RootBed::with_product(Release::Bookworm).or_skip() else { return };
    bed.remove("/etc/sudoers.d/00-jit").unwrap();
    bed.write_mode("/etc/sudoers.d/admin", "this is no rule\n", 0o440).unwrap();
    bed.install()
        .unwrap()
        .expect_code(1)
        .expect_says("visudo does not agree")
        .expect_says("/etc/sudoers.d/admin");
    assert_eq!(bed.run(&["ls", "/etc/sudoers.d"]).unwrap().expect_ok().out, "README\nadmin\n");
    bed.remove("/etc/sudoers.d/admin").unwrap();
    bed.install().unwrap().expect_ok();
    assert!(bed.exists("/etc/sudoers.d/00-jit"));
}

#[test]
fn an_include_that_the_admin_changed_is_left_alone() {
    let Some(bed) = RootBed::with_product(Release::Bookworm).or_skip() else { return };
    bed.write("/etc/sudoers.d/00-jit", "# not today\n").unwrap();
    bed.install().unwrap().expect_ok().expect_says("was changed on this host");
    assert_eq!(bed.read("/etc/sudoers.d/00-jit").unwrap(), "# not today\n");
}

#[test]
fn the_package_installs_upgrades_and_leaves_no_trace_in_sudoers() {
    let folder = jit_e2e::cache::target().unwrap().join("debian-test");
    std::fs::create_dir_all(&folder).unwrap();
    let package = jit_e2e::package::build(&folder).unwrap();
    for release in Release::ALL {
        let Some(bed) = RootBed::bare(release).or_skip() else { return };
        bed.copy_in(&package, "/tmp/jit.deb").unwrap();
        for _ in ["installed", "upgraded"] {
            bed.run(&["dpkg", "-i", "/tmp/jit.deb"]).unwrap().expect_ok();
            assert_eq!(bed.mode("/etc/sudoers.d/00-jit").unwrap(), 0o440);
            bed.run(&["systemctl", "is-enabled", "jitd.socket", "jit-guard.service"]).unwrap().expect_ok();
        }
        bed.write("/var/lib/jit/ledger.db", "a record").unwrap();
        bed.write("/etc/jit/jitd.toml", "# mine\n").unwrap();
        bed.run(&["dpkg", "-r", "jit"]).unwrap().expect_ok();
        assert!(
            !bed.exists("/etc/sudoers.d/00-jit") && !bed.exists("/usr/sbin/jitd") && !bed.exists("/run/jit")
        );
        assert_eq!(bed.read("/etc/jit/jitd.toml").unwrap(), "# mine\n");
        bed.run(&["dpkg", "-P", "jit"]).unwrap().expect_ok();
        assert!(!bed.exists("/etc/jit/jitd.toml"));
        assert_eq!(bed.read("/var/lib/jit/ledger.db").unwrap(), "a record");
    }
}

#[test]
fn the_package_starts_the_services_and_a_reboot_finds_them_again() {
    for release in Release::ALL {
        let Some(mut bed) = BootedBed::with_product(release).or_skip() else { return };
        for moment in ["installed", "rebooted"] {
            if moment == "rebooted" {
                bed.reboot().unwrap();
            }
            for unit in ["jitd.socket", "jitd.service", "jit-guard.service"] {
                assert_eq!(bed.unit(unit).property("ActiveState").unwrap(), "active", "{unit} {moment}");
            }
            assert_eq!(bed.state().unwrap().out, "running\n");
            assert_eq!(bed.mode("/run/jit/jitd.sock").unwrap(), 0o666);
        }
    }
}

#[test]
fn systemd_starts_again_what_was_killed() {
    let Some(bed) = BootedBed::with_product(Release::Bookworm).or_skip() else { return };
    for name in ["jitd.service", "jit-guard.service"] {
        let unit = bed.unit(name);
        let first = unit.main_process().unwrap();
        unit.signal(Signal::SIGKILL).unwrap();
        let again = || unit.main_process().ok().filter(|&pid| pid != first);
        until(&format!("{name} to run again"), Duration::from_secs(10), again).unwrap();
    }
}
