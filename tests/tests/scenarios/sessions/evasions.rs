//! Ways by which somebody would keep what they ran beyond their grant, and it ends all the same.

use std::time::Duration;

use jit_e2e::{BootedBed, Release, Running, until};

use super::{machine, run, told};
use crate::site::{PASSWORD, Product as _, SOON};

/// The module's line, at the end of sudo's stack.
const LINE: &str = "echo 'session required pam_jit.so' >> /etc/pam.d/sudo";

const POLICY: &str = r#"
[role.long]
summary = "Who one is"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id"]] }

[role.asked]
summary = "A shell of root, with a password"
risk    = "high"
sudo    = { run_as = "root", password = true, commands = "ALL" }

[[rule]]
name         = "evades"
roles        = ["long", "asked"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
"#;

fn with_module(release: Release) -> Option<BootedBed> {
    let bed = machine(release)?;
    bed.sh(LINE).unwrap().expect_ok();
    bed.policy("31-evasions.toml", POLICY).unwrap();
    bed.unit("jitd.service").reload().unwrap();
    Some(bed)
}

/// Waits until nothing sleeps any more.
fn all_end(bed: &BootedBed) {
    until("all to be ended", SOON, || bed.processes("sleep").is_empty().then_some(())).unwrap();
}

#[test]
fn a_sudo_that_waits_until_its_rule_is_gone_is_refused() {
    for release in Release::ALL {
        let Some(bed) = with_module(release) else { return };
        bed.grant("alice", "asked", "30m");
        // Another one for the same account, and not for this command, does not take its place.
        bed.grant("alice", "long", "30m");
        let asked = typed_into_sudo(&bed);
        bed.jitctl("alice", &["drop", "asked"]).unwrap().expect_ok();
        asked.write(format!("{PASSWORD}\n").as_bytes()).unwrap();
        asked.wait_for("type it again", SOON).unwrap();
        asked.wait_for("session initialization", SOON).unwrap();
        assert!(!asked.text().contains("ran 42") && bed.record("session-began").is_empty());
        // Whoever may it anyway types it again.
        bed.sh("echo 'alice ALL=(root) ALL' > /etc/sudoers.d/20-alice; chmod 440 /etc/sudoers.d/20-alice")
            .unwrap()
            .expect_ok();
        let again = typed_into_sudo(&bed);
        again.write(format!("{PASSWORD}\n").as_bytes()).unwrap();
        again.wait_for("ran 42", SOON).unwrap();
    }
}

#[test]
fn more_commands_than_the_record_takes_are_refused_with_a_sentence() {
    let Some(bed) = with_module(Release::Trixie) else { return };
    let grant = bed.grant("alice", "root", "30m");
    let script = "for i in $(seq 620); do sudo -n true || { echo stopped at $i; exit 1; }; done";
    let looped = bed.command(&["bash", "-c", script]).user("alice").limit(Duration::from_secs(55)).run();
    looped.unwrap().expect_code(1).expect_says("stopped at 601").expect_says("too many commands");
    assert_eq!(bed.record("session-began").len(), 600);
    let shown = bed.jitctl("alice", &["show", &grant.id]).unwrap();
    shown.expect_ok().expect_says("earlier commands of many").expect_says("process ");
}

/// A sudo of alice's that asks for her password.
fn typed_into_sudo(bed: &BootedBed) -> Running {
    let words = ["sudo", "-S", "-p", "word:", "sh", "-c", "echo ran $((40 + 2))"];
    let asked = bed.command(&words).user("alice").spawn().unwrap();
    asked.wait_for("word:", SOON).unwrap();
    asked
}

#[test]
fn what_runs_in_the_group_of_a_longer_grant_ends_with_its_own() {
    let Some(bed) = with_module(Release::Bookworm) else { return };
    let long = bed.grant("alice", "long", "30m");
    let root = bed.grant("alice", "root", "30m");
    let script = "echo started; sudo -n sleep 3001; echo over; exec cat";
    let shell = bed.command(&["jitctl", "run-with", &long.id, "--", "bash", "-c", script]).user("alice");
    let shell = shell.spawn().unwrap();
    shell.wait_for("started", SOON).unwrap();
    let of_root = |entry: &serde_json::Value| entry["role"] == "root";
    let began = told(&bed, "session-began", of_root);
    assert!(began["body"]["outside"].is_null() && began["body"]["target"] == "root", "{began}");
    bed.jitctl("alice", &["drop", "root"]).unwrap().expect_ok();
    shell.wait_for("over", SOON).unwrap();
    assert!(bed.processes("sleep").is_empty() && shell.is_running(), "the shell is the longer grant's");
    assert_eq!(bed.told(&root, "report")["body"]["report"]["sessions"], 1);
}

#[test]
fn what_was_moved_out_of_its_control_group_is_put_back_and_ends() {
    for release in Release::ALL {
        let Some(bed) = with_module(release) else { return };
        let running = run(&bed, "root", "30m", "echo started; sleep 3001");
        let sudo = bed.record("session-began").pop().unwrap()["body"]["from"]["pid"].to_string();
        // As systemd does for whoever asks and has its real uid (`AttachProcessesToUnit`).
        bed.sh(&format!(
            "mkdir -p /sys/fs/cgroup/outside; echo {sudo} > /sys/fs/cgroup/outside/cgroup.procs"
        ))
        .unwrap()
        .expect_ok();
        let gathered = told(&bed, "swept", |body| !body["what"]["gathered"].is_null());
        assert!(gathered["body"]["what"]["gathered"]["processes"].as_u64() >= Some(1), "{gathered}");
        let group = bed.sh(&format!("cat /proc/{sudo}/cgroup")).unwrap().out;
        assert!(group.contains("/jit-guard.service/grant-"), "{group}");
        // Once more, and not given the time to be put back.
        bed.sh(&format!("echo {sudo} > /sys/fs/cgroup/outside/cgroup.procs")).unwrap().expect_ok();
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
        running.wait_end(SOON).unwrap();
        all_end(&bed);
    }
}

#[test]
fn nobody_hides_a_command_behind_a_standing_right_to_another() {
    let Some(bed) = with_module(Release::Bookworm) else { return };
    bed.sh("echo 'alice ALL=(root) NOPASSWD: /usr/bin/uptime' > /etc/sudoers.d/20-alice; chmod 440 /etc/sudoers.d/20-alice")
        .unwrap()
        .expect_ok();
    bed.grant("alice", "root", "30m");
    let ways = ["exec -a x sudo -n sleep 3001", "exec sudo --us root -n sleep 3002", "sudo -n -s sleep 3003"];
    let running: Vec<_> =
        ways.iter().map(|way| bed.command(&["bash", "-c", way]).user("alice").spawn().unwrap()).collect();
    until("all to run", SOON, || (bed.processes("sleep").len() == ways.len()).then_some(())).unwrap();
    bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
    all_end(&bed);
    for running in running {
        running.wait_end(SOON).unwrap();
    }
}

#[test]
fn a_session_that_jitd_was_too_slow_for_ends_with_its_children() {
    let Some(bed) = with_module(Release::Trixie) else { return };
    bed.grant("alice", "root", "30m");
    let jitd = bed.run(&["systemctl", "show", "-P", "MainPID", "jitd"]).unwrap().out.trim().to_owned();
    bed.run(&["kill", "-STOP", &jitd]).unwrap().expect_ok();
    let running = bed.command(&["sudo", "-n", "sleep", "3001"]).user("alice").spawn().unwrap();
    let sleeps = || bed.processes("sleep").first().copied();
    until("sudo to go on by itself", SOON, sleeps).unwrap();
    bed.run(&["kill", "-CONT", &jitd]).unwrap().expect_ok();
    let is_in = || {
        let group = bed.sh("cat /proc/$(pidof sleep)/cgroup").ok()?.out;
        group.contains("/jit-guard.service/grant-").then_some(())
    };
    until("its child to be in the group as well", SOON, is_in).unwrap();
    bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
    running.wait_end(SOON).unwrap();
    all_end(&bed);
}

#[test]
fn only_who_has_ended_is_said_to_have_ended() {
    let Some(bed) = with_module(Release::Bookworm) else { return };
    bed.grant("alice", "root", "30m");
    let running = bed.command(&["sudo", "-n", "sleep", "3001"]).user("alice").spawn().unwrap();
    let began = told(&bed, "session-began", |_| true);
    let pid = began["body"]["from"]["pid"].as_u64().unwrap();
    // Leave, with the number of the process and a status.
    let script = format!(
        "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => '/run/jit/jitd.sock') or die; my $n = {pid} * 2; \
         my $pid = $n < 251 ? chr $n : $n < 65536 ? \"\\xfb\" . pack('v', $n) : \"\\xfc\" . pack('V', $n); \
         my $leave = \"\\x12\" . $pid . \"\\x00\"; \
         syswrite $s, pack('V', 3) . \"\\x04\\x01x\" . pack('V', length $leave) . $leave; my $heard; \
         1 while sysread $s, $heard, 4096; print 'heard'"
    );
    bed.as_user("alice", &["perl", "-e", &script]).unwrap().expect_ok().expect_says("heard");
    assert!(bed.record("session-ended").is_empty() && running.is_running());
    bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let ended = told(&bed, "session-ended", |_| true);
    assert!(ended["body"]["status"].is_null(), "{ended}");
}
