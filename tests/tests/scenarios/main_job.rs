//! The main job: refused, granted, used, and nothing beyond; over on time, in a shell that was opened before.

use jit_e2e::{Release, until};

use crate::site::{Product as _, REASON, SOON, site};

#[test]
fn refused_then_granted_then_used_and_nothing_beyond_then_given_back() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        site.sudo("alice", &["/usr/bin/id"]).expect_code(1);
        site.elevate("alice", "ids", "30m")
            .expect_ok()
            .expect_says("granted by rule \"on-call at once\" (10-web.toml:")
            .expect_says("/usr/bin/id, /usr/bin/cat /etc/hostname");
        site.sudo("alice", &["/usr/bin/id"]).expect_ok().expect_says("uid=0(root)");
        for beyond in [
            &["/usr/bin/id", "-u"][..],
            &["-u", "bob", "/usr/bin/id"],
            &["-g", "shadow", "/usr/bin/id"],
            &["/usr/bin/cat", "/etc/shadow"],
            &["/usr/bin/cat", "/etc/hostname", "/etc/shadow"],
            &["/usr/bin/true"],
            &["-s"],
        ] {
            site.sudo("alice", beyond).expect_code(1);
        }
        site.sudo("bob", &["/usr/bin/id"]).expect_code(1);
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        site.sudo("alice", &["/usr/bin/id"]).expect_code(1);
        let log = site.jitctl("root", &["log"]).unwrap().expect_ok().text();
        for kind in ["asked for", "granted", "dropped", REASON] {
            assert!(log.contains(kind), "{kind} is not in:\n{log}");
        }
    }
}

#[test]
fn over_on_time_in_a_shell_that_was_open_before() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let shell = site.command(&["bash", "--norc"]).user("alice").spawn().unwrap();
        let grant = site.grant("alice", "ids", "2s");
        shell.write(b"sudo -n /usr/bin/id && echo HELD\n").unwrap();
        shell.wait_for("HELD", SOON).unwrap();
        site.wait_off("alice", &grant);
        shell.write(b"sudo -n /usr/bin/id || echo OVER\n").unwrap();
        shell.wait_for("OVER", SOON).unwrap();
        let ended = site.told(&grant, "ended");
        assert_eq!(ended["body"]["cause"], "expired");
        let late = ended["body"]["late-ms"].as_i64().unwrap();
        assert!((0..1000).contains(&late), "{ended}");
    }
}

#[test]
fn every_refusal_names_its_rule_and_the_way_on() {
    let Some(site) = site(Release::Bookworm) else { return };
    let ask = |user: &str, words: &[&str]| site.jitctl(user, &[&["elevate"], words].concat()).unwrap();
    ask("alice", &["ids"]).expect_code(3).expect_says("requires a reason");
    ask("alice", &["ids", "--reason", "because I want to"])
        .expect_code(3)
        .expect_says("Start with the incident");
    site.elevate("alice", "ids", "2h").expect_code(3).expect_says("--for 1h or less");
    site.elevate("carl", "ids", "30m").expect_code(3).expect_says("contractors never");
    // Whoever may not have a role does not learn whether it exists.
    let hidden = site.elevate("bob", "ids", "30m").expect_code(6).text();
    let absent = site.elevate("bob", "no-such-one", "30m").expect_code(6).text();
    assert_eq!(hidden.replace("\"ids\"", "\"no-such-one\""), absent);
    site.elevate("root", "ids", "30m").expect_code(7).expect_says("root may neither ask");
    site.elevate("alice", "ids", "30m").expect_ok();
    site.elevate("alice", "ids", "30m").expect_code(3).expect_says("already");
}

#[test]
fn a_password_role_asks_each_time_and_takes_no_other_password() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        site.elevate("alice", "everything", "30m").expect_ok();
        site.sudo("alice", &["/usr/bin/id"]).expect_code(1);
        let wrong =
            site.command(&["sudo", "-S", "-p", "", "id"]).user("alice").input("sesame\n").run().unwrap();
        wrong.expect_code(1);
        assert_eq!(site.sudo_twice("alice").expect_code(1).out, "0\n", "only the first sudo of the two ran");
    }
}

#[test]
fn a_password_that_sudo_remembers_is_not_enough() {
    let Some(site) = site(Release::Bookworm) else { return };
    for user in ["alice", "bob"] {
        let rule = format!("{user} ALL=(root) /usr/bin/id\n");
        site.write_mode(&format!("/etc/sudoers.d/50-{user}"), &rule, 0o440).unwrap();
    }
    // Without a grant sudo remembers what was just typed.
    for user in ["alice", "bob"] {
        assert_eq!(site.sudo_twice(user).expect_ok().out, "0\n0\n");
    }
    site.elevate("alice", "everything", "30m").expect_ok();
    assert_eq!(site.sudo_twice("alice").expect_code(1).out, "0\n");
    assert_eq!(site.sudo_twice("bob").expect_ok().out, "0\n0\n");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    assert_eq!(site.sudo_twice("alice").expect_ok().out, "0\n0\n");
}

#[test]
fn a_grant_of_the_shortest_length_ends() {
    let Some(site) = site(Release::Trixie) else { return };
    let grant = site.grant("alice", "ids", "1s");
    let late = site.wait_off("alice", &grant);
    assert!(late.as_millis() < 1500, "{late:?}");
    until("nothing live", SOON, || (site.status("root")["live"] == 0).then_some(())).unwrap();
}
