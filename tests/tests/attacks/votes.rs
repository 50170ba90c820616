//! Votes by somebody who has become an approver: which of the ways count as that person, and which do not.

use std::time::Duration;

use jit_e2e::{BootedBed, Inside, Login, OrSkip as _, Output, Release, until};

use serde_json::Value;

use crate::site::{HEADER, PASSWORD, Product as _, REASON, SOON, people, site_with};

/// A role that one of the leads has to approve.
pub(crate) const APPROVED: &str = r#"
[role.vault]
summary = "What somebody has to approve"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hostname"]] }

[[rule]]
name         = "vault with a lead"
roles        = ["vault"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
approvals    = [{ by = { groups = ["leads"] } }]
pending_timeout = "2h"
"#;

/// Lena is a lead, and alice may become her by sudo, as an admin may have arranged for something else.
fn with_a_lead(bed: &Inside) {
    bed.add_user("lena", &["leads"], Some(PASSWORD)).unwrap();
    bed.write_mode("/etc/sudoers.d/50-lena", "alice ALL=(lena) NOPASSWD: ALL\n", 0o440).unwrap();
    bed.policy("20-vault.toml", APPROVED).unwrap();
    bed.write("/etc/jit/jitd.toml", "[limits]\nrequests_per_minute = 10000\n").unwrap();
}

/// Alice asks; the id of what is open then.
fn asks(bed: &Inside) -> String {
    bed.jitctl("alice", &["elevate", "vault", "--no-wait", "--reason", REASON]).unwrap().expect_code(4);
    bed.record("pending").last().unwrap()["id"].as_str().unwrap().to_owned()
}

/// Whether the role was given for that vote. It is taken off again.
fn counted(bed: &Inside, id: &str) -> bool {
    let of_hers = |entry: &Value| entry["id"] == id && entry.to_string().contains("\"name\":\"lena\"");
    let votes = bed.record("approved").iter().any(of_hers);
    let granted = bed.record("intent").iter().any(|entry| entry["id"] == id);
    assert_eq!(votes, granted);
    bed.jitctl("root", &["revoke", "--all"]).unwrap().expect_ok();
    granted
}

#[test]
fn a_vote_without_a_login_uid_counts_as_the_uids_and_with_anothers_not() {
    for release in Release::ALL {
        let Some(site) = site_with(release, |bed| with_a_lead(bed)) else { return };
        let vote = |login, id: &str| {
            site.command(&["jitctl", "approve", id]).user("lena").login(login).run().unwrap()
        };
        let id = asks(&site);
        for other in ["alice", "bob", "root"] {
            vote(Login::Of(other.to_owned()), &id).expect_code(7).expect_says("you logged in as uid");
        }
        assert_eq!(site.sudoers(), HEADER);
        // A service of lena's: nobody logged in, and nothing says that it is not she.
        vote(Login::Nobody, &id).expect_ok();
        assert!(counted(&site, &id));
    }
}

#[test]
fn whoever_becomes_an_approver_does_not_vote_as_one_but_by_the_approvers_own_services() {
    for release in Release::ALL {
        let Some(bed) = BootedBed::with_product(release).or_skip() else { return };
        people(&bed);
        with_a_lead(&bed);
        bed.unit("jitd.service").restart().unwrap();
        until("the policy", SOON, || (bed.record("policy-loaded").len() > 1).then_some(())).unwrap();
        bed.run(&["loginctl", "enable-linger", "lena"]).unwrap().expect_ok();
        let uid = bed.account("lena").unwrap().uid;
        bed.wait_for_file(&format!("/run/user/{uid}/systemd/private"), Duration::from_secs(30)).unwrap();
        let alice = |words: &[&str]| -> Output {
            bed.command(words).user("alice").input(&format!("{PASSWORD}\n")).run().unwrap()
        };
        let id = asks(&bed);
        let approve = format!("jitctl approve {id}");
        for become_her in [
            &["su", "lena", "-c", &approve][..],
            &["su", "-", "lena", "-c", &approve],
            &["sudo", "-n", "-u", "lena", "jitctl", "approve", &id],
            &["sudo", "-n", "-i", "-u", "lena", "jitctl", "approve", &id],
        ] {
            let said = alice(become_her).expect_code(7);
            assert!(said.text().contains("you logged in as uid"), "{said}");
        }
        // systemd asks polkit, which asks for an admin's password.
        let run = ["systemd-run", "--no-ask-password", "--uid=lena", "--wait", "jitctl", "approve", &id];
        assert!(!alice(&run).success());
        assert!(!counted(&bed, &id), "of all these none was a vote");

        // What follows is known: docs/threat-model.md. Whoever is lena can have her own systemd start something, and her login uid is on that.
        let id = asks(&bed);
        let by_hers = format!(
            "XDG_RUNTIME_DIR=/run/user/{uid} DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{uid}/bus systemd-run --user -q --wait jitctl approve {id}"
        );
        alice(&["su", "lena", "-c", &by_hers]).expect_ok();
        assert!(counted(&bed, &id));
        // And root can log anybody in.
        for options in [&["--uid=lena"][..], &["-p", "PAMName=login", "-p", "User=lena"]] {
            let id = asks(&bed);
            bed.run(&[&["systemd-run", "-q", "--wait"], options, &["jitctl", "approve", &id]].concat())
                .unwrap()
                .expect_ok();
            assert!(counted(&bed, &id));
        }
    }
}
