//! Beside others: somebody sits on the lock, a process keeps what it had, a rule that names the group.

use std::time::{Duration, Instant};

use jit_e2e::{Release, until};

use super::{is_in, lend, lending, members, works};
use crate::site::{Product as _, SOON, Site, measured, site_with};

/// A role for members of a group that there is not yet.
const SHIPS: &str = r#"
[role.ships]
summary = "For those who are in boats"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/issue"]] }

[[rule]]
name         = "ships for members"
roles        = ["ships"]
eligible     = { groups = ["boats"] }
max_duration = "1h"
"#;

/// Holds `/etc/group.lock` as a program does that takes no other lock.
const HOLD: &str = "sleep 1000 & printf '%s' $! > /etc/group.lock; echo $! > /tmp/holder";

#[test]
fn a_held_lock_refuses_on_the_way_in_and_is_stuck_on_the_way_out_and_slows_nobody() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        let grant = site.grant("alice", "docker", "30m");
        site.sh(&format!("({HOLD}) > /dev/null 2>&1")).unwrap().expect_ok();
        let dropped = site.jitctl("alice", &["drop"]).unwrap().expect_code(1);
        dropped.expect_says("STUCK");
        assert!(is_in(&site, "alice", "docker"), "and nobody is told otherwise");
        assert!(!works(&site, "alice"), "sudo does not wait for it");
        let stuck = site.told(&grant, "stuck");
        assert!(stuck["body"]["why"].as_str().unwrap().contains("/etc/group.lock is locked by"), "{stuck}");
        let attention = site.status("root")["attention"].to_string();
        assert!(attention.contains(&grant.id), "{attention}");

        let refused = site.elevate("dora", "docker", "30m").expect_code(1);
        refused.expect_says("/etc/group.lock is locked by");
        assert!(!is_in(&site, "dora", "docker") && !works(&site, "dora"));
        let begun = Instant::now();
        site.elevate("dora", "ids", "30m").expect_ok();
        measured(&format!("{release}: a role of sudo alone in {:?}", begun.elapsed()));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());

        site.sh("rm /etc/group.lock; kill $(cat /tmp/holder)").unwrap().expect_ok();
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "dropped");
        assert_eq!(members(&site, "docker"), [Vec::<String>::new(), Vec::new()]);
        site.grant("dora", "docker", "30m");
        assert!(is_in(&site, "dora", "docker"));
    }
}

#[test]
fn whoever_asks_again_while_it_is_stuck_is_not_told_to_use_it() {
    let Some(site) = lending(Release::Bookworm) else { return };
    let stuck = site.grant("alice", "docker", "30m");
    site.sh(&format!("({HOLD}) > /dev/null 2>&1")).unwrap().expect_ok();
    site.jitctl("alice", &["drop"]).unwrap().expect_code(1);
    let again = site.grant("alice", "docker", "30m");
    assert!(again.id != stuck.id && works(&site, "alice") && is_in(&site, "alice", "docker"));
    assert_eq!(site.told(&stuck, "ended")["body"]["cause"], "dropped");
    site.sh("rm /etc/group.lock; kill $(cat /tmp/holder)").unwrap().expect_ok();
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    assert!(!works(&site, "alice") && !is_in(&site, "alice", "docker"));
}

#[test]
fn a_held_lock_is_waited_for_once_while_other_members_stay() {
    let Some(site) = lending(Release::Bookworm) else { return };
    site.grant("alice", "docker", "30m");
    site.sh(&format!("({HOLD}) > /dev/null 2>&1")).unwrap().expect_ok();
    let refused = || {
        let begun = Instant::now();
        site.elevate("dora", "docker", "30m").expect_code(1).expect_says("/etc/group.lock is locked by");
        begun.elapsed()
    };
    let first = refused();
    let quickest = (0..5).map(|_| {
        // The groups are as they should be: for this no lock is taken.
        site.grant("dora", "ids", "30m");
        site.jitctl("dora", &["drop"]).unwrap().expect_ok();
        refused()
    });
    let quickest = quickest.min().unwrap();
    measured(&format!("refused after {first:?}, then after {quickest:?}"));
    assert!(quickest < Duration::from_millis(300), "{quickest:?}");
    site.sh("kill $(cat /tmp/holder)").unwrap().expect_ok();
}

#[test]
fn a_group_that_jitd_gave_opens_no_other_role() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let refused = |site: &Site| site.elevate("alice", "whales", "30m").expect_code(6);
    refused(&site);
    let grant = site.grant("alice", "docker", "30m");
    refused(&site);
    site.jitctl("alice", &["drop", &grant.id]).unwrap().expect_ok();
    refused(&site);
    site.grant("alice", "docker", "30m");
    site.jitd.kill().unwrap();
    site.restart_jitd();
    refused(&site);
    // Who is in it without jitd has what the rule says.
    site.run(&["gpasswd", "-a", "bob", "docker"]).unwrap().expect_ok();
    site.elevate("bob", "whales", "30m").expect_ok();
}

#[test]
fn a_gpasswd_that_read_an_older_list_brings_nobody_back() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        let grant = site.grant("alice", "docker", "30m");
        // It reads, and comes to the lock when she is out.
        let inject = "inject=openat:delay_enter=2000000:when=1";
        let words = [
            "strace",
            "-o",
            "/tmp/gpasswd",
            "-P",
            "/etc/.pwd.lock",
            "-e",
            inject,
            "gpasswd",
            "-a",
            "carl",
            "docker",
        ];
        let gpasswd = site.command(&words).spawn().unwrap();
        let runs = || site.processes("gpasswd").first().copied();
        until("gpasswd to run", SOON, runs).unwrap();
        let reads = || site.read("/tmp/gpasswd").ok().filter(|trace| trace.contains(".pwd.lock"));
        until("gpasswd to come to the lock", SOON, reads).unwrap();
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        assert!(!is_in(&site, "alice", "docker"));
        gpasswd.wait_end(SOON).unwrap().expect_ok();
        let right = || (members(&site, "docker") == [["carl"], ["carl"]]).then_some(());
        until("alice to be out again", SOON, right).unwrap();
        let drift = || site.record("drift").into_iter().next();
        let drift = until("it to be on the record", SOON, drift).unwrap();
        assert!(drift["body"]["found"].as_str().unwrap().contains("gpasswd wrote an older list"), "{drift}");
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "dropped");

        // The next change finds no gpasswd any more, and with it ends the doubt. Whom an admin puts in afterwards stays.
        site.elevate("dora", "docker", "30m").expect_ok();
        site.jitctl("dora", &["drop"]).unwrap().expect_ok();
        site.run(&["gpasswd", "-a", "alice", "docker"]).unwrap().expect_ok();
        site.elevate("dora", "docker", "30m").expect_ok();
        site.jitctl("dora", &["drop"]).unwrap().expect_ok();
        assert!(is_in(&site, "alice", "docker"));
    }
}

#[test]
fn a_group_that_jitd_gave_opens_no_other_role_under_another_name() {
    let Some(site) = site_with(Release::Bookworm, |bed| {
        lend(bed);
        bed.policy("40-ships.toml", SHIPS).unwrap();
    }) else {
        return;
    };
    site.grant("alice", "docker", "30m");
    // Another line with the same number, which counts for whoever has that.
    let alias = "gid=$(getent group docker | cut -d: -f3); sed \"1i boats:x:$gid:\" /etc/group > /etc/group.new && mv /etc/group.new /etc/group";
    site.sh(alias).unwrap().expect_ok();
    site.elevate("alice", "ships", "30m").expect_code(6);
    site.sh("sed 1d /etc/group > /etc/group.new && mv /etc/group.new /etc/group").unwrap().expect_ok();
    site.run(&["groupmod", "-n", "boats", "docker"]).unwrap().expect_ok();
    site.elevate("alice", "ships", "30m").expect_code(6);
}

#[test]
fn an_older_list_written_by_others_is_left_and_told() {
    let Some(site) = lending(Release::Bookworm) else { return };
    site.grant("alice", "docker", "30m");
    site.run(&["cp", "-p", "/etc/group", "/tmp/old"]).unwrap().expect_ok();
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    site.sh("cp -p /tmp/old /etc/group.new && mv /etc/group.new /etc/group").unwrap().expect_ok();
    let drift = || site.record("drift").into_iter().next();
    let drift = until("it to be on the record", SOON, drift).unwrap();
    let found = "alice is in the group docker again";
    assert!(drift["body"]["found"].as_str().unwrap().contains(found), "{drift}");
    assert_eq!(members(&site, "docker"), [vec!["alice".to_owned()], Vec::new()]);
    let attention = || site.status("root")["attention"].to_string();
    assert!(attention().contains(found), "{}", attention());
    site.elevate("alice", "whales", "30m").expect_code(6);
    site.grant("dora", "ids", "30m");
    assert_eq!(site.record("drift").len(), 1, "{:?}", site.record("drift"));
    site.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
    until("it to be right", SOON, || (!attention().contains(found)).then_some(())).unwrap();
}

#[test]
fn a_name_service_that_says_otherwise_is_told_to_an_admin() {
    let Some(site) = site_with(Release::Bookworm, |bed| {
        lend(bed);
        bed.sh("echo 'initgroups: db' >> /etc/nsswitch.conf").unwrap().expect_ok();
    }) else {
        return;
    };
    site.grant("alice", "docker", "30m");
    let drift = || site.record("drift").into_iter().next();
    let drift = until("it to be on the record", SOON, drift).unwrap();
    let found = "alice is in docker by /etc/group, and the name service does not say so";
    assert_eq!(drift["body"]["found"], found);
    assert!(site.status("root")["attention"].to_string().contains(found));
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let quiet = || (site.status("root")["attention"] == serde_json::json!([])).then_some(());
    until("both to agree", SOON, quiet).unwrap();
    assert_eq!(site.record("drift").len(), 1);
}

#[test]
fn a_group_that_got_another_name_ends_its_grant_and_is_told_until_somebody_decides() {
    let Some(site) = lending(Release::Trixie) else { return };
    let grant = site.grant("alice", "docker", "30m");
    site.run(&["groupmod", "-n", "whales", "docker"]).unwrap().expect_ok();
    let stuck = site.told(&grant, "stuck");
    assert!(stuck["body"]["why"].as_str().unwrap().contains("was docker and is whales now"), "{stuck}");
    assert!(!works(&site, "alice") && !site.sudo("alice", &["-g", "whales", "id"]).success());
    assert!(site.status("root")["attention"].to_string().contains(&grant.id));
    assert_eq!(members(&site, "whales"), [["alice"], ["alice"]], "nobody has decided yet");
    site.run(&["groupmod", "-n", "docker", "whales"]).unwrap().expect_ok();
    assert_eq!(site.told(&grant, "ended")["body"]["cause"], "failed");
    assert_eq!(members(&site, "docker"), [Vec::<String>::new(), Vec::new()]);
}
