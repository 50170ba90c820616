//! After a crash, after a hand in its files, after a disk that would not be written: jitd puts right what is on the
//! host, and the record says so.

use std::collections::BTreeSet;

use jit_e2e::{Inside, Release, until};
use serde_json::Value;

use crate::site::{HEADER, Product as _, SOON, SUDOERS, site};

const APPLIED: &str = "/var/lib/jit/applied";

/// The ids behind this word at the start of a line.
fn ids(text: &str, before: &str) -> BTreeSet<String> {
    let words = text.lines().filter_map(|line| line.strip_prefix(before));
    words.map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
}

fn live(bed: &Inside) -> BTreeSet<String> {
    let status = bed.status("root");
    status["all"].as_array().unwrap().iter().map(|grant| grant["id"].as_str().unwrap().to_owned()).collect()
}

/// The record is whole, and nobody has more or less than it says.
fn consistent(bed: &Inside) {
    let verify = bed.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap();
    verify.expect_ok();
    let live = live(bed);
    assert_eq!(ids(&bed.sudoers(), "# grant "), live, "sudo's file");
    assert_eq!(ids(&bed.read(APPLIED).unwrap_or_default(), "grant "), live, "applied");
    assert_eq!(bed.may("alice"), !live.is_empty());
}

#[test]
fn a_hand_in_sudos_file_is_put_right_and_recorded() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "30m");
        let right = site.sudoers();
        let bob = site.account("bob").unwrap().uid;
        let changes = [
            format!("echo '#{bob} ALL=(ALL) NOPASSWD: ALL' >> {SUDOERS}"),
            format!("rm {SUDOERS}"),
            format!("chmod 666 {SUDOERS}"),
            format!("chown bob {SUDOERS}"),
            format!("ln -sf /etc/shadow {SUDOERS}"),
        ];
        for (number, change) in changes.iter().enumerate() {
            site.sh(change).unwrap().expect_ok();
            // The next change makes jitd look, as it also does every minute.
            site.elevate("dora", "ids", "30m").expect_ok();
            site.jitctl("dora", &["drop"]).unwrap().expect_ok();
            assert_eq!(site.sudoers(), right, "{change}");
            let file = site.sh(&format!("stat -c '%a %U %F' {SUDOERS}")).unwrap().expect_ok();
            assert_eq!(file.out, "440 root regular file\n", "{change}");
            assert!(site.may("alice") && !site.may("bob"), "{change}");
            assert_eq!(site.record("drift").len(), number + 1, "{change}");
        }
        site.jitctl("alice", &["drop", &grant.id]).unwrap().expect_ok();
        assert_eq!(site.sudoers(), HEADER);
    }
}

#[test]
fn a_damaged_applied_ends_everything_and_jitd_goes_on() {
    let Some(mut site) = site(Release::Bookworm) else { return };
    let grants = [site.grant("alice", "ids", "30m"), site.grant("dora", "ids", "30m")];
    site.sh(&format!("truncate -s -10 {APPLIED}")).unwrap().expect_ok();
    until("all to be off", SOON, || (site.sudoers() == HEADER).then_some(())).unwrap();
    site.grant("carl", "logs", "30m");
    for grant in &grants {
        assert_eq!(site.told(grant, "ended")["body"]["cause"], "guard");
    }
    site.jitctl("carl", &["drop"]).unwrap().expect_ok();

    // Nobody is there to see it: jitd knows from its record what is live.
    let grant = site.grant("alice", "ids", "30m");
    site.guard.kill().unwrap();
    site.jitd.kill().unwrap();
    site.sh(&format!("truncate -s -10 {APPLIED}")).unwrap().expect_ok();
    site.restart_jitd();
    assert_eq!(ids(&site.read(APPLIED).unwrap(), "grant "), BTreeSet::from([grant.id]));
    consistent(&site);
}

#[test]
fn what_cannot_be_removed_is_stuck_and_loud_and_retried() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "30m");
        let folder = "/run/jit/sudoers.d";
        let read_only = format!("mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}");
        site.sh(&read_only).unwrap().expect_ok();
        site.jitctl("alice", &["drop"]).unwrap().expect_code(1).expect_says("STUCK");
        assert!(site.may("alice"), "the rule is still there, and nobody is told otherwise");
        let status = site.status("root");
        assert_eq!(status["all"][0]["state"], "stuck");
        let attention = status["attention"].to_string();
        assert!(attention.contains(&grant.id) && attention.contains("still on the host"), "{attention}");
        let stuck = site.told(&grant, "stuck");
        assert!(stuck["body"]["why"].as_str().unwrap().contains("Read-only"), "{stuck}");
        site.elevate("dora", "ids", "30m").expect_code(1).expect_says("could not be put in force");
        let tried = || {
            site.record("stuck").last().filter(|entry| entry["body"]["tries"].as_u64() >= Some(3)).cloned()
        };
        until("a third try", SOON, tried).unwrap();

        site.run(&["umount", folder]).unwrap().expect_ok();
        let ended = site.told(&grant, "ended");
        assert_eq!(ended["body"]["cause"], "dropped");
        assert!(!site.may("alice") && !site.may("dora"));
        assert_eq!(site.status("root")["attention"], Value::Array(Vec::new()));
        site.elevate("dora", "ids", "30m").expect_ok();
    }
}
