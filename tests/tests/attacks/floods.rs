//! Much of everything: refusals, text, open requests. The record stays short and readable, and others are answered.

use std::time::{Duration, Instant};

use jit_e2e::{Inside, Output, Release, Running};

use crate::site::{HEADER, Product as _, REASON, SOON, Site, measured, site, site_with};
use crate::uids::as_uid;
use crate::votes::APPROVED;

/// How many are refused unless `JIT_FLOOD` says another number, with which the table of open requests is filled as well: docs/testing.md.
const REFUSALS: u64 = 1_600;

/// Entries that one person may leave in a minute beside their counts, and everybody together.
const A_MINUTE: usize = 10;
const A_MINUTE_IN_ALL: usize = 120;

/// Whoever asks for something else meanwhile waits no longer than this, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(4);

/// Asks for a role again and again, and says how often that was refused. Words: how often, as which uids, the role, how long the reason is.
const ASKING: &str = r#"
use IO::Socket::UNIX; $| = 1; $SIG{PIPE} = 'IGNORE';
my ($times, $uids, $role, $length) = @ARGV;
sub number { $_[0] < 251 ? chr $_[0] : $_[0] < 65536 ? "\xfb" . pack 'v', $_[0] : "\xfc" . pack 'V', $_[0] }
sub text { number(length $_[0]) . $_[0] } sub frame { pack('V', length $_[0]) . $_[0] }
my $reason = 'INC-42 ' . 'x' x $length;
my $ask = frame("\x03" . text('x')) . frame("\x00" . text($role) . "\x00\x01" . text($reason) . "\x00\x00");
my ($refused, $longest) = (0, 0);
for my $uid (eval $uids) {
    pipe my $in, my $out; my $pid = fork // die;
    if (!$pid) {
        $( = $uid; $) = "$uid $uid"; $< = $uid; $> = $uid;
        my $no = 0;
        for (1..$times) {
            my $socket = IO::Socket::UNIX->new(Peer => '/run/jit/jitd.sock') or next;
            syswrite $socket, $ask;
            my ($all, $heard) = (''); $all .= $heard while sysread $socket, $heard, 65536;
            $no++ if length $all && $all !~ /\x00\x00\x00\x02\x08/;
        }
        print $out "$no\n"; exit;
    }
    close $out; chomp(my $no = <$in>); $refused += $no; waitpid $pid, 0;
}
print "answered $refused\n";
"#;

/// Asks so often for a role as each of these uids, an expression of Perl.
fn asking(bed: &Inside, times: u64, uids: &str, role: &str, length: usize) -> Running {
    let words = ["perl", "-e", ASKING, &times.to_string(), uids, role, &length.to_string()];
    bed.command(&words).limit(Duration::from_secs(600)).spawn().unwrap()
}

fn refusals() -> u64 {
    std::env::var("JIT_FLOOD").ok().and_then(|number| number.parse().ok()).unwrap_or(REFUSALS)
}

/// A host whose limits are not met before those that are looked at.
fn patient() -> Option<Site> {
    site_with(Release::Trixie, |bed| {
        let accounts: String = (6000..6100).map(|uid| format!("p{uid}:x:{uid}:100::/:/bin/bash\n")).collect();
        bed.write("/etc/passwd", &(bed.read("/etc/passwd").unwrap() + &accounts)).unwrap();
        bed.policy("20-vault.toml", APPROVED).unwrap();
        bed.write("/etc/jit/jitd.toml", "[limits]\nrequests_per_minute = 10000000\n").unwrap();
    })
}

/// What people do beside it goes on.
fn others_are_answered(site: &Site) {
    let at_once =
        |words: &[&str]| -> Output { site.command(words).user("dora").limit(AT_ONCE).run().unwrap() };
    at_once(&["jitctl", "elevate", "ids", "--reason", REASON]).expect_ok();
    at_once(&["jitctl", "drop", "--all"]).expect_ok();
    at_once(&["jitctl", "status"]).expect_ok();
}

#[test]
fn as_many_refusals_as_one_likes_by_one_and_by_many_are_a_few_entries_and_counts() {
    let Some(mut site) = patient() else { return };
    let bob = site.account("bob").unwrap().uid.to_string();
    let half = refusals() / 2;
    let begun = Instant::now();
    // By one; by a hundred people; by a hundred uids that are nobody's.
    let floods = [(half, bob.as_str()), (half / 200, "6000..6099"), (half / 200, "300000..300099")];
    for (times, uids) in floods {
        let flood = asking(&site, times, uids, "ids", 8);
        others_are_answered(&site);
        let people = if uids == bob { 1 } else { 100 };
        flood.wait_for(&format!("answered {}", times * people), Duration::from_secs(500)).unwrap();
    }
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60 + 2).unwrap();
    others_are_answered(&site);
    site.jitd.terminate().unwrap().expect_ok();
    site.restart_jitd();
    let (alone, counts) = (site.record("refused"), site.record("refusals-counted"));
    let bobs = alone.iter().filter(|entry| entry["body"]["by"]["name"] == "bob").count();
    measured(&format!(
        "{} refusals in {:?}: {} entries, {} counts",
        half * 2,
        begun.elapsed(),
        alone.len(),
        counts.len()
    ));
    assert!(bobs <= A_MINUTE * minutes && alone.len() <= A_MINUTE_IN_ALL * minutes, "{} {bobs}", alone.len());
    assert!(counts.len() <= 102 * minutes, "{}", counts.len());
    let counted: u64 = counts.iter().map(|entry| entry["body"]["count"].as_u64().unwrap()).sum();
    let asked: u64 = floods.iter().map(|(times, uids)| times * if *uids == bob { 1 } else { 100 }).sum();
    assert_eq!(counted + u64::try_from(alone.len()).unwrap(), asked, "none is forgotten");
    let size = site.metadata("/var/lib/jit/ledger.db").unwrap().len();
    assert!(size < 2 << 20, "{size}");
    site.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
}

#[test]
fn a_text_of_any_length_is_refused_before_it_is_kept() {
    let Some(site) = site(Release::Bookworm) else { return };
    let alice = site.account("alice").unwrap().uid.to_string();
    for length in [1 << 10, 15 << 10, 17 << 10, 1 << 20, 10_000_000] {
        asking(&site, 1, &alice, "ids", length).wait_end(SOON).unwrap().expect_says("answered 1");
        assert_eq!(site.sudoers(), HEADER, "{length}");
    }
    let longest = "x".repeat(127 << 10);
    let told = site.jitctl("alice", &["elevate", "ids", "--reason", &longest]).unwrap();
    assert!(!told.success() && told.text().len() < 1000, "{:.300}", told.text());
    assert_eq!(site.sudoers(), HEADER);
    let size: u64 = site.record("refused").iter().map(|entry| entry.to_string().len() as u64).sum();
    assert!(size < 20_000, "{size}");
}

/// 20 of one person, 1000 in all: jitd/core/src/limits.rs.
#[test]
fn a_full_table_of_open_requests_is_said_keeps_nobody_else_out_and_empties() {
    let Some(site) = patient() else { return };
    site.sh("sed -i 's/^\\(oncall:.*\\)$/\\1,'$(seq -s, -f p%g 6000 6059)'/' /etc/group")
        .unwrap()
        .expect_ok();
    site.add_user("lena", &["leads"], None).unwrap();
    let begun = Instant::now();
    // One request of a role may be open for each person, and there are twenty such roles.
    let roles: String = (0..20)
        .map(|number| {
            APPROVED
                .replace("role.vault", &format!("role.v{number}"))
                .replace("\"vault\"", &format!("\"v{number}\""))
                .replace("vault with", &format!("v{number} with"))
        })
        .collect();
    site.policy("21-many.toml", &roles).unwrap();
    let loaded = site.record("policy-loaded").len();
    site.jitd.signal(jit_e2e::Signal::SIGHUP).unwrap();
    jit_e2e::until("the roles", SOON, || (site.record("policy-loaded").len() > loaded).then_some(()))
        .unwrap();
    // The whole table takes a minute; what one person may have of it is the same look.
    let people = if std::env::var_os("JIT_FLOOD").is_some() { 50 } else { 3 };
    for role in 0..20 {
        let uids = format!("6000..{}", 6000 + people - 1);
        asking(&site, 1, &uids, &format!("v{role}"), 8).wait_end(Duration::from_secs(120)).unwrap();
    }
    let open = site.record("pending").len();
    measured(&format!("{open} open after {:?}", begun.elapsed()));
    assert_eq!(open, 20 * people);
    let (next, most) = if people == 50 { (6059, "1000") } else { (6000, "20") };
    let ask = |uid, role| {
        let words = ["jitctl", "elevate", role, "--no-wait", "--reason", REASON];
        as_uid(&site, uid, &words).run().unwrap()
    };
    ask(next, "vault").expect_code(3).expect_says(most);
    others_are_answered(&site);
    site.command(&["jitctl", "pending"]).user("lena").limit(AT_ONCE).run().unwrap().expect_ok();
    let first = site.record("pending")[0]["id"].as_str().unwrap().to_owned();
    site.command(&["jitctl", "deny", &first, "--note", "no"])
        .user("lena")
        .limit(AT_ONCE)
        .run()
        .unwrap()
        .expect_ok();
    ask(next, "vault").expect_code(4);
    site.jitctl("root", &["revoke", "--all"]).unwrap().expect_ok();
    assert_eq!(site.record("closed").len(), 20 * people + 1);
}
