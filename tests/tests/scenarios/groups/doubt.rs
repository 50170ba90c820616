//! Taken out while somebody may be about to write an older list, and given the same again before that is settled.

use jit_e2e::{Release, Running, until};
use serde_json::Value;

use super::{files, is_in, lending, works};
use crate::site::{Product as _, SOON, Site, measured};

/// A gpasswd that has read the list and waits for a password to be typed.
fn gpasswd_waits(site: &Site) -> Running {
    let gpasswd = site.command(&["script", "-qec", "gpasswd boxes", "/dev/null"]).spawn().unwrap();
    until("gpasswd to run", SOON, || site.processes("gpasswd").first().copied()).unwrap();
    gpasswd
}

/// Who got to the fatal call first.
enum End {
    JitdDied,
    SudoDied,
    Through,
}

/// Lets alice ask, and kills jitd at the `number`th of these calls.
fn killed_at(site: &Site, call: &str, number: u32) -> End {
    let pid = site.jitd.pid_inside().unwrap().to_string();
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=SIGKILL:when={number}"));
    let words = ["strace", "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject, "-p", &pid];
    let strace = site.command(&words).spawn().unwrap();
    strace.wait_for("attached", SOON).unwrap();
    site.elevate("alice", "docker", "30m");
    let end = until("jitd to die or to be through", SOON, || {
        let words = ["log", "--json", "--kind", "intent", "--kind", "applied", "--kind", "ended"];
        let log = site.jitctl("root", &words).unwrap();
        let last = log.out.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let end = match last.as_ref().and_then(|entry| entry["kind"].as_str()) {
            Some("applied") => Some(End::Through),
            // The sudo that jitd asks dies as well where it writes so often, and then jitd takes the grant back.
            Some("ended") => Some(End::SudoDied),
            _ => None,
        };
        if site.jitd.is_running() { end } else { Some(End::JitdDied) }
    });
    let end = end.unwrap();
    if site.jitd.is_running() {
        site.jitd.kill().unwrap();
    }
    end
}

#[test]
fn whoever_is_in_doubt_and_asks_again_is_noted_before_they_are_in() {
    let Some(mut site) = lending(Release::Bookworm) else { return };
    let before = files(&site);
    let _gpasswd = gpasswd_waits(&site);
    for _ in 0..2 {
        site.grant("alice", "docker", "30m");
        assert!(is_in(&site, "alice", "docker") && works(&site, "alice"));
        let noted = site.read("/var/lib/jit/applied").unwrap();
        assert!(noted.contains("\ngiven"), "{noted}");
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    }
    assert!(site.record("drift").is_empty(), "{:?}", site.record("drift"));
    let mut points = 0;
    for number in 1.. {
        site.grant("alice", "docker", "30m");
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        let end = killed_at(&site, "renameat", number);
        site.restart_jitd();
        site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
        assert_eq!(files(&site), before, "killed at rename {number}");
        if matches!(end, End::Through) {
            break;
        }
        points += 1;
    }
    measured(&format!("{points} points to die at"));
    assert!(points > 4, "{points}");
}

#[test]
fn a_doubt_that_is_over_takes_nobody_out_when_sudos_file_cannot_be_written() {
    let Some(site) = lending(Release::Bookworm) else { return };
    let _gpasswd = gpasswd_waits(&site);
    site.grant("alice", "docker", "30m");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    site.grant("alice", "docker", "30m");
    site.sh("chmod 777 /run/jit/sudoers.d").unwrap().expect_ok();
    // The host is looked at with this.
    site.elevate("dora", "ids", "30m").expect_code(1);
    assert!(is_in(&site, "alice", "docker"), "{}", site.status("root")["attention"]);
    site.sh("chmod 755 /run/jit/sudoers.d").unwrap().expect_ok();
    site.elevate("dora", "ids", "30m").expect_ok();
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    assert!(!is_in(&site, "alice", "docker"));
}
