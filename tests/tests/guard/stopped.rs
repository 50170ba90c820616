//! Members of groups, and somebody who was stopped in the middle of a change or comes to it with an older list.

use jit_e2e::{Release, RootBed, Running, until};

use crate::members::{docker, group_line, lend, members, wait_until_members};
use crate::site::*;

/// Runs a program and stops it at its `nth` call.
fn stop_at(bed: &RootBed, call: &str, nth: u32, program: &[&str]) -> (Running, u32) {
    let inject = format!("inject={call}:signal=STOP:when={nth}");
    let words = ["strace", "-o", "/tmp/trace", "-e", &format!("trace={call}"), "-e", &inject];
    let running = bed.command(&[&words[..], program].concat()).spawn().unwrap();
    let name = program.first().unwrap();
    let pid = until("it to be stopped", LONG, || {
        let stopped = bed.read("/tmp/trace").ok()?.contains("stopped by SIGSTOP");
        stopped.then(|| bed.sh(&format!("pidof {name}")).ok()?.out.trim().parse().ok())?
    })
    .unwrap();
    (running, pid)
}

fn go_on(bed: &RootBed, (running, pid): (Running, u32)) {
    bed.sh(&format!("kill -CONT {pid}")).unwrap().expect_ok();
    running.wait_end(LONG).unwrap();
}

#[test]
fn a_chfn_that_was_stopped_with_the_lock_keeps_nobody_in() {
    for release in Release::ALL {
        let Some(bed) = docker(release) else { return };
        let guard = bed.start_guard().unwrap();
        lend(&bed, &boot_id(), &[("aaaaaaaa", 3_000, &["alice"])], &[]);
        let stopped = stop_at(&bed, "link,linkat", 1, &["chfn", "-r", "12", "alice"]);
        wait_until_members(&bed, "bob");
        guard.wait_for("went on without /etc/.pwd.lock, which is held by process", LONG).unwrap();
        assert!(guard.text().contains("/usr/bin/chfn"), "{}", guard.text());
        assert_eq!(note(&bed, "aaaaaaaa").1, "overdue");
        go_on(&bed, stopped);
        assert!(bed.read("/etc/passwd").unwrap().contains(",12"), "and loses nothing by it");
        assert_eq!(members(&bed), "bob");
        bed.run(&["grpck", "-r"]).unwrap().expect_ok();
    }
}

#[test]
fn a_gpasswd_that_was_stopped_with_the_lock_loses_it_and_brings_nobody_back() {
    for release in Release::ALL {
        let Some(bed) = docker(release) else { return };
        bed.run(&["groupadd", "other"]).unwrap().expect_ok();
        let guard = bed.start_guard().unwrap();
        lend(&bed, &boot_id(), &[("aaaaaaaa", 3_000, &["alice"])], &[]);
        // It has written its list beside the old one: after each of two copies of a file it syncs.
        let stopped = stop_at(&bed, "fsync", 2, &["gpasswd", "-a", "bob", "other"]);
        guard.wait_for("is locked by process", LONG).unwrap();
        assert!(guard.text().contains("gpasswd"), "{}", guard.text());
        bed.sh(
            "for l in group gshadow; do [ ! -e /etc/$l.lock ] || touch -d '-40 seconds' /etc/$l.lock; done",
        )
        .unwrap()
        .expect_ok();
        wait_until_members(&bed, "bob");
        assert!(!bed.exists(NOTES), "it may still write its list");
        go_on(&bed, stopped);
        until("her to be out for good", LONG, || bed.read(NOTES).ok()?.contains("member out").then_some(()))
            .unwrap();
        assert_eq!(members(&bed), "bob");
        assert!(
            bed.read("/etc/group")
                .unwrap()
                .lines()
                .any(|line| line.starts_with("other:") && line.ends_with(":bob"))
        );
        bed.run(&["grpck", "-r"]).unwrap().expect_ok();
    }
}

#[test]
fn a_gpasswd_that_read_an_older_list_brings_nobody_back_without_jitd() {
    let Some(bed) = docker(Release::Bookworm) else { return };
    bed.add_user("carl", &[], None).unwrap();
    let guard = bed.start_guard().unwrap();
    lend(&bed, &boot_id(), &[("aaaaaaaa", 3_000, &["alice"])], &[]);
    let inject = "inject=openat:delay_enter=6000000:when=1";
    let words = [
        "strace",
        "-o",
        "/tmp/trace",
        "-P",
        "/etc/.pwd.lock",
        "-e",
        inject,
        "gpasswd",
        "-a",
        "carl",
        "docker",
    ];
    let gpasswd = bed.command(&words).spawn().unwrap();
    guard.wait_for("alice of group docker is out, and may come back", LONG).unwrap();
    assert!(!bed.exists(NOTES));
    gpasswd.wait_end(LONG).unwrap().expect_ok();
    until("her to be out for good", LONG, || bed.read(NOTES).ok()?.contains("member out").then_some(()))
        .unwrap();
    assert_eq!(members(&bed), "bob,carl", "{}", group_line(&bed));
}
