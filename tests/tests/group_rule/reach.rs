//! What it reaches, and what it does not.

use std::time::Duration;

use crate::host::{DOCKER, Host, classic, hosts, refused};

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

/// Others of the same person may signal it, and neither read nor trace it: its group is not theirs (ptrace(2)).
#[test]
fn a_command_with_the_group_is_closed_to_the_persons_other_processes() {
    for host in hosts().into_iter().map(Host::granted) {
        let script = "echo $$; exec sleep 1000";
        let words = [host.sudo, "-n", "-g", "docker", "--", "sh", "-c", script];
        let command = host.bed.command(&words).user("alice").spawn().unwrap();
        command.wait_for("\n", Duration::from_secs(20)).unwrap();
        let listed = host.bed.run(&["pgrep", "-x", "sleep"]).unwrap().expect_ok().out;
        let pid = listed.trim();
        let other = |words: &[&str]| host.bed.as_user("alice", words).unwrap();
        other(&["cat", &format!("/proc/{pid}/environ")]).expect_code(1).expect_says("Permission denied");
        other(&["strace", "-p", pid, "-o", "/dev/null"])
            .expect_code(1)
            .expect_says("Operation not permitted");
        other(&["kill", pid]).expect_ok();
        command.wait_end(Duration::from_secs(20)).unwrap();
    }
}

/// What the group leaves behind on disk: a program that lends it on, which an end of the grant has to look for.
#[test]
fn a_copy_of_a_shell_can_be_left_that_gives_the_group_to_anybody() {
    for host in hosts().into_iter().map(Host::granted) {
        let script =
            "cp /bin/bash /home/alice/left && chgrp docker /home/alice/left && chmod 2755 /home/alice/left";
        host.alice(&["-g", "docker", "--", "sh", "-c", script]).expect_ok();
        let mode = host.bed.run(&["stat", "-c", "%a %G", "/home/alice/left"]).unwrap().expect_ok();
        assert_eq!(mode.out, "2755 docker\n");
    }
}
