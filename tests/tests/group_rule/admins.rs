//! An admin's own settings and rules beside it.

use crate::host::{DOCKER, Host, classic, hosts, refused};

#[test]
fn no_default_of_an_admin_widens_it() {
    let defaults = [
        "runas_default=bob",
        "runas_default=root",
        "!env_reset",
        "setenv",
        "env_keep+=\"LD_PRELOAD FOO\"",
        "!authenticate",
        "runcwd=*",
        "runchroot=*",
        "preserve_groups",
        "stay_setuid",
        "user_command_timeouts",
        "closefrom_override",
        "!match_group_by_gid",
        "!use_pty",
        "exempt_group=alice",
        "umask=0000",
        "!root_sudo",
        "verifypw=never",
        "noexec",
        "requiretty",
    ];
    for host in classic().map(Host::granted) {
        for setting in defaults {
            host.admin(&format!("Defaults {setting}"));
            host.bed.run(&["visudo", "-cq"]).unwrap().expect_ok();
            for options in
                [&[][..], &["-u", "root"], &["-u", "root", "-g", "docker"], &["-u", "bob"], &["-g", "lxd"]]
            {
                refused(host.alice_with_password(&[options, &["--", "id"]].concat()));
            }
            let ran = host.alice(&["-g", "docker", "--", "id"]);
            match setting {
                "requiretty" => refused(ran),
                // The real group stays the old one, and the new one is a supplementary one.
                "stay_setuid" => {
                    assert!(ran.expect_ok().out.starts_with(&format!("uid={}(alice) ", host.uid)))
                }
                _ => assert_eq!(ran.expect_ok().out, host.with_docker(), "{setting}"),
            }
        }
    }
}

/// The one setting that opens more. No line of ours can close it, so jitd asks for it and does not agree to a grant.
#[test]
fn an_admins_runchroot_lets_anybody_choose_the_root_directory_and_sudo_says_so() {
    for host in classic().map(Host::granted) {
        let chroot = ["-g", "docker", "-R", "/", "--", "id"];
        refused(host.alice(&chroot));
        for setting in ["Defaults runchroot=*", "Defaults:alice runchroot=*"] {
            host.admin(setting);
            host.alice(&chroot).expect_ok();
            let said = host.bed.run(&["sudo", "-n", "-l", "-U", "alice"]).unwrap().expect_ok().out;
            let holding =
                said.split("\n\n").find(|text| text.starts_with("Matching Defaults entries for alice"));
            assert!(holding.unwrap().contains("runchroot=*"), "{said}");
        }
        host.admin("Defaults runchroot=*\nDefaults:alice !runchroot");
        refused(host.alice(&chroot));
        host.admin("Defaults:bob runchroot=*");
        refused(host.alice(&chroot));
        // What would close it has sudo complain to the caller each time.
        host.grant(&host.rule(&[DOCKER], "NOPASSWD").replace(") NOTAFTER", ") CHROOT=/ NOTAFTER"));
        host.alice(&["-g", "docker", "--", "id"]).expect_says("unable to set runas group vector");
    }
}

/// How an admin's later rule stands to the group, before and after alice is a member of it: whether the command runs, and
/// whether sudo says yes when it is asked.
#[test]
fn an_admins_later_no_wins() {
    for host in hosts().into_iter().map(Host::granted) {
        for later in [
            "alice ALL=(ALL:ALL) !ALL",
            "alice ALL=(ALL:docker) !ALL",
            "alice ALL=(alice:docker) !ALL",
            "%alice ALL=(ALL:ALL) !ALL",
        ] {
            host.admin(later);
            refused(host.alice_with_password(&["-g", "docker", "--", "id"]));
            assert!(!host.agrees("docker"), "{later}");
        }
        host.admin("alice ALL=(alice:docker) !/usr/bin/id");
        refused(host.alice_with_password(&["-g", "docker", "--", "id"]));
        host.alice(&["-g", "docker", "--", "true"]).expect_ok();
        assert!(host.agrees("docker"));
        // One that names no group does not speak of it, but of who is a member of it.
        host.admin("alice ALL=(ALL) !ALL");
        host.alice(&["-g", "docker", "--", "id"]).expect_ok();
        assert!(host.agrees("docker"));
        host.bed.run(&["usermod", "-aG", "docker", "alice"]).unwrap().expect_ok();
        refused(host.alice_with_password(&["-g", "docker", "--", "id"]));
        assert!(!host.agrees("docker"));
        // Bound to the group alone it wins as well; only then classic sudo says yes to root all the same.
        host.admin("alice ALL=(:docker) !ALL");
        refused(host.alice_with_password(&["-g", "docker", "--", "id"]));
        assert_eq!(host.agrees("docker"), host.is_classic());
    }
}
