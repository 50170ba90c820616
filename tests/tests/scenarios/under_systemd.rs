//! The services under the real systemd: started by the socket, reloaded, restarted, killed, hung, rebooted.

use std::time::Duration;

use jit_e2e::{BootedBed, OrSkip as _, Release, until};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::site::{HEADER, Product as _, REASON, SOON, people};

/// A machine with people and the policy, and the services as the package leaves them.
fn machine(release: Release) -> Option<BootedBed> {
    let bed = BootedBed::with_product(release).or_skip()?;
    people(&bed);
    Some(bed)
}

#[test]
fn the_first_call_starts_jitd_and_no_stop_or_restart_ends_a_grant() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let jitd = bed.unit("jitd.service");
        jitd.stop().unwrap();
        assert_eq!(jitd.property("ActiveState").unwrap(), "inactive");
        let grant = bed.grant("alice", "ids", "30m");
        assert_eq!(jitd.property("ActiveState").unwrap(), "active");
        let status = || Some(jitd.property("StatusText").unwrap()).filter(|text| text.starts_with("1 grant"));
        until("the status text", SOON, status).unwrap();
        let sudoers = bed.sudoers();

        let pid = jitd.main_process().unwrap();
        bed.policy(
            "20-more.toml",
            "[role.more]\nsummary = \"x\"\nrisk = \"low\"\nsudo = { commands = [[\"/usr/bin/true\"]] }\n",
        )
        .unwrap();
        jitd.reload().unwrap();
        let more =
            || bed.record("policy-loaded").into_iter().find(|entry| entry.to_string().contains("20-more"));
        until("the new policy", SOON, more).unwrap();
        assert_eq!(jitd.main_process().unwrap(), pid);

        jitd.restart().unwrap();
        assert_eq!(bed.sudoers(), sudoers);
        jitd.signal(Signal::SIGKILL).unwrap();
        let next = || jitd.main_process().ok().filter(|next| *next != pid);
        until("systemd to start it anew", SOON, next).unwrap();
        assert_eq!(bed.status("alice")["mine"][0]["id"], *grant.id);
        jitd.stop().unwrap();
        bed.unit("jitd.socket").stop().unwrap();
        bed.jitctl("alice", &["status"]).unwrap().expect_code(5);
        assert_eq!(bed.sudoers(), sudoers);
        assert!(bed.may("alice"));
        bed.unit("jitd.socket").start().unwrap();
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
        assert!(!bed.may("alice"));
    }
}

#[test]
fn the_journal_has_every_entry_with_its_fields() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        bed.unit("jitd.service").reload().unwrap();
        let grant = bed.grant("alice", "ids", "30m");
        bed.jitctl("olga", &["revoke", "--all", "--note", "enough"]).unwrap().expect_ok();
        let journal = |kind: &str| {
            let filters = [format!("JIT_KIND={kind}"), format!("JIT_REQUEST={}", grant.id)];
            let words = ["journalctl", "--no-pager", "-o", "json", &filters[0], &filters[1]];
            let found = || {
                bed.run(&words).unwrap().out.lines().next().map(|line| serde_json::from_str(line).unwrap())
            };
            until(&format!("{kind} in the journal"), SOON, found).unwrap()
        };
        let applied: Value = journal("applied");
        assert_eq!(applied["JIT_USER"], "alice");
        assert_eq!(applied["JIT_ROLE"], "ids");
        assert!(applied["JIT_RULE"].as_str().unwrap().contains("on-call at once"));
        assert_eq!(applied["MESSAGE_ID"].as_str().unwrap().len(), 32);
        assert_eq!(applied["SYSLOG_IDENTIFIER"], "jitd");
        assert!(applied["MESSAGE"].as_str().unwrap().contains("alice was granted ids"), "{applied}");
        assert_eq!(journal("requested")["JIT_REASON"], REASON);
        assert_eq!(journal("ended")["JIT_CAUSE"], "revoked");
        // One by one, and none twice.
        let all = bed.run(&["journalctl", "--no-pager", "-o", "json", "-t", "jitd"]).unwrap().out;
        let entries = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let seqs = entries.filter_map(|entry| entry["JIT_SEQ"].as_str()?.parse::<u64>().ok());
        let seqs: Vec<u64> = seqs.collect();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1) && seqs[0] == 1, "{seqs:?}");
    }
}

#[test]
fn a_hung_jitd_is_replaced_and_the_guard_ends_what_is_due_meanwhile() {
    for release in Release::ALL {
        let Some(bed) = machine(release) else { return };
        let (jitd, guard) = (bed.start_jitd().unwrap(), bed.unit("jit-guard.service"));
        jitd.reload().unwrap();
        let grant = bed.grant("alice", "ids", "3s");
        let (hung, watching) = (jitd.main_process().unwrap(), guard.main_process().unwrap());
        jitd.signal(Signal::SIGSTOP).unwrap();
        let late = bed.wait_off("alice", &grant);
        assert!(late < Duration::from_millis(1500), "{late:?}");
        let next = || jitd.main_process().ok().filter(|next| *next != hung);
        until("systemd to replace jitd", Duration::from_secs(60), next).unwrap();
        assert_eq!(bed.told(&grant, "ended")["body"]["cause"], "expired");
        assert_eq!(bed.sudoers(), HEADER);
        assert_eq!(guard.main_process().unwrap(), watching, "the guard is not touched by it");

        // The guard comes back as well, and does what it is for.
        let grant = bed.grant("alice", "ids", "3s");
        guard.signal(Signal::SIGKILL).unwrap();
        let next = || guard.main_process().ok().filter(|next| *next != watching);
        until("systemd to start the guard anew", SOON, next).unwrap();
        jitd.signal(Signal::SIGSTOP).unwrap();
        let late = bed.wait_off("alice", &grant);
        assert!(late < Duration::from_millis(1500), "{late:?}");
    }
}

/// A machine in nspawn gets the id of its boot by a mount, which these settings hide from a service.
pub(crate) fn show_boot_id(bed: &BootedBed) {
    let show = "[Service]\nProtectKernelTunables=no\nProtectControlGroups=no\n";
    for unit in ["jitd", "jit-guard"] {
        bed.write(&format!("/etc/systemd/system/{unit}.service.d/boot-id.conf"), show).unwrap();
    }
    bed.run(&["systemctl", "daemon-reload"]).unwrap().expect_ok();
    bed.unit("jit-guard.service").restart().unwrap();
    bed.unit("jitd.service").restart().unwrap();
}

#[test]
fn a_reboot_ends_every_grant() {
    for release in Release::ALL {
        let Some(mut bed) = machine(release) else { return };
        show_boot_id(&bed);
        let grants = [bed.grant("alice", "ids", "30m"), bed.grant("dora", "ids", "1h")];
        bed.reboot().unwrap();
        assert!(!bed.may("alice") && !bed.may("dora"));
        for grant in &grants {
            assert_eq!(bed.told(grant, "ended")["body"]["cause"], "rebooted");
        }
        assert_eq!(bed.sudoers(), HEADER);
        // As in a power cut.
        let grant = bed.grant("alice", "ids", "30m");
        bed.cut().unwrap();
        bed.up().unwrap();
        assert!(!bed.may("alice"));
        assert_eq!(bed.told(&grant, "ended")["body"]["cause"], "rebooted");
        bed.grant("alice", "ids", "30m");
        bed.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
    }
}

#[test]
fn a_container_that_keeps_its_boot_id_ends_every_grant_as_well() {
    let Some(mut bed) = machine(Release::Bookworm) else { return };
    bed.start_jitd().unwrap().reload().unwrap();
    let grant = bed.grant("alice", "ids", "30m");
    bed.reboot().unwrap();
    assert!(!bed.may("alice"));
    bed.told(&grant, "ended");
    assert_eq!(bed.sudoers(), HEADER);
    assert_eq!(bed.status("root")["live"], 0);
}
