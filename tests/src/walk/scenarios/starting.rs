//! jitd's starts: with what is live, overdue, and noted by the guard; with the guard away; the very first one. And the reading
//! of a policy.

use super::ending::{has_one, is_over};
use super::{Scenario, Told, Victim, nothing, nothing_alone};
use crate::walk::site::{NOTES, SOON, Site, overdue};
use crate::{Error, Result, Signal, until};

pub(super) const RELOAD: Scenario = Scenario {
    name: "a policy read anew",
    victim: Victim::Jitd,
    prepare: |site| {
        site.grant("alice", "both", "30m")?;
        site.wait_at_rest()?;
        site.write_policy()
    },
    act: |site| {
        site.jitd()?.signal(Signal::SIGHUP)?;
        Ok(Told::Nothing)
    },
    is_over: |site| Ok(site.has_recorded()? && policies(site)? > 0),
    alone: nothing_alone,
    outcome: |_, _| Ok(()),
    // A policy that could not be read is read when somebody asks again.
    undo: |site| {
        site.jitd()?.signal(Signal::SIGHUP)?;
        let taken = || site.status().ok()?["not_granting"].as_array()?.is_empty().then_some(());
        until("the policy to be taken", SOON, taken)
    },
};

pub(super) const WITH_NOTES: Scenario = Scenario {
    name: "a start with grants and notes of the guard",
    victim: Victim::JitdStart,
    prepare: |site| {
        site.grant("alice", "both", "30m")?;
        let first = site.grant("bert", "docker", "30m")?;
        let second = site.grant("dora", "both", "30m")?;
        site.wait_at_rest()?;
        site.kill_jitd()?;
        site.change_applied(&[&first, &second], overdue)?;
        let noted =
            |text: String| [&first, &second].iter().all(|id| text.contains(&format!("removed {id} ")));
        until("the guard's notes", SOON, || {
            site.read(NOTES).ok().filter(|text| noted(text.clone())).map(drop)
        })
    },
    act: |_| Ok(Told::Nothing),
    is_over: is_up_and_at_rest,
    alone: nothing_alone,
    outcome: |site, _| is_over(site, "bert").and_then(|()| is_over(site, "dora")),
    undo: nothing,
};

pub(super) const WITHOUT_GUARD: Scenario = Scenario {
    name: "a start with what is overdue and no guard",
    victim: Victim::JitdStart,
    prepare: |site| {
        site.grant("alice", "both", "30m")?;
        let id = site.grant("bert", "both", "1s")?;
        site.kill_guard()?;
        site.kill_jitd()?;
        let intents = site.read("/var/lib/jit/applied")?;
        let line = intents.lines().find(|line| line.starts_with(&format!("grant {id} "))).unwrap_or_default();
        let end = line.split(' ').find_map(|word| word.strip_prefix("until_wall=")).unwrap_or("0");
        let end: i128 = end.parse().map_err(|_| Error::Odd(format!("no deadline in {line:?}")))?;
        until("its deadline", SOON, || (wall() > end).then_some(()))
    },
    act: |_| Ok(Told::Nothing),
    is_over: is_up_and_at_rest,
    alone: nothing_alone,
    outcome: |site, _| is_over(site, "bert"),
    undo: nothing,
};

pub(super) const FIRST: Scenario = Scenario {
    name: "the very first start",
    victim: Victim::JitdStart,
    prepare: |site| {
        site.kill_jitd()?;
        site.sh("rm -r /var/lib/jit/* /run/jit/sudoers.d/*; mkdir -m 700 /var/lib/jit/sinks")?.ok().map(drop)
    },
    act: |_| Ok(Told::Nothing),
    is_over: is_up_and_at_rest,
    alone: nothing_alone,
    // It works.
    outcome: |site, _| match has_one(site, "alice")? {
        true => Ok(()),
        false => site.grant("alice", "both", "30m").map(drop),
    },
    undo: nothing,
};

fn is_up_and_at_rest(site: &Site) -> Result<bool> {
    // Not there yet is not over.
    Ok(site.status().is_ok() && site.is_at_rest()?)
}

/// How many policies were loaded since jitd was started.
fn policies(site: &Site) -> Result<usize> {
    let entries = site.record(&["started", "policy-loaded"])?;
    let since = entries.iter().rev().take_while(|entry| entry["kind"] != "started");
    Ok(since.count().saturating_sub(1))
}

/// Nanoseconds since 1970.
fn wall() -> i128 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.ok().and_then(|since| i128::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
