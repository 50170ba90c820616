//! What runs with a grant ends with it: in control groups of the real systemd, by every way a grant ends.

mod at_expiry;
mod away;
mod ends;
mod escaped;
mod evasions;
mod plain_sudo;
mod subcommands;

use jit_e2e::{BootedBed, OrSkip as _, Release, Running, until};
use serde_json::Value;

use crate::site::{Product as _, REASON, SOON, people};

const POLICY: &str = r#"
[role.root]
summary = "A shell of root"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = "ALL" }

[role.slow]
summary = "What may finish"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = "ALL" }

[role.held]
summary = "What is frozen"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = "ALL" }

[[rule]]
name         = "ends"
roles        = ["root"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"

[[rule]]
name            = "finishes"
roles           = ["slow"]
eligible        = { groups = ["oncall"] }
max_duration    = "1h"
at_expiry       = "finish"
at_expiry_limit = "8s"

[[rule]]
name            = "pauses"
roles           = ["held"]
eligible        = { groups = ["oncall"] }
max_duration    = "1h"
at_expiry       = "pause"
at_expiry_limit = "8s"
"#;

/// A shell that hears no warning, with a daemon in a session of its own, a double fork and one that hangs up nobody.
const STUBBORN: &str = "trap '' HUP TERM; setsid sleep 3001 & (setsid sh -c 'sleep 3002 & exec sleep 3003' &) ; \
    nohup sleep 3004 >/dev/null 2>&1 & echo started; sleep 3005";

/// How many processes [`STUBBORN`] has that sleep.
const SLEEPERS: usize = 5;

/// The same, as the record counts.
const MANY: u64 = 5;

fn machine(release: Release) -> Option<BootedBed> {
    let bed = BootedBed::with_product(release).or_skip()?;
    people(&bed);
    bed.policy("30-sessions.toml", POLICY).unwrap();
    bed.unit("jitd.service").reload().unwrap();
    Some(bed)
}

/// Runs a script of root's with a role of alice's, and waits until it says that it has started.
fn run(bed: &BootedBed, role: &str, length: &str, script: &str) -> Running {
    let words =
        ["jitctl", "elevate", role, "--for", length, "--reason", REASON, "--", "/bin/sh", "-c", script];
    let running = bed.command(&words).user("alice").spawn().unwrap();
    running.wait_for("started", SOON).unwrap();
    running
}

/// The newest entry of the record of this kind for which this holds, as soon as there is one.
fn told(bed: &BootedBed, kind: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let find = || bed.record(kind).into_iter().rfind(|entry| holds(&entry["body"]));
    until(&format!("{kind} on the record"), SOON, find).unwrap()
}

/// How long after its last moment nothing ran any more, in milliseconds, and how many processes were killed.
fn swept(bed: &BootedBed) -> (i64, u64) {
    let entry = told(bed, "swept", |body| !body["what"]["over"].is_null());
    let over = &entry["body"]["what"]["over"];
    (over["late-ms"].as_i64().unwrap(), over["killed"].as_u64().unwrap())
}

/// A process of somebody else, which nobody may touch.
fn bystander(bed: &BootedBed) -> Running {
    let running = bed.command(&["sh", "-c", "echo started; exec sleep 4000"]).user("alice").spawn().unwrap();
    running.wait_for("started", SOON).unwrap();
    running
}
