//! The question whether sudo agrees to a role, as jitd's own code asks it, on every sudo that the product supports.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::{OrSkip as _, Release, RootBed, workspace};

const ASKS: &str = "/usr/local/bin/sudo-asks";

/// alice with a grant of `id` and of the group docker, and an admin's file behind it.
struct Host {
    bed: RootBed,
    sudo: &'static str,
}

impl Host {
    fn new(release: Release, sudo: &'static str) -> Option<Host> {
        let bed = RootBed::bare(release).or_skip()?;
        bed.copy_in(&workspace::example("jit-mechanisms", "sudo-asks").unwrap(), ASKS).unwrap();
        bed.run(&["chmod", "755", ASKS]).unwrap().expect_ok();
        let uid = bed.add_user("alice", &[], Some("secret")).unwrap().uid;
        bed.run(&["groupadd", "-g", "7990", "docker"]).unwrap().expect_ok();
        let rules = format!(
            "Defaults:#{uid} timestamp_timeout=0\n\
             #{uid} ALL=(root) NOPASSWD: NOSETENV: /usr/bin/id \"\"\n\
             #{uid} ALL=(#{uid}:#7990) NOPASSWD: NOSETENV: ALL\n"
        );
        bed.write_mode("/etc/sudoers.d/00-grant", &rules, 0o440).unwrap();
        Some(Host { bed, sudo })
    }

    fn all() -> Vec<Host> {
        let kinds = [(Release::Bookworm, "sudo"), (Release::Trixie, "sudo"), (Release::Trixie, "sudo-rs")];
        kinds.into_iter().map_while(|(release, sudo)| Host::new(release, sudo)).collect()
    }

    fn classic() -> impl Iterator<Item = Host> {
        Host::all().into_iter().filter(|host| host.sudo == "sudo")
    }

    fn admin(&self, text: &str) {
        self.bed.write_mode("/etc/sudoers.d/90-admin", &format!("{text}\n"), 0o440).unwrap();
    }

    /// What the answer says of each part, in lines.
    fn says(&self, words: &[&str]) -> String {
        let words = [&[ASKS], words].concat();
        let asked = self.bed.command(&words).env("SUDO_ASKS", &format!("/usr/bin/{}", self.sudo));
        asked.run().unwrap().expect_ok().out
    }
}

#[test]
fn a_group_and_a_command_are_told_apart() {
    for host in Host::all() {
        let both = "/usr/bin/id: allowed\nthe group docker: allowed\n";
        assert_eq!(host.says(&["alice", "not-asked", "docker"]), both);
        assert_eq!(host.says(&["alice", "no-sudo", "docker"]), "the group docker: allowed\n");
        let refused = host.says(&["alice", "not-asked", "docker", "nosuch"]);
        assert!(
            refused.starts_with(both) && refused.contains("the group nosuch: refused: sudo"),
            "{refused}"
        );
        host.admin("alice ALL=(ALL) !/usr/bin/id");
        let refused = host.says(&["alice", "not-asked", "docker"]);
        assert!(refused.contains("/usr/bin/id: refused") && refused.contains("the group docker: allowed"));
        host.admin("alice ALL=(ALL:docker) !ALL");
        let refused = host.says(&["alice", "no-sudo", "docker"]);
        assert_eq!(refused, "the group docker: refused: sudo says that this person may not run it\n");
    }
}

#[test]
fn nothing_is_agreed_to_where_a_person_may_choose_the_root_directory() {
    for host in Host::classic() {
        for setting in [
            "Defaults runchroot=*",
            "Defaults:alice runchroot=*",
            "Defaults>alice runchroot=*",
            "Defaults>root runchroot=*",
        ] {
            host.admin(setting);
            for role in ["no-sudo", "not-asked", "asked"] {
                let said = host.says(&["alice", role, "docker"]);
                assert!(!said.contains("allowed"), "{setting}, {role}: {said}");
                assert!(
                    said.contains("the group docker: refused: this host's sudoers has runchroot=*"),
                    "{said}"
                );
            }
        }
        for setting in ["Defaults runchroot=/srv", "Defaults:bob runchroot=*", "Defaults env_reset"] {
            host.admin(setting);
            let said = host.says(&["alice", "no-sudo", "docker"]);
            assert!(!said.contains("runchroot"), "{setting}: {said}");
        }
    }
}

#[test]
fn a_password_that_would_be_remembered_or_not_asked_for_spoils_the_group_too() {
    for host in Host::classic() {
        let both = "/usr/bin/id: allowed\nthe group docker: allowed\n";
        assert_eq!(host.says(&["alice", "asked", "docker"]), both);
        for setting in ["Defaults timestamp_timeout=15", "Defaults exempt_group=alice"] {
            host.admin(setting);
            let said = host.says(&["alice", "asked", "docker"]);
            assert_eq!(said.matches("refused: this host's sudoers has").count(), 2, "{said}");
            assert_eq!(host.says(&["alice", "not-asked", "docker"]), both, "{setting}");
        }
    }
}
