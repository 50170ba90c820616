//! Callers that are gone, or somebody else, by the time that jitd looks at them, and answers that tell nothing.

use std::time::Duration;

use jit_e2e::{Output, Release, Running, until};

use crate::site::{HEADER, Product as _, REASON, SOON, Site, measured, site, site_with};
use crate::votes::APPROVED;

/// How often a caller dies.
const DEATHS: usize = 10_000;

/// Longer than five hundred of them take on a machine that has much else to do.
const A_WHILE: Duration = Duration::from_secs(60);

/// Asks to revoke everything, to lock the host, and for a role, each time as a process that is killed at once. Every third one is killed with
/// half of its request sent, every third one when all of it is, and every third one hands its connection to nobody and just ends. With a second word nobody
/// is killed, and each hears its answer.
const DYING: &str = r#"
use IO::Socket::UNIX; use POSIX '_exit'; $| = 1; $SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE';
sub frame { pack('V', length $_[0]) . $_[0] } sub text { chr(length $_[0]) . $_[0] }
my $hello = frame("\x03" . text('x'));
my @asks = ("\x0c\x02\x00", "\x0d\x01\x00", "\x00" . text('ids') . "\x00\x01" . text('INC-42 nginx stuck') . "\x00\x00");
for my $turn (1..$ARGV[0]) {
    my $pid = fork // die;
    if (!$pid) {
        my $socket = IO::Socket::UNIX->new(Peer => '/run/jit/jitd.sock') or _exit(1);
        my $all = $hello . frame($asks[$turn % @asks]);
        if ($ARGV[1]) { syswrite $socket, $all; my $heard; 1 while sysread $socket, $heard, 4096; _exit(0) }
        syswrite $socket, $turn % 3 ? $all : substr $all, 0, 9;
        $turn % 2 ? kill 'KILL', $$ : _exit(0);
    }
    waitpid $pid, 0;
    print "$turn are dead\n" if $turn % 500 == 0;
}
print "all are dead\n";
"#;

/// Somebody who is dora by `su` connects while jitd is held up, hands the connection to a child and ends; then a process of a login of dora's own
/// gets the number. The child asks with what it holds. Words: dora's uid, the uid that logged in, jitd's process.
const RECYCLED: &str = r#"
use IO::Socket::UNIX; $| = 1; $SIG{PIPE} = 'IGNORE';
my ($uid, $logged_in, $jitd) = @ARGV;
sub spit { open my $f, '>', $_[0] or return 0; print $f $_[1]; close $f }
sub become { $( = $uid; $) = "$uid $uid"; $< = $uid; $> = $uid }
sub frame { pack('V', length $_[0]) . $_[0] } sub text { chr(length $_[0]) . $_[0] }
my $ask = frame("\x03" . text('x')) . frame("\x00" . text('ids') . "\x00\x01" . text('INC-42 nginx stuck') . "\x00\x00");
kill 'STOP', $jitd;
pipe my $in, my $out;
my $first = fork // die;
if (!$first) {
    spit('/proc/self/loginuid', $logged_in) or die 'loginuid';
    become();
    my $socket = IO::Socket::UNIX->new(Peer => '/run/jit/jitd.sock') or die 'connect';
    if (!fork) {
        syswrite $socket, $ask;
        my ($all, $heard) = ('');
        $all .= $heard while sysread $socket, $heard, 4096;
        syswrite $out, $all; exit;
    }
    exit;
}
waitpid $first, 0;
# clone3(2) as fork, with the number that it shall have.
my $number = pack 'i', $first;
my $second = syscall 435, my $how = pack('Q11', 0, 0, 0, 0, 17, 0, 0, 0, unpack('Q', pack 'P', $number), 1, 0), 88;
if ($second == 0) { close $out; spit('/proc/self/loginuid', $uid); become(); sleep 1000; exit }
print $second == $first ? "recycled\n" : "not recycled\n";
kill 'CONT', $jitd; close $out;
my ($all, $heard) = ('');
$all .= $heard while sysread $in, $heard, 4096;
$all =~ s/[^ -~]/./g; print "heard: $all\n";
kill 'KILL', $second;
"#;

fn descriptors(jitd: &Running) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", jitd.pid().unwrap())).unwrap().count()
}

fn memory(jitd: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", jitd.pid().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn ten_thousand_callers_who_die_get_nothing_and_leave_nothing() {
    let limits = "[limits]\nrequests_per_minute = 10000000\n";
    let Some(site) = site_with(Release::Trixie, |bed| bed.write("/etc/jit/jitd.toml", limits).unwrap())
    else {
        return;
    };
    let grant = site.grant("dora", "ids", "30m");
    let dying = |times: usize| site.command(&["perl", "-e", DYING, &times.to_string()]).user("bob");
    // Alive, they are understood and refused.
    site.command(&["perl", "-e", DYING, "3", "alive"]).user("bob").run().unwrap().expect_says("all are dead");
    let calls: Vec<_> =
        site.record("call-refused").iter().map(|entry| entry["body"]["call"].clone()).collect();
    assert_eq!(calls, ["lock --revoke", "revoke --all"]);
    // What is remembered of bob is remembered by then.
    dying(100).run().unwrap().expect_says("all are dead");
    let (open, used) = (descriptors(&site.jitd), memory(&site.jitd));
    let begun = std::time::Instant::now();
    let all = dying(DEATHS).spawn().unwrap();
    for dead in (500..=DEATHS).step_by(500) {
        all.wait_for(&format!("{dead} are dead"), A_WHILE).unwrap();
        let other = site.command(&["jitctl", "status"]).user("dora").limit(Duration::from_secs(4));
        other.run().unwrap().expect_ok();
    }
    all.wait_end(SOON).unwrap().expect_says("all are dead");
    until("jitd to close what they left", SOON, || (descriptors(&site.jitd) <= open).then_some(())).unwrap();
    measured(&format!("{:?}, memory {used} kB and then {} kB", begun.elapsed(), memory(&site.jitd)));
    assert!(memory(&site.jitd) < used + 8 * 1024, "{used} kB and then {} kB", memory(&site.jitd));
    // Nobody was taken for root, and nobody for whoever may ask.
    assert!(site.may("dora") && site.sudoers().contains(&grant.id));
    assert_eq!(site.record("intent").len(), 1);
    assert!(site.record("locked").is_empty());
    site.elevate("bob", "ids", "30m").expect_code(6);
    site.elevate("alice", "ids", "30m").expect_ok();
}

#[test]
fn a_process_that_got_the_number_of_one_who_is_gone_is_not_taken_for_it() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let (dora, bob) = (site.account("dora").unwrap().uid, site.account("bob").unwrap().uid);
        let words = [dora, bob, site.jitd.pid_inside().unwrap()].map(|number| number.to_string());
        let words = [&["perl", "-e", RECYCLED], &words.each_ref().map(String::as_str)[..]].concat();
        let heard = site.command(&words).run().unwrap().expect_says("recycled\n").out;
        // What started jitd in the bed has stopped with it, and goes on only when it is told.
        site.jitd.thaw().unwrap();
        assert!(!heard.contains("not recycled"), "{heard}");
        if kernel() < (6, 5) {
            // It pins nobody: the number is believed, as docs/threat-model.md says.
            return;
        }
        assert!(heard.contains("the process that connected is gone"), "{heard}");
        assert_eq!(site.sudoers(), HEADER);
        site.elevate("dora", "ids", "30m").expect_ok();
    }
}

/// The kernel of this machine, which is that of every bed.
fn kernel() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// What two questions are answered, each without what was asked about.
fn answers(site: &Site, user: &str, words: &str, asked: [&str; 2]) -> [(i32, String, String); 2] {
    asked.map(|thing| {
        let typed = words.replace('@', thing);
        let Output { code, out, err, .. } = site.command(&["bash", "-c", &typed]).user(user).run().unwrap();
        (code, out.replace(thing, "@"), err.replace(thing, "@"))
    })
}

#[test]
fn what_is_not_there_and_what_is_not_ones_own_are_told_alike_byte_for_byte() {
    for release in Release::ALL {
        let Some(site) = site_with(release, |bed| {
            bed.add_user("lena", &["leads"], None).unwrap();
            bed.policy("20-vault.toml", APPROVED).unwrap();
            bed.write("/etc/jit/jitd.toml", "[limits]\nrequests_per_minute = 10000\n").unwrap();
        }) else {
            return;
        };
        let live = site.grant("alice", "ids", "30m").id;
        site.jitctl("alice", &["elevate", "vault", "--no-wait", "--reason", REASON]).unwrap().expect_code(4);
        let open = site.record("pending")[0]["id"].as_str().unwrap().to_owned();
        let (live, open, none) = (live.as_str(), open.as_str(), "zzzzzzzz");
        // The log first: what one is refused stands in it later.
        let mut asked = vec![
            ("jitctl log --user @".to_owned(), ["alice", "nosuch"]),
            ("jitctl log --role @".to_owned(), ["ids", "nosuch"]),
            ("jitctl log --id @".to_owned(), [live, none]),
            ("jitctl log --id @".to_owned(), [open, none]),
            ("jitctl elevate @ --reason 'INC-42 nginx stuck'".to_owned(), ["ids", "nosuch"]),
            ("jitctl elevate @ --no-wait --reason 'INC-42 nginx stuck'".to_owned(), ["vault", "nosuch"]),
            ("jitctl elevate @ --reason 'INC-42 nginx stuck' -- id".to_owned(), ["ids", "nosuch"]),
            ("jitctl explain @ --reason 'INC-42 nginx stuck'".to_owned(), ["ids", "nosuch"]),
            ("jitctl explain ids --user @".to_owned(), ["alice", "nosuch"]),
            ("jitctl revoke --user @".to_owned(), ["alice", "nosuch"]),
            ("jitctl drop @".to_owned(), ["ids", "nosuch"]),
            ("jitctl wait @".to_owned(), ["vault", "nosuch"]),
        ];
        for words in [
            "show @",
            "drop @",
            "revoke @",
            "cancel @",
            "approve @",
            "deny @ --note no",
            "wait @",
            "extend @ --for 5m",
            "log erase @",
        ] {
            asked.extend([live, open].map(|id| (format!("jitctl {words}"), [id, none])));
        }
        for (words, about) in &asked {
            for words in [words.clone(), words.replace("jitctl", "jitctl --json")] {
                let [there, not_there] = answers(&site, "bob", &words, *about);
                assert_eq!(there, not_there, "{words} of {about:?}");
            }
        }
        measured(&format!("{release}: {} questions", asked.len() * 2));
        assert!(site.sudoers().contains(live));
        // Whoever may see it is told something else.
        let [there, not_there] = answers(&site, "alice", "jitctl show @", [live, none]);
        assert_ne!(there, not_there);
    }
}
