//! In, and out again: given back, expired with and without jitd, at a restart, at a reboot.

use std::time::Duration;

use jit_e2e::{BootedBed, Inside, OrSkip as _, Release, until};
use nix::sys::signal::Signal;

use super::{files, is_in, lend, lending, members, works};
use crate::site::{Granted, HEADER, Product as _, SOON, measured, people};
use crate::under_systemd::show_boot_id;

/// Waits until alice is out of docker; how long after the deadline that was seen.
fn wait_out(bed: &Inside, grant: &Granted) -> Duration {
    // One file after the other.
    let is_in = || members(bed, "docker").iter().flatten().any(|member| member == "alice");
    let out = || (!is_in()).then(|| grant.late());
    until("alice to be out", Duration::from_secs(30), out).unwrap()
}

#[test]
fn a_person_is_in_the_group_as_long_as_the_grant_lasts_and_nobody_else_is_touched() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        site.run(&["gpasswd", "-a", "dora", "docker"]).unwrap().expect_ok();
        let before = files(&site);
        assert!(!works(&site, "alice"));
        let grant = site.grant("alice", "docker", "30m");
        assert!(is_in(&site, "alice", "docker") && is_in(&site, "dora", "docker"));
        assert!(works(&site, "alice"), "without a new login");
        let login = site.as_user("alice", &["id", "-nG"]).unwrap().expect_ok();
        assert!(login.out.contains("docker"), "{login}");
        let line = |grant: &Granted, part: &str| {
            let lines = site.told(grant, "intent")["body"]["change"].to_string();
            assert!(lines.contains(part), "{lines}");
        };
        line(&grant, "/etc/group: docker gains alice");
        let natural = site.grant("dora", "docker", "30m");
        line(&natural, "/etc/group: dora is in docker already and stays in it");

        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        site.jitctl("dora", &["drop"]).unwrap().expect_ok();
        assert!(!works(&site, "alice") && !works(&site, "dora"));
        assert_eq!(files(&site), before, "dora was in it before");
        assert_eq!(site.sudoers(), HEADER);
        assert!(site.record("drift").is_empty(), "{:?}", site.record("drift"));
    }
}

#[test]
fn of_two_grants_the_last_one_takes_the_membership_with_it() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let before = files(&site);
    for (first, second) in [("docker", "boxes"), ("boxes", "docker")] {
        let [one, two] = [first, second].map(|role| site.grant("alice", role, "30m"));
        site.jitctl("alice", &["drop", &one.id]).unwrap().expect_ok();
        assert!(is_in(&site, "alice", "docker") && works(&site, "alice"));
        assert_eq!(is_in(&site, "alice", "boxes"), second == "boxes");
        site.jitd.kill().unwrap();
        site.restart_jitd();
        assert!(is_in(&site, "alice", "docker"));
        site.jitctl("alice", &["drop", &two.id]).unwrap().expect_ok();
        assert_eq!(files(&site), before);
    }
}

#[test]
fn an_extension_keeps_the_membership_without_a_rewrite() {
    for release in Release::ALL {
        let Some(mut site) = lending(release) else { return };
        let grant = site.grant("alice", "docker", "10m");
        let state = || site.sh("stat -c '%i %z' /etc/group /etc/gshadow").unwrap().expect_ok().out;
        let before = state();
        site.jitctl("alice", &["extend", &grant.id, "--for", "20m"]).unwrap().expect_ok();
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "replaced");
        assert!(works(&site, "alice") && is_in(&site, "alice", "docker"));
        assert_eq!(state(), before);
        site.jitd.kill().unwrap();
        site.restart_jitd();
        assert!(works(&site, "alice") && is_in(&site, "alice", "docker"));
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        assert!(!works(&site, "alice") && !is_in(&site, "alice", "docker"));
    }
}

#[test]
fn its_deadline_takes_it_off_with_jitd_and_without() {
    for release in Release::ALL {
        let Some(mut site) = lending(release) else { return };
        let before = files(&site);
        let grant = site.grant("alice", "docker", "2s");
        let late = wait_out(&site, &grant);
        measured(&format!("{release}: out {late:?} after the deadline"));
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "expired");

        let grant = site.grant("alice", "docker", "3s");
        site.jitd.kill().unwrap();
        assert!(is_in(&site, "alice", "docker"), "what is live is not cut short");
        let late = wait_out(&site, &grant);
        measured(&format!("{release}, by the guard: out {late:?} after the deadline"));
        assert!(late < Duration::from_millis(2500), "{late:?}");
        // Whom an admin puts in now stays.
        site.run(&["gpasswd", "-a", "alice", "docker"]).unwrap().expect_ok();
        site.restart_jitd();
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "expired");
        site.elevate("dora", "docker", "30m").expect_ok();
        site.jitctl("dora", &["drop"]).unwrap().expect_ok();
        assert!(is_in(&site, "alice", "docker"), "she was put in by hand after the guard had taken her out");
        site.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
        assert_eq!(files(&site), before);
    }
}

#[test]
fn a_restart_keeps_it_and_a_lost_list_is_made_up_from_the_record() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let before = files(&site);
    for lose in ["true", "rm /var/lib/jit/applied", "truncate -s -10 /var/lib/jit/applied"] {
        let grant = site.grant("alice", "docker", "30m");
        site.guard.kill().unwrap();
        site.jitd.kill().unwrap();
        site.sh(lose).unwrap().expect_ok();
        site.restart_jitd();
        site.guard = site.start_guard().unwrap();
        assert!(is_in(&site, "alice", "docker") && works(&site, "alice"), "{lose}");
        assert_eq!(site.status("alice")["mine"][0]["id"], *grant.id, "{lose}");
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        assert_eq!(files(&site), before, "{lose}");
    }
}

#[test]
fn whoever_was_in_it_before_and_is_put_in_again_for_a_grant_goes_out_with_it() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let before = files(&site);
    for lose in ["true", "rm /var/lib/jit/applied"] {
        site.run(&["gpasswd", "-a", "alice", "docker"]).unwrap().expect_ok();
        let grant = site.grant("alice", "docker", "30m");
        // She is to be in it by nothing but the grant.
        site.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
        let drift = site.told(&grant, "drift");
        assert_eq!(drift["body"]["done"], "/etc/group: docker gains alice");
        assert!(is_in(&site, "alice", "docker"));
        site.guard.kill().unwrap();
        site.jitd.kill().unwrap();
        site.sh(lose).unwrap().expect_ok();
        site.restart_jitd();
        site.guard = site.start_guard().unwrap();
        assert!(is_in(&site, "alice", "docker") && works(&site, "alice"), "{lose}");
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        assert_eq!(files(&site), before, "{lose}");
    }
}

#[test]
fn what_was_taken_away_by_hand_while_jitd_was_away_is_not_put_back() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let grant = site.grant("alice", "docker", "30m");
    site.jitd.kill().unwrap();
    site.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
    site.restart_jitd();
    assert_eq!(site.told(&grant, "ended")["body"]["cause"], "lost");
    assert!(!is_in(&site, "alice", "docker") && !works(&site, "alice"));

    // While it runs it is put back, and told.
    site.grant("alice", "docker", "30m");
    site.run(&["gpasswd", "-d", "alice", "docker"]).unwrap().expect_ok();
    site.elevate("dora", "ids", "30m").expect_ok();
    assert!(is_in(&site, "alice", "docker"));
    let drift = site.record("drift");
    assert_eq!(drift.len(), 1);
    assert!(
        drift[0]["body"]["found"].as_str().unwrap().contains("alice was not in the group docker"),
        "{drift:?}"
    );
}

#[test]
fn a_reboot_ends_it_before_anybody_logs_in() {
    for release in Release::ALL {
        let Some(mut bed) = BootedBed::with_product(release).or_skip() else { return };
        people(&bed);
        lend(&bed);
        show_boot_id(&bed);
        bed.run(&["gpasswd", "-a", "dora", "docker"]).unwrap().expect_ok();
        let before = files(&bed);
        let grant = bed.grant("alice", "docker", "30m");
        assert!(is_in(&bed, "alice", "docker"));
        bed.reboot().unwrap();
        assert_eq!(files(&bed), before);
        assert_eq!(bed.told(&grant, "ended")["body"]["cause"], "rebooted");
        // As in a power cut; and the guard is not there afterwards, nor, the second time, the list of who was put in.
        bed.run(&["systemctl", "mask", "jit-guard.service"]).unwrap().expect_ok();
        for lose in ["true", "rm /var/lib/jit/applied"] {
            let grants = ["alice", "dora"].map(|user| bed.grant(user, "docker", "30m"));
            bed.sh(lose).unwrap().expect_ok();
            bed.cut().unwrap();
            bed.up().unwrap();
            for grant in &grants {
                assert_eq!(bed.told(grant, "ended")["body"]["cause"], "rebooted", "{lose}");
            }
            assert_eq!(files(&bed), before, "{lose}: alice is out, and dora was in it before");
        }
    }
}

#[test]
fn a_group_file_that_cannot_be_changed_when_jitd_starts_ends_nothing() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let grant = site.grant("alice", "boxes", "30m");
    site.jitd.kill().unwrap();
    site.run(&["mount", "--bind", "/etc/group", "/etc/group"]).unwrap().expect_ok();
    site.restart_jitd();
    assert_eq!(site.status("alice")["mine"][0]["id"], *grant.id);
    assert!(works(&site, "alice"));
    site.run(&["umount", "/etc/group"]).unwrap().expect_ok();
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    assert!(!is_in(&site, "alice", "boxes") && !is_in(&site, "alice", "docker"));
}

#[test]
fn room_for_a_removal_is_kept_for_as_long_as_a_role_gives_a_group() {
    let Some(site) = lending(Release::Bookworm) else { return };
    let spares = || site.sh("ls -A /etc | grep -c jit-spare").unwrap().out.trim().to_owned();
    assert_eq!(spares(), "4", "before anybody asked");
    site.grant("alice", "docker", "30m");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    assert_eq!(spares(), "4");
    site.sh("rm /etc/jit/policy.d/30-groups.toml").unwrap().expect_ok();
    site.jitd.signal(Signal::SIGHUP).unwrap();
    until("the spare files to go", SOON, || (spares() == "0").then_some(())).unwrap();
}
