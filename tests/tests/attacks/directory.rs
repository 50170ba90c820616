//! A directory of people that says less than it should, says it late, or says nothing: a module of NSS of the test's own, asked by glibc
//! as LDAP's would be.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jit_e2e::{Inside, Output, Release, cache, program, workspace};

use crate::site::{HEADER, Product as _, REASON, SOON, Site, measured, site_with};
use crate::uids::{as_uid, told};

/// On call by the directory.
const DIRK: u32 = 5000;

/// On call by the directory, and by the directory one of those who never may.
const DINA: u32 = 5001;

/// Accounts of the directory that no file of accounts could hold: `#0`, which sudo takes for root, `-rf`, one with a line break, one that
/// is no text.
const NO_NAMES: [u32; 4] = [5002, 5003, 5004, 5005];

/// Four calls that wait for nothing, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

const POLICY: &str = r#"
[[rule]]
name         = "on-call of the directory"
roles        = ["ids"]
eligible     = { groups = ["oncall-far"] }
max_duration = "1h"

[[deny]]
name     = "never, says the directory"
roles    = ["ids"]
subjects = { groups = ["never-far"] }
"#;

/// Builds the module with the compiler that cargo links with.
fn module() -> PathBuf {
    let source = workspace::root().join("tests/tests/attacks/libnss_far.c");
    let recipe = std::fs::read_to_string(&source).unwrap();
    let built = cache::entry("libnss-far", &recipe, |folder| {
        let mut cc = std::process::Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]);
        cc.arg(folder.join("libnss_far.so.2")).arg(&source);
        program::run(&mut cc).map(drop)
    });
    built.unwrap().path().join("libnss_far.so.2")
}

/// A host that asks the directory after its own files.
fn far(release: Release) -> Option<Site> {
    site_with(release, |bed| {
        bed.copy_in(&module(), "/usr/lib/x86_64-linux-gnu/libnss_far.so.2").unwrap();
        bed.write("/etc/nsswitch.conf", "passwd: files far\ngroup: files far\nshadow: files\n").unwrap();
        bed.policy("40-far.toml", POLICY).unwrap();
        is(bed, "up");
    })
}

/// How the directory behaves from now on.
fn is(bed: &Inside, how: &str) {
    bed.write("/run/far", how).unwrap();
}

fn asks(site: &Site, uid: u32) -> Output {
    told(site, uid, &["elevate", "ids", "--for", "30m", "--reason", REASON])
}

/// What root and people may always do, while whoever asks for something may have to wait.
fn lowering_waits_for_nobody(site: &Site) {
    let begun = Instant::now();
    for words in [&["status"][..], &["lock"], &["unlock"], &["revoke", "--all"]] {
        site.command(&[&["jitctl"], words].concat()).run().unwrap().expect_ok();
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(site.sudoers(), HEADER);
}

#[test]
fn a_directory_that_says_less_gives_nobody_more() {
    for release in Release::ALL {
        let Some(site) = far(release) else { return };
        asks(&site, DIRK).expect_ok();
        asks(&site, DINA).expect_code(3).expect_says("denied by");
        told(&site, DIRK, &["drop", "--all"]).expect_ok();
        // The groups of a person leave one out, and the group still names the person.
        is(&site, "less");
        asks(&site, DINA).expect_code(3).expect_says("denied by");
        asks(&site, DIRK).expect_ok();
        // Nobody is in anything: what one had stays until its end, and no more is had.
        is(&site, "fewer");
        told(&site, DIRK, &["extend", "ids", "--for", "5m", "--reason", REASON]).expect_code(6);
        told(&site, DIRK, &["drop", "--all"]).expect_ok();
        for uid in [DIRK, DINA] {
            asks(&site, uid).expect_code(6);
        }
        assert_eq!(site.sudoers(), HEADER);
    }
}

#[test]
fn a_directory_that_is_gone_refuses_whom_it_could_have_denied_and_ends_nothing() {
    for release in Release::ALL {
        let Some(site) = far(release) else { return };
        asks(&site, DIRK).expect_ok();
        let before = site.sudoers();
        is(&site, "gone");
        // Alice is on call by /etc/group. Whether she is one of those who never may is not known.
        site.elevate("alice", "ids", "30m").expect_code(3).expect_says("never-far");
        let gone = asks(&site, DINA);
        assert!(!gone.success(), "{gone}");
        // For what the directory does not matter it is not asked.
        let gone = site.grant("dora", "logs", "30m");
        let newcomer = "uid=$(id -u dora); userdel dora; useradd -u $uid newcomer";
        site.sh(newcomer).unwrap().expect_ok();
        // Everybody who holds something was looked at.
        assert_eq!(site.told(&gone, "ended")["body"]["cause"], "person-gone");
        assert_eq!(site.sudoers(), before, "whoever cannot be asked about is not gone");
        lowering_waits_for_nobody(&site);
    }
}

#[test]
fn a_slow_directory_is_waited_for_by_whoever_asks_it_and_by_nobody_else() {
    let Some(site) = far(Release::Bookworm) else { return };
    is(&site, "slow");
    let words = ["jitctl", "elevate", "ids", "--reason", REASON];
    let slow = as_uid(&site, DIRK, &words).spawn().unwrap();
    lowering_waits_for_nobody(&site);
    slow.wait_end(SOON).unwrap().expect_ok();
    is(&site, "hangs");
    let begun = Instant::now();
    let never = asks(&site, DIRK);
    measured(&format!("refused after {:?}", begun.elapsed()));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    never.expect_code(7).expect_says("did not answer within");
    lowering_waits_for_nobody(&site);
}

/// So many calls that one person's would fill all look-ups of callers.
const FLOOD: &str = "for i in $(seq 150); do jitctl status & done; wait";

#[test]
fn a_directory_that_hangs_and_one_of_its_people_keep_nobody_of_this_host_out() {
    let hangs = |bed: &jit_e2e::RootBed| {
        bed.copy_in(&module(), "/usr/lib/x86_64-linux-gnu/libnss_far.so.2").unwrap();
        // The groups of people of this host are asked of its own file.
        let order = "passwd: files far\ngroup: files far\ninitgroups: files\nshadow: files\n";
        bed.write("/etc/nsswitch.conf", order).unwrap();
        is(bed, "hangs");
    };
    // Nobody has called since jitd started.
    let Some(site) = site_with(Release::Bookworm, hangs) else { return };
    let here = ["alice", "dora"].map(|name| site.account(name).unwrap().uid);
    let flood = as_uid(&site, DIRK, &["bash", "-c", FLOOD]).limit(SOON).run().unwrap();
    flood.expect_says("did not answer within").expect_says("are open already");
    let begun = Instant::now();
    for uid in here {
        told(&site, uid, &["status"]).expect_ok();
    }
    measured(&format!("two of this host were answered after {:?}", begun.elapsed()));
    assert!(begun.elapsed() < AT_ONCE * 2, "{:?}", begun.elapsed());
    asks(&site, here[1]).expect_ok();
    told(&site, here[1], &["drop", "--all"]).expect_ok();
    lowering_waits_for_nobody(&site);
}

#[test]
fn a_directory_that_calls_people_by_what_is_no_name_makes_them_nobodys() {
    for release in Release::ALL {
        let Some(site) = far(release) else { return };
        for uid in NO_NAMES {
            asks(&site, uid).expect_code(7).expect_says(&format!("calls uid {uid} by what is no name"));
        }
        // A comma is one in lists of members alone.
        asks(&site, 5006).expect_ok();
        assert!(site.sudoers().lines().any(|line| line.starts_with("#5006 ")));
    }
}
