//! What a rule of a group gives, `#uid ALL=(#uid:#gid) … ALL`, on every sudo that the product supports. The rules here are
//! written as jitd writes them.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::{Inside, OrSkip as _, Output, Release, RootBed};

const DOCKER: u32 = 7990;
const LXD: u32 = 7991;
/// A group that no rule gives.
const EXTRA: u32 = 7992;

/// A machine with one of the sudos, alice (who has a password), bob, and the groups.
struct Host {
    bed: RootBed,
    sudo: &'static str,
    /// The time on a rule, where this sudo takes one.
    end: &'static str,
    uid: u32,
    gid: u32,
}

/// sudo 1.9.13p3, sudo 1.9.16p2, sudo-rs 0.2.5. Empty when there are no beds here.
fn hosts() -> Vec<Host> {
    const LATE: &str = "NOTAFTER=20991231235959Z ";
    let kinds = [
        (Release::Bookworm, "sudo", LATE),
        (Release::Trixie, "sudo", LATE),
        (Release::Trixie, "sudo-rs", ""),
    ];
    kinds.into_iter().map_while(|(release, sudo, end)| Host::new(release, sudo, end)).collect()
}

fn classic() -> impl Iterator<Item = Host> {
    hosts().into_iter().filter(Host::is_classic)
}

impl Host {
    fn new(release: Release, sudo: &'static str, end: &'static str) -> Option<Host> {
        let bed = RootBed::bare(release).or_skip()?;
        let alice = bed.add_user("alice", &[], Some("secret")).unwrap();
        bed.add_user("bob", &[], None).unwrap();
        for (name, gid) in [("docker", DOCKER), ("lxd", LXD), ("extra", EXTRA)] {
            bed.run(&["groupadd", "-g", &gid.to_string(), name]).unwrap().expect_ok();
        }
        Some(Host { bed, sudo, end, uid: alice.uid, gid: alice.gid })
    }

    fn is_classic(&self) -> bool {
        self.sudo == "sudo"
    }

    /// The rule of these groups, `990` or `990,991`; `tag` says whether a password is asked for.
    fn rule(&self, gids: &[u32], tag: &str) -> String {
        let (uid, end) = (self.uid, self.end);
        let gids: Vec<String> = gids.iter().map(|gid| format!("#{gid}")).collect();
        format!("#{uid} ALL=(#{uid}:{}) {end}{tag}: NOSETENV: ALL\n", gids.join(","))
    }

    /// Puts the grant where sudo reads it, before anything of an admin's.
    fn grant(&self, text: &str) {
        self.bed.write_mode("/etc/sudoers.d/00-grant", text, 0o440).unwrap();
    }

    fn granted(self) -> Host {
        self.grant(&self.rule(&[DOCKER], "NOPASSWD"));
        self
    }

    /// An admin's file that is read after it.
    fn admin(&self, text: &str) {
        self.bed.write_mode("/etc/sudoers.d/90-admin", &format!("{text}\n"), 0o440).unwrap();
    }

    /// alice calls sudo and has no password to give.
    fn alice(&self, words: &[&str]) -> Output {
        let words = [&[self.sudo, "-n"], words].concat();
        self.bed.command(&words).user("alice").folder("/tmp").run().unwrap()
    }

    /// alice calls sudo and gives her password when asked.
    fn alice_with_password(&self, words: &[&str]) -> Output {
        let words = [&[self.sudo, "-S", "-p", ""], words].concat();
        self.bed.command(&words).user("alice").folder("/tmp").input("secret\n").run().unwrap()
    }

    /// The question as jitd asks it.
    fn agrees(&self, group: &str) -> bool {
        let words = [self.sudo, "-n", "-l", "-U", "alice", "-u", "alice", "-g", group, "--", "/usr/bin/true"];
        let answer = self.bed.run(&words).unwrap();
        match answer.code {
            0 => assert_eq!(answer.out, "/usr/bin/true\n", "{answer}"),
            _ => assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{answer}"),
        }
        answer.success()
    }

    /// What `id` says of alice with this group and these beside it.
    fn id_with(&self, primary: (u32, &str), others: &[(u32, &str)]) -> String {
        let name = |(gid, name): &(u32, &str)| format!("{gid}({name})");
        let own = (self.gid, "alice");
        let groups: Vec<String> = [&[primary, own], others].concat().iter().map(name).collect();
        format!("uid={}(alice) gid={} groups={}\n", self.uid, name(&primary), groups.join(","))
    }

    fn with_docker(&self) -> String {
        self.id_with((DOCKER, "docker"), &[])
    }
}

/// It was refused, and nothing ran.
#[track_caller]
fn refused(output: Output) {
    assert!(!output.text().contains("uid="), "{output}");
    output.expect_code(1);
}

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
fn nobody_else_and_no_other_group_is_reached() {
    let who: &[&[&str]] = &[
        &[],
        &["-u", "root"],
        &["-u", "root", "-g", "docker"],
        &["-u", "#0", "-g", "docker"],
        &["-u", "#00", "-g", "docker"],
        &["-u", "bob"],
        &["-u", "bob", "-g", "docker"],
        &["-u", "#-1", "-g", "docker"],
        &["-u", "#4294967295", "-g", "docker"],
        &["-u", "#4294967296", "-g", "docker"],
        &["-g", "lxd"],
        &["-g", "root"],
        &["-g", "#0"],
        &["-g", "#-1"],
        &["-g", "#4294967295"],
        &["-g", "#4294967296"],
        &["-u", "alice", "-g", "lxd"],
        &["-u", "alice", "-g", "#0"],
        &["-u", "alice", "-g", "bob"],
    ];
    for host in hosts().into_iter().map(Host::granted) {
        for options in who {
            refused(host.alice_with_password(&[options, &["--", "id"][..]].concat()));
            refused(host.alice_with_password(&[options, &["--", "sh", "-c", "id"][..]].concat()));
        }
        refused(host.alice_with_password(&["-u", "root", "-s", "id"]));
        for other in ["bob", "root"] {
            refused(host.alice_with_password(&["-l", "-U", other]));
        }
    }
}

#[test]
fn options_give_no_more_than_the_group() {
    for host in hosts().into_iter().map(Host::granted) {
        let closed: &[&[&str]] = &[
            &["-D", "/", "--", "id"],
            &["-R", "/", "--", "id"],
            &["-R", "/tmp", "--", "id"],
            &["-T", "5", "--", "id"],
            &["-C", "5", "--", "id"],
            &["FOO=bar", "id"],
            &["LD_PRELOAD=/tmp/x.so", "id"],
            &["-h", "other", "--", "id"],
        ];
        for options in closed {
            refused(host.alice_with_password(&[&["-g", "docker"], *options].concat()));
        }
        let open: &[&[&str]] =
            &[&["-s", "id"], &["-i", "id"], &["-H", "--", "id"], &["-u", "alice", "--", "id"]];
        for options in open {
            let ran = host.alice(&[&["-g", "docker"], *options].concat()).expect_ok();
            assert_eq!(ran.out, host.with_docker(), "{ran}");
        }
        // Without a group it is the person alone, whatever they could have before.
        let alone = host.alice(&["-u", "alice", "--", "id", "-G"]).expect_ok();
        assert_eq!(alone.out, format!("{}\n", host.gid));
        let status = host.alice(&["-g", "docker", "--", "cat", "/proc/self/status"]).expect_ok();
        for line in [
            format!("Uid:\t{0}\t{0}\t{0}\t{0}", host.uid),
            format!("Gid:\t{DOCKER}\t{DOCKER}\t{DOCKER}\t{DOCKER}"),
            "CapEff:\t0000000000000000".to_owned(),
        ] {
            assert!(status.out.contains(&line), "{line} in {status}");
        }
    }
}

#[test]
fn sudoedit_writes_what_the_group_may_write_and_nothing_else() {
    for host in classic().map(Host::granted) {
        let setup =
            "echo old > /srv/file; chgrp docker /srv/file; chmod 660 /srv/file; echo old > /root/file";
        host.bed.sh(setup).unwrap().expect_ok();
        host.bed.write_mode("/usr/local/bin/edit", "#!/bin/sh\necho new > \"$1\"\n", 0o755).unwrap();
        let edit = |options: &[&str], file: &str| {
            let words = [&["sudo", "-S", "-p", "", "-e"], options, &[file]].concat();
            let command = host.bed.command(&words).user("alice").input("secret\n");
            command.env("SUDO_EDITOR", "/usr/local/bin/edit").run().unwrap()
        };
        for file in ["/root/file", "/etc/shadow", "/etc/sudoers", "/etc/new"] {
            for options in [&["-g", "docker"][..], &[], &["-u", "root", "-g", "docker"]] {
                edit(options, file).expect_code(1);
            }
        }
        assert_eq!(host.bed.read("/root/file").unwrap(), "old\n");
        edit(&["-g", "docker"], "/srv/file").expect_ok();
        assert_eq!(host.bed.read("/srv/file").unwrap(), "new\n");
    }
}

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
