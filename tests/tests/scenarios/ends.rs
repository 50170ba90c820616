//! The ends that people make: drop, revoke, the kill switch.

use jit_e2e::Release;

use crate::site::{HEADER, Product as _, site};

#[test]
fn a_person_gives_back_what_is_theirs_by_id_by_role_or_all() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let drop = |words: &[&str]| site.jitctl("alice", &[&["drop"], words].concat()).unwrap();
        drop(&[]).expect_code(6);
        let ids = site.grant("alice", "ids", "30m");
        let logs = site.grant("alice", "logs", "30m");
        let theirs = site.grant("dora", "ids", "30m");
        drop(&[]).expect_code(2).expect_says(&ids.id).expect_says(&logs.id).expect_says("write more");
        drop(&[&theirs.id]).expect_code(6);
        drop(&["everything"]).expect_code(6);
        drop(&[&ids.id[..6]]).expect_ok().expect_says(&ids.id);
        assert!(!site.may("alice") && site.may("dora"));
        site.sudo("alice", &["cat", "/etc/hosts"]).expect_ok();
        drop(&["logs"]).expect_ok();
        site.sudo("alice", &["cat", "/etc/hosts"]).expect_code(1);
        site.grant("alice", "ids", "30m");
        drop(&[]).expect_ok();
        site.grant("alice", "ids", "30m");
        site.grant("alice", "logs", "30m");
        drop(&["--all"]).expect_ok();
        assert!(!site.may("alice") && site.may("dora"));
        assert_eq!(site.told(&ids, "ended")["body"]["cause"], "dropped");
        assert_eq!(site.told(&ids, "ending")["body"]["ended-by"], serde_json::Value::Null);
    }
}

#[test]
fn operators_take_grants_away_and_nobody_else_does() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let revoke = |user: &str, words: &[&str]| site.jitctl(user, &[&["revoke"], words].concat()).unwrap();
        let grant = site.grant("alice", "ids", "30m");
        for user in ["alice", "bob", "audrey"] {
            revoke(user, &[&grant.id]).expect_code(7).expect_says("an operator or root");
            revoke(user, &["--all"]).expect_code(7);
        }
        assert!(site.may("alice"));
        revoke("olga", &[&grant.id, "--note", "gone home"]).expect_ok().expect_says("off the host");
        assert!(!site.may("alice"));
        let ending = site.told(&grant, "ending");
        assert_eq!(
            (&ending["body"]["ended-by"]["name"], &ending["texts"]["note"]),
            (&"olga".into(), &"gone home".into())
        );
        revoke("olga", &[&grant.id]).expect_code(6);

        site.grant("alice", "ids", "30m");
        site.grant("alice", "logs", "30m");
        site.grant("dora", "ids", "30m");
        revoke("olga", &["--user", "alice"]).expect_ok();
        assert!(!site.may("alice") && site.may("dora"));
        site.grant("alice", "ids", "30m");
        revoke("root", &["--all"]).expect_ok();
        assert_eq!(site.sudoers(), HEADER);
        assert!(!site.may("alice") && !site.may("dora"));
        let causes: Vec<_> =
            site.record("ended").into_iter().map(|entry| entry["body"]["cause"].clone()).collect();
        assert_eq!(causes, ["revoked"; 5]);
    }
}

#[test]
fn the_kill_switch_refuses_everybody_until_it_is_released() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let live = site.grant("alice", "ids", "30m");
        for user in ["alice", "audrey"] {
            site.jitctl(user, &["lock"]).unwrap().expect_code(7);
        }
        site.jitctl("olga", &["lock", "--note", "a break-in"]).unwrap().expect_ok();
        assert!(site.may("alice"), "a lock alone ends nothing");
        let refused = site.elevate("dora", "ids", "30m").expect_code(3);
        refused.expect_says("locked by olga since ").expect_says("a break-in").expect_says("jitctl unlock");
        assert!(site.status("alice")["not_granting"][0].as_str().unwrap().contains("locked by olga"));
        // It outlives jitd.
        site.jitd.kill().unwrap();
        site.restart_jitd();
        site.elevate("dora", "ids", "30m").expect_code(3).expect_says("a break-in");
        site.jitctl("dora", &["unlock"]).unwrap().expect_code(7);

        site.jitctl("root", &["lock", "--revoke"]).unwrap().expect_ok().expect_says(&live.id);
        assert!(!site.may("alice"));
        assert_eq!(site.told(&live, "ended")["body"]["cause"], "locked");
        // Who locked first, and why, is not forgotten over it.
        site.elevate("dora", "ids", "30m")
            .expect_code(3)
            .expect_says("locked by olga")
            .expect_says("a break-in");
        site.jitctl("olga", &["unlock", "--note", "over"]).unwrap().expect_ok();
        site.grant("dora", "ids", "30m");
        assert_eq!(site.record("unlocked").len(), 1);
    }
}
