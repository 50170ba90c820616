//! A start that is named beforehand, and more time for what is live.

use jit_e2e::{Release, until};
use serde_json::Value;

use crate::site::{Granted, Product as _, REASON, SOON, Site, json, site, site_with, wall};

const POLICY: &str = r#"
[role.hosts]
summary = "Look at the hosts"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hosts"]] }

[[rule]]
name         = "hosts with somebody behind it"
roles        = ["hosts"]
eligible     = { groups = ["oncall"] }
max_duration = "10m"
approvals    = [{ by = { users = ["bob"] } }]
pending_timeout = "10s"
"#;

const SECOND: i64 = 1_000_000_000;

fn with_approval(release: Release) -> Option<Site> {
    site_with(release, |bed| bed.policy("20-hosts.toml", POLICY).unwrap())
}

/// So many seconds from now, as one types it.
fn in_seconds(site: &Site, seconds: i64) -> (i64, String) {
    let at = wall() / SECOND + seconds;
    let typed =
        site.run(&["date", "-u", "-d", &format!("@{at}"), "+%Y-%m-%dT%H:%M:%SZ"]).unwrap().expect_ok();
    (at * SECOND, typed.out.trim().to_owned())
}

fn entry(site: &Site, kind: &str, id: &str) -> Option<Value> {
    site.record(kind).into_iter().find(|entry| entry["id"] == *id)
}

fn deadline(site: &Site, id: &str) -> i64 {
    entry(site, "intent", id).unwrap()["body"]["deadline"]["wall"].as_i64().unwrap()
}

fn may_look(site: &Site) -> bool {
    site.sudo("alice", &["cat", "/etc/hosts"]).success()
}

#[test]
fn nothing_is_on_the_host_before_the_start_and_it_begins_on_time() {
    for release in Release::ALL {
        let Some(site) = with_approval(release) else { return };
        let (start, at) = in_seconds(&site, 4);
        let words = ["elevate", "ids", "--for", "30m", "--reason", REASON, "--at", &at];
        site.jitctl("alice", &words).unwrap().expect_ok();
        let id = site.record("scheduled")[0]["id"].as_str().unwrap().to_owned();
        assert!(!site.may("alice") && site.record("intent").is_empty());
        let intent = until("its start", SOON, || entry(&site, "intent", &id)).unwrap();
        let late = intent["body"]["start"].as_i64().unwrap() - start;
        assert!((0..SECOND).contains(&late), "it began {late} ns after the time that was named");
        until("it to be in force", SOON, || site.may("alice").then_some(())).unwrap();
        let length = deadline(&site, &id) - start;
        assert!((1798 * SECOND..=1801 * SECOND).contains(&length), "its clock starts with it: {length}");
        site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
        // With somebody behind it, and whoever asked is not on call any more when the time has come.
        let (_, at) = in_seconds(&site, 5);
        site.jitctl("alice", &["elevate", "hosts", "--no-wait", "--at", &at]).unwrap().expect_code(4);
        let id = site.record("pending").pop().unwrap()["id"].as_str().unwrap().to_owned();
        site.jitctl("bob", &["approve", &id]).unwrap().expect_ok();
        assert!(entry(&site, "scheduled", &id).is_some() && !may_look(&site));
        site.run(&["gpasswd", "-d", "alice", "oncall"]).unwrap().expect_ok();
        let closed = until("it to be closed", SOON, || entry(&site, "closed", &id)).unwrap();
        assert_eq!(closed["body"]["cause"], "ineligible", "{closed}");
        assert!(!may_look(&site));
        site.jitctl("alice", &["elevate", "ids", "--reason", REASON, "--at", "2020-01-01 00:00"])
            .unwrap()
            .expect_code(2)
            .expect_says("is over");
    }
}

#[test]
fn a_start_that_came_while_jitd_was_away_is_made_up_for() {
    let Some(mut site) = with_approval(Release::Bookworm) else { return };
    let (start, at) = in_seconds(&site, 2);
    let words = ["elevate", "ids", "--for", "30m", "--reason", REASON, "--at", &at];
    site.jitctl("alice", &words).unwrap().expect_ok();
    site.jitd.kill().unwrap();
    until("the start to pass", SOON, || (wall() > start).then_some(())).unwrap();
    assert!(!site.may("alice"));
    site.restart_jitd();
    until("it to be in force", SOON, || site.may("alice").then_some(())).unwrap();
}

#[test]
fn an_extension_takes_the_place_of_its_grant_and_never_passes_what_the_rule_permits() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let first = site.grant("alice", "ids", "30m");
        site.elevate("alice", "ids", "30m")
            .expect_code(3)
            .expect_says(&format!("jitctl extend {}", first.id));
        let too_long = site.jitctl("alice", &["extend", &first.id, "--for", "31m"]).unwrap();
        too_long.expect_code(3).expect_says("1h in all").expect_says("30m");
        let extended = site.jitctl("alice", &["extend", "--for", "20m", "--json"]).unwrap().expect_ok();
        let id = json(&extended)["grant"]["id"].as_str().unwrap().to_owned();
        assert_eq!(deadline(&site, &id), first.deadline + 1200 * SECOND);
        assert_eq!(site.told(&first, "ended")["body"]["cause"], "replaced");
        assert!(site.may("alice"));
        assert!(site.sudoers().contains(&id) && !site.sudoers().contains(&first.id));
        // Of the whole row the rule permits an hour.
        let too_long = site.jitctl("alice", &["extend", "--for", "11m"]).unwrap();
        too_long.expect_code(3).expect_says("10m");
        site.jitctl("alice", &["extend", "ids", "--for", "10m"]).unwrap().expect_ok();
        site.jitctl("alice", &["extend", "ids", "--for", "1s"])
            .unwrap()
            .expect_code(3)
            .expect_says("no further");
        site.jitctl("dora", &["extend", &id, "--for", "1m"]).unwrap().expect_code(6);
        site.sh("jitctl lock").unwrap().expect_ok();
        site.jitctl("alice", &["extend", "--for", "1s"]).unwrap().expect_code(3).expect_says("locked");
        site.sh("jitctl unlock").unwrap().expect_ok();
        site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
        assert!(!site.may("alice"));
    }
}

#[test]
fn an_extension_that_somebody_has_to_approve_changes_nothing_until_then() {
    let Some(mut site) = with_approval(Release::Trixie) else { return };
    let ask = |site: &Site, words: &[&str]| {
        site.jitctl("alice", &[words, &["--no-wait"]].concat()).unwrap().expect_code(4);
        site.record("pending").pop().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let first = ask(&site, &["elevate", "hosts", "--for", "5m"]);
    site.jitctl("bob", &["approve", &first]).unwrap().expect_ok();
    let before = deadline(&site, &first);
    let second = ask(&site, &["extend", &first, "--for", "5m"]);
    let shown = site.jitctl("bob", &["show", &second]).unwrap().expect_ok();
    shown.expect_says(&first);
    site.jitctl("bob", &["deny", &second, "--note", "five are enough"]).unwrap().expect_ok();
    assert!(may_look(&site) && deadline(&site, &first) == before, "the grant stays as it was");
    let third = ask(&site, &["extend", &first, "--for", "5m"]);
    site.jitctl("bob", &["approve", &third, "--for", "2m"]).unwrap().expect_ok();
    assert_eq!(
        deadline(&site, &third),
        before + 120 * SECOND,
        "it counts from where the grant would have ended"
    );
    assert_eq!(entry(&site, "ended", &first).unwrap()["body"]["cause"], "replaced");
    // A grant that ends takes the question for more of it along.
    let fourth = ask(&site, &["extend", &third, "--for", "1m"]);
    site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
    let closed = until("the question to be closed", SOON, || entry(&site, "closed", &fourth)).unwrap();
    assert_eq!(closed["body"]["cause"], "ineligible");
    site.jitctl("bob", &["approve", &fourth]).unwrap().expect_code(3);
    assert!(!may_look(&site));
    // Killed between the two halves, only the extension is left.
    let grant = site.grant("alice", "ids", "10m");
    let extended =
        site.jitctl("alice", &["extend", &grant.id, "--for", "10m", "--json"]).unwrap().expect_ok();
    site.jitd.kill().unwrap();
    site.restart_jitd();
    let id = json(&extended)["grant"]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.status("alice")["mine"].as_array().unwrap().len(), 1);
    site.told(&Granted { id: grant.id, deadline: grant.deadline }, "ended");
    assert!(site.sudoers().contains(&id) && site.may("alice"));
}
