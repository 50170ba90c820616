//! The host compared with the record, at once when somebody asks: each difference is found, told once, and made right where the
//! policy says so.

use jit_e2e::{Inside, Release, until};
use serde_json::Value;

use super::{is_in, lend, lending, members, works};
use crate::site::{Granted, HEADER, Product as _, SOON, SUDOERS, Site, site_with};

const STRANGER: &str = "/run/jit/sudoers.d/mallory";
const APPLIED: &str = "/var/lib/jit/applied";
const INCLUDE: &str = "/etc/sudoers.d/00-jit";

/// What `jitctl drift` says as JSON; its exit code is the one it names.
fn drift(bed: &Inside) -> Value {
    let said = bed.jitctl("audrey", &["drift", "--json"]).unwrap();
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(i64::from(said.code), answer["exit"].as_i64().unwrap(), "{said}");
    answer
}

/// What a look found, by kind.
fn kinds(answer: &Value) -> Vec<String> {
    let found = answer["found"].as_array().unwrap();
    found.iter().map(|one| one["what"].as_str().unwrap().to_owned()).collect()
}

/// The kinds of all differences on the record.
fn recorded(site: &Site) -> Vec<String> {
    site.record("drift").iter().map(|entry| entry["body"]["what"].as_str().unwrap().to_owned()).collect()
}

/// Waits until alice is out of docker, by both files.
fn wait_out(site: &Site) {
    let is_in = || members(site, "docker").iter().flatten().any(|member| member == "alice");
    until("alice to be out", SOON, || (!is_in()).then_some(())).unwrap();
}

fn site_where(drift: &str) -> Option<Site> {
    site_with(Release::Bookworm, |bed| {
        lend(bed);
        bed.policy("40-drift.toml", &format!("[drift]\n{drift}\n")).unwrap();
    })
}

#[test]
fn whoever_asks_hears_at_once_what_differs_and_each_difference_is_on_the_record_once() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        site.jitctl("alice", &["drift"]).unwrap().expect_code(7);
        let nothing = drift(&site);
        assert_eq!(nothing["exit"], 0, "{nothing}");
        let grant = site.grant("alice", "boxes", "30m");
        let compared = drift(&site);
        assert_eq!([&compared["grants"], &compared["memberships"], &compared["people"]], [1, 2, 1]);

        site.sh(&format!("rm {SUDOERS} {APPLIED}; install -m 440 /dev/null {STRANGER}; mv {INCLUDE} /root/"))
            .unwrap()
            .expect_ok();
        let answer = drift(&site);
        let mut found = kinds(&answer);
        found.sort();
        assert_eq!(found, ["applied", "include", "rules", "stranger"], "{answer}");
        assert_eq!(answer["exit"], 1);
        assert!(site.read(APPLIED).unwrap().contains(&grant.id), "the guard knows of it again");
        assert!(site.sudoers().contains(&grant.id));
        let page = site.jitctl("root", &["drift"]).unwrap().expect_code(1).out;
        assert!(page.contains("known before, and so still"), "{page}");
        assert!(page.contains(&format!("{STRANGER} is not jitd's, and sudo takes its rules")), "{page}");
        assert!(page.contains(&format!("{INCLUDE} is missing, so sudo reads no grant")), "{page}");

        site.sh(&format!("rm {STRANGER}; mv /root/00-jit {INCLUDE}")).unwrap().expect_ok();
        let right = drift(&site);
        assert_eq!(right["exit"], 0, "{right}");
        assert_eq!(recorded(&site).len(), 4, "{:?}", site.record("drift"));
    }
}

#[test]
fn what_concerns_one_grant_is_in_its_story() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let grant = site.grant("alice", "docker", "30m");
    site.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
    let told = until("it to be told", SOON, || site.record("drift").into_iter().next()).unwrap();
    assert_eq!(told["id"], grant.id.as_str(), "{told}");
    assert_eq!(told["body"]["what"], "taken-away");
    assert!(is_in(&site, "alice", "docker"));
    let story = site.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok().out;
    assert!(story.contains("alice was put into it again"), "{story}");
    // A start takes it for nothing that the grant gives.
    let change = |site: &Site| {
        let story = site.jitctl("alice", &["show", &grant.id, "--json"]).unwrap().expect_ok();
        serde_json::from_str::<Value>(&story.out).unwrap()["change"].clone()
    };
    let before = change(&site);
    site.jitd.kill().unwrap();
    site.restart_jitd();
    assert_eq!(change(&site), before);
}

#[test]
fn a_grant_ends_by_what_is_taken_away_where_the_policy_says_so_and_no_other() {
    let Some(site) = site_where("taken_away = \"end\"") else { return };
    let lost = |grant: &Granted| {
        assert_eq!(site.told(grant, "ended")["body"]["cause"], "lost");
        let told = site.record("drift").iter().filter(|entry| entry["id"] == grant.id.as_str()).count();
        assert_eq!(told, 1, "{:?}", site.record("drift"));
    };
    let kept = site.grant("dora", "docker", "30m");
    let by_group = site.grant("alice", "boxes", "30m");
    site.run(&["gpasswd", "-d", "alice", "boxes"]).unwrap().expect_ok();
    lost(&by_group);
    assert!(!works(&site, "alice") && !is_in(&site, "alice", "docker"), "all that it gave is gone");

    let by_rule = site.grant("alice", "ids", "30m");
    let without = format!("sed -i '/grant {0}/,/end {0}/d' {SUDOERS}; chmod 440 {SUDOERS}", by_rule.id);
    site.sh(&without).unwrap().expect_ok();
    let answer = drift(&site);
    assert_eq!(kinds(&answer), ["rules"], "{answer}");
    assert_eq!(answer["found"][0]["grants"][0], by_rule.id.as_str());
    lost(&by_rule);
    assert!(works(&site, "dora") && is_in(&site, "dora", "docker"));
    site.run(&["rm", SUDOERS]).unwrap().expect_ok();
    assert_eq!(kinds(&drift(&site)), ["rules"]);
    lost(&kept);
    assert_eq!(site.sudoers(), HEADER);
    assert!(!is_in(&site, "dora", "docker"));
}

#[test]
fn whoever_is_put_back_after_the_end_is_taken_out_where_the_policy_says_so() {
    let Some(site) = site_where("put_back = \"remove\"") else { return };
    site.grant("alice", "docker", "30m");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    for times in 1..=2 {
        site.run(&["gpasswd", "-a", "alice", "docker"]).unwrap().expect_ok();
        wait_out(&site);
        let told = || Some(recorded(&site)).filter(|kinds| kinds.len() == times);
        let told = until("it to be told", SOON, told).unwrap();
        // A gpasswd that still runs could have written an older list.
        assert!(told.iter().all(|kind| kind == "put-back" || kind == "older-list"), "{told:?}");
    }
    // Who was never given it by jitd is nobody's business.
    site.run(&["gpasswd", "-a", "bob", "docker"]).unwrap().expect_ok();
    assert_eq!(drift(&site)["exit"], 0);
    assert!(is_in(&site, "bob", "docker"));
}

#[test]
fn files_of_others_are_removed_where_the_policy_says_so_and_again_when_they_come_again() {
    let Some(site) = site_where("strangers = \"remove\"") else { return };
    for _ in 0..2 {
        site.sh(&format!("echo 'bob ALL=(ALL) NOPASSWD: ALL' > {STRANGER}; chmod 440 {STRANGER}"))
            .unwrap()
            .expect_ok();
        assert!(site.sudo("bob", &["id", "-u"]).success(), "sudo reads it");
        let answer = drift(&site);
        assert_eq!(kinds(&answer), ["stranger"], "{answer}");
        assert!(!site.sudo("bob", &["id", "-u"]).success());
    }
    // A folder is none of sudo's, and no file of jitd's is one of others.
    site.run(&["mkdir", STRANGER]).unwrap().expect_ok();
    let answer = drift(&site);
    assert_eq!(answer["exit"], 1, "{answer}");
    assert!(answer["found"][0]["done"].as_str().unwrap().contains("could not be removed"), "{answer}");
    assert!(site.read(SUDOERS).is_ok());
}

#[test]
fn somebody_who_is_gone_is_found_with_what_they_held() {
    let Some(site) = lending(Release::Bookworm) else { return };
    let grant = site.grant("alice", "docker", "30m");
    // Without a word to whoever watches the accounts: the name service is asked.
    site.run(&["usermod", "-L", "-e", "1", "alice"]).unwrap().expect_ok();
    let answer = drift(&site);
    assert_eq!(site.told(&grant, "ended")["body"]["cause"], "person-gone");
    let found = answer["found"].as_array().unwrap();
    assert!(
        found.iter().all(|one| one["what"] == "person" && one["grants"][0] == grant.id.as_str()),
        "{answer}"
    );
    assert_eq!(drift(&site)["exit"], 0);
}
