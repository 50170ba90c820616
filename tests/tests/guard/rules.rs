//! What the guard does about rules of sudo. They carry no NOTAFTER, so that nothing but the guard can take them off.

use std::time::Duration;

use jit_e2e::{Release, Running, until};

use crate::site::*;

#[test]
fn without_jitd_a_rule_is_off_within_a_second_after_its_deadline() {
    for release in Release::ALL {
        let Some((bed, uid)) = host(release) else { return };
        let _guard = bed.start_guard().unwrap();
        let deadline = apply(&bed, uid, &boot_id(), &[("aaaaaaaa", 2_000), ("bbbbbbbb", HOUR)]);
        raise(&bed, uid, &["aaaaaaaa", "bbbbbbbb"]);
        assert!(may(&bed, "id") && may(&bed, "true"));
        wait_until_off(&bed, "aaaaaaaa");
        let (when, why) = note(&bed, "aaaaaaaa");
        let late = Duration::from_nanos(u64::try_from(when - deadline).unwrap());
        assert!(late < Duration::from_secs(1), "{late:?} after its deadline");
        assert_eq!(why, "overdue");
        assert!(!may(&bed, "id"), "sudo refuses");
        assert!(may(&bed, "true"), "the other grant is live");
        assert_eq!(bed.mode(SUDOERS).unwrap(), 0o440);
    }
}

#[test]
fn a_jitd_that_hangs_with_the_lock_or_wakes_up_late_keeps_nothing_raised() {
    let Some((bed, uid)) = host(Release::Bookworm) else { return };
    let _guard = bed.start_guard().unwrap();
    let hung = "exec 9>/run/jit/converge.lock; flock 9; echo held; exec sleep 1000";
    let hung = bed.command(&["bash", "-c", hung]).spawn().unwrap();
    hung.wait_for("held", LONG).unwrap();
    hung.freeze().unwrap();
    apply(&bed, uid, &boot_id(), &[("aaaaaaaa", 0)]);
    raise(&bed, uid, &["aaaaaaaa"]);
    wait_until_off(&bed, "aaaaaaaa");
    assert!(!may(&bed, "id"));
    // It goes on with what it was about to do.
    raise(&bed, uid, &["aaaaaaaa"]);
    wait_until_off(&bed, "aaaaaaaa");
    assert!(!may(&bed, "id"));
    assert_eq!(bed.read(NOTES).unwrap().lines().count(), 1, "one note is enough");
}

#[test]
fn a_damaged_applied_ends_everything_at_once() {
    let Some((bed, uid)) = host(Release::Bookworm) else { return };
    apply(&bed, uid, &boot_id(), &[("aaaaaaaa", HOUR), ("bbbbbbbb", HOUR)]);
    raise(&bed, uid, &["aaaaaaaa", "bbbbbbbb"]);
    let guard = bed.start_guard().unwrap();
    assert!(may(&bed, "id"));
    bed.run(&["truncate", "-s", "-5", APPLIED]).unwrap().expect_ok();
    wait_until_off(&bed, "aaaaaaaa");
    assert_eq!(bed.read(SUDOERS).unwrap(), HEADER);
    assert_eq!(note(&bed, "bbbbbbbb").1, "applied-damaged");
    assert!(bed.read(NOTES).unwrap().contains("damaged "));
    guard.wait_for("damaged", LONG).unwrap();
}

#[test]
fn a_full_disk_keeps_the_note_back_and_not_the_removal() {
    let Some((bed, uid)) = host(Release::Bookworm) else { return };
    bed.run(&["mount", "-t", "tmpfs", "-o", "size=32k,mode=700", "tmpfs", "/var/lib/jit"])
        .unwrap()
        .expect_ok();
    let guard = bed.start_guard().unwrap();
    apply(&bed, uid, &boot_id(), &[("aaaaaaaa", 2_000)]);
    bed.sh("! dd if=/dev/zero of=/var/lib/jit/fill bs=4k status=none").unwrap().expect_ok();
    raise(&bed, uid, &["aaaaaaaa"]);
    wait_until_off(&bed, "aaaaaaaa");
    guard.wait_for("notes could not be written", LONG).unwrap();
    bed.remove("/var/lib/jit/fill").unwrap();
    assert_eq!(note(&bed, "aaaaaaaa").1, "overdue");
}

#[test]
fn at_boot_everything_from_before_is_off_before_the_guard_is_ready() {
    let Some((bed, uid)) = host(Release::Bookworm) else { return };
    apply(&bed, uid, "11111111-2222-3333-4444-555555555555", &[("aaaaaaaa", HOUR)]);
    raise(&bed, uid, &["aaaaaaaa"]);
    bed.run(&["jit-guard", "--boot"]).unwrap().expect_ok().expect_says("aaaaaaaa");
    assert_eq!(bed.read(SUDOERS).unwrap(), HEADER);
    assert_eq!(note(&bed, "aaaaaaaa").1, "other-boot");
    apply(&bed, uid, &boot_id(), &[("bbbbbbbb", HOUR)]);
    raise(&bed, uid, &["bbbbbbbb"]);
    bed.run(&["jit-guard", "--boot"]).unwrap().expect_ok();
    assert!(may(&bed, "id"), "a restart of the guard ends nothing");
}

#[test]
fn all_ends_everything_beside_a_running_guard() {
    let Some((bed, uid)) = host(Release::Trixie) else { return };
    let _guard = bed.start_guard().unwrap();
    apply(&bed, uid, &boot_id(), &[("aaaaaaaa", HOUR), ("bbbbbbbb", HOUR)]);
    raise(&bed, uid, &["aaaaaaaa", "bbbbbbbb"]);
    bed.run(&["jit-guard", "--status"])
        .unwrap()
        .expect_ok()
        .expect_says("guard: running")
        .expect_says("59 min");
    bed.run(&["jit-guard", "--all"]).unwrap().expect_ok();
    assert_eq!(bed.read(SUDOERS).unwrap(), HEADER);
    assert!(!may(&bed, "id") && !may(&bed, "true"));
    assert_eq!((note(&bed, "aaaaaaaa").1, note(&bed, "bbbbbbbb").1), ("asked".into(), "asked".into()));
    bed.run(&["jit-guard", "--all"]).unwrap().expect_ok().expect_says("nothing was raised");
    // As long as jitd has not recorded it, nobody brings it back, whatever `applied` says.
    raise(&bed, uid, &["aaaaaaaa"]);
    wait_until_off(&bed, "aaaaaaaa");
}

#[test]
fn with_nothing_applied_the_guard_sleeps_without_a_timer() {
    let Some((bed, uid)) = host(Release::Bookworm) else { return };
    let guard = bed.start_guard().unwrap();
    assert!(!has_timer(&guard));
    apply(&bed, uid, &boot_id(), &[("aaaaaaaa", HOUR)]);
    until("the timer", LONG, || has_timer(&guard).then_some(())).unwrap();
    apply(&bed, uid, &boot_id(), &[]);
    until("the sleep", LONG, || (!has_timer(&guard)).then_some(())).unwrap();
}

/// Whether its timer is set to go off (see timerfd in proc_pid_fdinfo(5)).
fn has_timer(guard: &Running) -> bool {
    let folder = format!("/proc/{}/fdinfo", guard.pid().unwrap());
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()));
    let texts: Vec<String> = files.filter_map(Result::ok).filter(|text| text.contains("it_value:")).collect();
    assert_eq!(texts.len(), 1, "it has one timer");
    texts.iter().any(|text| !text.contains("it_value: (0, 0)"))
}

#[test]
fn there_is_one_guard_and_its_command_line_is_strict() {
    let Some((bed, _)) = host(Release::Bookworm) else { return };
    let first = bed.start_guard().unwrap();
    bed.run(&["jit-guard"]).unwrap().expect_code(1).expect_says("another jit-guard is at work");
    first.kill().unwrap();
    drop(bed.start_guard().unwrap());
    for words in [&["jit-guard", "--boot", "--all"] as &[&str], &["jit-guard", "all"], &["jit-guard", ""]] {
        bed.run(words).unwrap().expect_code(2).expect_says("--help");
    }
    bed.as_user("alice", &["/usr/sbin/jit-guard", "--help"]).unwrap().expect_ok().expect_says("--status");
    for option in ["--all", "--boot", "--status"] {
        bed.as_user("alice", &["/usr/sbin/jit-guard", option])
            .unwrap()
            .expect_code(1)
            .expect_says("only root");
    }
}
