//! What commands of sudo start is on the record where the rule says so: by the real sudo's log in the real journal.

use jit_e2e::{BootedBed, Release, RootBed, Running, until};
use serde_json::Value;

use super::{machine, told};
use crate::site::{Product as _, REASON, SOON, json, measured, site_with};

const POLICY: &str = r#"
[role.watched]
summary = "A shell of root, and what it starts is on the record"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = "ALL" }

[role.other]
summary = "A shell of bob, and what it starts is on the record"
risk    = "high"
sudo    = { run_as = "bob", password = false, commands = "ALL" }

[role.both]
summary = "A shell of root, or a group, and what it starts is on the record"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = "ALL" }
groups  = ["builders"]

[[rule]]
name         = "watches"
roles        = ["watched", "other", "both"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
log_subcmds  = true
"#;

/// With the PAM module in sudo's stack.
fn watching(release: Release) -> Option<BootedBed> {
    let bed = machine(release)?;
    bed.sh("echo 'session required pam_jit.so' >> /etc/pam.d/sudo").unwrap().expect_ok();
    bed.write_mode("/usr/local/bin/children", "#!/bin/sh\n/usr/bin/uname -s\n/usr/bin/id -un\n", 0o755)
        .unwrap();
    bed.run(&["groupadd", "builders"]).unwrap().expect_ok();
    bed.policy("32-watched.toml", POLICY).unwrap();
    bed.unit("jitd.service").reload().unwrap();
    Some(bed)
}

/// A shell by sudo that does what is written to it.
fn shell(bed: &BootedBed, words: &[&str]) -> Running {
    bed.command(words).user("alice").spawn().unwrap()
}

/// Has a shell do this, and waits until it has.
fn does(shell: &Running, script: &str) {
    let mark = format!("done-{}", script.len());
    shell.write(format!("{script}\necho {mark}\n").as_bytes()).unwrap();
    shell.wait_for(&mark, SOON).unwrap();
}

/// What commands have started by the record, oldest first, and how many more there were.
fn started(bed: &BootedBed) -> (Vec<String>, u64) {
    let entries = bed.record("session-commands");
    let lines = |entry: &Value| {
        let text = entry["texts"]["commands"].as_str().unwrap().to_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let counted: u64 = entries.iter().map(|entry| entry["body"]["count"].as_u64().unwrap()).sum();
    let all = entries.iter().flat_map(lines).collect::<Vec<_>>();
    assert_eq!(counted, all.len() as u64);
    (all, entries.iter().map(|entry| entry["body"]["left-out"].as_u64().unwrap()).sum())
}

/// Waits until so many starts are on the record.
fn wait_started(bed: &BootedBed, count: usize) -> Vec<String> {
    until("what was started", SOON, || Some(started(bed).0).filter(|all| all.len() >= count)).unwrap()
}

#[test]
fn what_a_root_shell_starts_is_on_the_record_once_whatever_becomes_of_jitd() {
    for release in Release::ALL {
        let Some(bed) = watching(release) else { return };
        let grant = bed.grant("alice", "watched", "30m");
        assert!(bed.sudoers().contains(" log_subcmds\n"), "{}", bed.sudoers());
        let root = shell(&bed, &["sudo", "-n", "-s"]);
        does(&root, "/usr/bin/id -g; /usr/local/bin/children");
        let began = told(&bed, "session-began", |_| true);
        let mut expected =
            vec!["/usr/bin/id -g", "/usr/local/bin/children", "/usr/bin/uname -s", "/usr/bin/id -un"];
        assert_eq!(wait_started(&bed, expected.len()), expected);

        let jitd = bed.unit("jitd.service");
        jitd.restart().unwrap();
        does(&root, "/usr/bin/id -Gn");
        expected.push("/usr/bin/id -Gn");
        assert_eq!(wait_started(&bed, expected.len()), expected);
        for unit in ["jitd.socket", "jitd.service"] {
            bed.run(&["systemctl", "mask", "--now", "--runtime", unit]).unwrap().expect_ok();
        }
        does(&root, "/usr/bin/echo 'while it was away'; /usr/bin/true a 'b c'");
        for unit in ["jitd.socket", "jitd.service"] {
            bed.run(&["systemctl", "unmask", "--runtime", unit]).unwrap().expect_ok();
        }
        jitd.start().unwrap();
        does(&root, "/usr/bin/true after");
        expected.extend([
            "/usr/bin/echo 'while it was away'",
            "/usr/bin/true a 'b c'",
            "/usr/bin/true after",
        ]);
        assert_eq!(wait_started(&bed, expected.len()), expected);
        // It runs on with an extension, and is still on the record under the grant that it began with.
        bed.jitctl("alice", &["extend", "watched", "--for", "5m"]).unwrap().expect_ok();
        told(&bed, "report", |_| true);
        // Its grant is over and reported: neither restart finds it by that.
        for script in ["/usr/bin/true extended", "/usr/bin/true once more"] {
            jitd.restart().unwrap();
            does(&root, script);
            expected.push(script);
            assert_eq!(wait_started(&bed, expected.len()), expected);
        }
        root.write(b"exit 3\n").unwrap();
        root.wait_end(SOON).unwrap().expect_code(3);
        told(&bed, "session-ended", |body| body["pid"] == began["body"]["from"]["pid"]);
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
        told(&bed, "ended", |body| body["cause"] == "dropped");
        jitd.restart().unwrap();
        assert_eq!(started(&bed), (expected.iter().map(|line| (*line).to_owned()).collect(), 0));

        let show = bed.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok();
        show.expect_says("\n      started /usr/bin/uname -s\n")
            .expect_says("while this grant is live, for their standing");
        let log = bed.jitctl("alice", &["log", "--commands"]).unwrap().expect_ok();
        log.expect_says(
            "which alice ran with watched, started \"/usr/bin/id -g\", \"/usr/local/bin/children\"",
        );
        bed.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
    }
}

#[test]
fn a_rule_that_does_not_say_so_has_none_and_a_session_that_may_be_by_another_right_has() {
    for release in Release::ALL {
        let Some(bed) = watching(release) else { return };
        bed.grant("alice", "root", "30m");
        assert!(!bed.sudoers().contains("log_subcmds"));
        bed.sudo("alice", &["sh", "-c", "/usr/bin/true unseen; /usr/bin/true"]).expect_ok();
        told(&bed, "session-ended", |_| true);
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();

        // By another right as well: it does not end with the grant, and is on the record all the same.
        bed.sh("echo 'alice ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/20-alice; chmod 440 /etc/sudoers.d/20-alice")
            .unwrap()
            .expect_ok();
        bed.grant("alice", "watched", "30m");
        let root = shell(&bed, &["sudo", "-n", "-s"]);
        does(&root, "/usr/bin/true one");
        assert_eq!(wait_started(&bed, 1), ["/usr/bin/true one"]);
        let began = told(&bed, "session-began", |body| body["role"] == "watched");
        assert!(!began["body"]["outside"].is_null(), "{began}");
        bed.unit("jitd.service").restart().unwrap();
        does(&root, "/usr/bin/true three");
        assert_eq!(wait_started(&bed, 2), ["/usr/bin/true one", "/usr/bin/true three"]);
        // After many others with the same grant its beginning is far back.
        let many = "for i in $(seq 270); do sudo -n true || exit; done";
        bed.as_user("alice", &["sh", "-c", many]).unwrap().expect_ok();
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
        told(&bed, "report", |body| body["role"] == "watched");
        bed.unit("jitd.service").restart().unwrap();
        does(&root, "/usr/bin/true without");
        assert_eq!(wait_started(&bed, 3)[2], "/usr/bin/true without");
        // With a role of another account, too.
        bed.grant("alice", "other", "30m");
        bed.sudo("alice", &["-u", "bob", "sh", "-c", "/usr/bin/true as bob; true"]).expect_ok();
        assert_eq!(wait_started(&bed, 4).last().unwrap(), "/usr/bin/true as bob");
    }
}

#[test]
fn what_elevate_runs_is_watched_and_nobody_makes_up_what_root_has_started() {
    for release in Release::ALL {
        let Some(bed) = watching(release) else { return };
        let long = format!("/usr/bin/true {}", "x ".repeat(700));
        let script = format!("/usr/bin/true 'a\nb'; {long}; true");
        let words = ["elevate", "watched", "--reason", REASON, "--", "/bin/sh", "-c", &script];
        bed.jitctl("alice", &words).unwrap().expect_ok();
        let all = wait_started(&bed, 2);
        assert_eq!((all.len(), all[0].as_str()), (2, "/usr/bin/true a#012b"), "{all:?}");
        assert!(
            long.starts_with(all[1].trim_end_matches(" …")) && all[1].chars().count() > 1000,
            "{}",
            all[1]
        );

        bed.grant("alice", "watched", "30m");
        // The process itself writes to the log before it becomes sudo.
        let forge = "use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; connect($s, sockaddr_un('/dev/log')) or die; \
             for (1 .. 3) { send($s, \"<85>sudo: alice : PWD=/ ; USER=root ; COMMAND=/bin/forged\", 0) or die } \
             exec 'sudo', '-n', 'sh', '-c', '/usr/bin/true real; true'";
        bed.as_user("alice", &["perl", "-e", forge]).unwrap().expect_ok();
        let all = wait_started(&bed, 3);
        assert_eq!(all[2..], ["/usr/bin/true real"], "{all:?}");
        // The first was taken for the command itself; two more, and that one, were not written by root.
        assert_eq!(started(&bed).1, 3);
        let log = bed.run(&["journalctl", "--no-pager", "-o", "cat", "-t", "sudo"]).unwrap().out;
        assert_eq!(log.matches("/bin/forged").count(), 3, "it was in the journal: {log}");

        // With a role that gives a group as well it is known only when the process has become sudo as whom it runs.
        let both = bed.grant("alice", "both", "30m");
        bed.jitctl("alice", &["run-with", &both.id, "--", "perl", "-e", forge]).unwrap().expect_ok();
        let all = wait_started(&bed, 4);
        assert_eq!(all[3..], ["/usr/bin/true real"], "{all:?}");
        assert_eq!(started(&bed).1, 6);
    }
}

#[test]
fn a_flood_is_cut_and_counted() {
    for release in Release::ALL {
        let Some(bed) = watching(release) else { return };
        bed.grant("alice", "watched", "30m");
        let script = "i=0; while [ $i -lt 3000 ]; do /usr/bin/true $i; i=$((i+1)); done";
        bed.sudo("alice", &["sh", "-c", script]).expect_ok();
        let all = || Some(started(&bed)).filter(|(lines, left_out)| lines.len() as u64 + left_out >= 3000);
        let (lines, left_out) = until("all of it to be counted", SOON, all).unwrap();
        measured(&format!(
            "{release}: {} written in {} entries, {left_out} left out",
            lines.len(),
            bed.record("session-commands").len()
        ));
        assert_eq!(lines.len() as u64 + left_out, 3000);
        assert!(lines.len() <= 2000 && left_out >= 1000);
    }
}

#[test]
fn a_journal_that_cannot_be_read_is_said_and_is_read_from_where_it_was_when_it_can() {
    let Some(bed) = watching(Release::Bookworm) else { return };
    bed.sh("mv /usr/bin/journalctl /usr/bin/journalctl.away").unwrap().expect_ok();
    let grant = bed.grant("alice", "watched", "30m");
    let attention = || {
        let said = bed.status("root")["attention"].to_string();
        said.contains("what commands of sudo start is not read").then_some(said)
    };
    let said = until("status to say so", SOON, attention).unwrap();
    assert!(said.contains("/usr/bin/journalctl could not be run"), "{said}");
    let show = bed.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok();
    show.expect_says("\n  what commands start, at present: /usr/bin/journalctl could not be run");
    bed.sudo("alice", &["sh", "-c", "/usr/bin/true meanwhile; true"]).expect_ok();
    bed.sh("mv /usr/bin/journalctl.away /usr/bin/journalctl").unwrap().expect_ok();
    until("it to be well", SOON * 2, || attention().is_none().then_some(())).unwrap();
    assert_eq!(wait_started(&bed, 1), ["/usr/bin/true meanwhile"]);
    // It is killed: what was read is not read again.
    bed.run(&["pkill", "-x", "journalctl"]).unwrap().expect_ok();
    bed.sudo("alice", &["sh", "-c", "/usr/bin/true afterwards; true"]).expect_ok();
    assert_eq!(wait_started(&bed, 2), ["/usr/bin/true meanwhile", "/usr/bin/true afterwards"]);
    assert!(json(&bed.jitctl("alice", &["show", &grant.id, "--json"]).unwrap())["not_seen"].is_array());
}

#[test]
fn a_sudo_that_logs_nothing_is_said_until_it_does() {
    let Some(bed) = watching(Release::Trixie) else { return };
    bed.sh("echo 'Defaults !syslog' > /etc/sudoers.d/20-quiet; chmod 440 /etc/sudoers.d/20-quiet")
        .unwrap()
        .expect_ok();
    let grant = bed.grant("alice", "watched", "30m");
    let attention =
        || Some(bed.status("root")["attention"].to_string()).filter(|said| said.contains("had no line"));
    bed.sudo("alice", &["sh", "-c", "/usr/bin/true unheard; true"]).expect_ok();
    let said = until("status to say so", SOON, attention).unwrap();
    assert!(said.contains(&format!("of what alice ran with {}", grant.id)), "{said}");
    let unheard = "what 1 of its commands started, for which sudo's log had no line that can be read";
    bed.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok().expect_says(unheard);
    bed.run(&["rm", "/etc/sudoers.d/20-quiet"]).unwrap().expect_ok();
    bed.sudo("alice", &["sh", "-c", "/usr/bin/true heard; true"]).expect_ok();
    assert_eq!(wait_started(&bed, 1), ["/usr/bin/true heard"]);
    until("it to be well", SOON, || attention().is_none().then_some(())).unwrap();
    bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let report = told(&bed, "report", |_| true)["body"]["report"]["left-out"].to_string();
    assert!(report.contains(unheard), "{report}");
    assert_eq!(started(&bed), (vec!["/usr/bin/true heard".to_owned()], 0));
}

#[test]
fn where_sudo_cannot_say_it_the_rule_works_and_it_is_said() {
    let change = |bed: &RootBed| {
        bed.sh("rm /usr/bin/sudo /usr/sbin/visudo; groupadd builders").unwrap().expect_ok();
        bed.policy("32-watched.toml", POLICY).unwrap();
    };
    let Some(site) = site_with(Release::Trixie, change) else { return };
    let grant = site.grant("alice", "watched", "30m");
    assert!(!site.sudoers().contains("log_subcmds"), "{}", site.sudoers());
    site.as_user("alice", &["sudo-rs", "-n", "id", "-u"]).unwrap().expect_ok().expect_says("0\n");
    let show = site.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok();
    let show =
        show.expect_says("\n  what commands start: the rule wants it, and this host's sudo does not say it");
    assert!(!show.out.contains("sudo logs what"), "{show}");
    let check = site.jitctl("root", &["policy", "check"]).unwrap();
    check.expect_says("rule \"watches\" (32-watched.toml:18): what commands start will not be seen here");
    let explain = site.jitctl("alice", &["explain", "other", "--reason", REASON]).unwrap();
    explain.expect_says("what your commands start is logged where this host's sudo can say it");
}

#[test]
fn no_directory_hides_what_is_started_or_puts_something_else_in_its_place() {
    for release in Release::ALL {
        let Some(bed) = watching(release) else { return };
        bed.grant("alice", "watched", "30m");
        let root = shell(&bed, &["sudo", "-n", "-s"]);
        let last = |mark: &str| {
            let seen = || started(&bed).0.into_iter().find(|line| line.ends_with(mark));
            until("it to be on the record", SOON, seen).unwrap_or_else(|why| {
                panic!(
                    "{mark}: {why}: {:?} {}",
                    started(&bed),
                    bed.sh("journalctl -t sudo -o cat | tail -20").unwrap().out
                )
            })
        };
        // Longer than sudo has in one line before it comes to the command.
        let long = "x".repeat(200);
        let folders = [long.as_str(); 7].join("/");
        does(&root, &format!("mkdir -p /tmp/{folders}; cd /tmp/{folders}; /usr/bin/true long"));
        assert_eq!(last("true long"), "/usr/bin/true long");
        // And one that looks like the fields of sudo, as far as the line goes.
        let odd = format!("/tmp/a ; USER=root ; COMMAND=/bin/rm -rf {folders}");
        does(&root, &format!("mkdir -p '{odd}'; cd '{odd}'; /usr/bin/true odd"));
        let told = last("true odd");
        assert!(told.starts_with("(unclear where it begins) "), "{told}");
        assert!(told.ends_with(" ; USER=root ; COMMAND=/usr/bin/true odd"), "{told}");
        does(&root, "cd /; /usr/bin/true plain");
        assert_eq!(last("true plain"), "/usr/bin/true plain");
        assert_eq!(started(&bed).1, 0, "none is left out");
        root.write(b"exit\n").unwrap();
        root.wait_end(SOON).unwrap().expect_ok();
    }
}
