//! The host to measure on: two people, a role that gives a group, and group files of a given length.

use std::fmt::Write as _;

use super::pairs::{GROUP, OURS, Pair, THEIRS};
use super::syncs;
use crate::{Error, Release, Result, RootBed, Running, workspace};

/// The program that is timed inside: this one.
const INSIDE: &str = "/usr/local/bin/measure";

const POLICY: &str = r#"
[role.docker]
summary = "Containers"
risk    = "high"
groups  = ["docker"]

[[rule]]
name         = "on-call at once"
roles        = ["docker"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
reason       = { required = true }
"#;

/// So that nobody is asked to wait a minute. Nothing else differs from what the package installs.
const SETTINGS: &str = "[limits]\nrequests_per_minute = 100000\n";

/// A bed on a disk with both daemons running.
pub(super) struct Host {
    bed: RootBed,
    jitd: Running,
    _guard: Running,
}

impl Host {
    /// Makes one whose group files have so many lines, or as many as Debian itself has, if that is more.
    pub(super) fn set_up(release: Release, lines: usize) -> Result<Host> {
        let bed = RootBed::with_product_on_disk(release)?;
        bed.run(&["groupadd", GROUP])?.ok()?;
        bed.add_user(OURS, &["oncall"], None)?;
        bed.add_user(THEIRS, &[], None)?;
        lengthen(&bed, lines)?;
        bed.policy("10-docker.toml", POLICY)?;
        bed.write_mode("/etc/jit/jitd.toml", SETTINGS, 0o644)?;
        // Not the file that runs: building the product may have replaced it.
        bed.copy_in(&workspace::built()?.join("measure"), INSIDE)?;
        bed.run(&["chmod", "755", INSIDE])?.ok()?;
        // What was written up to here is not to be on anybody's bill.
        bed.run(&["sync"])?.ok()?;
        let guard = bed.start_guard()?;
        let jitd = bed.start_jitd()?;
        Ok(Host { bed, jitd, _guard: guard })
    }

    /// The times of so many pairs.
    pub(super) fn pairs(&self, pairs: usize) -> Result<Vec<Pair>> {
        let ours = self.bed.account(OURS)?;
        let words = ["inside", &pairs.to_string(), &ours.uid.to_string(), &ours.gid.to_string()];
        let limit = std::time::Duration::from_secs(600);
        let said = self.bed.command(&[&[INSIDE], &words[..]].concat()).limit(limit).run()?.ok()?;
        said.out.lines().map(Pair::read).collect()
    }

    /// How often jitd syncs before it answers one more request.
    pub(super) fn syncs(&self) -> Result<usize> {
        syncs::before_the_answer(&self.bed, &self.jitd)
    }
}

/// Puts other groups with two members each before those of people, where they cost every look-up of these.
fn lengthen(bed: &RootBed, lines: usize) -> Result<()> {
    let group = bed.read("/etc/group")?;
    let missing = lines.saturating_sub(group.lines().count());
    let (mut groups, mut shadows) = (String::new(), String::new());
    for number in 0..missing {
        // Writing to a string cannot fail.
        let _ = writeln!(groups, "team{number}:x:{}:anna{number},bert{number}", 20_000 + number);
        let _ = writeln!(shadows, "team{number}:!::anna{number},bert{number}");
    }
    let gshadow = bed.read("/etc/gshadow")?;
    bed.write("/etc/group", &before_people(&group, &groups)?)?;
    bed.write("/etc/gshadow", &before_people(&gshadow, &shadows)?)
}

/// The first group that was made here is [`GROUP`].
fn before_people(text: &str, lines: &str) -> Result<String> {
    let place =
        text.find(&format!("\n{GROUP}:")).ok_or_else(|| Error::Odd(format!("no {GROUP} in {text}")))?;
    let (before, after) = text.split_at(place + 1);
    Ok(format!("{before}{lines}{after}"))
}
