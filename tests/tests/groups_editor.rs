//! The editor of groups beside the real shadow-utils, on both releases.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::fmt::Write as _;

use jit_e2e::group_soak::{EDITOR, GroupSoak, bring_editor};
use jit_e2e::{OrSkip as _, Release, RootBed};

fn bed(release: Release) -> Option<RootBed> {
    let bed = RootBed::bare(release).or_skip()?;
    bring_editor(&bed).unwrap();
    Some(bed)
}

/// Accounts `u1` to `uCOUNT` and the group `team`, written by hand: useradd takes its time.
fn people(bed: &RootBed, count: u32) {
    let mut passwd = bed.read("/etc/passwd").unwrap();
    for number in 1..=count {
        writeln!(passwd, "u{number}:x:{}:100::/:/bin/sh", 20_000 + number).unwrap();
    }
    bed.write("/etc/passwd", &passwd).unwrap();
    bed.run(&["groupadd", "team"]).unwrap().expect_ok();
}

fn members(bed: &RootBed, group: &str) -> usize {
    let line = bed.run(&["getent", "group", group]).unwrap().expect_ok().out;
    line.trim().rsplit(':').next().unwrap().split(',').filter(|member| !member.is_empty()).count()
}

#[test]
fn beside_shadow_utils_nobody_loses_a_line_and_nobody_is_left_in() {
    for release in Release::ALL {
        let Some(bed) = RootBed::bare(release).or_skip() else { return };
        GroupSoak::set_up(&bed).unwrap().round(15).unwrap();
    }
}

#[test]
fn twenty_at_once_are_twenty_members_and_then_none() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    people(&bed, 20);
    let before = bed.read("/etc/group").unwrap();
    for (verb, count) in [("add", 20), ("remove", 0)] {
        let script = format!("for i in $(seq 20); do {EDITOR} {verb} team u$i & pids=\"$pids $!\"; done");
        bed.sh(&format!("{script}; for p in $pids; do wait $p || exit 1; done")).unwrap().expect_ok();
        assert_eq!(members(&bed, "team"), count);
    }
    assert_eq!(bed.read("/etc/group").unwrap(), before);
}

#[test]
fn a_thousand_go_in_one_rewrite_with_three_syncs() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    people(&bed, 1000);
    let before = (bed.read("/etc/group").unwrap(), bed.read("/etc/gshadow").unwrap());
    // Both files, and the directory when somebody has to stay out after a power cut.
    for (verb, count, syncs) in [("add", 1000, 2), ("remove", 0, 3)] {
        let trace = "strace -f -o /tmp/trace -e trace=fsync,fdatasync,sync,syncfs,rename,renameat,renameat2";
        bed.sh(&format!("{trace} {EDITOR} {verb} team $(seq -f u%g 1000)")).unwrap().expect_ok();
        assert_eq!(members(&bed, "team"), count);
        let trace = bed.read("/tmp/trace").unwrap();
        let calls = |word: &str| trace.lines().filter(|line| line.contains(word)).count();
        assert_eq!((calls("rename"), calls("sync")), (2, syncs), "{trace}");
    }
    assert_eq!((bed.read("/etc/group").unwrap(), bed.read("/etc/gshadow").unwrap()), before);
}

#[test]
fn a_group_file_that_is_mounted_over_or_read_only_is_refused_in_words() {
    let Some(bed) = bed(Release::Trixie) else { return };
    people(&bed, 1);
    let add = |says: &str| {
        bed.run(&[EDITOR, "add", "team", "u1"]).unwrap().expect_code(1).expect_says(says);
        assert_eq!(members(&bed, "team"), 0);
    };
    for file in ["/etc/group", "/etc/gshadow"] {
        bed.run(&["mount", "--bind", file, file]).unwrap().expect_ok();
        add(&format!("{file} cannot be changed: it is mounted over"));
        bed.run(&["umount", file]).unwrap().expect_ok();
    }
    bed.sh("mount --bind /etc /etc && mount -o remount,ro,bind /etc").unwrap().expect_ok();
    add("Read-only file system");
    bed.run(&["umount", "/etc"]).unwrap().expect_ok();
    bed.run(&[EDITOR, "add", "team", "u1"]).unwrap().expect_ok().expect_says("team u1: Added");
    bed.run(&[EDITOR, "add", "team", "u1"]).unwrap().expect_ok().expect_says("AlreadyNatural");
}

#[test]
fn a_file_system_without_room_for_one_more_file_keeps_nobody_in() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    people(&bed, 2);
    // A file system that /etc shares with a directory that anybody may fill.
    let mount = "mount -t tmpfs -o nr_inodes=5000,size=32m,mode=755 tmpfs /etc";
    bed.sh(&format!(
        "mkdir /tmp/e && cp -a /etc/. /tmp/e/ && {mount} && cp -a /tmp/e/. /etc/ && mkdir /etc/scratch"
    ))
    .unwrap()
    .expect_ok();
    let before = (bed.read("/etc/group").unwrap(), bed.read("/etc/gshadow").unwrap());
    bed.run(&[EDITOR, "add", "team", "u1", "u2"]).unwrap().expect_ok();
    let spares = || bed.sh("ls -A /etc | grep -c jit-spare").unwrap().out.trim().to_owned();
    assert_eq!(spares(), "4");
    let files = "i=0; while : > $i; do i=$((i+1)); done";
    let bytes = "! dd if=/dev/zero of=/etc/scratch/0 bs=4k status=none";
    bed.sh(&format!("cd /etc/scratch; {bytes}; ({files}) 2> /dev/null; ! touch one-more"))
        .unwrap()
        .expect_ok();
    // One after the other: what one of them needs, the next has again, and nobody else gets it.
    for user in ["u1", "u2"] {
        bed.run(&[EDITOR, "remove", "team", user]).unwrap().expect_ok().expect_says("Removed");
        bed.sh("! touch /etc/scratch/one-more").unwrap().expect_ok();
        assert_eq!(spares(), "4");
    }
    assert_eq!((bed.read("/etc/group").unwrap(), bed.read("/etc/gshadow").unwrap()), before);
    bed.sh("! ls /etc/group.lock /etc/gshadow.lock; ! ls -A /etc | grep '[.]tmp$'").unwrap().expect_ok();
    bed.sh("rm -r /etc/scratch; grpck -r").unwrap().expect_ok();
}

#[test]
fn an_open_vigr_is_waited_for_and_named() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    people(&bed, 1);
    bed.write_mode("/tmp/editor", "#!/bin/sh\necho editing\nread line < /tmp/go\n", 0o755).unwrap();
    bed.run(&["mkfifo", "/tmp/go"]).unwrap().expect_ok();
    let vigr = bed.command(&["vigr"]).env("EDITOR", "/tmp/editor").spawn().unwrap();
    vigr.wait_for("editing", std::time::Duration::from_secs(20)).unwrap();
    let holder = vigr.pid_inside().unwrap();
    let refused =
        bed.command(&[EDITOR, "add", "team", "u1"]).env("GROUP_EDITOR_WAIT_MS", "50").run().unwrap();
    refused
        .expect_code(1)
        .expect_says("/etc/.pwd.lock is locked by process")
        .expect_says(&holder.to_string());
    assert_eq!(members(&bed, "team"), 0);
    let waiting = bed.command(&[EDITOR, "add", "team", "u1"]).spawn().unwrap();
    bed.sh("echo > /tmp/go").unwrap().expect_ok();
    waiting.wait_end(std::time::Duration::from_secs(20)).unwrap().expect_ok();
    assert_eq!(members(&bed, "team"), 1);
}
