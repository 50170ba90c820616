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
