//! The host that is walked: people, roles of every kind, both daemons, and how it was before anything was granted.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::{Error, Output, Release, Result, RootBed, Running, until};

/// Long enough for a busy machine. Nothing waits so long when things are right.
pub(super) const SOON: Duration = Duration::from_secs(60);

pub(super) const SUDOERS: &str = "/run/jit/sudoers.d/jit";
pub(super) const APPLIED: &str = "/var/lib/jit/applied";
const LOG: &str = "/var/lib/jit/ledger.db-wal";
pub(super) const NOTES: &str = "/var/lib/jit/guard-notes";

/// How many programs are told of when something does not hold.
const TOLD: usize = 4;

/// The numbers of poll(2) and ppoll(2), as proc(5) shows a call that blocks.
const POLLS: [&str; 2] = ["7 ", "271 "];

/// Where everything is that jitd and the guard write.
pub(super) const FOLDERS: [&str; 5] =
    ["/etc", "/run/jit", "/run/jit/sudoers.d", "/var/lib/jit", "/var/lib/jit/sinks"];

/// The two files of groups.
pub(super) const GROUP_FILES: [&str; 2] = ["/etc/group", "/etc/gshadow"];

/// Who may get something. Dora is in docker without jitd.
pub(super) const PEOPLE: [&str; 3] = ["alice", "bert", "dora"];

/// Which groups a role gives, and whether it lets sudo run `id`.
pub(super) const ROLES: [(&str, &[&str], Sudo); 4] = [
    ("ids", &[], Sudo::Id),
    ("docker", &["docker"], Sudo::No),
    ("both", &["boxes", "docker"], Sudo::Id),
    ("asked", &["docker"], Sudo::Id),
];

/// Whether a role lets sudo run `id` as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sudo {
    /// It does.
    Id,
    /// It gives groups alone.
    No,
}

const POLICY: &str = r#"
[role.ids]
summary = "Look at ids"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id"]] }

[role.docker]
summary = "Containers"
risk    = "high"
groups  = ["docker"]

[role.both]
summary = "Containers, boxes, and ids"
risk    = "high"
groups  = ["docker", "boxes"]
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id"]] }

[role.asked]
summary = "What lena approves"
risk    = "high"
groups  = ["docker"]
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id"]] }

[[rule]]
name         = "at once"
roles        = ["ids", "docker", "both"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"

[[rule]]
name         = "with lena behind it"
roles        = ["asked"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
approvals    = [{ by = { groups = ["leads"] } }]
"#;

/// So that nobody is asked to wait a minute.
const SETTINGS: &str = "[limits]\nrequests_per_minute = 100000\n";

/// The host, with what runs on it.
#[derive(Debug)]
pub(super) struct Site {
    bed: RootBed,
    /// Nothing while it is away.
    pub(super) jitd: Option<Running>,
    /// Nothing while it is away.
    pub(super) guard: Option<Running>,
    /// How everything was before.
    pub(super) before: Before,
    /// The number of policies that were written.
    policies: u32,
    /// When the record was written last before the policy was.
    recorded: Option<SystemTime>,
    /// The request that waits for somebody.
    pub(super) asked: String,
}

/// A host on which nothing was granted yet.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Both files of groups.
    pub(super) groups: [String; 2],
    /// The names in each of [`FOLDERS`].
    pub(super) names: Vec<BTreeSet<String>>,
}

impl Deref for Site {
    type Target = RootBed;

    fn deref(&self) -> &RootBed {
        &self.bed
    }
}

impl Site {
    /// Makes one, with both daemons at work and nothing granted.
    pub(super) fn set_up(release: Release) -> Result<Site> {
        let bed = RootBed::with_product(release)?;
        let mut script = "set -e; for g in oncall leads docker boxes; do groupadd $g; done\n".to_owned();
        for (name, groups) in
            [("alice", "oncall"), ("bert", "oncall"), ("dora", "oncall,docker"), ("lena", "leads")]
        {
            // Writing to a string cannot fail.
            let _ = writeln!(script, "useradd -M -s /bin/bash -p '*' -G {groups} {name}");
        }
        // What shadow-utils leave behind once is there from the beginning.
        script += "cp -p /etc/group /etc/group-; cp -p /etc/gshadow /etc/gshadow-\n";
        bed.sh(&script)?.ok()?;
        bed.policy("10-walk.toml", POLICY)?;
        bed.write_mode("/etc/jit/jitd.toml", SETTINGS, 0o644)?;
        let guard = bed.start_guard()?;
        let jitd = bed.start_jitd()?;
        let mut site = Site {
            bed,
            jitd: Some(jitd),
            guard: Some(guard),
            before: Before::default(),
            policies: 0,
            recorded: None,
            asked: String::new(),
        };
        // One of each kind, so that what stays for good is there.
        let id = site.grant("alice", "both", "30m")?;
        site.jitctl("root", &["revoke", &id])?.ok()?;
        site.before = Before { groups: site.group_files()?, names: site.names()? };
        Ok(site)
    }

    /// Both files of groups.
    pub(super) fn group_files(&self) -> Result<[String; 2]> {
        let [group, gshadow] = GROUP_FILES;
        Ok([self.read(group)?, self.read(gshadow)?])
    }

    /// The names in each of [`FOLDERS`], as they are now.
    pub(super) fn names(&self) -> Result<Vec<BTreeSet<String>>> {
        FOLDERS.iter().map(|folder| self.names_in(folder)).collect()
    }

    fn names_in(&self, folder: &str) -> Result<BTreeSet<String>> {
        // No link leads out of these.
        let path = self.outside(folder);
        let entries = std::fs::read_dir(&path).map_err(Error::io(format!("list {}", path.display())))?;
        Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    /// The daemon.
    pub(super) fn jitd(&self) -> Result<&Running> {
        self.jitd.as_ref().ok_or_else(|| Error::Odd("jitd is away".to_owned()))
    }

    /// The guard.
    pub(super) fn guard(&self) -> Result<&Running> {
        self.guard.as_ref().ok_or_else(|| Error::Odd("the guard is away".to_owned()))
    }

    /// Kills the daemon, as nothing that it could prepare for.
    pub(super) fn kill_jitd(&mut self) -> Result<()> {
        self.jitd.take().map_or(Ok(()), |jitd| jitd.kill().map(drop))
    }

    /// Kills the guard.
    pub(super) fn kill_guard(&mut self) -> Result<()> {
        self.guard.take().map_or(Ok(()), |guard| guard.kill().map(drop))
    }

    /// Starts the guard if it has ended, as its unit would.
    pub(super) fn start_guard_if_away(&mut self) -> Result<()> {
        if is_away(self.guard.as_ref()) {
            self.guard = Some(self.bed.start_guard()?);
        }
        Ok(())
    }

    /// Starts what has ended, as the units would.
    pub(super) fn start_what_is_away(&mut self) -> Result<()> {
        self.start_guard_if_away()?;
        if is_away(self.jitd.as_ref()) {
            self.jitd = Some(self.bed.start_jitd()?);
        }
        Ok(())
    }

    /// Waits until jitd answers: one that was started by hand may not be there yet.
    pub(super) fn wait_until_heard(&self) -> Result<()> {
        until("jitd to answer", SOON, || self.status().is_ok().then_some(()))
    }

    /// Waits until jitd answers or has ended; whether it answers.
    pub(super) fn is_heard_or_gone(&self) -> Result<bool> {
        let heard = || self.status().is_ok().then_some(true);
        until("jitd to answer or to end", SOON, || {
            heard().or_else(|| is_away(self.jitd.as_ref()).then_some(false))
        })
    }

    /// Ends what is live and closes what waits, as an admin would.
    pub(super) fn end_everything(&self) -> Result<()> {
        // There may be nothing. What is left is seen by whoever looks afterwards.
        self.jitctl("root", &["revoke", "--all", "--note", "the walk goes on"]).map(drop)
    }

    /// Nobody gets anything, and they are told so.
    pub(super) fn refuses_everybody(&self) -> Result<()> {
        let answer = self.elevate("bert", "ids", "1m")?;
        if answer.success() {
            Err(Error::Odd(format!("it grants without being able to:\n{answer}")))
        } else {
            Ok(())
        }
    }

    /// What the daemons and strace said, those that were started last.
    pub(super) fn story(&self) -> String {
        self.newest_stories(TOLD)
    }

    /// Asks for a role.
    pub(super) fn elevate(&self, user: &str, role: &str, length: &str) -> Result<Output> {
        self.jitctl(user, &["elevate", role, "--for", length, "--reason", "INC-42 a walk", "--json"])
    }

    /// Asks for a role and gets it; the grant's id. A role that could not be looked at when the policy was read is looked at
    /// again by itself.
    pub(super) fn grant(&self, user: &str, role: &str, length: &str) -> Result<String> {
        let mut asked = self.elevate(user, role, length);
        let settled = || {
            let is_disabled =
                matches!(&asked, Ok(answer) if answer.out.contains("\"code\":\"role-disabled\""));
            if is_disabled {
                asked = self.elevate(user, role, length);
            }
            (!is_disabled).then_some(())
        };
        until("the role to be enabled", SOON, settled)?;
        let answer = asked?.ok()?;
        id_in(&answer.out).ok_or_else(|| Error::Odd(format!("no grant in {answer}")))
    }

    /// The state of things, as root sees it.
    pub(super) fn status(&self) -> Result<Value> {
        json(&self.jitctl("root", &["status", "--json"])?.ok()?.out)
    }

    /// The entries of these kinds, oldest first.
    pub(super) fn record(&self, kinds: &[&str]) -> Result<Vec<Value>> {
        let mut words = vec!["log", "--json"];
        words.extend(kinds.iter().flat_map(|kind| ["--kind", kind]));
        self.jitctl("root", &words)?.ok()?.out.lines().map(json).collect()
    }

    /// Waits until what came of every intent is on the record and nobody waits for a decision.
    pub(super) fn wait_at_rest(&self) -> Result<()> {
        until("everything to be on the record", SOON, || self.is_at_rest().ok()?.then_some(()))
    }

    /// Whether what came of every intent is on the record, and no question is open.
    pub(super) fn is_at_rest(&self) -> Result<bool> {
        let entries = self.record(&["intent", "applied", "ending", "ended"])?;
        let ids = |kinds: &[&str]| -> BTreeSet<String> {
            let of =
                entries.iter().filter(|entry| entry["kind"].as_str().is_some_and(|k| kinds.contains(&k)));
            of.filter_map(|entry| entry["id"].as_str().map(str::to_owned)).collect()
        };
        let status = self.status()?;
        let open = waits(&status);
        Ok(!open
            && ids(&["intent"]).is_subset(&ids(&["applied", "ended"]))
            && ids(&["ending"]).is_subset(&ids(&["ended"])))
    }

    /// Writes the policy anew, with another hash.
    pub(super) fn write_policy(&mut self) -> Result<()> {
        self.policies += 1;
        self.recorded = Some(self.last_recorded()?);
        self.policy("10-walk.toml", &format!("# {}\n{POLICY}", self.policies))
    }

    /// Whether the guard waits for something to happen.
    pub(super) fn guard_sleeps(&self) -> Result<bool> {
        let path = format!("/proc/{}/syscall", self.guard()?.pid()?);
        let call = std::fs::read_to_string(&path).map_err(Error::io(format!("read {path}")))?;
        Ok(POLLS.iter().any(|poll| call.starts_with(poll)))
    }

    /// Whether anything was recorded since the policy was written. Looked at from outside: who asks jitd makes it do more.
    pub(super) fn has_recorded(&self) -> Result<bool> {
        Ok(self.recorded != Some(self.last_recorded()?))
    }

    fn last_recorded(&self) -> Result<SystemTime> {
        self.metadata(LOG)?.modified().map_err(Error::io("look at the record"))
    }

    /// Rewrites `applied` as it would be had time passed, or a reboot: the line of each grant that is named.
    pub(super) fn change_applied(&self, ids: &[&str], change: impl Fn(&str) -> String) -> Result<()> {
        let text = self.read(APPLIED)?;
        let line = |line: &str| match ids.iter().any(|id| line.starts_with(&format!("grant {id} "))) {
            true => change(line),
            false => line.to_owned(),
        };
        let text: String = text.lines().map(|of| line(of) + "\n").collect();
        self.write_mode("/var/lib/jit/walk-applied", &text, 0o600)?;
        self.run(&["mv", "/var/lib/jit/walk-applied", APPLIED])?.ok().map(drop)
    }
}

/// Whether anything waits for people, or for its start.
pub(super) fn waits(status: &Value) -> bool {
    ["people", "approved", "scheduled"].iter().any(|what| status["waiting"][what].as_u64() != Some(0))
}

fn is_away(daemon: Option<&Running>) -> bool {
    !daemon.is_some_and(Running::is_running)
}

/// A line of `applied` whose deadline has passed.
pub(super) fn overdue(line: &str) -> String {
    with_words(line, |word| {
        ["until_boot=", "until_wall="]
            .into_iter()
            .find(|name| word.starts_with(name))
            .map(|name| format!("{name}0"))
    })
}

/// A line of `applied` from another boot.
pub(super) fn of_another_boot(line: &str) -> String {
    with_words(line, |word| {
        word.starts_with("boot=").then(|| "boot=11111111-2222-3333-4444-555555555555".to_owned())
    })
}

fn with_words(line: &str, change: impl Fn(&str) -> Option<String>) -> String {
    line.split(' ').map(|word| change(word).unwrap_or_else(|| word.to_owned())).collect::<Vec<_>>().join(" ")
}

/// The id of the grant in an answer of `jitctl elevate --json`, if there is one.
pub(super) fn id_in(answer: &str) -> Option<String> {
    json(answer).ok()?["grant"]["id"].as_str().map(str::to_owned)
}

/// Text as JSON.
pub(super) fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::Odd(format!("no JSON ({error}): {text}")))
}
