//! The host of the scenarios: people, a policy, both daemons, and the questions that every scenario asks of it.

use std::ops::Deref;
use std::time::{Duration, SystemTime};

use jit_e2e::{Inside, OrSkip as _, Output, Release, RootBed, Running, until};
use serde_json::Value;

/// Long enough for a busy machine. Everything is an event that is waited for.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A reason that the policy takes.
pub(crate) const REASON: &str = "INC-42 nginx stuck";

/// The one file that jitd writes for sudo.
pub(crate) const SUDOERS: &str = "/run/jit/sudoers.d/jit";

/// What it holds when nothing is granted.
pub(crate) const HEADER: &str =
    "# Written by jitd from the live grants. Changes here are undone. See: jitctl status\n";

const POLICY: &str = r#"
[role.ids]
summary = "Look at ids"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id"], ["/usr/bin/cat", "/etc/hostname"]] }

[role.logs]
summary = "Look at a log"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hosts"]] }

[role.tasks]
summary = "Things that end in all ways"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [
    ["/usr/bin/true"], ["/usr/bin/false"], ["/usr/bin/sleep", "1000"],
    ["/usr/local/bin/seven"], ["/usr/local/bin/dies"],
] }

[role.everything]
summary = "Everything, with a password"
risk    = "high"
sudo    = { run_as = "root", password = true, commands = "ALL" }

[[rule]]
name         = "on-call at once"
roles        = ["ids", "logs", "tasks", "everything"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
default_duration = "30m"
reason       = { required = true, min_length = 10, pattern = '^(INC|CHG)-\d+', prompt = "Start with the incident" }

[[deny]]
name     = "contractors never"
roles    = ["ids"]
subjects = { groups = ["contractors"] }

[duties]
auditors  = { groups = ["jit-audit"] }
operators = { groups = ["jit-ops"] }
"#;

/// Alice's and bob's.
pub(crate) const PASSWORD: &str = "open sesame";

/// A bed with both daemons running.
pub(crate) struct Site {
    bed: RootBed,
    pub(crate) guard: Running,
    pub(crate) jitd: Running,
}

impl Deref for Site {
    type Target = RootBed;

    fn deref(&self) -> &RootBed {
        &self.bed
    }
}

/// A bed with people and the policy, and no daemon running: alice and dora are on call, bob is not, carl is a contractor on call, olga is an
/// operator, audrey an auditor.
pub(crate) fn host(release: Release) -> Option<RootBed> {
    let bed = RootBed::with_product(release).or_skip()?;
    people(&bed);
    Some(bed)
}

/// The people and the policy of [`host`].
pub(crate) fn people(bed: &Inside) {
    bed.run(&["groupadd", "contractors"]).unwrap().expect_ok();
    bed.add_user("alice", &["oncall"], Some(PASSWORD)).unwrap();
    bed.add_user("bob", &[], Some(PASSWORD)).unwrap();
    bed.add_user("carl", &["oncall", "contractors"], None).unwrap();
    bed.add_user("dora", &["oncall"], None).unwrap();
    bed.add_user("olga", &["jit-ops"], None).unwrap();
    bed.add_user("audrey", &["jit-audit"], None).unwrap();
    bed.write_mode("/usr/local/bin/seven", "#!/bin/sh\nexit 7\n", 0o755).unwrap();
    bed.write_mode("/usr/local/bin/dies", "#!/bin/sh\nkill -TERM $$\n", 0o755).unwrap();
    bed.policy("10-web.toml", POLICY).unwrap();
}

/// A site on this release.
pub(crate) fn site(release: Release) -> Option<Site> {
    site_with(release, |_| ())
}

/// A site whose host was changed before the daemons started.
pub(crate) fn site_with(release: Release, change: impl FnOnce(&RootBed)) -> Option<Site> {
    let bed = host(release)?;
    change(&bed);
    let guard = bed.start_guard().unwrap();
    let jitd = bed.start_jitd().unwrap();
    Some(Site::of(bed, guard, jitd))
}

impl Site {
    /// A bed with daemons that were started by hand.
    pub(crate) fn of(bed: RootBed, guard: Running, jitd: Running) -> Self {
        Self { bed, guard, jitd }
    }

    /// Starts jitd anew, after it was ended.
    pub(crate) fn restart_jitd(&mut self) {
        assert!(!self.jitd.is_running());
        self.jitd = self.bed.start_jitd().unwrap();
    }
}

/// A live grant, as its holder was told.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) id: String,
    /// Nanoseconds of the wall clock.
    pub(crate) deadline: i64,
}

impl Granted {
    /// How long ago its deadline was.
    pub(crate) fn late(&self) -> Duration {
        Duration::from_nanos(u64::try_from(wall() - self.deadline).unwrap_or(0))
    }
}

/// Nanoseconds since 1970.
pub(crate) fn wall() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_nanos()).unwrap()
}

/// What scenarios do and ask, on any kind of bed.
pub(crate) trait Product {
    /// Asks for a role for so long.
    fn elevate(&self, user: &str, role: &str, length: &str) -> Output;

    /// Asks for a role and gets it.
    fn grant(&self, user: &str, role: &str, length: &str) -> Granted;

    /// Runs a command by sudo, which may not ask for a password.
    fn sudo(&self, user: &str, words: &[&str]) -> Output;

    /// Types the password for a first `sudo id -u` and nothing for a second one in the same shell; ends as the second.
    fn sudo_twice(&self, user: &str) -> Output;

    /// Whether sudo runs `id` as root for this user.
    fn may(&self, user: &str) -> bool;

    /// Waits until a grant is neither in sudo's file nor honoured; how long after its deadline that was seen.
    fn wait_off(&self, user: &str, grant: &Granted) -> Duration;

    /// The entries of the record of this kind, oldest first.
    fn record(&self, kind: &str) -> Vec<Value>;

    /// The one entry of this kind about a grant, as soon as it is there.
    fn told(&self, grant: &Granted, kind: &str) -> Value;

    /// The state of things, as this user sees it.
    fn status(&self, user: &str) -> Value;

    /// What stands in sudo's file.
    fn sudoers(&self) -> String;
}

impl Product for Inside {
    fn elevate(&self, user: &str, role: &str, length: &str) -> Output {
        self.jitctl(user, &["elevate", role, "--for", length, "--reason", REASON]).unwrap()
    }

    fn grant(&self, user: &str, role: &str, length: &str) -> Granted {
        let words = ["elevate", role, "--for", length, "--reason", REASON, "--json"];
        let answer = json(&self.jitctl(user, &words).unwrap().expect_ok());
        let id = answer["grant"]["id"].as_str().unwrap().to_owned();
        let intent = self.record("intent").into_iter().rfind(|entry| entry["id"] == *id).unwrap();
        Granted { deadline: intent["body"]["deadline"]["wall"].as_i64().unwrap(), id }
    }

    fn sudo(&self, user: &str, words: &[&str]) -> Output {
        self.as_user(user, &[&["sudo", "-n"], words].concat()).unwrap()
    }

    fn sudo_twice(&self, user: &str) -> Output {
        // Not as the last command, for which bash would go away: sudo knows the shell by its number.
        let script = ["bash", "-c", "sudo -S -p '' id -u; sudo -n id -u; exit $?"];
        self.command(&script).user(user).input(&format!("{PASSWORD}\n")).run().unwrap()
    }

    fn may(&self, user: &str) -> bool {
        self.sudo(user, &["/usr/bin/id"]).success()
    }

    fn wait_off(&self, user: &str, grant: &Granted) -> Duration {
        let gone = || (!self.sudoers().contains(&grant.id)).then(|| grant.late());
        let late = until(&format!("{} to be off", grant.id), Duration::from_secs(90), gone).unwrap();
        assert!(!self.may(user));
        late
    }

    fn record(&self, kind: &str) -> Vec<Value> {
        let log = self.jitctl("root", &["log", "--json", "--kind", kind]).unwrap().expect_ok();
        log.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn told(&self, grant: &Granted, kind: &str) -> Value {
        let find = || self.record(kind).into_iter().find(|entry| entry["id"] == *grant.id);
        until(&format!("{kind} of {} on the record", grant.id), SOON, find).unwrap()
    }

    fn status(&self, user: &str) -> Value {
        json(&self.jitctl(user, &["status", "--json"]).unwrap().expect_ok())
    }

    fn sudoers(&self) -> String {
        self.read(SUDOERS).unwrap_or_default()
    }
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
