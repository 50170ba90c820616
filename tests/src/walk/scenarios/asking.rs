//! Grants, from the request on: a rule of sudo, a group, both, and what somebody has approved.

use super::{Scenario, Told, Victim, nothing, nothing_alone, told_is_so};
use crate::walk::site::{Site, id_in};
use crate::{Error, Output, Result};

/// Alice is in a group by another grant already where her grant is of sudo, so that nothing else is lost by it.
pub(super) const SUDO: Scenario = Scenario {
    name: "a grant of sudo",
    victim: Victim::Jitd,
    prepare: bert_has_docker,
    act: |site| asks(site, "ids"),
    is_over: Site::is_at_rest,
    alone: nothing_alone,
    outcome: told_is_so,
    undo: nothing,
};

pub(super) const GROUP: Scenario = Scenario {
    name: "a grant of a group",
    victim: Victim::Jitd,
    prepare: nothing,
    act: |site| asks(site, "docker"),
    is_over: Site::is_at_rest,
    alone: nothing_alone,
    outcome: told_is_so,
    undo: nothing,
};

pub(super) const BOTH: Scenario = Scenario {
    name: "a grant of groups and sudo",
    victim: Victim::Jitd,
    prepare: bert_has_docker,
    act: |site| asks(site, "both"),
    is_over: Site::is_at_rest,
    alone: nothing_alone,
    outcome: told_is_so,
    undo: nothing,
};

pub(super) const APPROVED: Scenario = Scenario {
    name: "an approval that grants",
    victim: Victim::Jitd,
    prepare: |site| {
        let words = ["elevate", "asked", "--no-wait", "--reason", "INC-42 a walk"];
        let asked = site.jitctl("alice", &words)?;
        let pending = site.record(&["pending"])?;
        let id = pending.last().and_then(|entry| entry["id"].as_str()).unwrap_or_default();
        site.asked = id.to_owned();
        // It is pending.
        if asked.code == 4 { Ok(()) } else { Err(Error::Odd(asked.to_string())) }
    },
    act: |site| Ok(done(&site.jitctl("lena", &["approve", &site.asked])?)),
    // The files first: whoever asks jitd makes it do more than what is counted.
    is_over: |site| Ok(is_in_docker_and_unlocked(site)? && site.is_at_rest()?),
    alone: nothing_alone,
    outcome: told_is_so,
    undo: nothing,
};

/// By a grant to alice.
fn is_in_docker_and_unlocked(site: &Site) -> Result<bool> {
    let group = site.read("/etc/group")?;
    let docker = group.lines().find(|line| line.starts_with("docker:")).unwrap_or_default();
    Ok(docker.contains("alice") && !site.exists("/etc/group.lock"))
}

fn bert_has_docker(site: &mut Site) -> Result<()> {
    site.grant("bert", "docker", "30m").map(drop)?;
    site.wait_at_rest()
}

fn asks(site: &Site, role: &str) -> Result<Told> {
    let answer = site.elevate("alice", role, "30m")?;
    Ok(match id_in(&answer.out).filter(|_| answer.success()) {
        Some(id) => Told::Granted(id),
        None => Told::No(answer.to_string()),
    })
}

/// What an exit status says.
pub(super) fn done(answer: &Output) -> Told {
    if answer.success() { Told::Done } else { Told::No(answer.to_string()) }
}
