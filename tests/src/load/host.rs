//! The host to load: a thousand people on call, ten roles, and the four that mean no good.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use crate::{Error, Result, RootBed, Running, until, workspace};

/// The one file that jitd writes for sudo.
pub(super) const SUDOERS: &str = "/run/jit/sudoers.d/jit";

/// The program of the clients, inside.
const CROWD: &str = "/usr/local/bin/crowd";

/// The number of the first account of the crowd.
const FIRST_UID: u32 = 20_000;

/// How many roles there are. Each person may have all of them.
pub(super) const ROLES: u32 = 10;

/// Who makes which trouble: the account, and what it is called. The one who never reads is an auditor, so that there is much to
/// read.
pub(super) const TROUBLE: [(&str, &str, &[&str]); 4] = [
    ("mallory", "flood", &["oncall"]),
    ("dave", "deaf", &["jit-audit"]),
    ("mia", "mute", &["oncall"]),
    ("hal", "half", &["oncall"]),
];

/// How long a client may wait for its answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Descriptors that the clients may have.
const DESCRIPTORS: &str = "--nofile=8192";

/// A bed with a crowd and both daemons running.
pub(super) struct Host {
    pub(super) bed: RootBed,
    pub(super) jitd: Running,
    _guard: Running,
}

/// A question for jitd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Status,
    Roles,
    /// A role by its number, until this second since 1970.
    Elevate(u32, u64),
}

/// What a client heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    /// `status`, `roles` or `elevate`.
    pub(super) what: String,
    pub(super) took: Duration,
    /// `granted ID`, `status`, `roles COUNT`, `refused CODE SENTENCE`, `broken WHY` or `late`.
    pub(super) answer: String,
}

impl Host {
    /// Makes one of a bed that has the product.
    pub(super) fn set_up(bed: RootBed, people: u32) -> Result<Host> {
        bed.run(&["groupadd", "oncall"])?.ok()?;
        for (name, _, groups) in TROUBLE {
            bed.add_user(name, groups, None)?;
        }
        crowd(&bed, people)?;
        bed.policy("10-load.toml", &policy())?;
        bed.copy_in(&workspace::example("jit-common", "crowd")?, CROWD)?;
        bed.run(&["chmod", "755", CROWD])?.ok()?;
        let guard = bed.start_guard()?;
        let jitd = bed.start_jitd()?;
        Ok(Host { bed, jitd, _guard: guard })
    }

    /// Has these people ask these things, so many at the same time, and tells what they heard.
    pub(super) fn ask(&self, questions: &[(u32, What)], at_a_time: usize) -> Result<Vec<Heard>> {
        let mut lines = String::new();
        for (person, what) in questions {
            let uid = FIRST_UID + person;
            // Writing to a string cannot fail.
            let _ = match what {
                What::Status => writeln!(lines, "{uid} status"),
                What::Roles => writeln!(lines, "{uid} roles"),
                What::Elevate(role, until) => writeln!(lines, "{uid} elevate role{role} {until}"),
            };
        }
        let (at_a_time, patience) = (at_a_time.to_string(), PATIENCE.as_secs().to_string());
        let words = ["prlimit", DESCRIPTORS, CROWD, "ask", &at_a_time, &patience];
        let limit = Duration::from_secs(900);
        let said = self.bed.command(&words).input(&lines).limit(limit).run()?.ok()?;
        said.out.lines().map(Heard::read).collect()
    }

    /// Starts what makes this trouble, and waits until it is under way.
    pub(super) fn trouble(&self, name: &str, kind: &str) -> Result<Running> {
        let uid = self.bed.account(name)?.uid.to_string();
        let running = self.bed.command(&[CROWD, kind, &uid]).spawn()?;
        running.wait_for("held", Duration::from_secs(20))?;
        Ok(running)
    }

    /// A number of the process table about jitd, in KiB: `VmRSS` or `VmHWM` (proc_pid_status(5)).
    pub(super) fn memory(&self, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.jitd.pid()?);
        let text = fs::read_to_string(&path).map_err(Error::io(format!("read {path}")))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| Error::Odd(format!("no {name} in {path}")))
    }

    /// How many descriptors jitd has open.
    pub(super) fn descriptors(&self) -> Result<usize> {
        let path = format!("/proc/{}/fd", self.jitd.pid()?);
        Ok(fs::read_dir(&path).map_err(Error::io(format!("read {path}")))?.count())
    }

    /// Waits until jitd has no more descriptors open than this.
    pub(super) fn settled(&self, most: usize) -> Result<usize> {
        let few = || self.descriptors().ok().filter(|count| *count <= most);
        until(&format!("jitd to have no more than {most} descriptors"), Duration::from_secs(30), few)
    }
}

impl Heard {
    fn read(line: &str) -> Result<Heard> {
        let odd = || Error::Odd(format!("{line:?} is not what a client heard"));
        let mut words = line.splitn(4, ' ');
        let (_uid, what) = (words.next().ok_or_else(odd)?, words.next().ok_or_else(odd)?.to_owned());
        let micros = words.next().and_then(|word| word.parse().ok()).ok_or_else(odd)?;
        let answer = words.next().ok_or_else(odd)?.to_owned();
        Ok(Heard { what, took: Duration::from_micros(micros), answer })
    }

    /// Whether it is the answer to the question.
    pub(super) fn is_answered(&self) -> bool {
        match self.what.as_str() {
            "elevate" => self.answer.starts_with("granted "),
            "roles" => self.answer == format!("roles {ROLES}"),
            what => self.answer == what,
        }
    }
}

/// Accounts of people on call, written as useradd would, all at once.
fn crowd(bed: &RootBed, people: u32) -> Result<()> {
    let group = bed.run(&["getent", "group", "oncall"])?.ok()?.out;
    let gid = group.split(':').nth(2).unwrap_or_default().to_owned();
    let (mut passwd, mut shadow) = (bed.read("/etc/passwd")?, bed.read("/etc/shadow")?);
    for number in 0..people {
        // Writing to a string cannot fail.
        let _ = writeln!(passwd, "p{number}:x:{}:{gid}::/:/bin/sh", FIRST_UID + number);
        let _ = writeln!(shadow, "p{number}:*:20000:0:99999:7:::");
    }
    bed.write("/etc/passwd", &passwd)?;
    bed.write("/etc/shadow", &shadow)
}

fn policy() -> String {
    let mut text = String::new();
    for number in 0..ROLES {
        let _ = write!(
            text,
            "[role.role{number}]\nsummary = \"Look at a file\"\nrisk = \"low\"\n\
             sudo = {{ run_as = \"root\", password = false, commands = [[\"/usr/bin/cat\", \"/etc/file{number}\"]] }}\n"
        );
    }
    let roles: Vec<String> = (0..ROLES).map(|number| format!("\"role{number}\"")).collect();
    let _ = writeln!(text, "[[rule]]\nname = \"on-call at once\"\nroles = [{}]", roles.join(", "));
    text + "eligible = { groups = [\"oncall\"] }\n\
            max_duration = \"1h\"\nreason = { required = true }\n[duties]\nauditors = { groups = [\"jit-audit\"] }\n"
}
