//! What holds a group after the grant: told to end, killed when it does not listen, and on the record; logins are named and stay.

use std::time::{Duration, Instant};

use jit_e2e::{Release, Running, Terminal, until, workspace};
use serde_json::Value;

use super::lend;
use crate::site::{Product as _, SOON, Site, measured, site_with};

const POLICY: &str = r#"
[role.ships]
summary = "Containers, whoever is logged in"
risk    = "high"
groups  = ["docker"]

[role.slow]
summary = "Containers, and what may finish"
risk    = "high"
groups  = ["docker"]

[[rule]]
name         = "logins as well"
roles        = ["ships"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
logins       = true

[[rule]]
name            = "may finish"
roles           = ["slow"]
eligible        = { groups = ["oncall"] }
max_duration    = "1h"
at_expiry       = "finish"
at_expiry_limit = "2s"
"#;

/// Where the program is that is asked about numbers that are given twice.
const RECYCLED: &str = "/usr/local/bin/sweep-recycled";

fn lending(release: Release) -> Option<Site> {
    site_with(release, |bed| {
        lend(bed);
        bed.policy("31-holders.toml", POLICY).unwrap();
    })
}

/// Runs a script of somebody's, and waits until it says that it has started.
fn run(site: &Site, user: &str, script: &str) -> Running {
    let running = site.command(&["sh", "-c", script]).user(user).spawn().unwrap();
    running.wait_for("started", SOON).unwrap();
    running
}

/// What runs with a grant now, as its story says it.
fn running(site: &Site, id: &str) -> Vec<String> {
    let story = site.jitctl("alice", &["show", id, "--json"]).unwrap().expect_ok();
    let story: Value = serde_json::from_str(&story.out).unwrap();
    serde_json::from_value(story["running"].clone()).unwrap()
}

/// Somebody's login on a terminal of its own, by login(1), and the number of its shell.
fn login(site: &Site, user: &str) -> (Running, u32) {
    let words = ["sh", "-c", &format!("exec login -f {user}")];
    let running = site.command(&words).terminal(Terminal::Pty).spawn().unwrap();
    running.wait_for("$ ", SOON).unwrap();
    running.write(b"echo shell=$$=$(id -Gn | grep -c docker)\n").unwrap();
    let shell = |text: &str| text.split("shell=").find_map(|text| text.split_once("=1")?.0.parse().ok());
    let pid = running.wait_until("the shell", SOON, shell).unwrap();
    (running, pid)
}

/// What the record says of those who held a group of a grant: who was ended, and who is left.
fn swept(site: &Site, id: &str) -> (String, String) {
    let entry = || {
        let all = site.record("swept").into_iter();
        all.rev().find(|entry| entry["id"] == id && !entry["body"]["what"]["holders"].is_null())
    };
    let entry: Value = until("the sweep", SOON, entry).unwrap();
    let what = &entry["body"]["what"]["holders"];
    measured(&format!("{what}"));
    (what["ended"].to_string(), what["left"].to_string())
}

#[test]
fn what_holds_the_group_is_ended_and_nobody_else() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        let other = run(&site, "alice", "echo started; exec sleep 3001");
        site.run(&["gpasswd", "-a", "dora", "docker"]).unwrap().expect_ok();
        let member = run(&site, "dora", "echo started; exec sleep 3002");
        let grant = site.grant("alice", "docker", "30m");
        let stubborn = run(&site, "alice", "trap '' TERM HUP; setsid sleep 3003 & echo started; sleep 3004");
        let by_sudo =
            site.command(&["sudo", "-n", "-g", "docker", "sleep", "3005"]).user("alice").spawn().unwrap();
        until("all to run", SOON, || (site.processes("sleep").len() == 5).then_some(())).unwrap();
        let dropped = site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        dropped.expect_says("sleep (").expect_says("still holds docker; jitd ends what is no login");
        let residue = site.told(&grant, "ended")["body"]["residue"].to_string();
        assert!(residue.contains("sleep (") && residue.contains("still holds docker"), "{residue}");
        let (ended, left) = swept(&site, &grant.id);
        assert_eq!(ended.matches("sleep (").count(), 3, "{ended}");
        assert!(ended.contains("sh (") && left == "[]", "{ended}, {left}");
        stubborn.wait_end(SOON).unwrap();
        by_sudo.wait_end(SOON).unwrap();
        assert!(other.is_running() && member.is_running());
        assert_eq!(site.processes("sleep").len(), 2);
        let report = site.told(&grant, "report");
        assert_eq!(report["body"]["report"]["alive"], serde_json::json!([]), "{report}");
        let grant = site.grant("alice", "docker", "30m");
        site.jitctl("olga", &["revoke", "--all"]).unwrap().expect_ok();
        assert_eq!(site.told(&grant, "ended")["body"]["residue"], serde_json::json!([]));
    }
}

#[test]
fn a_login_that_holds_the_group_is_named_and_stays() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        let grant = site.grant("alice", "docker", "30m");
        let (shell, pid) = login(&site, "alice");
        shell.write(b"sleep 3001 & setsid -f sleep 3002; echo both\n").unwrap();
        until("both to sleep", SOON, || (site.processes("sleep").len() == 2).then_some(())).unwrap();
        let now = running(&site, &grant.id);
        assert_eq!(now.iter().filter(|line| line.starts_with("sleep (")).count(), 2, "{now:?}");
        let the_login =
            |line: &String| line.contains(&format!("({pid})")) && line.ends_with("holds docker, a login");
        assert!(now.iter().any(the_login), "{now:?}");
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        let (ended, left) = swept(&site, &grant.id);
        let now = running(&site, &grant.id);
        assert!(
            now.len() == 1 && now.iter().all(the_login),
            "what is left is looked for when it is asked: {now:?}"
        );
        assert_eq!(ended.matches("sleep (").count(), 2, "{ended}");
        assert!(left.contains(&format!("bash ({pid})")) || left.contains(&format!("sh ({pid})")), "{left}");
        assert!(left.contains("a login: log out to drop it"), "{left}");
        shell.write(b"echo still $((40 + 2))\n").unwrap();
        shell.wait_for("still 42", SOON).unwrap();
        let shown = site.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok();
        shown.expect_says("log out to drop it");
    }
}

#[test]
fn where_the_rule_says_so_logins_end_as_well() {
    let Some(site) = lending(Release::Trixie) else { return };
    let grant = site.grant("alice", "ships", "30m");
    let (shell, pid) = login(&site, "alice");
    let shown = site.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok();
    shown.expect_says("logins as well");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let (ended, left) = swept(&site, &grant.id);
    assert!(ended.contains(&format!("({pid})")) && left == "[]", "{ended}, {left}");
    shell.wait_end(SOON).unwrap();
}

#[test]
fn what_may_finish_holds_the_group_until_its_limit() {
    let Some(site) = lending(Release::Bookworm) else { return };
    let grant = site.grant("alice", "slow", "30m");
    let holder = run(&site, "alice", "echo started; exec sleep 3001");
    let dropped = Instant::now();
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    holder.wait_end(SOON).unwrap();
    let took = dropped.elapsed();
    assert!(took >= Duration::from_secs(2), "{took:?}");
    let (ended, _) = swept(&site, &grant.id);
    assert!(ended.contains("sleep ("), "{ended}");
}

#[test]
fn whoever_is_granted_the_group_again_holds_it_rightly() {
    let Some(site) = lending(Release::Trixie) else { return };
    let first = site.grant("alice", "slow", "30m");
    let holder = run(&site, "alice", "trap '' TERM HUP; echo started; sleep 3001");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let again = site.grant("alice", "docker", "30m");
    // The report comes after the sweep, which had nobody to end.
    site.told(&first, "report");
    assert!(holder.is_running() && site.record("swept").is_empty());
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    swept(&site, &again.id);
    holder.wait_end(SOON).unwrap();
}

#[test]
fn what_the_guard_took_off_while_jitd_was_away_is_ended_when_it_is_back() {
    for release in Release::ALL {
        let Some(mut site) = lending(release) else { return };
        let grant = site.grant("alice", "docker", "4s");
        let holder = run(&site, "alice", "echo started; exec sleep 3001");
        site.jitd.kill().unwrap();
        until("the guard to take it off", SOON, || (!super::is_in(&site, "alice", "docker")).then_some(()))
            .unwrap();
        assert!(holder.is_running());
        site.restart_jitd();
        let (ended, _) = swept(&site, &grant.id);
        assert!(ended.contains("sleep ("), "{ended}");
        holder.wait_end(SOON).unwrap();
    }
}

#[test]
fn a_jitd_that_was_killed_before_it_was_done_is_followed_by_one_that_is() {
    for release in Release::ALL {
        let Some(mut site) = lending(release) else { return };
        let grant = site.grant("alice", "docker", "30m");
        let holder = run(&site, "alice", "trap 'echo told' TERM; echo started; while :; do sleep 0.1; done");
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        holder.wait_for("told", SOON).unwrap();
        site.jitd.kill().unwrap();
        assert!(holder.is_running());
        site.restart_jitd();
        let (ended, _) = swept(&site, &grant.id);
        assert!(ended.contains("sh ("), "{ended}");
        holder.wait_end(SOON).unwrap();
        let report = site.told(&grant, "report");
        let left_out = report["body"]["report"]["left-out"].to_string();
        assert!(left_out.contains("lost with a restart of jitd"), "{report}");
        assert_eq!(site.record("report").len(), 1);
        // Nothing is taken up twice.
        site.jitd.kill().unwrap();
        site.restart_jitd();
        let other = site.grant("dora", "ids", "30m");
        site.jitctl("dora", &["drop"]).unwrap().expect_ok();
        site.told(&other, "report");
        assert_eq!(site.record("report").len(), 2);
    }
}

#[test]
fn a_number_that_was_given_to_somebody_else_is_never_signalled() {
    let Some(site) = lending(Release::Trixie) else { return };
    let program = workspace::example("jit-mechanisms", "sweep-recycled").unwrap();
    site.copy_in(&program, RECYCLED).unwrap();
    site.run(&["chmod", "755", RECYCLED]).unwrap().expect_ok();
    // Numbers are given anew in this bed's pid namespace, by a /proc that may be written.
    site.sh("mkdir /tmp/proc; mount -t proc proc /tmp/proc").unwrap().expect_ok();
    let last = "/tmp/proc/sys/kernel/ns_last_pid";
    let gid = site.sh("getent group docker | cut -d: -f3").unwrap().expect_ok().out.trim().to_owned();
    let uid = |user| site.account(user).unwrap().uid.to_string();
    let holder = [RECYCLED, "alice", &uid("alice"), "docker", &gid];
    for victim in [uid("dora"), uid("alice")] {
        let said = site.run(&[&holder[..], &[&victim, last]].concat()).unwrap().expect_ok();
        said.expect_says("the same number").expect_says("signalled nobody").expect_says("it runs on");
    }
    let said = site.run(&[&holder[..], &[last]].concat()).unwrap().expect_ok();
    said.expect_says("signalled it");
}
