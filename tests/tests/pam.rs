//! The PAM module in real stacks, driven by pamtester: what a person is told, and that no jitd, well or sick, harms a login.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jit_e2e::product::SOCKET;
use jit_e2e::{OrSkip as _, Output, Release, RootBed, Running};

/// The module gives jitd 200 ms. The rest is for a machine under load: it tells slow from hung.
const SOON: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(10);

/// Answers of a sick jitd, each to be sent as it is.
const RUBBISH: [(&str, &[u8]); 7] = [
    ("a length beyond all limits", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("an empty frame", b"\0\0\0\0"),
    ("a frame that ends early", b"\x40\0\0\0\0"),
    ("a frame of nonsense", b"\x04\0\0\0\xfe\xed\xfa\xce"),
    ("a welcome, then nonsense", b"\x03\0\0\0\0\x01x\x04\0\0\0\xfe\xed\xfa\xce"),
    ("a welcome, then 2^64-1 grants", b"\x03\0\0\0\0\x01x\x0a\0\0\0\x05\xfd\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("a web server", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
];

const POLICY: &str = r#"
[role.look]
summary = "Look who one is"
risk = "low"
sudo = { run_as = "root", password = false, commands = [["/usr/bin/id"]] }

[[rule]]
name = "all may look"
roles = ["look"]
eligible = { groups = ["looking"] }
max_duration = "1h"
"#;

/// A bed whose stack `jit-test` has nothing but the module and, after it, a module that says yes. It ends at once, with a
/// refusal, if the module is not there or gives any answer but `PAM_IGNORE`.
fn bed(release: Release, arguments: &str) -> Option<RootBed> {
    let bed = RootBed::with_product(release).or_skip()?;
    stack(&bed, arguments);
    bed.add_user("alice", &["looking"], None).unwrap();
    bed.add_user("bob", &["looking"], None).unwrap();
    Some(bed)
}

fn stack(bed: &RootBed, arguments: &str) {
    let lines = ["auth", "account", "password", "session"].map(|kind| {
        format!("{kind} [ignore=ignore default=die] pam_jit.so {arguments}\n{kind} required pam_permit.so\n")
    });
    bed.write("/etc/pam.d/jit-test", &lines.concat()).unwrap();
}

/// Opens a session, which must succeed soon.
#[track_caller]
fn open(bed: &RootBed, user: &str) -> Output {
    let began = Instant::now();
    let output = bed.run(&["pamtester", "jit-test", user, "open_session"]).unwrap();
    let took = began.elapsed();
    assert!(took < SOON, "{took:?}");
    output.expect_ok().expect_says("successfully opened a session")
}

/// What the module told the person.
fn told(output: &Output) -> Vec<String> {
    output.out.lines().filter(|line| line.starts_with("jit:")).map(ToOwned::to_owned).collect()
}

/// What goes to syslog.
fn syslog(bed: &RootBed) -> Running {
    let log = bed.command(&["socat", "-u", "UNIX-RECV:/dev/log,mode=666", "-"]).spawn().unwrap();
    bed.wait_for_file("/dev/log", LIMIT).unwrap();
    log
}

/// Listens where jitd would; gives each connection to `answer`, one after the other, for as long as the test runs.
fn instead_of_jitd(bed: &RootBed, answer: impl Fn(UnixStream) + Send + 'static) -> mpsc::Receiver<()> {
    let path = bed.outside(SOCKET);
    let listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let (tell, called) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream);
            if tell.send(()).is_err() {
                return;
            }
        }
    });
    called
}

/// Reads the greeting and the question, at least their beginning.
fn hear(stream: &mut UnixStream) {
    let _ = stream.read(&mut [0; 1024]);
}

#[test]
fn every_hook_is_ignored_when_there_is_no_jitd() {
    for release in Release::ALL {
        let Some(bed) = bed(release, "debug") else { return };
        let log = syslog(&bed);
        let hooks = ["authenticate", "setcred", "acct_mgmt", "open_session", "close_session", "chauthtok"];
        for hook in hooks {
            let began = Instant::now();
            let output = bed.run(&["pamtester", "jit-test", "alice", hook]).unwrap().expect_ok();
            assert!(began.elapsed() < SOON && told(&output).is_empty(), "{output}");
            assert_eq!(output.err, "", "nothing is written to the host's standard error");
        }
        log.wait_for("pam_jit(jit-test:session): jitd does not answer at /run/jit/jitd.sock", LIMIT).unwrap();
    }
}

#[test]
fn a_full_queue_holds_nobody_up() {
    let Some(bed) = bed(Release::Bookworm, "") else { return };
    let log = syslog(&bed);
    let script = r#"use strict;
        use Socket qw(:DEFAULT SOCK_NONBLOCK);
        my $here = sockaddr_un("/run/jit/jitd.sock");
        socket(my $listener, PF_UNIX, SOCK_STREAM, 0) or die $!;
        bind($listener, $here) && listen($listener, 0) or die $!;
        my @queue;
        while (1) {
            socket(my $waiting, PF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) or die $!;
            connect($waiting, $here) or last;
            push @queue, $waiting;
        }
        $| = 1;
        print "the queue is full: $!\n";
        <STDIN>;"#;
    let hung = bed.command(&["perl", "-e", script]).spawn().unwrap();
    hung.wait_for("the queue is full: Resource temporarily unavailable", LIMIT).unwrap();
    let output = open(&bed, "alice");
    assert_eq!((told(&output), output.err.as_str()), (vec![], ""));
    log.wait_for("jitd did not answer in time", LIMIT).unwrap();
}

#[test]
fn rubbish_in_place_of_an_answer_is_as_good_as_none() {
    let Some(bed) = bed(Release::Bookworm, "") else { return };
    for (what, bytes) in RUBBISH {
        let log = syslog(&bed);
        let called = instead_of_jitd(&bed, move |mut stream| {
            hear(&mut stream);
            let _ = stream.write_all(bytes);
        });
        let output = open(&bed, "alice");
        assert_eq!((told(&output), output.err.as_str()), (vec![], ""), "{what}");
        called.recv_timeout(LIMIT).unwrap();
        log.wait_for("pam_jit(jit-test:session): ", LIMIT).unwrap();
        log.kill().unwrap();
        bed.remove(SOCKET).unwrap();
        bed.remove("/dev/log").unwrap();
    }
}

#[test]
fn a_jitd_that_hangs_up_or_dribbles_harms_nobody() {
    let Some(bed) = bed(Release::Bookworm, "") else { return };
    let called = instead_of_jitd(&bed, drop);
    // pamtester, as any program in C, would end by SIGPIPE.
    for _ in 0..20 {
        assert!(told(&open(&bed, "alice")).is_empty());
        called.recv_timeout(LIMIT).unwrap();
    }
    bed.remove(SOCKET).unwrap();

    let log = syslog(&bed);
    let called = instead_of_jitd(&bed, |mut stream| {
        hear(&mut stream);
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        // A long frame is announced and sent byte by byte; the client's silence paces them.
        let _ = stream.write_all(b"\0\0\x08\0");
        while stream.read(&mut [0]).is_err() && stream.write_all(b"x").is_ok() {}
    });
    assert!(told(&open(&bed, "alice")).is_empty());
    called.recv_timeout(LIMIT).unwrap();
    log.wait_for("jitd did not answer in time", LIMIT).unwrap();
}

#[test]
fn an_unknown_argument_is_a_line_in_syslog_and_nothing_else() {
    let Some(bed) = bed(Release::Bookworm, "socket=/tmp/x quiet") else { return };
    let log = syslog(&bed);
    open(&bed, "alice");
    log.wait_for(r#"pam_jit(jit-test:session): the argument "socket=/tmp/x" is unknown and ignored"#, LIMIT)
        .unwrap();
}

#[test]
fn a_person_reads_what_they_hold_and_nobody_elses() {
    for release in Release::ALL {
        let Some(bed) = bed(release, "") else { return };
        bed.policy("10-look.toml", POLICY).unwrap();
        let _jitd = bed.start_jitd().unwrap();
        assert!(told(&open(&bed, "alice")).is_empty());
        bed.jitctl("alice", &["elevate", "look", "--for", "20m"]).unwrap().expect_ok();

        let lines = told(&open(&bed, "alice"));
        let [line] = lines.as_slice() else { panic!("one line is expected: {lines:?}") };
        assert!(line.starts_with("jit: you hold look until "), "{line}");
        assert!(line.contains(" (20 min left), "), "{line}");
        let id = line.rsplit(' ').next().unwrap();
        bed.jitctl("alice", &["show", id]).unwrap().expect_ok();

        assert!(told(&open(&bed, "bob")).is_empty());
        let silent = bed.run(&["pamtester", "jit-test", "alice", "open_session(PAM_SILENT)"]).unwrap();
        assert!(told(&silent.expect_ok()).is_empty());
        stack(&bed, "quiet");
        assert!(told(&open(&bed, "alice")).is_empty());
        stack(&bed, "");

        // Not as root, as a screen locker is: only about oneself.
        let open_as = |user: &str, whose: &str| {
            let output = bed.as_user(user, &["pamtester", "jit-test", whose, "open_session"]).unwrap();
            told(&output.expect_ok())
        };
        assert_eq!(open_as("alice", "alice").len(), 1);
        assert!(open_as("alice", "bob").is_empty() && open_as("bob", "alice").is_empty());

        bed.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
        assert!(told(&open(&bed, "alice")).is_empty());
    }
}

#[test]
fn the_hour_is_the_hosts_whatever_the_environment_says() {
    let Some(bed) = bed(Release::Bookworm, "") else { return };
    bed.policy("10-look.toml", POLICY).unwrap();
    let _jitd = bed.start_jitd().unwrap();
    bed.jitctl("alice", &["elevate", "look", "--for", "1h"]).unwrap().expect_ok();
    let hour = |zone: &str| {
        let open = bed.command(&["pamtester", "jit-test", "alice", "open_session"]).env("TZ", zone);
        let lines = told(&open.run().unwrap().expect_ok());
        lines.concat().split(" (").next().unwrap().to_owned()
    };
    let utc = hour("UTC0");
    assert_eq!(hour("XXX-9"), utc);
    bed.sh("ln -sfn /usr/share/zoneinfo/Asia/Tokyo /etc/localtime").unwrap().expect_ok();
    let tokyo = hour("UTC0");
    assert!(tokyo != utc && tokyo.starts_with("jit: you hold look until "), "{tokyo} {utc}");
}

#[test]
fn a_frozen_jitd_holds_nobody_up() {
    let Some(bed) = bed(Release::Bookworm, "") else { return };
    bed.policy("10-look.toml", POLICY).unwrap();
    let jitd = bed.start_jitd().unwrap();
    bed.jitctl("alice", &["elevate", "look"]).unwrap().expect_ok();
    jitd.freeze().unwrap();
    let log = syslog(&bed);
    assert!(told(&open(&bed, "alice")).is_empty());
    log.wait_for("jitd did not answer in time", LIMIT).unwrap();
    jitd.thaw().unwrap();
    assert_eq!(told(&open(&bed, "alice")).len(), 1);
}

#[test]
fn names_that_are_nobodys_are_told_nothing() {
    let Some(bed) = bed(Release::Bookworm, "debug") else { return };
    bed.policy("10-look.toml", POLICY).unwrap();
    let _jitd = bed.start_jitd().unwrap();
    bed.jitctl("alice", &["elevate", "look"]).unwrap().expect_ok();
    let log = syslog(&bed);
    let (long, longer) = ("a".repeat(256), "a".repeat(100_000));
    for name in ["nobody-here", "", "#1000", "alice\n", "\x1b]0;x\x07alice", "alice\u{202e}", &long, &longer]
    {
        let output = bed.run(&["pamtester", "jit-test", name, "open_session"]).unwrap();
        assert!(told(&output.expect_ok()).is_empty(), "{name:?}");
    }
    log.wait_for(r"lines to tell \u{1b}]0;x\u{7}alice: 0", LIMIT).unwrap();
    log.wait_for("the session is of nobody who could hold a grant", LIMIT).unwrap();
    assert!(!log.text().contains('\x1b'));
}

#[test]
fn a_shell_over_ssh_begins_with_the_grants_and_copies_stay_clean() {
    for release in Release::ALL {
        let Some(bed) = bed(release, "") else { return };
        bed.policy("10-look.toml", POLICY).unwrap();
        let _jitd = bed.start_jitd().unwrap();
        bed.jitctl("alice", &["elevate", "look"]).unwrap().expect_ok();
        let stack = bed.read("/etc/pam.d/sshd").unwrap();
        bed.write("/etc/pam.d/sshd", &format!("{stack}\nsession optional pam_jit.so\n")).unwrap();
        let script = "mkdir -p /run/sshd ~alice/.ssh && ssh-keygen -A && ssh-keygen -q -t ed25519 -N '' -f /root/key && \
                      cp /root/key.pub ~alice/.ssh/authorized_keys && chown -R alice: ~alice/.ssh && /usr/sbin/sshd";
        bed.sh(script).unwrap().expect_ok();
        let ssh = "ssh -i /root/key -o StrictHostKeyChecking=no -o LogLevel=ERROR";

        let shell = bed.sh(&format!("{ssh} -tt alice@127.0.0.1 <<< exit")).unwrap().expect_ok();
        assert!(shell.text().contains("jit: you hold look until "), "{shell}");
        let copy = bed.sh(&format!("{ssh} alice@127.0.0.1 echo data")).unwrap().expect_ok();
        assert_eq!(copy.text(), "data\n");
    }
}
