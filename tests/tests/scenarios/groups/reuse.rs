//! A uid that goes to somebody else while a grant of its former holder is live: the newcomer has nothing.

use std::time::{Duration, Instant};

use jit_e2e::{Release, until};

use super::{is_in, lending, members, works};
use crate::site::{Product as _, SOON, measured};

#[test]
fn who_is_given_the_uid_of_a_holder_is_given_nothing_else() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        let grants = [site.grant("alice", "docker", "30m"), site.grant("alice", "boxes", "30m")];
        let uid = site.account("alice").unwrap().uid.to_string();
        assert!(works(&site, "alice"));
        site.sh(&format!("userdel alice && useradd -m -u {uid} newbie")).unwrap().expect_ok();
        // Whatever is the first thing that newbie could do.
        assert!(!works(&site, "newbie"), "{}", site.sudoers());
        assert!(!site.sudo("newbie", &["cat", "/etc/hostname"]).success());
        for grant in &grants {
            assert_eq!(site.told(grant, "ended")["body"]["cause"], "person-gone");
        }
        assert_eq!(members(&site, "docker"), [Vec::<String>::new(), Vec::new()]);
        assert!(!is_in(&site, "newbie", "boxes"));
        assert!(site.record("drift").is_empty(), "{:?}", site.record("drift"));
    }
}

/// vipw and the like change both in one step, so this is the longest that a newcomer can have what was another's.
#[test]
fn when_the_name_of_a_uid_changes_in_one_step_its_grants_end_within_moments() {
    let Some(site) = lending(Release::Bookworm) else { return };
    let mut longest = Duration::ZERO;
    for number in 0..5 {
        let (old, new) = (format!("old{number}"), format!("new{number}"));
        site.add_user(&old, &["oncall"], None).unwrap();
        let grant = site.grant(&old, "docker", "30m");
        let passwd = site.read("/etc/passwd").unwrap().replace(&format!("{old}:"), &format!("{new}:"));
        site.write("/etc/passwd.new", &passwd).unwrap();
        site.run(&["mv", "/etc/passwd.new", "/etc/passwd"]).unwrap().expect_ok();
        let begun = Instant::now();
        let off = || (!site.sudoers().contains(&grant.id)).then(|| begun.elapsed());
        longest = longest.max(until("the rule to be off", SOON, off).unwrap());
        assert!(!works(&site, &new));
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "person-gone");
        assert_eq!(members(&site, "docker"), [Vec::<String>::new(), Vec::new()], "{old} is nobody's name");
    }
    measured(&format!("off at most {longest:?} after the change"));
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}

#[test]
fn a_number_that_goes_to_another_group_is_given_to_nobody() {
    for release in Release::ALL {
        let Some(site) = lending(release) else { return };
        let grants = [site.grant("alice", "docker", "30m"), site.grant("alice", "boxes", "30m")];
        let gid = site.sh("getent group docker | cut -d: -f3").unwrap().expect_ok().out.trim().to_owned();
        let begun = Instant::now();
        site.sh(&format!("groupdel docker; groupadd -g {gid} secrets")).unwrap().expect_ok();
        let refused = || (!site.sudo("alice", &["-g", "secrets", "id"]).success()).then(|| begun.elapsed());
        measured(&format!("{release}: off after {:?}", until("sudo to say no", SOON, refused).unwrap()));
        for grant in &grants {
            assert_eq!(site.told(grant, "ended")["body"]["cause"], "failed");
        }
        assert!(!is_in(&site, "alice", "boxes"));
        assert_eq!(members(&site, "secrets"), [Vec::<String>::new(), Vec::new()]);
        let drift = site.record("drift").iter().map(|entry| entry["body"].to_string()).collect::<String>();
        let found = [
            "there is no group docker in /etc/group".to_owned(),
            format!("gid {gid} was docker and is secrets now"),
        ];
        assert!(found.iter().any(|found| drift.contains(found)), "{drift}");
        // Others are given what they ask for, beside it.
        site.elevate("dora", "ids", "30m").expect_ok();
    }
}

#[test]
fn what_jitd_writes_itself_is_not_looked_at_again() {
    let Some(site) = lending(Release::Bookworm) else { return };
    // How often sudo's file is read from the moment that somebody gives a role back.
    let looks = |role: &str| {
        let grant = site.grant("alice", role, "30m");
        let pid = site.jitd.pid_inside().unwrap().to_string();
        let file = format!("/tmp/opened-{role}");
        let words = ["strace", "-f", "-e", "trace=openat,fsync", "-o", &file, "-p", &pid];
        let strace = site.command(&words).spawn().unwrap();
        strace.wait_for("attached", SOON).unwrap();
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        site.told(&grant, "ended");
        // By the time that this has ended, so has whatever the first has set off: looks are a second apart.
        let after = site.grant("dora", "ids", "2s");
        site.told(&after, "ended");
        strace.terminate().unwrap();
        let opened = site.read(&file).unwrap();
        opened.matches("sudoers.d\"").count()
    };
    // The first time sudo is asked about each role as well.
    let [_, _, sudo_alone, groups] = ["ids", "docker", "ids", "docker"].map(looks);
    measured(&format!("{sudo_alone} and {groups}"));
    assert!(sudo_alone > 0 && groups <= sudo_alone, "{groups} looks at the host, and not {sudo_alone}");
}
