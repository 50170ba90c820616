//! The booted beds: systemd runs well in them, reboots keep the disk, and nothing of them is left.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::{BootedBed, OrSkip as _, Release, processes};

#[test]
fn systemd_runs_without_a_failed_unit_on_both_releases() {
    for release in Release::ALL {
        let Some(bed) = BootedBed::bare(release).or_skip() else { return };
        assert_eq!(bed.state().unwrap().expect_ok().out, "running\n");
    }
}

#[test]
fn a_reboot_and_a_cut_keep_the_disk_and_change_the_boot_id() {
    let Some(mut bed) = BootedBed::bare(Release::Bookworm).or_skip() else { return };
    let boot_id =
        |bed: &BootedBed| bed.run(&["cat", "/proc/sys/kernel/random/boot_id"]).unwrap().expect_ok().out;
    let first = boot_id(&bed);
    bed.sh("echo kept > /var/kept; echo gone > /run/gone").unwrap().expect_ok();
    bed.reboot().unwrap();
    assert_eq!(bed.read("/var/kept").unwrap(), "kept\n");
    assert!(!bed.exists("/run/gone"));
    let second = boot_id(&bed);
    assert_ne!(first, second);
    bed.cut().unwrap();
    bed.up().unwrap();
    assert_ne!(second, boot_id(&bed));
    bed.down().unwrap();
    bed.up().unwrap();
    assert_eq!(bed.read("/var/kept").unwrap(), "kept\n");
}

#[test]
fn a_user_logs_in_by_pam_and_sudo_works() {
    for release in Release::ALL {
        let Some(bed) = BootedBed::bare(release).or_skip() else { return };
        let alice = bed.add_user("alice", &["oncall"], None).unwrap();
        let login = bed.as_user("alice", &["cat", "/proc/self/loginuid"]).unwrap().expect_ok();
        assert_eq!(login.out, alice.uid.to_string());
        bed.write_mode(
            "/etc/sudoers.d/test",
            &format!("#{} ALL=(root) NOPASSWD: /usr/bin/id\n", alice.uid),
            0o440,
        )
        .unwrap();
        assert_eq!(bed.as_user("alice", &["sudo", "-n", "id", "-u"]).unwrap().expect_ok().out, "0\n");
        let script = bed.as_user("alice", &["bash", "-c", r#"x=1; echo "$x ${HOME} $USER""#]).unwrap();
        assert_eq!(script.expect_ok().out, "1 /home/alice alice\n");
    }
}

#[test]
fn nothing_of_a_machine_is_left() {
    let Some(bed) = BootedBed::bare(Release::Trixie).or_skip() else { return };
    let (title, leader) = (bed.title().to_owned(), bed.leader());
    let group = |title: &str| {
        let found = std::process::Command::new("find")
            .args(["/sys/fs/cgroup", "-name", &format!("jit-{title}")])
            .output();
        String::from_utf8(found.unwrap().stdout).unwrap()
    };
    assert_ne!(group(&title), "");
    drop(bed);
    assert!(!processes::alive(leader));
    assert_eq!(group(&title), "");
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&title) && !mounts.contains("/beds/nspawn"), "{mounts}");
}
