//! A record that is not what jitd wrote last: an older copy, half of one, one with a byte changed, one of a later version.

use jit_e2e::{Release, until};

use serde_json::Value;

use crate::site::{HEADER, Product as _, SOON, Site, site};

/// What is done to the record while jitd is away, and what is said of it.
const DAMAGE: &[(&str, &str, &str)] = &[
    ("cut in half", "truncate -s $(($(stat -c %s ledger.db) / 2)) ledger.db", "damaged"),
    ("cut to nothing", "truncate -s 0 ledger.db", "it is empty"),
    (
        "of a later version",
        "printf '\\0\\0\\0\\143' | dd of=ledger.db bs=1 seek=60 conv=notrunc status=none",
        "has version 99",
    ),
    (
        "of another program",
        "printf '\\0\\0\\0\\1' | dd of=ledger.db bs=1 seek=68 conv=notrunc status=none",
        "another program",
    ),
    ("one byte changed", "perl -0777 -pi -e 's/INC-42 nginx/INC-43 nginx/' ledger.db", "damaged at entry"),
    (
        "one letter of a rule changed",
        "perl -0777 -pi -e 's/on-call at once/on-call at onse/' ledger.db",
        "damaged at entry",
    ),
    ("text", "echo nothing > ledger.db", "is not a ledger"),
];

/// Stops jitd in order, so that the record is one file.
fn stop(site: &Site) {
    site.jitd.terminate().unwrap().expect_ok();
    assert!(!site.exists("/var/lib/jit/ledger.db-wal"), "the log was folded in");
}

#[test]
fn a_record_that_was_changed_grants_nothing_prolongs_nothing_and_says_what_is_wrong() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        site.grant("alice", "logs", "30m");
        stop(&site);
        for (what, change, says) in DAMAGE {
            site.sh("cp -a /var/lib/jit /srv/good").unwrap().expect_ok();
            site.sh(&format!("cd /var/lib/jit && {change} && ! cmp -s ledger.db /srv/good/ledger.db"))
                .unwrap()
                .expect_ok();
            let changed = || site.sh("sha256sum /var/lib/jit/ledger.db").unwrap().expect_ok().out;
            let before = changed();
            let jitd = site.start_jitd().unwrap();
            let refused = site.elevate("dora", "ids", "30m").expect_code(3);
            assert!(refused.text().contains(says), "{what}: {refused}");
            site.jitctl("root", &["status"]).unwrap().expect_says(says);
            // What was live by what the guard reads is so still: only its time ends it.
            assert!(site.sudo("alice", &["cat", "/etc/hosts"]).success(), "{what}");
            assert!(!site.may("dora"));
            jitd.terminate().unwrap();
            assert_eq!(changed(), before, "{what}: it is left as it was found");
            site.sh("rm -r /var/lib/jit && mv /srv/good /var/lib/jit").unwrap().expect_ok();
        }
        site.restart_jitd();
        site.grant("dora", "ids", "30m");
        site.jitctl("root", &["revoke", "--all"]).unwrap().expect_ok();
        site.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
    }
}

/// The hash of each entry of an export.
fn hashes(site: &Site, path: &str) -> Vec<String> {
    let text = site.read(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| line["hash"].as_str().map(str::to_owned)).collect()
}

/// The copy verifies by itself, for nothing in it is wrong: only what is elsewhere tells that there was more.
#[test]
fn an_older_copy_put_back_revives_nothing_unlocks_nothing_and_is_seen_elsewhere() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let ended = site.grant("alice", "ids", "30m");
        let extended = site.grant("carl", "logs", "30m");
        stop(&site);
        site.sh("cp -a /var/lib/jit/ledger.db /srv/older.db").unwrap().expect_ok();
        site.restart_jitd();
        site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
        let newer = site.grant("dora", "ids", "30m");
        site.jitctl("olga", &["lock", "--note", "a laptop was stolen"]).unwrap().expect_ok();
        site.sh("jitctl log export > /srv/elsewhere").unwrap().expect_ok();
        stop(&site);
        site.sh("cp -a /srv/older.db /var/lib/jit/ledger.db").unwrap().expect_ok();
        site.restart_jitd();
        // What had ended is not live again, what the copy knows of goes on, and what it does not know of is taken off.
        assert!(!site.may("alice"), "{}", site.sudoers());
        assert!(site.sudoers().contains(&extended.id) && !site.sudoers().contains(&ended.id));
        until("what is on no record to be off", SOON, || (!site.may("dora")).then_some(())).unwrap();
        assert!(!site.sudoers().contains(&newer.id));
        // The mark of the kill switch is not in the record.
        site.elevate("bob", "ids", "30m").expect_code(3).expect_says("locked by");
        site.elevate("alice", "ids", "30m").expect_code(3).expect_says("locked by");
        // Whoever has what was exported before sees two histories.
        site.sh("jitctl log export > /srv/here; jitctl log verify /srv/here").unwrap().expect_ok();
        let [there, here] = ["/srv/elsewhere", "/srv/here"].map(|path| hashes(&site, path));
        let parts = there.iter().zip(&here).position(|(there, here)| there != here);
        assert!(parts.is_some_and(|seq| seq > 5), "{parts:?}: one history up to the copy, then two");
        site.jitctl("olga", &["revoke", "--all"]).unwrap().expect_ok();
        assert_eq!(site.sudoers(), HEADER);
    }
}
