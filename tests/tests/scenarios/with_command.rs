//! `jitctl elevate ROLE -- COMMAND`: the command's own end, and no grant left however it ends.

use jit_e2e::{Output, Release, Running, until};
use nix::sys::signal::Signal;

use crate::site::{HEADER, Product as _, REASON, SOON, Site, site, site_with};

fn run(site: &Site, role: &str, command: &[&str]) -> Output {
    site.jitctl("alice", &[&["elevate", role, "--reason", REASON, "--"], command].concat()).unwrap()
}

fn nothing_live(site: &Site) {
    assert_eq!(site.sudoers(), HEADER);
    assert_eq!(site.status("root")["live"], 0);
}

#[test]
fn it_ends_as_the_command_ends_and_the_grant_with_it() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        for (command, code) in
            [(&["true"][..], 0), (&["/usr/bin/false"], 1), (&["seven"], 7), (&["dies"], 128 + 15)]
        {
            run(&site, "tasks", command).expect_code(code);
            nothing_live(&site);
        }
        let id = run(&site, "ids", &["id"]).expect_ok();
        assert!(
            id.out.contains("uid=0(root)") && id.err.contains("given back when the command ends"),
            "{id}"
        );
        let causes: Vec<_> = site.record("ended").into_iter().map(|e| e["body"]["cause"].clone()).collect();
        assert_eq!(causes, ["dropped"; 5]);
    }
}

#[test]
fn our_own_failures_are_125_and_leave_nothing_live() {
    let Some(site) = site(Release::Bookworm) else { return };
    run(&site, "ids", &["id", "-u"]).expect_code(125).expect_says("is not in the role ids");
    nothing_live(&site);
    run(&site, "no-such-role", &["id"]).expect_code(125).expect_says("no-such-role");
    run(&site, "ids", &["/etc/passwd"]).expect_code(126);
    run(&site, "ids", &["/usr/bin/no-such-program"]).expect_code(127);
    assert_eq!(site.record("intent").len(), 0, "what cannot run is not asked for");
    run(&site, "ids", &["no-such-program"]).expect_code(125).expect_says("is not in the role ids");
    nothing_live(&site);
    site.jitd.terminate().unwrap();
    run(&site, "ids", &["id"]).expect_code(125);
}

#[test]
fn a_program_of_ones_own_first_in_path_is_never_run() {
    for release in Release::ALL {
        let Some(site) = site_with(release, |bed| {
            let role = "[role.free]\nsummary = \"Everything\"\nrisk = \"high\"\n\
                sudo = { run_as = \"root\", password = false, commands = \"ALL\" }\n\
                [[rule]]\nname = \"free\"\nroles = [\"free\"]\neligible = { groups = [\"oncall\"] }\nmax_duration = \"1h\"\n";
            bed.policy("20-free.toml", role).unwrap();
            bed.write_mode("/home/alice/bin/id", "#!/bin/sh\necho evil\n", 0o755).unwrap();
        }) else {
            return;
        };
        for (role, command) in [("free", "id"), ("ids", "id")] {
            let words =
                format!("PATH=/home/alice/bin:$PATH; jitctl elevate {role} --reason '{REASON}' -- {command}");
            let ran = site.as_user("alice", &["/bin/sh", "-c", &words]).unwrap().expect_ok();
            assert!(ran.out.starts_with("uid=0(root)") && !ran.out.contains("evil"), "{role}: {ran}");
            nothing_live(&site);
        }
        run(&site, "free", &["no-such-program"]).expect_code(127).expect_says("was not found");
        nothing_live(&site);
    }
}

fn sleeper(site: &Site) -> Running {
    let words = ["jitctl", "elevate", "tasks", "--reason", REASON, "--", "sleep", "1000"];
    let running = site.command(&words).user("alice").spawn().unwrap();
    let sleeps = || site.processes("sleep").first().copied();
    until("the command to run", SOON, sleeps).unwrap();
    running
}

#[test]
fn told_to_end_it_ends_the_command_and_gives_the_grant_back() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        for (signal, code) in [(Signal::SIGTERM, 128 + 15), (Signal::SIGHUP, 128 + 1)] {
            let running = sleeper(&site);
            running.signal(signal).unwrap();
            running.wait_end(SOON).unwrap().expect_code(code);
            nothing_live(&site);
            assert!(site.processes("sleep").is_empty());
        }
    }
}

#[test]
fn a_grant_that_was_extended_meanwhile_is_given_back_all_the_same() {
    let Some(site) = site(Release::Trixie) else { return };
    let running = sleeper(&site);
    let first = site.record("intent")[0]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        site.jitctl("alice", &["extend", "tasks", "--for", "1m"]).unwrap().expect_ok();
    }
    running.signal(Signal::SIGTERM).unwrap();
    let output = running.wait_end(SOON).unwrap().expect_code(128 + 15);
    assert!(!output.text().contains("could not be given back"), "{output}");
    nothing_live(&site);
    // Nor does it help whoever is to lose it that they had it extended.
    let grant = site.grant("alice", "ids", "5m");
    assert_ne!(grant.id, first);
    site.jitctl("alice", &["extend", "ids", "--for", "1m"]).unwrap().expect_ok();
    site.jitctl("olga", &["revoke", &grant.id]).unwrap().expect_ok();
    assert!(!site.may("alice"));
    nothing_live(&site);
}

#[test]
fn a_grant_taken_away_meanwhile_is_no_failure_of_the_command() {
    let Some(site) = site(Release::Trixie) else { return };
    let running = sleeper(&site);
    site.jitctl("olga", &["revoke", "--all"]).unwrap().expect_ok();
    assert!(running.is_running(), "what runs goes on");
    running.signal(Signal::SIGTERM).unwrap();
    let output = running.wait_end(SOON).unwrap().expect_code(128 + 15);
    assert!(!output.text().contains("could not be given back"), "{output}");
    nothing_live(&site);
}
