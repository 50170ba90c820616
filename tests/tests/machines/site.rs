//! The machine of these tests: people, a policy, both daemons, and the questions that every test asks of it.

use std::time::Duration;

use jit_e2e::{MachineBed, OrSkip as _, Output, Release, until};
use serde_json::Value;

/// Long enough for an emulated machine on a busy one. Everything is an event that is waited for.
pub(crate) const SOON: Duration = Duration::from_secs(300);

/// Nanoseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// What jitd's file for sudo holds when nothing is granted.
pub(crate) const HEADER: &str =
    "# Written by jitd from the live grants. Changes here are undone. See: jitctl status\n";

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Some of it: what `cargo test` has time for.
    Some,
    /// All of it: `cargo machines`.
    All,
}

pub(crate) fn extent() -> Extent {
    if std::env::var("JIT_MACHINES").is_ok_and(|extent| extent == "all") { Extent::All } else { Extent::Some }
}

/// The releases whose machines are tried.
pub(crate) const RELEASES: [Release; 1] = [Release::Bookworm];

/// A machine on which nothing is granted.
pub(crate) fn machine(release: Release) -> Option<MachineBed> {
    MachineBed::with_product(release).or_skip()
}

/// A live grant.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub(crate) id: String,
    /// Its deadline: nanoseconds of the clock that counts suspends.
    pub(crate) boot: i64,
}

/// What the tests do and ask.
pub(crate) trait Site {
    /// Asks for a role for so long.
    fn elevate(&self, user: &str, role: &str, length: &str) -> Output;

    /// Asks for a role and gets it.
    fn grant(&self, user: &str, role: &str, length: &str) -> Granted;

    /// Whether sudo runs `id` as root for this user.
    fn may(&self, user: &str) -> bool;

    /// Whether sudo runs something with the group docker.
    fn works(&self, user: &str) -> bool;

    /// Whether somebody is in docker, by both files.
    fn is_in(&self, user: &str) -> bool;

    /// Both files with the groups.
    fn groups(&self) -> String;

    /// What stands in sudo's file.
    fn sudoers(&self) -> String;

    /// The entries of the record of this kind, oldest first.
    fn record(&self, kind: &str) -> Vec<Value>;

    /// The one entry of this kind about a request, as soon as it is there.
    fn told(&self, id: &str, kind: &str) -> Value;

    /// The record fits together from its first entry to its last.
    fn verify(&self);

    /// Nanoseconds of the clock that counts suspends.
    fn boot_clock(&self) -> i64;

    /// Lets the machine be idle until this moment of that clock. Whoever looks again and again instead keeps it busy, and then its time
    /// goes slower than ours.
    fn idle_until(&self, boot: i64);
}

impl Site for MachineBed {
    fn elevate(&self, user: &str, role: &str, length: &str) -> Output {
        self.jitctl(user, &["elevate", role, "--for", length, "--reason", "INC-42 a test"]).unwrap()
    }

    fn grant(&self, user: &str, role: &str, length: &str) -> Granted {
        let words = ["elevate", role, "--for", length, "--reason", "INC-42 a test", "--json"];
        let answer = json(&self.jitctl(user, &words).unwrap().expect_ok());
        let id = answer["grant"]["id"].as_str().unwrap().to_owned();
        let intent = self.record("intent").into_iter().rfind(|entry| entry["id"] == *id).unwrap();
        Granted { boot: intent["body"]["deadline"]["boot"].as_i64().unwrap(), id }
    }

    fn may(&self, user: &str) -> bool {
        self.as_user(user, &["sudo", "-n", "/usr/bin/id"]).unwrap().success()
    }

    fn works(&self, user: &str) -> bool {
        self.as_user(user, &["sudo", "-n", "-g", "docker", "id", "-gn"]).unwrap().success()
    }

    fn is_in(&self, user: &str) -> bool {
        let groups = self.groups();
        let lines: Vec<&str> = groups.lines().filter(|line| line.starts_with("docker:")).collect();
        let named = |line: &&str| line.rsplit(':').next().unwrap().split(',').any(|member| member == user);
        let [open, shadow] = [named(&lines[0]), named(&lines[1])];
        assert_eq!(open, shadow, "{user} in docker: {lines:?}");
        open
    }

    fn groups(&self) -> String {
        self.sh("cat /etc/group /etc/gshadow").unwrap().expect_ok().out
    }

    fn sudoers(&self) -> String {
        self.sh("cat /run/jit/sudoers.d/jit").unwrap().out
    }

    fn record(&self, kind: &str) -> Vec<Value> {
        let log = self.jitctl("root", &["log", "--json", "--kind", kind]).unwrap().expect_ok();
        log.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn told(&self, id: &str, kind: &str) -> Value {
        let find = || self.record(kind).into_iter().find(|entry| entry["id"] == *id);
        until(&format!("{kind} of {id} on the record"), SOON, find).unwrap()
    }

    fn verify(&self) {
        let script = "jitctl log export > /run/export && jitctl log verify /run/export --key \"$(cat /var/lib/jit/host.key.pub)\"";
        self.sh(script).unwrap().expect_ok();
    }

    fn boot_clock(&self) -> i64 {
        let text = self.sh("cat /proc/uptime").unwrap().expect_ok().out;
        let (whole, rest) = text.split_once(' ').unwrap().0.split_once('.').unwrap();
        whole.parse::<i64>().unwrap() * SECOND + rest.parse::<i64>().unwrap() * (SECOND / 100)
    }

    fn idle_until(&self, boot: i64) {
        let left = (boot - self.boot_clock()).max(0);
        self.sh(&format!("sleep {}.{:09}", left / SECOND, left % SECOND)).unwrap().expect_ok();
    }
}

/// The groups are as before, sudo agrees with nobody, and the record fits together.
pub(crate) fn nobody_has_anything(bed: &MachineBed, before: &str) {
    assert_eq!(bed.groups(), before);
    assert!(["", HEADER].contains(&&*bed.sudoers()), "{}", bed.sudoers());
    for user in ["alice", "dora"] {
        assert!(!bed.may(user) && !bed.works(user), "{user}");
    }
    bed.verify();
}

/// It was so already when systemd let the first person in.
pub(crate) fn nobody_had_anything(bed: &MachineBed, before: &str) {
    let gate = bed.sh("cat /run/seen/gate").unwrap().expect_ok().out;
    assert_eq!(gate, before, "when systemd let the first person in");
    bed.sh("ls /run/seen/gate-closed").unwrap().expect_ok();
}

/// An answer in JSON.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_str(&output.out).unwrap()
}

/// Tells a measured value to whoever runs the tests with `--nocapture`.
#[expect(
    clippy::print_stderr,
    reason = "libtest captures it, and shows it when it is asked for or the test fails"
)]
pub(crate) fn measured(what: &str) {
    eprintln!("{what}");
}
