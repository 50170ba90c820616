//! Who sees what of requests and of the record, and what is said of those that wait.

use std::time::Duration;

use jit_e2e::{Release, Signal, until};
use serde_json::Value;

use super::approvals;
use crate::site::{Product as _, REASON, SOON, Site, json, measured, site_with, wall};

const AUDIT: &str = r#"
[role.audit]
summary = "The auditors' group"
risk    = "high"
groups  = ["jit-audit"]

[[rule]]
name         = "audit at once"
roles        = ["audit"]
eligible     = { groups = ["oncall"] }
max_duration = "30m"
"#;

fn ask(site: &Site, user: &str) -> String {
    let words = ["elevate", "vault", "--no-wait", "--reason", REASON];
    site.jitctl(user, &words).unwrap().expect_code(4);
    site.record("pending").last().unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_group_that_jitd_gave_opens_no_log() {
    let audit = |bed: &jit_e2e::RootBed| bed.policy("30-audit.toml", AUDIT).unwrap();
    let Some(site) = site_with(Release::Trixie, audit) else { return };
    site.grant("dora", "ids", "5m");
    let sees_dora = |user: &str| site.jitctl(user, &["log"]).unwrap().expect_ok().out.contains("dora");
    assert!(sees_dora("audrey") && !sees_dora("alice"));
    let follows = site.command(&["jitctl", "log", "--follow"]).user("alice").spawn().unwrap();
    site.jitctl("alice", &["elevate", "audit"]).unwrap().expect_ok();
    follows.wait_for("audit", SOON).unwrap();
    assert!(site.run(&["id", "alice"]).unwrap().out.contains("jit-audit"), "she is in the group");
    assert!(!sees_dora("alice"), "and it counts for nobody");
    assert!(follows.is_running(), "nor is it a change of her duties");
    follows.signal(Signal::SIGTERM).unwrap();
    follows.wait_end(SOON).unwrap();
}

#[test]
fn a_denial_says_why_also_when_it_is_of_root() {
    let Some(site) = approvals(Release::Trixie) else { return };
    let id = ask(&site, "alice");
    for note in ["", " ", "\u{200b}"] {
        for who in ["lena", "root"] {
            let denied = site.jitctl(who, &["deny", &id, "--note", note]).unwrap();
            denied.expect_code(2).expect_says("a denial says why");
        }
    }
    assert!(site.record("closed").is_empty());
    site.jitctl("root", &["deny", &id, "--note", "an intruder in her account"]).unwrap().expect_ok();
    site.jitctl("alice", &["show", &id]).unwrap().expect_ok().expect_says("an intruder in her account");
}

#[test]
fn whoever_decides_finds_that_in_their_log_and_nothing_else_of_others() {
    let Some(site) = approvals(Release::Trixie) else { return };
    let id = ask(&site, "alice");
    site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
    site.jitctl("sina", &["deny", &id, "--note", "not tonight"]).unwrap().expect_ok();
    let kinds = |user: &str| -> Vec<String> {
        let log = site.jitctl(user, &["log", "--json", "--id", &id]).unwrap().expect_ok();
        let kind = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].clone();
        log.out.lines().map(|line| kind(line).as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("lena"), ["approved"]);
    assert_eq!(kinds("sina"), ["closed"]);
    assert_eq!(kinds("lars"), Vec::<String>::new());
    assert_eq!(kinds("alice"), ["requested", "pending", "approved", "closed"]);
}

#[test]
fn what_begins_when_the_host_is_unlocked_is_counted_before_and_then() {
    let Some(site) = approvals(Release::Trixie) else { return };
    let at = site.run(&["date", "-u", "-d", "6 seconds", "+%Y-%m-%dT%H:%M:%SZ"]).unwrap().expect_ok();
    let words = ["elevate", "vault", "--no-wait", "--reason", REASON, "--at", at.out.trim()];
    site.jitctl("alice", &words).unwrap().expect_code(4);
    let id = site.record("pending")[0]["id"].as_str().unwrap().to_owned();
    ask(&site, "dora");
    let waiting = || site.status("root")["waiting"].clone();
    let numbers = |people, approved, scheduled| serde_json::json!({ "people": people, "approved": approved, "scheduled": scheduled });
    assert_eq!(waiting(), numbers(2, 0, 0));
    assert!(site.status("alice")["waiting"].is_null());
    site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
    site.jitctl("sina", &["approve", &id]).unwrap().expect_ok();
    assert_eq!(waiting(), numbers(1, 0, 1));
    site.jitctl("root", &["lock"]).unwrap().expect_ok();
    until("its start to find the host locked", SOON, || (waiting() == numbers(1, 1, 0)).then_some(()))
        .unwrap();
    site.jitctl("root", &["status"]).unwrap().expect_ok().expect_says("1 approved and about to begin");
    let unlocked = json(&site.jitctl("root", &["unlock", "--json"]).unwrap().expect_ok());
    assert_eq!(unlocked["begin"], 1);
    let begun = || site.sudo("alice", &["cat", "/etc/hostname"]).success().then_some(());
    until("it to begin", SOON, begun).unwrap();
}

#[test]
fn asking_and_cancelling_in_a_loop_ends_and_keeps_nobody_else_out() {
    let Some(site) = approvals(Release::Trixie) else { return };
    let script = format!(
        "for n in $(seq 31); do jitctl elevate vault --no-wait --reason '{REASON}' >/tmp/said 2>&1; code=$?; \
         jitctl cancel $(jitctl pending --json | grep -oE '\"id\":\"[0-9a-z]{{8}}\"' | cut -d'\"' -f4); done; \
         cat /tmp/said; exit $code"
    );
    let last = site.as_user("alice", &["bash", "-c", &script]).unwrap();
    last.expect_code(3).expect_says("try again");
    assert_eq!(site.record("pending").len(), 30);
    assert_eq!(site.record("refused").pop().unwrap()["body"]["code"], "rate-limited");
    ask(&site, "dora");
}

const CROWD: &str = r#"
[[rule]]
name         = "hosts at once"
roles        = [ROLES]
eligible     = { groups = ["oncall"] }
max_duration = "30m"
"#;

/// More requests begin in one second than are looked at together.
#[test]
fn requests_with_the_same_start_all_begin_in_time() {
    const PEOPLE: usize = 16;
    const ROLES: usize = 20;
    let Some(site) = site_with(Release::Trixie, |bed| {
        let role = |n: usize| {
            format!(
                "[role.r{n}]\nsummary = \"One of many\"\nrisk = \"low\"\n\
                 sudo = {{ run_as = \"root\", password = false, commands = [[\"/usr/bin/cat\", \"/etc/hosts\"]] }}\n"
            )
        };
        let names: Vec<String> = (0..ROLES).map(|n| format!("\"r{n}\"")).collect();
        let roles: String = (0..ROLES).map(role).collect();
        bed.policy("20-crowd.toml", &(roles + &CROWD.replace("ROLES", &names.join(", ")))).unwrap();
        for n in 0..PEOPLE {
            bed.add_user(&format!("u{n}"), &["oncall"], None).unwrap();
        }
        bed.write("/etc/jit/jitd.toml", "[limits]\nrequests_per_minute = 10000\n").unwrap();
    }) else {
        return;
    };
    let at = wall() / 1_000_000_000 + 45;
    let typed =
        site.run(&["date", "-u", "-d", &format!("@{at}"), "+%Y-%m-%dT%H:%M:%SZ"]).unwrap().expect_ok();
    let ask = format!(
        "for u in $(seq 0 {}); do (for n in $(seq 0 {}); do setpriv --reuid u$u --regid u$u --init-groups \
         jitctl elevate r$n --at {} >/dev/null || echo FAILED; done) & done; wait",
        PEOPLE - 1,
        ROLES - 1,
        typed.out.trim()
    );
    let asked = site.sh(&ask).unwrap().expect_ok();
    assert!(!asked.out.contains("FAILED"), "{asked}");
    assert_eq!(site.record("scheduled").len(), PEOPLE * ROLES);
    assert!(wall() < at * 1_000_000_000, "asking took too long for this test");
    let all = || (site.record("intent").len() == PEOPLE * ROLES).then(|| site.record("intent"));
    let intents = until("all to begin", Duration::from_secs(90), all).unwrap();
    let late = |entry: &Value| entry["body"]["start"].as_i64().unwrap() / 1_000_000_000 - at;
    let latest = intents.iter().map(late).max().unwrap();
    measured(&format!("{} requests begin within {latest} s of their start", PEOPLE * ROLES));
    assert!(latest < 30, "the rest did not wait for the look of every minute: {latest}");
}
