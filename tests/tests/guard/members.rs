//! What the guard does about members of groups.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use jit_e2e::{BootedBed, OrSkip as _, Release, RootBed, until};

use crate::site::*;

/// A grant that lends membership of docker: its id, the milliseconds it has left, and the people.
pub(crate) type Lends<'a> = (&'a str, i64, &'a [&'a str]);

/// Writes `applied` for grants that lend docker, and puts into it whom they name, as jitd would: all but those who are
/// in it without jitd.
pub(crate) fn lend(bed: &RootBed, boot: &str, grants: &[Lends<'_>], natural: &[&str]) {
    let (wall, since_boot) = (wall(), since_boot());
    let gid = group_line(bed).split(':').nth(2).unwrap().to_owned();
    let mut given = BTreeSet::new();
    let mut text = "jit-applied 2\n".to_owned();
    for (id, left, people) in grants {
        let (until_boot, until_wall) = (since_boot + left * 1_000_000, wall + left * 1_000_000);
        let words =
            people.iter().map(|name| format!("{gid}:docker:{}:{name}", bed.account(name).unwrap().uid));
        let words: Vec<String> = words.collect();
        given.extend(
            people
                .iter()
                .zip(&words)
                .filter(|(name, _)| !natural.contains(name))
                .map(|(_, word)| word.clone()),
        );
        let times = format!("until_boot={until_boot} until_wall={until_wall}");
        let undo = format!("undo=sudoers,groups groups={}", words.join(","));
        writeln!(text, "grant {id} uid=1 boot={boot} {times} {undo}").unwrap();
        for name in *people {
            bed.run(&["usermod", "-aG", "docker", name]).unwrap().expect_ok();
        }
    }
    for word in &given {
        writeln!(text, "given {word}").unwrap();
    }
    writeln!(text, "end {}", grants.len() + given.len()).unwrap();
    bed.write_mode("/var/lib/jit/.applied.new", &text, 0o600).unwrap();
    bed.run(&["mv", "/var/lib/jit/.applied.new", APPLIED]).unwrap().expect_ok();
}

/// A bed with the group docker, with bob in it for good.
pub(crate) fn docker(release: Release) -> Option<RootBed> {
    let (bed, _) = host(release)?;
    bed.run(&["groupadd", "docker"]).unwrap().expect_ok();
    bed.add_user("bob", &["docker"], None).unwrap();
    Some(bed)
}

pub(crate) fn group_line(bed: &RootBed) -> String {
    let text = bed.read("/etc/group").unwrap();
    text.lines().find(|line| line.starts_with("docker:")).unwrap().to_owned()
}

pub(crate) fn members(bed: &RootBed) -> String {
    group_line(bed).rsplit(':').next().unwrap().to_owned()
}

pub(crate) fn wait_until_members(bed: &RootBed, who: &str) {
    until(&format!("docker to hold {who}"), LONG, || (members(bed) == who).then_some(())).unwrap();
}

#[test]
fn without_jitd_a_member_is_out_after_his_deadline_and_one_put_in_by_hand_later_stays() {
    for release in Release::ALL {
        let Some(bed) = docker(release) else { return };
        let guard = bed.start_guard().unwrap();
        // The list is written before anybody is in, so the deadline has to leave time for that.
        lend(&bed, &boot_id(), &[("aaaaaaaa", 3_000, &["alice", "bob"])], &["bob"]);
        wait_until_members(&bed, "bob");
        assert_eq!(note(&bed, "aaaaaaaa").1, "overdue");
        assert_eq!(bed.run(&["id", "-nG", "alice"]).unwrap().expect_ok().out.trim(), "alice");
        assert!(
            !bed.read("/etc/gshadow").unwrap().contains("alice,")
                && bed.read(NOTES).unwrap().contains("member out")
        );
        bed.run(&["grpck", "-r"]).unwrap().expect_ok();
        bed.run(&["usermod", "-aG", "docker", "alice"]).unwrap().expect_ok();
        // The overdue grant still stands in the list, so the guard looks twice a second: it has looked when the next is off.
        lend_more(&bed);
        wait_until_members(&bed, "bob,alice");
        guard.kill().unwrap();
        drop(bed.start_guard().unwrap());
        bed.run(&["jit-guard", "--all"]).unwrap().expect_ok();
        assert_eq!(members(&bed), "bob,alice", "she is there by an admin's hand, and jitd is gone for good");
    }
}

/// One more grant that is overdue at once, for carol.
fn lend_more(bed: &RootBed) {
    bed.add_user("carol", &["docker"], None).unwrap();
    let (uid, gid) =
        (bed.account("carol").unwrap().uid, group_line(bed).split(':').nth(2).unwrap().to_owned());
    let word = format!("{gid}:docker:{uid}:carol");
    let text = bed.read(APPLIED).unwrap();
    let (mut lines, end): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| !line.starts_with("end "));
    let count: usize = end.first().unwrap().trim_start_matches("end ").parse().unwrap();
    let place = lines.iter().position(|line| line.starts_with("given ")).unwrap();
    let grant = format!(
        "grant bbbbbbbb uid=1 boot={} until_boot=0 until_wall=0 undo=sudoers,groups groups={word}",
        boot_id()
    );
    lines.insert(place, &grant);
    let given = format!("given {word}");
    lines.push(&given);
    let text = format!("{}\nend {}\n", lines.join("\n"), count + 2);
    bed.write_mode("/var/lib/jit/.applied.new", &text, 0o600).unwrap();
    bed.run(&["mv", "/var/lib/jit/.applied.new", APPLIED]).unwrap().expect_ok();
}

#[test]
fn at_boot_members_from_before_are_out_and_an_overlapping_grant_keeps_its_own() {
    let Some(bed) = docker(Release::Bookworm) else { return };
    lend(&bed, "11111111-2222-3333-4444-555555555555", &[("aaaaaaaa", HOUR, &["alice", "bob"])], &["bob"]);
    bed.run(&["jit-guard", "--status"])
        .unwrap()
        .expect_ok()
        .expect_says("put in by jitd: alice of group docker");
    bed.run(&["jit-guard", "--boot"]).unwrap().expect_ok().expect_says("taken out: alice of group docker");
    assert_eq!(members(&bed), "bob");
    assert_eq!(note(&bed, "aaaaaaaa").1, "other-boot");
    bed.run(&["usermod", "-aG", "docker", "alice"]).unwrap().expect_ok();
    bed.run(&["jit-guard", "--boot"]).unwrap().expect_ok();
    assert_eq!(members(&bed), "bob,alice", "by an admin's hand, and jitd has not come back");
    bed.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
    // Two grants of this boot for one membership, the first of them over.
    lend(&bed, &boot_id(), &[("bbbbbbbb", -HOUR, &["alice"]), ("cccccccc", HOUR, &["alice"])], &[]);
    let _guard = bed.start_guard().unwrap();
    assert_eq!(members(&bed), "bob,alice");
    bed.run(&["jit-guard", "--all"]).unwrap().expect_ok().expect_says("taken out: alice of group docker");
    assert_eq!(members(&bed), "bob");
}

#[test]
fn a_held_lock_delays_members_alone_and_is_named() {
    let Some(bed) = docker(Release::Trixie) else { return };
    let uid = bed.account("alice").unwrap().uid;
    bed.write_mode("/tmp/editor", "#!/bin/sh\necho editing\nread line < /tmp/go\n", 0o755).unwrap();
    bed.run(&["mkfifo", "/tmp/go"]).unwrap().expect_ok();
    let guard = bed.start_guard().unwrap();
    lend(&bed, &boot_id(), &[("aaaaaaaa", 3_000, &["alice"])], &[]);
    raise(&bed, uid, &["aaaaaaaa"]);
    let vigr = bed.command(&["vigr"]).env("EDITOR", "/tmp/editor").spawn().unwrap();
    vigr.wait_for("editing", LONG).unwrap();
    let deadline = deadline_of(&bed, "aaaaaaaa");
    wait_until_off(&bed, "aaaaaaaa");
    let late = Duration::from_nanos(u64::try_from(wall() - deadline).unwrap());
    assert!(late < Duration::from_millis(1_500), "sudo's part waits for nobody: {late:?}");
    guard.wait_for("group.lock is locked by process", LONG).unwrap();
    assert_eq!(members(&bed), "bob,alice");
    assert!(!bed.exists(NOTES), "it is not all off");
    bed.run(&["jit-guard", "--all"]).unwrap().expect_code(1).expect_says("is locked by process");
    bed.sh("echo > /tmp/go").unwrap().expect_ok();
    vigr.wait_end(LONG).unwrap();
    wait_until_members(&bed, "bob");
    until("the note of the membership", LONG, || bed.read(NOTES).ok()?.contains("member out").then_some(()))
        .unwrap();
    let said = guard.text().matches("group.lock is locked").count();
    assert_eq!(said, 1, "{}", guard.text());
}

/// The wall clock's deadline of a grant, as `applied` has it.
fn deadline_of(bed: &RootBed, id: &str) -> i64 {
    let text = bed.read(APPLIED).unwrap();
    let line = text.lines().find(|line| line.contains(id)).unwrap();
    let word = line.split(' ').find_map(|word| word.strip_prefix("until_wall=")).unwrap();
    word.parse().unwrap()
}

#[test]
fn a_reboot_takes_members_out_before_anybody_can_log_in() {
    for release in Release::ALL {
        let Some(mut bed) = BootedBed::with_product(release).or_skip() else { return };
        bed.run(&["systemctl", "mask", "jitd.service", "jitd.socket"]).unwrap().expect_ok();
        bed.add_user("alice", &["docker"], None).unwrap();
        bed.add_user("bob", &["docker"], None).unwrap();
        let (uid, group) = (bed.account("alice").unwrap().uid, bed.read("/etc/group").unwrap());
        let gid = group.lines().find_map(|line| line.strip_prefix("docker:x:")).unwrap();
        let word = format!("{}:docker:{uid}:alice", gid.split(':').next().unwrap());
        let end = i64::MAX;
        let times = format!("until_boot={end} until_wall={end}");
        let grant = format!(
            "grant aaaaaaaa uid={uid} boot=the-boot-before {times} undo=sudoers,groups groups={word}"
        );
        // As a machine is found that was cut off while the grant was live.
        bed.unit("jit-guard.service").stop().unwrap();
        bed.write_mode(APPLIED, &format!("jit-applied 2\n{grant}\ngiven {word}\nend 2\n"), 0o600).unwrap();
        bed.reboot().unwrap();
        let group = bed.read("/etc/group").unwrap();
        assert!(group.contains(&format!("docker:x:{}:bob\n", gid.split(':').next().unwrap())), "{group}");
        assert!(
            bed.unit("jit-guard.service").journal().unwrap().contains("taken out: alice of group docker")
        );
        let time = |unit: &str, property: &str| -> u64 {
            bed.unit(unit).property(property).unwrap().trim().parse().unwrap()
        };
        let out = time("jit-guard.service", "ActiveEnterTimestampMonotonic");
        assert!(out > 0 && out <= time("systemd-user-sessions.service", "InactiveExitTimestampMonotonic"));
    }
}
