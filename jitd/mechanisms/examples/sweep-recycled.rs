//! Has the holder of a group end while it is being looked for, and its number given to somebody else, for the tests:
//! `sweep-recycled USER UID GROUP GID [VICTIM_UID] LAST`. The victim does not hold the group; without one the holder lives on.
//! `LAST` is where the kernel takes the last number that was given (`ns_last_pid`, proc(5)).
//! Needs root, and a pid namespace of its own, in which nobody else starts anything meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::{Write, stdout};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};

use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::Membership;
use jit_mechanisms::groups::sweep::{Signal, Sweep, sweep};
use jitd_core::policy::Logins;

/// How often a number is tried for that somebody else may have taken.
const TRIES: usize = 100;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "sweep-recycled: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), Box<dyn Error>> {
    let [user, uid, group, gid, victim @ .., last] = words else {
        return Err("usage: sweep-recycled USER UID GROUP GID [VICTIM_UID] LAST".into());
    };
    let (uid, gid) = (uid.parse()?, gid.parse()?);
    let victim: Option<u32> = victim.first().map(|uid| uid.parse()).transpose()?;
    let mut out = stdout().lock();

    let mut holder = sleeper(uid, gid)?;
    let number = holder.id();
    let of = Membership { gid, group: group.clone(), uid, user: user.clone() };
    let sweeps = BTreeMap::from([(of, Sweep { signal: Signal::KILL, logins: Logins::End })]);
    let (mut seen, mut other) = (false, None);
    // Asked before each process, the newest first: when it is asked for the second time, the newest has been looked at.
    let has_time = || {
        if let (true, None, Some(victim)) = (seen, &other, victim) {
            other = end(&mut holder).and_then(|()| recycled(number, victim, last));
        }
        seen = true;
        true
    };
    let swept = sweep(&HostPaths::default(), &sweeps, &BTreeSet::new(), has_time)?;
    let signalled: Vec<u32> = swept.signalled.values().flatten().map(|holder| holder.pid).collect();
    if let Some(mut other) = other {
        writeln!(out, "{} is the same number", other.id())?;
        if signalled.is_empty() {
            writeln!(out, "signalled nobody")?;
        }
        if other.try_wait()?.is_none() {
            writeln!(out, "it runs on")?;
        }
        let _ = end(&mut other);
    } else if signalled == [number] {
        writeln!(out, "signalled it")?;
    }
    let _ = end(&mut holder);
    Ok(())
}

/// A process of this uid and gid.
fn sleeper(uid: u32, gid: u32) -> std::io::Result<Child> {
    let mut command = Command::new("/usr/bin/sleep");
    command.arg("1000").uid(uid).gid(gid).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
}

fn end(child: &mut Child) -> Option<()> {
    child.kill().ok()?;
    child.wait().ok().map(drop)
}

/// A process of the victim's with this number.
fn recycled(number: u32, victim: u32, last: &str) -> Option<Child> {
    for _ in 0..TRIES {
        fs::write(last, number.saturating_sub(1).to_string()).ok()?;
        let mut child = sleeper(victim, victim).ok()?;
        if child.id() == number {
            return Some(child);
        }
        let _ = end(&mut child);
    }
    None
}
