//! A full disk: nothing new is granted, what is live ends on time, and the record is made up when there is room.

use std::time::Duration;

use jit_e2e::{Inside, Release, until};

use crate::site::{HEADER, Product as _, SOON, json, measured, site_with};

/// A disk of its own for what jitd keeps.
fn small_disk(bed: &Inside) {
    let mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", "/var/lib/jit"];
    bed.run(&mount).unwrap().expect_ok();
}

#[test]
fn nothing_is_granted_and_everything_ends_while_the_disk_is_full() {
    for release in Release::ALL {
        let Some(site) = site_with(release, |bed| small_disk(bed)) else { return };
        let short = site.grant("alice", "ids", "5s");
        let long = site.grant("dora", "ids", "30m");
        site.sh("! dd if=/dev/zero of=/var/lib/jit/fill bs=1k status=none").unwrap().expect_ok();
        let refused = site.elevate("carl", "logs", "30m");
        assert_ne!(refused.code, 0);
        refused.expect_says("Nothing was granted").expect_says("space");
        site.sudo("carl", &["cat", "/etc/hosts"]).expect_code(1);
        let late = site.wait_off("alice", &short);
        measured(&format!("off {late:?} after the deadline, with a full disk"));
        assert!(late < Duration::from_millis(1500), "{late:?}");
        site.jitctl("dora", &["drop"]).unwrap().expect_ok();
        assert!(!site.may("dora"));
        assert_eq!(site.sudoers(), HEADER);

        site.remove("/var/lib/jit/fill").unwrap();
        assert_eq!(site.told(&short, "ended")["body"]["cause"], "expired");
        assert_eq!(site.told(&long, "ended")["body"]["cause"], "dropped");
        let granted = || Some(site.elevate("carl", "logs", "30m")).filter(|output| output.success());
        until("granting to work again", SOON, granted).unwrap();
        site.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
    }
}

#[test]
fn a_disk_without_even_the_reserve_refuses_plainly_and_recovers() {
    let Some(mut site) = site_with(Release::Bookworm, |bed| small_disk(bed)) else { return };
    let grant = site.grant("alice", "ids", "30m");
    site.jitd.kill().unwrap();
    site.sh("rm /var/lib/jit/ledger.reserve; ! dd if=/dev/zero of=/var/lib/jit/fill bs=1k status=none")
        .unwrap()
        .expect_ok();
    site.restart_jitd();
    assert!(site.may("alice"), "what is live is not cut short");
    let refused =
        site.jitctl("dora", &["elevate", "ids", "--reason", crate::site::REASON, "--json"]).unwrap();
    let refused = json(&refused.expect_code(3));
    assert_eq!(refused["code"], "ledger-unavailable", "{refused}");
    assert!(refused["sentence"].as_str().unwrap().contains("tell an administrator"), "{refused}");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    assert!(!site.may("alice"));
    site.remove("/var/lib/jit/fill").unwrap();
    let granted = || Some(site.elevate("dora", "ids", "30m")).filter(|output| output.success());
    until("granting to work again", SOON, granted).unwrap();
    assert_eq!(site.told(&grant, "ended")["body"]["cause"], "dropped");
}
