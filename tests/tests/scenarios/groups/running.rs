//! What runs with a grant is named to whom it concerns, and what somebody else runs is not.

use jit_e2e::{Inside, Release, until};
use serde_json::Value;

use super::lend;
use crate::site::{Product as _, REASON, SOON, Site, site_with};

const POLICY: &str = r#"
[role.asked]
summary = "Containers, if bob says so"
risk    = "high"
groups  = ["docker"]

[[rule]]
name         = "with bob"
roles        = ["asked"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
approvals    = [{ by = { users = ["bob"] } }]
"#;

fn site() -> Option<Site> {
    site_with(Release::Bookworm, |bed| {
        lend(bed);
        bed.policy("31-asked.toml", POLICY).unwrap();
    })
}

/// What this user is told of what runs.
fn running(bed: &Inside, user: &str, id: &str) -> Vec<String> {
    let story = bed.jitctl(user, &["show", id, "--json"]).unwrap().expect_ok();
    serde_json::from_value(serde_json::from_str::<Value>(&story.out).unwrap()["running"].clone()).unwrap()
}

#[test]
fn its_holder_and_auditors_see_names_and_an_approver_that_there_is_something() {
    let Some(site) = site() else { return };
    let words = ["elevate", "asked", "--reason", REASON, "--no-wait", "--json"];
    let asked = site.jitctl("alice", &words).unwrap().expect_code(4);
    let asked: Value = serde_json::from_str(&asked.out).unwrap();
    let id = asked["request"]["id"].as_str().unwrap();
    site.jitctl("bob", &["approve", id]).unwrap().expect_ok();
    assert_eq!(running(&site, "alice", id), Vec::<String>::new());
    let _sleep = site.command(&["sleep", "3001"]).user("alice").spawn().unwrap();
    let named = || Some(running(&site, "alice", id)).filter(|lines| !lines.is_empty());
    let named = until("it to be named", SOON, named).unwrap();
    assert!(named[0].starts_with("sleep (") && named[0].ends_with("holds docker"), "{named:?}");
    assert_eq!(running(&site, "audrey", id), named);
    assert_eq!(running(&site, "bob", id), ["something: its holder, auditors, operators and root see what"]);
}

#[test]
fn what_somebody_else_runs_under_the_same_number_is_not_named() {
    let Some(site) = site() else { return };
    let grant = site.grant("alice", "docker", "30m");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let uid = site.account("alice").unwrap().uid.to_string();
    let words = ["setpriv", "--reuid", &uid, "--regid", &uid, "--groups", "docker", "sleep", "3001"];
    let _sleep = site.command(&words).spawn().unwrap();
    let named = || Some(running(&site, "alice", &grant.id)).filter(|lines| !lines.is_empty());
    until("hers to be named", SOON, named).unwrap();
    site.sh("sed -i 's/^alice:/zoe:/' /etc/passwd /etc/shadow").unwrap().expect_ok();
    assert_eq!(running(&site, "audrey", &grant.id), Vec::<String>::new());
}
