//! `jitctl elevate ROLE -- COMMAND` with a role that gives groups: it works at once, in a session from before, and is off
//! when the command has ended.

use jit_e2e::{Output, Release};

use crate::site::{HEADER, Product as _, REASON, Site, site_with};

const ROLES: &str = r#"
[role.docker]
summary = "Use docker"
risk    = "high"
groups  = ["docker", "lxd"]

[role.mixed]
summary = "Look at the host's name as root, and use docker"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id", "-u"]] }
groups  = ["docker"]

[[rule]]
name         = "on-call gets docker"
roles        = ["docker", "mixed"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
"#;

fn docker_site(release: Release) -> Option<Site> {
    site_with(release, |bed| {
        for (name, gid) in [("docker", "7990"), ("lxd", "7991")] {
            bed.run(&["groupadd", "-g", gid, name]).unwrap().expect_ok();
        }
        bed.write_mode("/home/alice/bin/docker", "#!/bin/sh\nid -G -n\n", 0o755).unwrap();
        bed.policy("20-docker.toml", ROLES).unwrap();
    })
}

fn run(site: &Site, role: &str, command: &[&str]) -> Output {
    let words = [&["jitctl", "elevate", role, "--reason", REASON, "--"], command].concat();
    let path = "/home/alice/bin:/usr/local/bin:/usr/bin:/bin";
    site.command(&words).user("alice").env("PATH", path).run().unwrap()
}

fn nothing_live(site: &Site) {
    assert_eq!(site.sudoers(), HEADER);
    assert_eq!(site.status("root")["live"], 0);
    site.run(&["getent", "group", "docker"]).unwrap().expect_says("docker:x:7990:\n");
    site.command(&["sudo", "-n", "-g", "docker", "--", "true"]).user("alice").run().unwrap().expect_code(1);
}

#[test]
fn any_command_runs_with_the_groups_at_once_and_they_are_off_when_it_ends() {
    for release in Release::ALL {
        let Some(site) = docker_site(release) else { return };
        let ran = run(&site, "docker", &["id"]).expect_ok();
        assert!(ran.out.contains("gid=7990(docker)") && ran.out.contains("7991(lxd)"), "{ran}");
        assert!(!ran.out.contains("uid=0"), "{ran}");
        nothing_live(&site);
        run(&site, "docker", &["sh", "-c", "exit 7"]).expect_code(7);
        nothing_live(&site);
    }
}

#[test]
fn a_command_of_ones_own_is_found_by_ones_own_path() {
    let Some(site) = docker_site(Release::Bookworm) else { return };
    let ran = run(&site, "docker", &["docker"]).expect_ok();
    assert!(ran.out.starts_with("docker "), "{ran}");
    nothing_live(&site);
}

#[test]
fn what_the_role_allows_as_root_runs_as_root_and_the_rest_with_the_group() {
    for release in Release::ALL {
        let Some(site) = docker_site(release) else { return };
        assert_eq!(run(&site, "mixed", &["id", "-u"]).expect_ok().out, "0\n");
        assert_eq!(run(&site, "mixed", &["id", "-gn"]).expect_ok().out, "docker\n");
        nothing_live(&site);
    }
}

#[test]
fn a_group_that_an_admin_forbids_is_refused_and_nothing_stays() {
    let Some(site) = docker_site(Release::Trixie) else { return };
    let refused = |setting: &str, says: &str| {
        site.write_mode("/etc/sudoers.d/90-admin", &format!("{setting}\n"), 0o440).unwrap();
        run(&site, "docker", &["id"]).expect_code(125).expect_says(says);
        nothing_live(&site);
    };
    refused("alice ALL=(ALL:ALL) !ALL", "the group docker");
    refused("Defaults runchroot=*", "runchroot=*");
}
