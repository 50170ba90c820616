//! A host without a journal: a real rsyslogd gets every entry, also those from the time when it was away.
use jit_e2e::{Inside, Release, Running, until};

use crate::site::{Product as _, SOON, Site, host};

const LINES: &str = "/var/log/jit-test.log";

/// An rsyslogd that writes what jitd says to a file of its own, ready to be written to.
fn rsyslogd(bed: &Inside) -> Running {
    let settings = format!(
        "module(load=\"imuxsock\")\nif $programname == 'jitd' then action(type=\"omfile\" file=\"{LINES}\")\n"
    );
    bed.write("/etc/rsyslog-test.conf", &settings).unwrap();
    let words = ["rsyslogd", "-n", "-f", "/etc/rsyslog-test.conf", "-i", "/run/rsyslogd.pid"];
    let daemon = bed.command(&words).spawn().unwrap();
    bed.wait_for_file("/dev/log", SOON).unwrap();
    daemon
}

/// The line about a grant that has this kind, once it was written.
fn line(site: &Inside, id: &str, kind: &str) -> String {
    let fits = |line: &&str| line.contains(&format!("id={id}")) && line.contains(&format!("kind={kind}"));
    let find = || site.read(LINES).ok()?.lines().find(fits).map(str::to_owned);
    until(&format!("{kind} of {id} in {LINES}"), SOON, find).unwrap()
}

#[test]
fn syslog_gets_every_entry_and_what_it_missed() {
    for release in Release::ALL {
        let Some(bed) = host(release) else { return };
        let log = rsyslogd(&bed);
        let (guard, jitd) = (bed.start_guard().unwrap(), bed.start_jitd().unwrap());
        let site = Site::of(bed, guard, jitd);
        let grant = site.grant("alice", "ids", "30m");
        assert!(line(&site, &grant.id, "applied").contains("alice was granted ids"));
        log.terminate().unwrap();
        site.remove("/dev/log").unwrap();
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        let _log = rsyslogd(&site);
        assert!(line(&site, &grant.id, "ended").contains("dropped"));
        let lines = site.read(LINES).unwrap();
        let numbers = lines
            .lines()
            .filter_map(|line| line.split(" seq=").nth(1)?.split(' ').next()?.parse::<u64>().ok());
        let numbers: Vec<u64> = numbers.collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gap and no repeat: {numbers:?}");
    }
}
