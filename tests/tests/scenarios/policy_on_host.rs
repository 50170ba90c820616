//! The policy as the host finds it: reloaded, refused, and roles that this host cannot carry.

use jit_e2e::{Inside, Release, until};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::site::{Product as _, SOON, Site, site, wall};

const FILE: &str = "/etc/jit/policy.d/10-web.toml";

/// Has jitd read the policy again, and gives the entry that says what came of it.
fn reload(site: &Site, kind: &str) -> Value {
    let before = site.record(kind).len();
    site.jitd.signal(Signal::SIGHUP).unwrap();
    let entry = || site.record(kind).into_iter().nth(before);
    until(&format!("{kind} on the record"), SOON, entry).unwrap()
}

fn attention(bed: &Inside) -> String {
    bed.status("root")["attention"].to_string()
}

#[test]
fn a_bad_policy_leaves_the_old_one_in_force_and_says_so() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let good = site.read(FILE).unwrap();
        let bad = good.replace("max_duration = \"1h\"", "max_duration = \"1h\"\nmax_duraton = \"2h\"");
        site.policy("10-web.toml", &bad).unwrap();
        let line = bad.lines().position(|line| line.starts_with("max_duraton")).unwrap() + 1;
        let rejected = reload(&site, "policy-rejected");
        let error = rejected["body"]["errors"][0].as_str().unwrap();
        assert!(
            error.starts_with(&format!("10-web.toml:{line}:1:")) && error.contains("max_duraton"),
            "{error}"
        );
        assert!(rejected["body"]["kept"].is_string());
        assert!(attention(&site).contains("max_duraton"), "{}", attention(&site));
        site.grant("alice", "ids", "30m");
        assert!(site.may("alice"));

        // Whoever can write the policy can be root.
        site.policy("10-web.toml", &good).unwrap();
        site.run(&["chmod", "666", FILE]).unwrap().expect_ok();
        let rejected = reload(&site, "policy-rejected");
        assert!(rejected.to_string().contains("may be written by others than root"), "{rejected}");

        site.run(&["chmod", "644", FILE]).unwrap().expect_ok();
        site.policy("10-web.toml", &good.replace("contractors never", "never ever")).unwrap();
        reload(&site, "policy-loaded");
        assert_eq!(site.status("root")["attention"], Value::Array(Vec::new()));
        site.elevate("carl", "ids", "30m").expect_code(3).expect_says("never ever");
        assert!(site.may("alice"), "a live grant keeps its terms");
    }
}

#[test]
fn a_bad_policy_at_start_grants_nothing_and_prolongs_nothing() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "6s");
        site.jitd.terminate().unwrap().expect_ok();
        site.policy("10-web.toml", "[role.ids\n").unwrap();
        site.restart_jitd();
        let refused = site.elevate("dora", "ids", "30m").expect_code(3);
        refused.expect_says("policy is invalid").expect_says("10-web.toml:1:");
        assert!(site.status("dora")["not_granting"].to_string().contains("10-web.toml:1:"));
        assert!(wall() < grant.deadline, "the machine is too slow for this test");
        assert!(site.may("alice"), "what is live is not cut short");
        let late = site.wait_off("alice", &grant);
        assert!(late.as_millis() < 1500, "{late:?}");
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "expired");
        assert!(site.record("guard-acted").is_empty(), "jitd itself ended it");
    }
}

#[test]
fn a_role_that_this_host_cannot_carry_is_disabled_alone() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let program = "/usr/local/bin/seven";
        for (change, why) in [
            (format!("chmod 777 {program}"), "written by others"),
            (format!("chmod 755 {program}; chmod 777 /usr/local/bin"), "written by others"),
            (format!("chmod 755 /usr/local/bin; chown bob {program}"), "bob"),
            (format!("rm {program}"), program),
        ] {
            site.sh(&change).unwrap().expect_ok();
            // It may have changed hands since the policy was read.
            site.elevate("alice", "tasks", "30m").expect_code(3).expect_says(program);
            let loaded = reload(&site, "policy-loaded");
            let disabled = &loaded["body"]["disabled"];
            assert_eq!(disabled.as_array().unwrap().len(), 1, "{change}: {loaded}");
            assert_eq!(disabled[0]["role"], "tasks", "{change}");
            assert!(attention(&site).contains("the role tasks is disabled"), "{change}");
            let refused = site.elevate("alice", "tasks", "30m").expect_code(3).text();
            assert!(refused.contains(program) || refused.contains("/usr/local/bin"), "{change}: {refused}");
            crate::site::measured(&format!("{why}: {refused}"));
        }
        site.grant("alice", "ids", "30m");
        assert!(site.may("alice"), "the other roles are as they were");
    }
}

#[test]
fn what_could_not_be_checked_is_checked_again_by_itself_and_no_other_file_is_taken() {
    let Some(site) = site(Release::Bookworm) else { return };
    site.sh("mv /usr/sbin/visudo /usr/sbin/visudo.away").unwrap().expect_ok();
    let disabled = reload(&site, "policy-loaded")["body"]["disabled"].to_string();
    assert!(disabled.contains("could not be checked"), "{disabled}");
    // Somebody is still writing it.
    site.policy("20-late.toml", "[role.late]\nsummary = \"Later\"\n").unwrap();
    let before = site.record("policy-loaded").len();
    site.sh("mv /usr/sbin/visudo.away /usr/sbin/visudo").unwrap().expect_ok();
    site.sh("rm /etc/jit/policy.d/20-late.toml").unwrap().expect_ok();
    let loaded = || site.record("policy-loaded").into_iter().nth(before);
    let loaded = until("the roles to be checked again", SOON, loaded).unwrap();
    assert_eq!(loaded["body"]["disabled"], Value::Array(Vec::new()));
    assert!(site.record("policy-rejected").is_empty(), "a file that nobody asked to be read was read");
    site.grant("alice", "ids", "30m");
    assert!(site.may("alice"));
}
