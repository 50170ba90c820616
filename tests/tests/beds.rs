//! The beds themselves: sudo works in them, and nothing of them is left.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use jit_e2e::{Login, OrSkip as _, Release, RootBed, Terminal, processes, until};

#[test]
fn sudo_obeys_a_drop_in_on_both_releases() {
    for release in Release::ALL {
        let Some(bed) = RootBed::bare(release).or_skip() else { return };
        let alice = bed.add_user("alice", &["oncall"], None).unwrap();
        bed.as_user("alice", &["sudo", "-n", "id", "-u"]).unwrap().expect_code(1);
        bed.write_mode(
            "/etc/sudoers.d/test",
            &format!("#{} ALL=(root) NOPASSWD: /usr/bin/id\n", alice.uid),
            0o440,
        )
        .unwrap();
        let id = bed.as_user("alice", &["sudo", "-n", "id", "-u"]).unwrap().expect_ok();
        assert_eq!(id.out, "0\n");
        bed.as_user("alice", &["sudo", "-n", "true"]).unwrap().expect_code(1);
    }
}

#[test]
fn a_user_is_logged_in_as_themselves_without_capabilities() {
    let Some(bed) = RootBed::bare(Release::Bookworm).or_skip() else { return };
    let alice = bed.add_user("alice", &["oncall"], Some("secret")).unwrap();
    bed.add_user("carol", &[], None).unwrap();
    let id = bed.as_user("alice", &["id", "-Gn"]).unwrap().expect_ok();
    assert_eq!(id.out, "alice oncall\n");
    let login = bed.as_user("alice", &["cat", "/proc/self/loginuid"]).unwrap().expect_ok();
    assert_eq!(login.out, alice.uid.to_string());
    let changed = bed.command(&["cat", "/proc/self/loginuid"]).user("carol").login(Login::Of("alice".into()));
    assert_eq!(changed.run().unwrap().expect_ok().out, alice.uid.to_string());
    bed.as_user("alice", &["grep", "CapEff", "/proc/self/status"]).unwrap().expect_says("0000000000000000");
    bed.run(&["date", "-s", "2030-01-01"]).unwrap().expect_code(1);
    bed.sh("echo 1 > /proc/sys/kernel/panic").unwrap().expect_code(1).expect_says("Read-only");
}

#[test]
fn sudo_asks_for_the_password_on_a_terminal() {
    let Some(bed) = RootBed::bare(Release::Bookworm).or_skip() else { return };
    bed.add_user("alice", &["sudo"], Some("secret")).unwrap();
    let sudo = bed.command(&["sudo", "id", "-un"]).user("alice").terminal(Terminal::Pty).spawn().unwrap();
    sudo.wait_for("password for alice", Duration::from_secs(10)).unwrap();
    sudo.write(b"secret\n").unwrap();
    sudo.wait_end(Duration::from_secs(10)).unwrap().expect_ok().expect_says("root");
    let piped = bed.command(&["sudo", "-S", "id", "-un"]).user("alice").input("secret\n").run().unwrap();
    assert_eq!(piped.expect_ok().out, "root\n");
}

#[test]
fn files_are_reached_within_the_bed_only() {
    let Some(bed) = RootBed::bare(Release::Bookworm).or_skip() else { return };
    bed.sh("ln -s /etc/marker /tmp/link; ln -s /nowhere /tmp/away").unwrap().expect_ok();
    bed.write("/etc/marker", "inside").unwrap();
    assert_eq!(bed.read("/tmp/link").unwrap(), "inside");
    assert!(!std::path::Path::new("/etc/marker").exists());
    bed.write_mode("/var/lib/a/b", "text", 0o600).unwrap();
    assert_eq!(bed.mode("/var/lib/a/b").unwrap(), 0o600);
    bed.remove("/var/lib/a/b").unwrap();
    bed.remove("/var/lib/a/b").unwrap();
    assert!(!bed.exists("/var/lib/a/b") && !bed.exists("/tmp/away"));
}

#[test]
fn a_program_in_the_background_takes_signals() {
    let Some(bed) = RootBed::bare(Release::Bookworm).or_skip() else { return };
    let sleep = bed.command(&["bash", "-c", "echo up; exec sleep 1000"]).spawn().unwrap();
    sleep.wait_for("up", Duration::from_secs(5)).unwrap();
    sleep.freeze().unwrap();
    sleep.thaw().unwrap();
    sleep.freeze().unwrap();
    assert_eq!(sleep.kill().unwrap().code, 128 + 9);
    assert!(!sleep.is_running());
}

#[test]
fn nothing_of_a_bed_is_left() {
    let Some(bed) = RootBed::bare(Release::Trixie).or_skip() else { return };
    let title = bed.title().to_owned();
    let orphan = bed.command(&["setsid", "-f", "sleep", "1000"]).run().unwrap();
    orphan.expect_ok();
    let sleeping = bed.processes("sleep");
    assert_eq!(sleeping.len(), 1);
    let leader = bed.leader();
    drop(bed);
    assert!(!processes::alive(leader) && !sleeping.iter().any(|&pid| processes::alive(pid)));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&title) && !mounts.contains("/beds/rootns"), "{mounts}");
}

/// Everything of a bed must be gone when the harness dies without any chance to clean up.
#[test]
fn a_killed_harness_leaves_nothing() {
    for kind in [&["bare"][..], &["bare", "booted"]] {
        if RootBed::bare(Release::Bookworm).or_skip().is_none() {
            return;
        }
        let mut harness = Command::new(env!("CARGO_BIN_EXE_bed"));
        harness.args(kind).args(["--", "bash", "-c", "hostname; exec sleep 1000"]);
        let mut harness = harness.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut title = String::new();
        BufReader::new(harness.stdout.take().unwrap()).read_line(&mut title).unwrap();
        let all = processes::descendants(harness.id());
        assert!(all.len() > 3, "{all:?}");
        harness.kill().unwrap();
        harness.wait().unwrap();
        let group = |title: &str| {
            let mut find = Command::new("find");
            find.args(["/sys/fs/cgroup", "-name", &format!("jit-{}", title.trim())]);
            String::from_utf8(find.output().unwrap().stdout).unwrap()
        };
        until("the end of all processes", Duration::from_secs(10), || {
            (!all.iter().any(|&pid| processes::alive(pid))).then_some(())
        })
        .unwrap();
        until("the end of the control groups", Duration::from_secs(10), || {
            group(&title).is_empty().then_some(())
        })
        .unwrap();
    }
}

#[test]
fn a_daemon_is_started_when_it_says_so() {
    let Some(bed) = RootBed::bare(Release::Bookworm).or_skip() else { return };
    let script = "echo slow; systemd-notify --ready; echo said; exec sleep 1000";
    let daemon = bed.start_notifying(&["bash", "-c", script]).unwrap();
    daemon.wait_for("said", Duration::from_secs(10)).unwrap();
    assert_eq!(daemon.terminate().unwrap().code, 128 + 15);
    let dead = bed.start_notifying(&["bash", "-c", "echo no luck >&2; exit 3"]).unwrap_err();
    assert!(
        dead.to_string().contains("ended before it was ready") && dead.to_string().contains("no luck"),
        "{dead}"
    );
}
