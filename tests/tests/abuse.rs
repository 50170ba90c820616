//! What a local user may try against everybody else: fill the record, take all connections, outlive a right to read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

#[path = "scenarios/site.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod site;

use std::time::Duration;

use jit_e2e::{Inside, Login, Release, RootBed, Running, Signal, until};

use site::{HEADER, Product as _, SOON, Site, host, site, site_with};

/// Whatever hangs takes longer than this.
const AT_ONCE: Duration = Duration::from_secs(4);

/// The uids of nobody, as a user namespace gives them to anybody.
const STRANGERS: &str = "300000..300059";

/// Opens 32 connections for each uid, holds them, and opens new ones for those that jitd hangs up.
const CROWD: &str = r#"
use IO::Socket::UNIX; $| = 1; $SIG{PIPE} = 'IGNORE';
for my $uid (eval $ARGV[0]) {
    next if fork;
    $( = $uid; $) = "$uid $uid"; $< = $uid; $> = $uid; die unless $> == $uid;
    my ($said, @held) = (0);
    while (1) {
        @held = grep { $_->blocking(0); my $n = sysread $_, my $heard, 4096; !defined $n || $n > 0 } @held;
        while (@held < 32) { push @held, IO::Socket::UNIX->new(Peer => '/run/jit/jitd.sock') || last }
        print "held\n" unless $said++;
        select undef, undef, undef, 0.1;
    }
}
wait for 1..1000;
"#;

fn crowd(bed: &Inside, uids: &str, processes: usize) -> Running {
    let crowd = bed.command(&["perl", "-e", CROWD, uids]).spawn().unwrap();
    let all = |text: &str| (text.matches("held").count() >= processes).then_some(());
    crowd.wait_until("the crowd to hold its connections", SOON, all).unwrap();
    crowd
}

/// Both daemons on a host where jitd may open few files.
fn cramped() -> Option<(RootBed, Running, Running)> {
    let bed = host(Release::Bookworm)?;
    let guard = bed.start_guard().unwrap();
    let jitd = bed.start_notifying(&["bash", "-c", "ulimit -n 400; exec /usr/sbin/jitd"]).unwrap();
    Some((bed, guard, jitd))
}

fn root_is_heard(bed: &Inside) {
    for _ in 0..10 {
        bed.command(&["jitctl", "status"]).limit(AT_ONCE).run().unwrap().expect_ok();
    }
    bed.command(&["jitctl", "revoke", "--all"]).limit(AT_ONCE).run().unwrap().expect_ok();
    assert_eq!(bed.sudoers(), HEADER);
}

#[test]
fn the_log_stays_readable_whatever_refused_callers_typed() {
    let Some(site) = site(Release::Bookworm) else { return };
    let grant = site.grant("alice", "ids", "30m");
    let name = "\u{1}".repeat(15_000);
    let flood = r#"for i in $(seq 12); do jitctl revoke --user "$0"; done"#;
    for user in ["bob", "carl", "dora"] {
        site.command(&["bash", "-c", flood, &name]).user(user).run().unwrap().expect_code(7);
    }
    let refused = site.record("call-refused");
    assert_eq!(refused.len(), 30);
    assert!(refused.iter().all(|entry| entry["body"]["call"].as_str().unwrap().len() < 1000));
    site.jitctl("audrey", &["log"]).unwrap().expect_ok().expect_says(&grant.id);
}

#[test]
fn refusals_of_uids_without_an_account_are_a_few_entries_and_a_count() {
    let Some(mut site) = site(Release::Bookworm) else { return };
    let text = "x".repeat(1024);
    let script = format!(
        "for uid in $(seq 300000 300039); do for i in 1 2 3; do \
         setpriv --reuid=$uid --clear-groups jitctl elevate ids --reason {text} --ticket {text}; \
         done; done 2> /tmp/refused"
    );
    site.command(&["bash", "-c", &script]).login(Login::Nobody).run().unwrap().expect_code(3);
    let told = site.read("/tmp/refused").unwrap();
    assert_eq!(told.matches("has no account here").count(), 120, "{told:.500}");
    site.elevate("bob", "ids", "30m").expect_code(6);
    site.jitd.terminate().unwrap().expect_ok();
    site.restart_jitd();
    let refused = site.record("refused");
    let strangers = refused.iter().filter(|entry| entry["body"]["by"]["name"] != "bob");
    assert_eq!(strangers.count(), 10);
    assert_eq!(refused.len(), 11, "bob is not counted with them");
    assert!(refused.iter().all(|entry| entry["body"]["ticket"].is_null()), "their texts are not kept");
    let counted = site.record("refusals-counted");
    assert_eq!((counted.len(), &counted[0]["body"]["count"]), (1, &110.into()));
}

#[test]
fn uids_without_an_account_keep_nobody_out() {
    let Some((bed, _guard, jitd)) = cramped() else { return };
    bed.grant("alice", "ids", "30m");
    let crowd = crowd(&bed, STRANGERS, 60);
    let open = || std::fs::read_dir(format!("/proc/{}/fd", jitd.pid().unwrap())).unwrap().count();
    assert!(open() < 200, "{}", open());
    // Alice is known, and dora has never called before.
    for user in ["alice", "dora"] {
        bed.command(&["jitctl", "status"]).user(user).limit(AT_ONCE).run().unwrap().expect_ok();
    }
    root_is_heard(&bed);
    crowd.kill().unwrap();
}

#[test]
fn everybody_together_cannot_keep_root_out() {
    let Some((bed, _guard, jitd)) = cramped() else { return };
    bed.grant("alice", "ids", "30m");
    let people = ["alice", "bob", "carl", "dora", "olga", "audrey"];
    let uids = people.map(|name| bed.account(name).unwrap().uid.to_string()).join(", ");
    let crowd = crowd(&bed, &uids, people.len());
    let full = || Some(bed.jitctl("alice", &["status"]).unwrap()).filter(|answer| answer.code == 3);
    until("all places to be taken", SOON, full).unwrap().expect_says("are open already");
    root_is_heard(&bed);
    crowd.kill().unwrap();
    assert!(!jitd.text().contains("could not be taken"), "{}", jitd.text());
}

#[test]
fn an_auditor_no_longer_stops_reading() {
    let Some(site) = site(Release::Bookworm) else { return };
    let follower = site.command(&["jitctl", "log", "-f"]).user("audrey").spawn().unwrap();
    follower.wait_for("started", SOON).unwrap();
    site.run(&["gpasswd", "-d", "audrey", "jit-audit"]).unwrap().expect_ok();
    site.jitd.signal(Signal::SIGHUP).unwrap();
    follower.wait_end(SOON).unwrap().expect_code(7).expect_says("you may not go on reading the log");
}

#[test]
fn a_deny_holds_for_every_name_of_a_group() {
    let first = "gid=$(getent group contractors | cut -d: -f3); sed -i \"1i outsiders:x:$gid:\" /etc/group";
    let change = |bed: &RootBed| drop(bed.sh(first).unwrap().expect_ok());
    let Some(site) = site_with(Release::Bookworm, change) else { return };
    site.run(&["id", "carl"]).unwrap().expect_says("outsiders");
    site.elevate("carl", "ids", "30m").expect_code(3).expect_says("denied by");
    site.grant("carl", "logs", "30m");
}

#[test]
fn root_revokes_and_people_give_back_while_the_account_database_hangs() {
    let Some(site) = site(Release::Bookworm) else { return };
    site.grant("alice", "ids", "30m");
    let dora = site.grant("dora", "ids", "30m");
    let uid = site.account("alice").unwrap().uid;
    // Nobody ever writes into it, so whoever opens it waits.
    site.sh("mkfifo /etc/passwd.new && mv /etc/passwd.new /etc/passwd").unwrap().expect_ok();
    let back = format!("$( = {uid}; $) = '{uid} {uid}'; $< = {uid}; $> = {uid}; exec qw(jitctl drop --all)");
    site.command(&["perl", "-e", &back]).login(Login::Nobody).limit(SOON).run().unwrap().expect_ok();
    assert!(!site.sudoers().contains(&format!("#{uid} ")) && site.sudoers().contains(&dora.id));
    for words in [&["status"][..], &["log"], &["lock"], &["unlock"], &["revoke", "--all"]] {
        site.command(&[&["jitctl"], words].concat())
            .login(Login::Nobody)
            .limit(AT_ONCE)
            .run()
            .unwrap()
            .expect_ok();
    }
    assert_eq!(site.sudoers(), HEADER);
}

#[test]
fn a_prefix_that_fits_many_requests_asks_for_more_of_it() {
    let limits = "[limits]\nrequests_per_minute = 10000\n";
    let Some(site) = site_with(Release::Bookworm, |bed| bed.write("/etc/jit/jitd.toml", limits).unwrap())
    else {
        return;
    };
    many_requests(&site);
    let ids: Vec<String> =
        site.record("requested").iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    let count = |first: char| ids.iter().filter(|id| id.starts_with(first)).count();
    let crowded = ids.iter().filter_map(|id| id.chars().next()).max_by_key(|first| count(*first)).unwrap();
    assert!(count(crowded) > 8, "{ids:?}");
    let told = site.jitctl("bob", &["show", &crowded.to_string()]).unwrap();
    assert!(told.text().contains("more than 8 requests"), "{told}");
    assert!(!ids.iter().any(|id| told.text().contains(id)), "they are not bob's");
    site.jitctl("dora", &["show", &ids[0]]).unwrap().expect_ok();
}

/// More than any one first character of an id can have to itself: there are 32 of them.
fn many_requests(site: &Site) {
    let script = "for i in $(seq 270); do jitctl elevate ids --for 1m --reason 'INC-42 nginx stuck' && jitctl drop --all; done";
    let all = site.command(&["bash", "-c", script]).user("dora").limit(Duration::from_secs(120));
    all.run().unwrap().expect_ok();
}
