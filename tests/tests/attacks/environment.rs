//! What whoever starts a program can leave to it: variables, a umask, no arguments at all. Nothing of it changes what is decided, written or said.

use std::path::PathBuf;

use jit_e2e::{Inside, Release, Running, cache, program};

use crate::site::{Product as _, REASON, SOON, Site, host, site};

/// Variables that make programs do something else. `/tmp/evil` exists and belongs to alice.
const HOSTILE: &[(&str, &str)] = &[
    ("TZ", "XXX12"),
    ("LANG", "tr_TR.ISO-8859-9"),
    ("LC_ALL", "../../../tmp/evil"),
    ("LANGUAGE", "xx"),
    ("LOCPATH", "/tmp/evil"),
    ("GCONV_PATH", "/tmp/evil"),
    ("NLSPATH", "/tmp/evil/%N"),
    ("PATH", "/tmp/evil:."),
    ("HOME", "/tmp/evil"),
    ("SHELL", "/tmp/evil/sh"),
    ("USER", "root"),
    ("LOGNAME", "root"),
    ("SUDO_USER", "dora"),
    ("SUDO_UID", "0"),
    ("SUDO_ASKPASS", "/tmp/evil/sh"),
    ("EDITOR", "/tmp/evil/sh"),
    ("TMPDIR", "/tmp/evil"),
    ("SQLITE_TMPDIR", "/tmp/evil"),
    ("XDG_RUNTIME_DIR", "/tmp/evil"),
    ("XDG_CONFIG_HOME", "/tmp/evil"),
    ("XDG_SEAT", "seat0"),
    ("XDG_VTNR", "1"),
    ("XDG_SESSION_ID", "1"),
    ("SSH_CONNECTION", "203.0.113.7 1 203.0.113.8 22"),
    ("RUST_LOG", "trace"),
    ("RUST_BACKTRACE", "full"),
    ("RUST_MIN_STACK", "1"),
    ("TOKIO_WORKER_THREADS", "0"),
    ("NO_COLOR", ""),
    ("CLICOLOR_FORCE", "1"),
    ("COLUMNS", "0"),
    ("LINES", "-1"),
    ("TERM", "../../tmp/evil"),
    ("PAGER", "/tmp/evil/sh"),
    ("LISTEN_FDS", "7"),
    ("WATCHDOG_USEC", "1"),
    ("MALLOC_PERTURB_", "85"),
    ("GLIBC_TUNABLES", "glibc.malloc.perturb=85"),
    ("LD_LIBRARY_PATH", "/tmp/evil"),
    ("BASH_ENV", "/tmp/evil/sh"),
    ("IFS", "/"),
    ("JIT_SOCKET", "/tmp/evil/jitd.sock"),
    ("JITD_CONFIG", "/tmp/evil/jitd.toml"),
];

/// What root who starts jitd by hand can break it with: a socket that is none is said, a stack of one byte ends it.
const ROOTS_OWN: [&str; 2] = ["LISTEN_FDS", "RUST_MIN_STACK"];

/// Starts a program (the first word) with no arguments, not even its name.
const WITHOUT_ARGV: &str = "#include <unistd.h>\nint main(int c, char **v) { char *none[] = { 0 }; (void)c; return execve(v[1], none, none); }\n";

/// Built by the compiler that cargo links with.
fn without_argv() -> PathBuf {
    let built = cache::entry("without-argv", WITHOUT_ARGV, |folder| {
        std::fs::write(folder.join("source.c"), WITHOUT_ARGV).unwrap();
        let mut cc = std::process::Command::new("cc");
        program::run(cc.arg("-o").arg(folder.join("without-argv")).arg(folder.join("source.c"))).map(drop)
    });
    built.unwrap().path().join("without-argv")
}

/// Alice's folder, with a program of hers under each name that a path or a variable could lead to.
fn evil(bed: &Inside) {
    let script = "mkdir /tmp/evil && cd /tmp/evil && printf '#!/bin/sh\\n/usr/bin/id >> /tmp/evil/ran\\n' > sh && chmod 755 sh \
        && for name in sudo visudo id cat jitd nscd getent systemctl; do cp sh $name; done; chown -R alice /tmp/evil";
    bed.sh(script).unwrap().expect_ok();
}

/// None of them was run as root.
fn none_ran(bed: &Inside) {
    let ran = bed.read("/tmp/evil/ran").unwrap_or_default();
    assert!(!ran.contains("uid=0"), "{ran}");
}

/// The daemon, started by hand with all of that.
fn start(bed: &jit_e2e::RootBed, daemon: &str) -> Running {
    let mut words = vec!["env".to_owned()];
    let hostile = HOSTILE.iter().filter(|(name, _)| !ROOTS_OWN.contains(name));
    words.extend(hostile.map(|(name, value)| format!("{name}={value}")));
    words.extend(["/bin/sh".to_owned(), "-c".to_owned(), format!("umask 0; exec {daemon}")]);
    bed.start_notifying(&words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
}

#[test]
fn daemons_that_were_started_with_a_hostile_environment_do_what_they_always_do() {
    for release in Release::ALL {
        let Some(bed) = host(release) else { return };
        evil(&bed);
        bed.run(&["/usr/sbin/jit-guard", "--boot"]).unwrap().expect_ok();
        let guard = start(&bed, "/usr/sbin/jit-guard");
        let jitd = start(&bed, "/usr/sbin/jitd");
        let site = Site::of(bed, guard, jitd);
        site.elevate("bob", "ids", "30m").expect_code(6);
        site.grant("alice", "ids", "30m");
        assert!(site.may("alice"));
        let rule = site.sudoers();
        let until = rule.split("NOTAFTER=").nth(1).unwrap().split(' ').next().unwrap();
        assert!(until.len() == 15 && until.ends_with('Z'), "{until}");
        // Made by others than these two start with nothing of it.
        for (path, mode) in [
            ("/run/jit/sudoers.d/jit", 0o440),
            ("/var/lib/jit/applied", 0o600),
            ("/var/lib/jit/ledger.db", 0o600),
            ("/var/lib/jit/ledger.lock", 0o600),
            ("/run/jit/converge.lock", 0o600),
            ("/run/jit/guard.lock", 0o600),
        ] {
            let found = site.mode(path).unwrap();
            assert_eq!(found, mode, "{path} has {found:o}");
        }
        let grant = site.grant("dora", "ids", "2s");
        site.wait_off("dora", &grant);
        assert!(site.may("alice"));
        none_ran(&site);
        assert!(
            !site.jitd.text().contains("TRACE") && !site.jitd.text().contains("panicked"),
            "{}",
            site.jitd.text()
        );
    }
}

#[test]
fn jitctl_says_the_same_whatever_the_environment() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        evil(&site);
        let id = site.grant("alice", "ids", "30m").id;
        let log = ["log", "--id", &id, "--json"];
        let asked: [(&str, &[&str]); 4] = [
            ("alice", &["roles", "--json"]),
            ("alice", &log),
            ("bob", &["show", &id]),
            ("bob", &["elevate", "ids", "--reason", REASON]),
        ];
        for (user, words) in asked {
            let words = [&["/usr/bin/jitctl"], words].concat();
            let plain = site.command(&words).user(user).run().unwrap();
            let told = |with: &[(&str, &str)]| {
                let command = site.command(&words).user(user);
                let said = with
                    .iter()
                    .fold(command, |command, (name, value)| command.env(name, value))
                    .run()
                    .unwrap();
                assert_eq!(
                    (said.code, &said.out, &said.err),
                    (plain.code, &plain.out, &plain.err),
                    "{with:?}: {said}"
                );
            };
            told(HOSTILE);
            if user == "bob" && release == Release::Trixie {
                HOSTILE.iter().for_each(|one| told(std::slice::from_ref(one)));
            }
        }
        none_ran(&site);
        assert!(site.sudoers().contains(&id));
    }
}

#[test]
fn no_arguments_at_all_and_a_umask_of_nothing_are_no_crash_and_no_hole() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        site.copy_in(&without_argv(), "/opt/without-argv").unwrap();
        site.run(&["chmod", "755", "/opt/without-argv"]).unwrap().expect_ok();
        let without = |user: &str, path: &str| {
            let command = site.command(&["/opt/without-argv", path]).limit(SOON);
            if user == "root" { command.run().unwrap() } else { command.user(user).run().unwrap() }
        };
        without("alice", "/usr/bin/jitctl").expect_ok();
        without("root", "/usr/sbin/jitd").expect_code(1).expect_says("another jitd");
        without("root", "/usr/sbin/jit-guard").expect_code(1).expect_says("jit-guard");
        for daemon in ["/usr/sbin/jitd", "/usr/sbin/jit-guard"] {
            without("alice", daemon).expect_code(1).expect_says("root");
        }
        // A client leaves no file, so its umask is its own.
        let made =
            "umask 0; cd $(mktemp -d); jitctl elevate ids --reason 'INC-42 nginx stuck' -- id; ls -A | wc -l";
        let ran = site.command(&["bash", "-c", made]).user("alice").run().unwrap().expect_ok();
        assert!(ran.out.starts_with("uid=0") && ran.out.ends_with("\n0\n"), "{ran}");
        assert!(site.jitd.is_running() && site.guard.is_running());
    }
}
