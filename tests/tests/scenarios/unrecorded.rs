//! An ending or a lock that did not reach the record before jitd was gone holds all the same.
use jit_e2e::{Release, Running};

use crate::site::{Product as _, SOON, Site, site};

/// Lets the calls of jitd that write the record go wrong, until the returned strace is ended.
fn disk(site: &Site, inject: &str) -> Running {
    let pid = site.jitd.pid_inside().unwrap().to_string();
    let (calls, inject) = ("trace=pwrite64,fsync,fdatasync", format!("inject={inject}"));
    let words = ["strace", "-f", "-o", "/dev/null", "-e", calls, "-e", &inject, "-p", &pid];
    let strace = site.command(&words).spawn().unwrap();
    strace.wait_for("attached", SOON).unwrap();
    strace
}

/// Revokes alice's grant while the disk is as `inject` says, and ends jitd by `end` before that has passed.
fn revoked_unrecorded(inject: &str, end: fn(&Site, Running)) {
    let Some(mut site) = site(Release::Bookworm) else { return };
    let grant = site.grant("alice", "ids", "30m");
    assert!(site.may("alice"));
    let disk = disk(&site, inject);
    site.jitctl("olga", &["revoke", &grant.id]).unwrap().expect_ok();
    end(&site, disk);
    assert!(!site.may("alice"), "off the host at once");
    site.restart_jitd();
    assert!(!site.may("alice"), "and not put back by the next jitd");
    let ended = site.record("ended");
    assert_eq!(ended.len(), 1, "{ended:?}");
}

fn killed(site: &Site, disk: Running) {
    site.jitd.kill().unwrap();
    // strace ends with whom it follows.
    disk.wait_end(SOON).unwrap();
}

#[test]
fn a_grant_revoked_on_a_full_disk_does_not_come_back_when_jitd_is_killed() {
    revoked_unrecorded("pwrite64:error=ENOSPC", killed);
}

#[test]
fn a_grant_revoked_on_a_slow_disk_does_not_come_back_when_jitd_is_killed() {
    revoked_unrecorded("pwrite64:delay_enter=1000000", killed);
}

#[test]
fn a_grant_revoked_while_the_disk_failed_is_recorded_by_an_orderly_stop() {
    revoked_unrecorded("fsync,fdatasync:error=EIO", |site, disk| {
        disk.terminate().unwrap();
        site.jitd.terminate().unwrap();
    });
}

#[test]
fn a_lock_on_a_full_disk_holds_when_jitd_is_killed() {
    let Some(mut site) = site(Release::Bookworm) else { return };
    let disk = disk(&site, "pwrite64:error=ENOSPC");
    site.jitctl("olga", &["lock"]).unwrap().expect_ok();
    killed(&site, disk);
    site.restart_jitd();
    site.elevate("alice", "ids", "5m").expect_code(3).expect_says("locked by olga");
    site.jitctl("olga", &["unlock"]).unwrap().expect_ok();
    site.jitd.terminate().unwrap();
    site.restart_jitd();
    site.elevate("alice", "ids", "5m").expect_ok();
}
