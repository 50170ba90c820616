//! Beside an admin's own sudoers: their denials and standing rights stay, their defaults do not reach ours.

use jit_e2e::{Inside, Release, RootBed};

use crate::site::{HEADER, Product as _, REASON, json, site, site_with};

/// A file of the admin's, read by the next sudo.
fn admin(bed: &Inside, name: &str, text: &str) {
    bed.write_mode(&format!("/etc/sudoers.d/{name}"), text, 0o440).unwrap();
    bed.run(&["visudo", "-c"]).unwrap().expect_ok();
}

#[test]
fn a_denied_command_stays_denied_and_the_rest_is_granted_honestly() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        admin(&site, "90-no-id", "alice ALL = !/usr/bin/id\n");
        let words = ["elevate", "ids", "--reason", REASON, "--json"];
        let granted = json(&site.jitctl("alice", &words).unwrap().expect_ok());
        assert_eq!(granted["grant"]["sudo"]["refused"], serde_json::json!(["/usr/bin/id"]));
        site.jitctl("alice", &["status"]).unwrap().expect_says("not /usr/bin/id: sudo refuses it");
        assert!(!site.may("alice"));
        site.sudo("alice", &["cat", "/etc/hostname"]).expect_ok();
        let id = granted["grant"]["id"].as_str().unwrap().to_owned();
        site.jitctl("alice", &["show", &id])
            .unwrap()
            .expect_ok()
            .expect_says("not /usr/bin/id: sudo refuses it");
    }
}

#[test]
fn a_role_that_is_denied_as_a_whole_is_refused_and_nothing_stays() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        admin(&site, "90-no", "%oncall ALL = !/usr/bin/id, !/usr/bin/cat\n");
        site.elevate("alice", "ids", "30m").expect_code(1).expect_says("sudo does not agree");
        assert_eq!(site.status("root")["live"], 0);
        assert_eq!(site.sudoers(), HEADER);
        assert_eq!(site.record("ended")[0]["body"]["cause"], "failed");
        // What sudo said is asked again when the admin has changed the rule.
        site.remove("/etc/sudoers.d/90-no").unwrap();
        site.elevate("alice", "ids", "30m").expect_ok();
        assert!(site.may("alice"));
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        admin(&site, "90-no", "%oncall ALL = !/usr/bin/id, !/usr/bin/cat\n");
        site.elevate("alice", "ids", "30m").expect_code(1).expect_says("sudo does not agree");
    }
}

#[test]
fn a_standing_right_without_a_password_stays_so_beside_a_role_with_one() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        admin(&site, "50-alice", "alice ALL=(ALL:ALL) NOPASSWD: ALL\n");
        assert!(site.may("alice"));
        site.elevate("alice", "everything", "30m").expect_ok();
        assert!(site.may("alice"));
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        assert!(site.may("alice"));
    }
}

#[test]
fn an_admins_defaults_do_not_reach_our_rules() {
    for release in Release::ALL {
        let site = site_with(release, |bed| {
            admin(bed, "00-a-first", "Defaults !authenticate, setenv, timestamp_timeout=60\n");
            admin(bed, "99-last", "Defaults !authenticate, setenv\n");
        });
        let Some(site) = site else { return };
        site.elevate("alice", "everything", "30m").expect_ok();
        site.sudo("alice", &["/usr/bin/id"]).expect_code(1);
        let twice = site.sudo_twice("alice").expect_code(1);
        assert_eq!(twice.out, "0\n", "only the first sudo of the two ran");
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();

        site.elevate("alice", "tasks", "30m").expect_ok();
        site.sudo("alice", &["true"]).expect_ok();
        site.sudo("alice", &["LD_LIBRARY_PATH=/tmp", "true"]).expect_code(1);
        site.sudo("alice", &["-E", "true"]).expect_code(1);
    }
}

/// In sudoers the last setting wins, and jitd cannot stand behind an admin's. It says so and grants nothing.
#[test]
fn a_password_role_is_refused_where_sudo_would_remember_the_password_all_the_same() {
    for release in Release::ALL {
        let later = |bed: &RootBed| admin(bed, "99-last", "Defaults timestamp_timeout=60\n");
        let Some(site) = site_with(release, later) else { return };
        site.elevate("alice", "everything", "30m").expect_code(1).expect_says("timestamp_timeout=60");
        site.sudo("alice", &["/usr/bin/id"]).expect_code(1);
        site.elevate("alice", "tasks", "30m").expect_ok();
    }
}
