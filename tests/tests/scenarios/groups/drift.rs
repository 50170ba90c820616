//! The host compared with the record, at once when somebody asks: each difference is found, told once, and made right where the
//! policy says so.

use jit_e2e::{Inside, Release, until};
use serde_json::Value;

use super::{is_in, lend, lending, members, works};
use crate::site::{Granted, Product as _, SOON, SUDOERS, Site, site_with};

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

/// Whether a grant is one of these.
fn is_among(grant: &Granted, ids: &Value) -> bool {
    ids.as_array().is_some_and(|ids| ids.iter().any(|id| id == grant.id.as_str()))
}

/// Whether docker has the same members by both files.
fn members_agree(site: &Site) -> bool {
    let [open, shadow] = members(site, "docker");
    open == shadow
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
fn a_grant_ends_by_the_membership_that_is_taken_away_where_the_policy_says_so_and_no_other() {
    let Some(site) = site_where("taken_away = \"end\"") else { return };
    let lost = |grant: &Granted| {
        assert_eq!(site.told(grant, "ended")["body"]["cause"], "lost");
        let told =
            |entry: &Value| entry["id"] == grant.id.as_str() || is_among(grant, &entry["body"]["grants"]);
        let told = site.record("drift").into_iter().filter(told).collect::<Vec<_>>();
        assert!(told.len() == 1 && told[0]["body"]["what"] == "taken-away", "{told:?}");
    };
    let kept = site.grant("dora", "docker", "30m");
    let taken = site.grant("alice", "boxes", "30m");
    site.run(&["gpasswd", "-d", "alice", "boxes"]).unwrap().expect_ok();
    lost(&taken);
    assert!(!works(&site, "alice") && !is_in(&site, "alice", "docker"), "all that it gave is gone");

    // Who was in it before is so by their grant as well.
    site.run(&["gpasswd", "-a", "alice", "docker"]).unwrap().expect_ok();
    let natural = site.grant("alice", "docker", "30m");
    site.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
    lost(&natural);
    assert!(!works(&site, "alice") && !is_in(&site, "alice", "docker"));

    // sudo's file is jitd's alone, and made right; and so is the list that does not count.
    site.run(&["rm", SUDOERS]).unwrap().expect_ok();
    assert_eq!(kinds(&drift(&site)), ["rules"]);
    site.sh("sed -i '/^docker:/s/dora//' /etc/gshadow").unwrap().expect_ok();
    until("both files to agree", SOON, || members_agree(&site).then_some(())).unwrap();
    assert!(works(&site, "dora") && is_in(&site, "dora", "docker"));
    assert_eq!(site.status("dora")["mine"][0]["id"], kept.id.as_str());
}

#[test]
fn an_extension_that_sudo_is_still_asked_about_goes_with_what_was_taken_away() {
    const SLOW: &str = "#!/bin/sh\ncase \" $* \" in *\" -l\"*) touch /run/asked; while [ -e /run/wait ]; do sleep 0.1; done;; esac\n\
        exec /usr/bin/sudo.real \"$@\"\n";
    let Some(site) = site_with(Release::Bookworm, |bed| {
        lend(bed);
        bed.policy("40-drift.toml", "[drift]\ntaken_away = \"end\"\n").unwrap();
        bed.sh("mv /usr/bin/sudo /usr/bin/sudo.real").unwrap().expect_ok();
        bed.write_mode("/usr/bin/sudo", SLOW, 0o755).unwrap();
    }) else {
        return;
    };
    let grant = site.grant("alice", "boxes", "10m");
    // sudo is asked anew, and takes its time.
    site.sh("touch /run/wait /etc/sudoers.d/zz; chmod 440 /etc/sudoers.d/zz; rm -f /run/asked")
        .unwrap()
        .expect_ok();
    let extension =
        site.command(&["jitctl", "extend", &grant.id, "--for", "5m"]).user("alice").spawn().unwrap();
    until("sudo to be asked", SOON, || site.read("/run/asked").ok()).unwrap();
    site.run(&["gpasswd", "-d", "alice", "boxes"]).unwrap().expect_ok();
    assert_eq!(site.told(&grant, "ended")["body"]["cause"], "lost");
    site.run(&["rm", "/run/wait"]).unwrap().expect_ok();
    assert_ne!(extension.wait_end(SOON).unwrap().code, 0);
    assert_eq!(site.status("root")["live"], 0);
    assert!(!is_in(&site, "alice", "boxes"));
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
    // What cannot be removed is told once, whatever its name is, and stands there.
    site.sh("mkdir \"/run/jit/sudoers.d/$(printf 'x\\001')\"").unwrap().expect_ok();
    let answer = drift(&site);
    assert!(answer["found"][0]["done"].as_str().unwrap().contains("could not be removed"), "{answer}");
    let answer = drift(&site);
    assert_eq!(answer["found"], serde_json::json!([]), "{answer}");
    assert!(answer["standing"][0].as_str().unwrap().contains("x\\u{1}"), "{answer}");
    assert_eq!(recorded(&site).len(), 3);
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
