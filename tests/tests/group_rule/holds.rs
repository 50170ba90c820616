//! From when to when a group holds, and with whom it comes.

use jit_e2e::Inside;

use crate::host::{DOCKER, Host, LXD, classic, hosts, refused};

#[test]
fn a_group_holds_at_once_without_membership_and_ends_at_once() {
    for host in hosts() {
        refused(host.alice_with_password(&["-g", "docker", "--", "id"]));
        assert!(!host.agrees("docker"));
        let host = host.granted();
        assert_eq!(host.alice(&["-g", "docker", "--", "id"]).expect_ok().out, host.with_docker());
        assert_eq!(host.alice(&["-g", "docker", "--", "sh", "-c", "id"]).expect_ok().out, host.with_docker());
        assert!(host.agrees("docker"));
        host.bed.run(&["getent", "group", "docker"]).unwrap().expect_says("docker:x:7990:\n");
        host.bed.remove("/etc/sudoers.d/00-grant").unwrap();
        refused(host.alice_with_password(&["-g", "docker", "--", "id"]));
        assert!(!host.agrees("docker"));
    }
}

#[test]
fn its_time_ends_it_whatever_the_callers_zone() {
    for host in classic() {
        let over = host.rule(&[DOCKER], "NOPASSWD").replace("2099", "2020");
        host.grant(&over);
        refused(host.alice_with_password(&["-g", "docker", "--", "id"]));
        assert!(!host.agrees("docker"));
        let far = host.bed.command(&["sudo", "-n", "-g", "docker", "--", "id"]).user("alice");
        refused(far.env("TZ", "XXX24").run().unwrap());
    }
}

#[test]
fn several_groups_are_one_rule_and_come_along_once_they_are_memberships() {
    for host in hosts() {
        host.grant(&host.rule(&[DOCKER, LXD], "NOPASSWD"));
        assert_eq!(host.alice(&["-g", "docker", "--", "id"]).expect_ok().out, host.with_docker());
        let with_lxd = host.id_with((LXD, "lxd"), &[]);
        assert_eq!(host.alice(&["-g", "lxd", "--", "id"]).expect_ok().out, with_lxd);
        assert!(host.agrees("docker") && host.agrees("lxd") && !host.agrees("extra"));
        refused(host.alice_with_password(&["-g", "extra", "--", "id"]));
        // A session from before the membership: sudo takes the groups from the database.
        host.bed.run(&["usermod", "-aG", "docker,lxd", "alice"]).unwrap().expect_ok();
        let (uid, gid) = (host.uid.to_string(), host.gid.to_string());
        let old = ["setpriv", "--clear-groups", "--reuid", &uid, "--regid", &gid, host.sudo, "-n"];
        let with = |group: &str| {
            let words = [&old[..], &["-g", group, "--", "id"]].concat();
            host.bed.run(&words).unwrap().expect_ok().out
        };
        assert_eq!(with("docker"), host.id_with((DOCKER, "docker"), &[(LXD, "lxd")]));
        assert_eq!(with("lxd"), host.id_with((LXD, "lxd"), &[(DOCKER, "docker")]));
        host.bed.remove("/etc/sudoers.d/00-grant").unwrap();
        let words = [&old[..], &["-g", "docker", "--", "id"]].concat();
        host.bed.run(&words).unwrap().expect_code(1);
    }
}

#[test]
fn a_role_with_a_password_asks_for_it_with_the_group_each_time() {
    for host in hosts() {
        let defaults = format!("Defaults:#{} timestamp_timeout=0\n", host.uid);
        host.grant(&format!("{defaults}{}", host.rule(&[DOCKER], "PASSWD")));
        if host.is_classic() {
            host.admin("Defaults !authenticate");
        }
        for _ in 0..2 {
            refused(host.alice(&["-g", "docker", "--", "id"]));
            let ran = host.alice_with_password(&["-g", "docker", "--", "id"]).expect_ok();
            assert_eq!(ran.out.trim(), host.with_docker().trim());
        }
        assert!(host.agrees("docker"), "that it asks is not a no");
    }
}

#[test]
fn a_question_that_makes_no_sense_is_a_no() {
    for host in hosts().into_iter().map(Host::granted) {
        assert!(!host.agrees("nosuch"));
        let question = |words: &[&str]| {
            let words = [&[host.sudo, "-n", "-l", "-U"], words, &["--", "/usr/bin/true"]].concat();
            Inside::run(&host.bed, &words).unwrap().expect_code(1)
        };
        question(&["bob", "-u", "bob", "-g", "docker"]);
        question(&["alice", "-u", "bob", "-g", "docker"]);
        question(&["nosuch", "-u", "nosuch", "-g", "docker"]).expect_says("sudo");
    }
}

/// `sudo -v` needs no password while every rule of a person needs none, and that counts for nothing afterwards.
#[test]
fn a_password_that_was_not_needed_was_not_given() {
    for host in hosts().into_iter().map(Host::granted) {
        host.alice(&["-v"]).expect_ok();
        host.alice(&["-g", "docker", "--", "id"]).expect_ok();
        host.grant(&host.rule(&[DOCKER], "PASSWD"));
        refused(host.alice(&["-g", "docker", "--", "id"]));
    }
}
