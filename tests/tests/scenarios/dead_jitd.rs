//! The end comes without jitd: killed, stopped, hung, or without its ledger; and without the guard as well.

use std::time::Duration;

use jit_e2e::{Release, until};

use crate::site::{Granted, HEADER, Product as _, SOON, SUDOERS, Site, measured, site, wall};

/// The promise is a second; a machine that runs many tests at once gets half a second more.
const AT_MOST: Duration = Duration::from_millis(1500);

const LEDGER: &str = "/var/lib/jit/ledger.db";

/// Waits for the guard to end a grant, and checks that it did so in time.
fn ended_by_guard(site: &Site, grant: &Granted) {
    let late = site.wait_off("alice", grant);
    measured(&format!("off {late:?} after the deadline"));
    assert!(late < AT_MOST, "{late:?} after its deadline");
}

/// What the record says once jitd is back.
fn recorded(site: &Site, grant: &Granted) {
    let ended = site.told(grant, "ended");
    assert_eq!(ended["body"]["cause"], "expired", "{ended}");
    let late = ended["body"]["late-ms"].as_i64().unwrap();
    assert!((0..1500).contains(&late), "the guard's own time is on the record: {ended}");
    let acted = site.record("guard-acted");
    let about = acted.iter().filter(|entry| entry["body"]["note"].as_str().unwrap().contains(&grant.id));
    assert_eq!(about.count(), 1, "{acted:?}");
    assert!(!site.exists("/var/lib/jit/guard-notes"), "notes on the record are deleted");
    assert_eq!(site.sudoers(), HEADER);
}

#[test]
fn the_guard_ends_it_when_jitd_was_killed() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "3s");
        site.jitd.kill().unwrap();
        assert!(site.may("alice"), "what is live is not cut short");
        ended_by_guard(&site, &grant);
        site.restart_jitd();
        recorded(&site, &grant);
    }
}

#[test]
fn the_guard_ends_it_when_jitd_was_stopped() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "3s");
        site.jitd.terminate().unwrap().expect_ok();
        assert!(site.may("alice"), "a stop ends nothing");
        ended_by_guard(&site, &grant);
        site.restart_jitd();
        recorded(&site, &grant);
        assert_eq!(site.record("stopped")[0]["body"]["live"], 1);
    }
}

#[test]
fn the_guard_ends_it_when_jitd_hangs_and_jitd_does_not_bring_it_back() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "3s");
        let other = site.grant("dora", "ids", "30m");
        site.jitd.freeze().unwrap();
        let late = site.wait_off("alice", &grant);
        assert!(late < AT_MOST, "{late:?} after its deadline");
        assert!(site.may("dora"));
        site.jitd.thaw().unwrap();
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "expired");
        // A change makes jitd write the whole file anew.
        site.jitctl("dora", &["drop", &other.id]).unwrap().expect_ok();
        assert_eq!(site.sudoers(), HEADER);
        assert!(!site.may("alice"));
    }
}

#[test]
fn a_ledger_that_cannot_be_read_cuts_nothing_short_and_prolongs_nothing() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "8s");
        site.jitd.terminate().unwrap().expect_ok();
        let damage = format!("for file in {LEDGER}*; do head -c 65536 /dev/urandom > $file; done");
        site.sh(&damage).unwrap().expect_ok();
        site.restart_jitd();
        site.elevate("dora", "ids", "30m").expect_code(3).expect_says("nothing is granted while the record");
        assert!(wall() < grant.deadline, "the machine is too slow for this test");
        assert!(site.may("alice"), "what is live is not cut short");
        ended_by_guard(&site, &grant);
        let said = site.jitctl("root", &["status"]).unwrap().expect_ok();
        said.expect_says("NOTHING IS GRANTED");
    }
}

#[test]
fn with_the_guard_dead_as_well_sudo_itself_refuses_in_every_time_zone() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "3s");
        site.jitd.kill().unwrap();
        site.guard.kill().unwrap();
        assert!(site.may("alice"));
        until("sudo to refuse", SOON, || (!site.may("alice")).then_some(())).unwrap();
        assert!(grant.late() < Duration::from_millis(2500), "{:?}", grant.late());
        assert!(site.sudoers().contains(&grant.id), "nobody took the rule off");
        // Without the Z of NOTAFTER the caller's own clock would decide (CVE-2026-96512).
        for zone in ["XXX12", "XXX-12", "UTC", ":/etc/localtime", "XXX24:59:59"] {
            let id =
                site.command(&["sudo", "-n", "/usr/bin/id"]).user("alice").env("TZ", zone).run().unwrap();
            id.expect_code(1);
        }
    }
}

#[test]
fn the_guards_all_ends_everything_without_jitd_and_beside_it() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "30m");
        site.jitd.kill().unwrap();
        site.run(&["jit-guard", "--all"]).unwrap().expect_ok().expect_says(&grant.id);
        assert_eq!(site.sudoers(), HEADER);
        assert!(!site.may("alice"));
        site.restart_jitd();
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "guard");
        assert!(!site.may("alice"));

        let grant = site.grant("alice", "ids", "30m");
        let other = site.grant("dora", "ids", "30m");
        site.run(&["jit-guard", "--all"]).unwrap().expect_ok();
        assert!(!site.may("alice") && !site.may("dora"));
        // The next change makes jitd look, and it brings nothing back.
        site.grant("carl", "logs", "30m");
        for grant in [&grant, &other] {
            assert_eq!(site.told(grant, "ended")["body"]["cause"], "guard");
        }
        assert!(!site.may("alice") && !site.may("dora"));
        site.grant("alice", "ids", "30m");
        assert!(site.may("alice"), "all is in order again");
    }
}

#[test]
fn a_restart_in_the_middle_neither_ends_nor_prolongs() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let grant = site.grant("alice", "ids", "6s");
        let lasting = site.grant("dora", "ids", "30m");
        let before = site.read(SUDOERS).unwrap();
        site.jitd.kill().unwrap();
        site.restart_jitd();
        assert_eq!(site.read(SUDOERS).unwrap(), before);
        site.jitd.terminate().unwrap().expect_ok();
        site.restart_jitd();
        assert_eq!(site.read(SUDOERS).unwrap(), before);
        assert!(wall() < grant.deadline, "the machine is too slow for this test");
        assert!(site.may("alice"));
        let late = site.wait_off("alice", &grant);
        assert!(late < AT_MOST, "{late:?} after its deadline");
        assert!(site.may("dora"));
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "expired");
        assert!(site.record("guard-acted").is_empty(), "jitd itself ended it");
        assert_eq!(site.status("dora")["mine"][0]["id"], *lasting.id);
    }
}

#[test]
fn what_is_due_ends_while_the_policy_is_still_being_read() {
    let Some(mut site) = site(Release::Bookworm) else { return };
    let grant = site.grant("alice", "ids", "3s");
    site.guard.kill().unwrap();
    site.jitd.kill().unwrap();
    site.run(&["mv", "/usr/sbin/visudo", "/opt/visudo"]).unwrap().expect_ok();
    // It says what it is, and hangs over two roles of the policy, ten seconds each.
    let hangs = "#!/bin/sh\n\
        for last; do :; done\n\
        [ \"$1\" = -c ] && grep -q /usr/bin/cat \"$last\" && exec sleep 1000\n\
        exec /opt/visudo \"$@\"\n";
    site.write_mode("/usr/sbin/visudo", hangs, 0o755).unwrap();
    site.jitd = site.command(&["/usr/sbin/jitd"]).spawn().unwrap();
    let off = || (site.sudoers() == HEADER).then_some(());
    until("it to be off, though visudo does not answer", SOON, off).unwrap();
    site.elevate("dora", "ids", "30m").expect_code(3).expect_says("the policy is being read");
    assert_eq!(site.told(&grant, "ended")["body"]["cause"], "expired");
    assert!(site.record("policy-loaded").len() == 1, "of the first jitd; the second one still reads");
}
