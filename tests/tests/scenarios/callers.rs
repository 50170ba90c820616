//! Who may call, and what a call can do to others: identity, limits, and clients that mean no good.

use std::time::Duration;

use jit_e2e::product::SOCKET;
use jit_e2e::{Inside, Login, Output, Release, Running, until};

use crate::site::{HEADER, Product as _, REASON, SOON, Site, host, site, site_with};

/// Opens `$n` connections, says `$said` on each, tells that it has, and holds them; says when jitd has hung up on all.
const CLIENT: &str = r#"
use IO::Socket::UNIX; $| = 1; $SIG{PIPE} = 'IGNORE';
my ($n, $said) = ($ARGV[0], eval $ARGV[1]);
my @all = map { IO::Socket::UNIX->new(Peer => '/run/jit/jitd.sock') or die "connect: $!" } 1..$n;
for my $one (@all) { syswrite $one, $said }
print "held\n";
for my $one (@all) { 1 while sysread $one, my $heard, 65536 }
print "hung up\n";
"#;

/// A client of this user that says `said`, an expression of Perl, on so many connections and then waits.
fn client(bed: &Inside, user: &str, connections: &str, said: &str) -> Running {
    let client = bed.command(&["perl", "-e", CLIENT, connections, said]).user(user).spawn().unwrap();
    client.wait_for("held", SOON).unwrap();
    client
}

/// Somebody else is answered, and at once.
fn others_are_answered(site: &Site) {
    let status = site.command(&["jitctl", "status"]).user("dora").limit(Duration::from_secs(4)).run();
    status.unwrap().expect_ok();
}

#[test]
fn no_frame_however_wrong_keeps_others_out_or_costs_memory() {
    let Some(site) = site(Release::Bookworm) else { return };
    let frames = [
        ("a header of nothing", r#""""#),
        ("half a header", r#""\x05\x00""#),
        ("half a frame", r#""\x05\x00\x00\x00\x01""#),
        ("4 GiB announced", r#""\xff\xff\xff\xff" . "x" x 65536"#),
        ("nothing announced", r#""\x00\x00\x00\x00""#),
        ("10 MB of a frame", r#"pack("V", 10_000_000) . "x" x 10_000_000"#),
        ("rubbish", r#"join "", map { chr int rand 256 } 1..65536"#),
        ("a frame of rubbish", r#"pack("V", 4000) . join "", map { chr int rand 256 } 1..4000"#),
        ("a hello with a text of 4 GiB", r#""\x07\x00\x00\x00\x01\xfc\xff\xff\xff\xff\x00""#),
    ];
    let clients = frames.map(|(what, said)| (what, client(&site, "alice", "3", said)));
    others_are_answered(&site);
    site.grant("dora", "ids", "30m");
    for (what, client) in clients {
        assert!(client.wait_for("hung up", SOON).is_ok(), "jitd still holds on to {what}");
    }
    site.elevate("alice", "ids", "30m").expect_ok();
    let status = std::fs::read_to_string(format!("/proc/{}/status", site.jitd.pid().unwrap())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u32 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 * 1024, "jitd used {peak} kB");
}

#[test]
fn one_uid_may_not_take_all_connections() {
    let Some(site) = site(Release::Bookworm) else { return };
    let crowd = client(&site, "alice", "60", r#""""#);
    // Refused before it has said anything, and told why each time.
    let often = "for i in $(seq 30); do jitctl status; done";
    let often = site.command(&["bash", "-c", often]).user("alice").run().unwrap().expect_code(3);
    assert_eq!(often.err.matches("connections of your uid").count(), 30, "{often}");
    others_are_answered(&site);
    site.grant("dora", "ids", "30m");
    crowd.kill().unwrap();
    let again = || Some(site.jitctl("alice", &["status"]).unwrap()).filter(Output::success);
    until("alice to be heard again", SOON, again).unwrap();
}

#[test]
fn requests_of_one_uid_are_limited_by_the_minute_and_roots_are_not() {
    let limits = "[limits]\nrequests_per_minute = 5\n";
    let Some(site) = site_with(Release::Bookworm, |bed| bed.write("/etc/jit/jitd.toml", limits).unwrap())
    else {
        return;
    };
    for _ in 0..5 {
        site.jitctl("alice", &["status"]).unwrap().expect_ok();
    }
    site.elevate("alice", "ids", "30m").expect_code(3).expect_says("too many requests").expect_says("wait ");
    others_are_answered(&site);
    for _ in 0..8 {
        site.jitctl("root", &["status"]).unwrap().expect_ok();
    }
}

#[test]
fn a_reader_who_does_not_read_is_left_and_keeps_nobody_out() {
    let limits = "[limits]\nrequests_per_minute = 10000\n";
    let Some(site) = site_with(Release::Bookworm, |bed| bed.write("/etc/jit/jitd.toml", limits).unwrap())
    else {
        return;
    };
    let note = "x".repeat(1000);
    let fill =
        format!("for i in $(seq 200); do jitctl lock --note {note}; jitctl unlock --note {note}; done");
    site.sh(&fill).unwrap().expect_ok();
    // The pipe fills up, and then jitctl no longer reads from jitd.
    let reader = "jitctl log -f | { head -c 10 > /dev/null; echo reading; sleep 1000; }";
    let readers = [(); 4].map(|()| {
        let running = site.command(&["bash", "-c", reader]).user("audrey").spawn().unwrap();
        running.wait_for("reading", SOON).unwrap();
        running
    });
    site.jitctl("audrey", &["log"]).unwrap().expect_code(3).expect_says("readings of the log");
    others_are_answered(&site);
    site.jitctl("audrey", &["status"]).unwrap().expect_ok();
    site.grant("dora", "ids", "30m");
    let free = || Some(site.jitctl("audrey", &["log"]).unwrap()).filter(Output::success);
    until("jitd to leave the readers", SOON, free).unwrap();
    assert!(readers.iter().all(Running::is_running), "it was jitd that hung up");
}

#[test]
fn a_flood_of_refusals_is_ten_entries_and_a_count() {
    let Some(mut site) = site(Release::Bookworm) else { return };
    let flood = "for i in $(seq 40); do jitctl elevate ids --reason no; done 2> /tmp/refused";
    site.command(&["bash", "-c", flood]).user("dora").run().unwrap().expect_code(3);
    assert_eq!(site.read("/tmp/refused").unwrap().matches("refused:").count(), 40, "each is told why");
    site.jitd.terminate().unwrap().expect_ok();
    site.restart_jitd();
    assert_eq!(site.record("refused").len(), 10);
    let counted = site.record("refusals-counted");
    assert_eq!(counted.len(), 1);
    assert_eq!(
        (&counted[0]["body"]["by"]["name"], &counted[0]["body"]["count"]),
        (&"dora".into(), &30.into())
    );
}

#[test]
fn whoever_logged_in_as_somebody_else_is_refused() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        site.grant("dora", "ids", "30m");
        // As `su dora` and `sudo -u dora` leave it.
        let as_dora = |words: &[&str]| {
            let command = site.command(&[&["jitctl"], words].concat()).user("dora");
            command.login(Login::Of("bob".to_owned())).run().unwrap()
        };
        for words in [&["elevate", "logs", "--reason", REASON][..], &["drop", "--all"], &["status"], &["log"]]
        {
            as_dora(words).expect_code(7).expect_says("you logged in as uid");
        }
        assert!(site.may("dora"), "nothing was dropped");
        let refused = site.record("call-refused");
        assert!(refused.iter().any(|entry| entry["body"]["code"] == "not-you"), "{refused:?}");
        // A service has no login, and root is root whoever logged in.
        let cron = site.command(&["jitctl", "elevate", "logs", "--reason", REASON]).user("dora");
        cron.login(Login::Nobody).run().unwrap().expect_ok();
        let root = site.command(&["jitctl", "revoke", "--all"]).login(Login::Of("bob".to_owned()));
        root.run().unwrap().expect_ok();
        assert_eq!(site.sudoers(), HEADER);
    }
}

#[test]
fn a_newcomer_with_the_same_uid_has_nothing() {
    for release in Release::ALL {
        let Some(mut site) = site(release) else { return };
        let uid = site.account("alice").unwrap().uid.to_string();
        let grant = site.grant("alice", "ids", "30m");
        let succeed = |from: &str, to: &str| {
            let script = format!("userdel -r {from}; useradd -m -u {uid} -p '*' -G oncall {to}");
            site.sh(&script).unwrap().expect_ok();
        };
        succeed("alice", "mallory");
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "person-gone");
        assert!(!site.may("mallory"));
        // While jitd was away it is seen at its start.
        let grant = site.grant("mallory", "ids", "30m");
        site.jitd.kill().unwrap();
        let script = format!("userdel -r mallory; useradd -m -u {uid} -p '*' -G oncall victor");
        site.sh(&script).unwrap().expect_ok();
        site.restart_jitd();
        assert_eq!(site.told(&grant, "ended")["body"]["cause"], "person-gone");
        assert!(!site.may("victor"));
    }
}

#[test]
fn files_and_socket_have_their_modes_whatever_the_umask() {
    for umask in ["0", "077", "0777"] {
        let Some(bed) = host(Release::Bookworm) else { return };
        let _guard = bed.start_guard().unwrap();
        let start = format!("umask {umask}; exec /usr/sbin/jitd");
        bed.start_notifying(&["bash", "-c", &start]).unwrap();
        bed.grant("alice", "ids", "30m");
        assert!(bed.may("alice"));
        for (path, mode) in [
            (SOCKET, 0o666),
            ("/run/jit", 0o755),
            ("/run/jit/sudoers.d/jit", 0o440),
            ("/var/lib/jit/ledger.db", 0o600),
            ("/var/lib/jit/ledger.db-wal", 0o600),
            ("/var/lib/jit/applied", 0o600),
            ("/var/lib/jit/host.key", 0o600),
        ] {
            let found = bed.mode(path).unwrap();
            assert_eq!(found, mode, "{path} has {found:o} with umask {umask}");
        }
    }
}

#[test]
fn a_second_jitd_leaves_the_first_alone() {
    let Some(site) = site(Release::Trixie) else { return };
    let grant = site.grant("alice", "ids", "30m");
    let before = (site.sudoers(), site.read("/var/lib/jit/applied").unwrap());
    site.run(&["/usr/sbin/jitd"]).unwrap().expect_code(1).expect_says("another jitd");
    assert_eq!((site.sudoers(), site.read("/var/lib/jit/applied").unwrap()), before);
    assert_eq!(site.status("alice")["mine"][0]["id"], *grant.id);
    assert_eq!(site.record("started").len(), 1);
}
