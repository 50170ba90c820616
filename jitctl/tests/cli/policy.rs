//! `policy check` and `policy test`, offline, on directories of their own.

use std::fs;
use std::path::Path;

use crate::program::{Ran, Scratch, jitctl};

const POLICY: &str = r#"
[role.web-restart]
summary = "Restart and inspect the web tier"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/bin/cat", "/etc/hostname"]] }

[[rule]]
name         = "on-call restarts web at once"
roles        = ["web-restart"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
reason       = { required = true, min_length = 10, pattern = '^(INC|CHG)-\d+' }
schedule     = { days = "Mon-Fri", from = "08:00", to = "19:00", zone = "UTC" }

[[deny]]
name     = "contractors never"
roles    = ["web-restart"]
subjects = { groups = ["contractors"] }
"#;

const CASES: &str = r#"
[[case]]
name   = "on-call in the morning"
who    = "alice"
groups = ["oncall"]
role   = "web-restart"
reason = "INC-42 nginx stuck"
time   = "2026-11-23T10:00"
expect = "granted by on-call restarts web at once"

[[case]]
name   = "contractors never"
who    = "carl"
groups = ["oncall", "contractors"]
role   = "web-restart"
reason = "INC-42 nginx stuck"
time   = "2026-11-23T10:00"
expect = "refused denied"
"#;

fn directory(files: &[(&str, &str)]) -> Scratch {
    let dir = Scratch::new();
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
    dir
}

fn check(path: &Path, more: &[&str]) -> Ran {
    let mut command = jitctl(&["policy", "check", path.to_str().unwrap()]);
    command.args(more);
    Ran::run(command)
}

fn test(policy: &Path, cases: &str, more: &[&str]) -> Ran {
    let dir = directory(&[("cases.toml", cases)]);
    let file = dir.join("cases.toml");
    let mut command = jitctl(&["policy", "test", file.to_str().unwrap()]);
    command.args(["--policy", policy.to_str().unwrap()]).args(more);
    Ran::run(command)
}

#[test]
fn a_good_policy_is_0_and_says_what_was_not_checked() {
    let dir = directory(&[("10-web.toml", POLICY), ("README", "not a policy")]);
    let ran = check(&dir, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("10-web.toml: 1 role, 1 rule, 1 deny; hash "), "{ran:?}");
    let looked_up = ran.out.contains("not on this host: deny \"contractors never\" (10-web.toml:15): there is no group contractors here, so it refuses everybody")
        && ran.out.contains("not on this host: rule \"on-call restarts web at once\" (10-web.toml:7): eligible: there is no group oncall here");
    let not_looked_up = ran.out.contains("not checked: whether all groups and accounts exist: ");
    assert!(looked_up != not_looked_up, "{ran:?}");
    let asked = ran.out.contains("sudo was asked about each role: ");
    let not_asked = ran.out.contains("not checked: whether sudo takes the roles: no visudo was found");
    assert!(asked != not_asked, "{ran:?}");
    let json = check(&dir.join("10-web.toml"), &["--json"]).json();
    assert_eq!(json["answer"], "policy-checked");
    assert_eq!(
        (json["errors"].as_array().unwrap().len(), json["files"][0].as_str()),
        (0, Some("10-web.toml"))
    );
}

#[test]
fn every_error_has_its_place_and_ends_with_1() {
    let wrong = POLICY.replace("max_duration = \"1h\"", "max_durration = \"1h\"");
    let dir = directory(&[("10-web.toml", &wrong), ("20-more.toml", "[role\n")]);
    let ran = check(&dir, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("jitd would not take this policy"), "{ran:?}");
    assert!(ran.out.contains("error: 10-web.toml:11:1: "), "{ran:?}");
    assert!(ran.out.contains("max_durration"), "{ran:?}");
    assert!(ran.out.contains("error: 20-more.toml:1:"), "{ran:?}");
    let json = check(&dir, &["--json"]).json();
    assert!(json["errors"].as_array().unwrap().len() >= 2, "{json}");
    assert_eq!(json["hash"], serde_json::Value::Null);
}

#[test]
fn what_this_host_cannot_carry_and_what_equals_root_is_said() {
    let role = r#"
[role.shell]
summary = "A shell"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/bin/bash"], ["/nonexistent/tool"]] }
"#;
    let dir = directory(&[("10.toml", role)]);
    let ran = check(&dir, &[]);
    assert_eq!(ran.code, 0, "advice about a policy that is not this host's own: {ran:?}");
    assert!(ran.out.contains("look at: 10.toml:2: role shell: equal to root: "), "{ran:?}");
    assert!(ran.out.contains("no rule gives it to anybody"), "{ran:?}");
    assert!(ran.out.contains("not on this host: 10.toml:2: role shell: /nonexistent/tool cannot"), "{ran:?}");
    let json = check(&dir, &["--json"]).json();
    assert_eq!(json["lints"][0]["kind"], "equal-to-root");
    assert_eq!(json["roles"][0]["role"], "shell");
}

#[test]
fn a_role_of_groups_and_people_who_approve_are_looked_at_as_well() {
    let policy = r#"
[role.containers]
summary = "Containers"
risk    = "high"
groups  = ["docker", "no-such-group"]

[[rule]]
name         = "engineers"
roles        = ["containers"]
eligible     = { groups = ["docker"] }
max_duration = "1h"
"#;
    let dir = directory(&[("10.toml", policy)]);
    let ran = check(&dir, &[]);
    for part in [
        "look at: 10.toml:2: role containers: equal to root: the group docker: ",
        "look at: 10.toml:7: rule \"engineers\": eligible names the group docker, which the role containers gives",
        "look at: 10.toml:7: rule \"engineers\": gives the role containers, whose risk is high, and nobody has to",
        "not on this host: 10.toml:2: role containers: there is no group no-such-group in /etc/group",
    ] {
        assert!(ran.out.contains(part), "{part}\n{ran:?}");
    }
    let json = check(&dir, &["--json"]).json();
    let lints: Vec<(&str, bool)> = json["lints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lint| (lint["kind"].as_str().unwrap(), lint["role"].is_null()))
        .collect();
    assert_eq!(lints, [("equal-to-root", false), ("given-group", true), ("no-approval", true)]);
    let text = CASES.split("[[case]]").next().unwrap().to_owned()
        + "[[case]]\nwho = \"emil\"\ngroups = [\"docker\"]\nrole = \"containers\"\nexpect = \"granted\"\n";
    assert_eq!(test(&dir, &text, &[]).code, 0);
    let approvals = policy.to_owned() + "approvals = [{ by = { groups = [\"leads\"] } }]\n";
    let ran = test(&directory(&[("10.toml", &approvals)]), &text, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("after the approval of 1 person in leads"), "{ran:?}");
    assert_eq!(test(&directory(&[("10.toml", &approvals)]), &(text + "approvals = 1\n"), &[]).code, 0);
}

#[test]
fn no_policy_at_all_is_no_success() {
    let ran = check(&Scratch::new(), &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("there is no *.toml in it"), "{ran:?}");
    let ran = check(&Scratch::new().join("nothing"), &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("nothing cannot be read: No such file"), "{ran:?}");
}

#[test]
fn cases_that_come_as_expected_pass() {
    let dir = directory(&[("10-web.toml", POLICY)]);
    let ran = test(&dir, CASES, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        "pass  on-call in the morning (cases.toml:2)\npass  contractors never (cases.toml:11)\n2 cases, 0 failed\n"
    );
    let json = test(&dir, CASES, &["--json"]).json();
    assert_eq!((json["passed"].as_u64(), json["failed"].as_u64()), (Some(2), Some(0)));
}

#[test]
fn a_case_that_fails_says_why_rule_by_rule() {
    let dir = directory(&[("10-web.toml", POLICY)]);
    let ran = test(&dir, &CASES.replacen("T10:00", "T07:00", 1), &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.starts_with("FAIL  on-call in the morning (cases.toml:2)\n    expected granted by"),
        "{ran:?}"
    );
    assert!(ran.out.contains("refused outside-schedule"), "{ran:?}");
    assert!(ran.out.contains("\n    no   "), "{ran:?}");
    assert!(ran.out.ends_with("2 cases, 1 failed\n"), "{ran:?}");
}

#[test]
fn cases_that_cannot_be_read_are_no_success() {
    let dir = directory(&[("10-web.toml", POLICY)]);
    for cases in ["", "[[case]]\nwho = \"alice\"\n", "case = []\n", &CASES.replace("refused denied", "no")] {
        let ran = test(&dir, cases, &[]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(ran.err.contains("cases.toml"), "{ran:?}");
    }
}
