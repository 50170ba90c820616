//! The main job on the real sudo of each release: refused, granted, used, and nothing beyond; over on time, in a shell
//! that was opened before; given back, taken away, locked.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::time::Duration;

use jit_e2e::{OrSkip as _, Output, Release, RootBed, until};

const POLICY: &str = r#"
[role.web-restart]
summary = "Look at ids"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id"], ["/usr/bin/cat", "/etc/hostname"]] }

[role.backup]
summary = "Everything, with a password"
risk    = "high"
sudo    = { run_as = "root", password = true, commands = "ALL" }

[[rule]]
name         = "on-call at once"
roles        = ["web-restart", "backup"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
default_duration = "30m"
reason       = { required = true, min_length = 10, pattern = '^(INC|CHG)-\d+', prompt = "Start with the incident" }

[[deny]]
name     = "contractors never"
roles    = ["web-restart"]
subjects = { groups = ["contractors"] }

[duties]
auditors  = { groups = ["jit-audit"] }
operators = { groups = ["jit-ops"] }
"#;

const REASON: &str = "INC-42 nginx stuck";

/// Long enough for a busy machine; everything here is an event that is waited for.
const SOON: Duration = Duration::from_secs(20);

fn bed(release: Release) -> Option<RootBed> {
    let bed = RootBed::with_product(release).or_skip()?;
    for group in ["oncall", "contractors"] {
        bed.run(&["groupadd", group]).unwrap().expect_ok();
    }
    bed.add_user("alice", &["oncall"], Some("alice's password")).unwrap();
    bed.add_user("bob", &[], None).unwrap();
    bed.add_user("carl", &["oncall", "contractors"], None).unwrap();
    bed.add_user("olga", &["jit-ops"], None).unwrap();
    bed.policy("10-web.toml", POLICY).unwrap();
    Some(bed)
}

fn elevate(bed: &RootBed, user: &str, for_: &str) -> Output {
    bed.jitctl(user, &["elevate", "web-restart", "--for", for_, "--reason", REASON]).unwrap()
}

fn sudo_id(bed: &RootBed, user: &str) -> Output {
    bed.as_user(user, &["sudo", "-n", "/usr/bin/id"]).unwrap()
}

#[test]
fn refused_then_granted_then_used_and_nothing_beyond_then_given_back() {
    for release in Release::ALL {
        let Some(bed) = bed(release) else { return };
        let (_guard, _jitd) = (bed.start_guard().unwrap(), bed.start_jitd().unwrap());
        sudo_id(&bed, "alice").expect_code(1);
        elevate(&bed, "alice", "30m")
            .expect_ok()
            .expect_says("granted by rule \"on-call at once\" (10-web.toml:")
            .expect_says("/usr/bin/id, /usr/bin/cat /etc/hostname");
        sudo_id(&bed, "alice").expect_ok().expect_says("uid=0(root)");
        for beyond in [
            &["/usr/bin/id", "-u"][..],
            &["/usr/bin/cat", "/etc/shadow"],
            &["/usr/bin/cat", "/etc/hostname", "/etc/shadow"],
            &["/usr/bin/true"],
        ] {
            bed.as_user("alice", &[&["sudo", "-n"], beyond].concat()).unwrap().expect_code(1);
        }
        sudo_id(&bed, "bob").expect_code(1);
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
        sudo_id(&bed, "alice").expect_code(1);
        let log = bed.jitctl("root", &["log"]).unwrap().expect_ok().text();
        for kind in ["asked for", "granted", "dropped", REASON] {
            assert!(log.contains(kind), "{kind} is not in:\n{log}");
        }
    }
}

#[test]
fn over_on_time_in_a_shell_that_was_open_before() {
    for release in Release::ALL {
        let Some(bed) = bed(release) else { return };
        let (_guard, _jitd) = (bed.start_guard().unwrap(), bed.start_jitd().unwrap());
        let shell = bed.command(&["bash", "--norc"]).user("alice").spawn().unwrap();
        elevate(&bed, "alice", "2s").expect_ok();
        shell.write(b"sudo -n /usr/bin/id && echo HELD\n").unwrap();
        shell.wait_for("HELD", SOON).unwrap();
        until("the grant to end", SOON, || (!sudo_id(&bed, "alice").success()).then_some(())).unwrap();
        shell.write(b"sudo -n /usr/bin/id || echo OVER\n").unwrap();
        shell.wait_for("OVER", SOON).unwrap();
        bed.jitctl("root", &["log", "--kind", "ended"]).unwrap().expect_ok().expect_says("expired");
    }
}

#[test]
fn every_refusal_names_its_rule_and_the_way_on() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    let _jitd = bed.start_jitd().unwrap();
    bed.jitctl("alice", &["elevate", "web-restart"]).unwrap().expect_code(3).expect_says("requires a reason");
    let wrong = ["elevate", "web-restart", "--reason", "because I want to"];
    bed.jitctl("alice", &wrong).unwrap().expect_code(3).expect_says("Start with the incident");
    elevate(&bed, "alice", "2h").expect_code(3).expect_says("--for 1h or less");
    elevate(&bed, "carl", "30m").expect_code(3).expect_says("contractors never");
    // Whoever may not have a role does not learn whether it exists.
    let hidden = elevate(&bed, "bob", "30m").expect_code(6).text();
    let absent =
        bed.jitctl("bob", &["elevate", "no-such-one", "--reason", REASON]).unwrap().expect_code(6).text();
    assert_eq!(hidden.replace("web-restart", "no-such-one"), absent);
    bed.jitctl("root", &["elevate", "web-restart", "--reason", REASON])
        .unwrap()
        .expect_says("root may neither ask");
    elevate(&bed, "alice", "30m").expect_ok();
    elevate(&bed, "alice", "30m").expect_code(3).expect_says("already");
}
