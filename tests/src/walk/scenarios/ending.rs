//! Endings by jitd: given back, and by the clock.

use super::asking::done;
use super::{Scenario, Told, Victim, nothing, nothing_alone};
use crate::walk::site::{APPLIED, SOON, Site};
use crate::{Error, Result, until};

pub(super) const DROPPED: Scenario = Scenario {
    name: "a grant given back",
    victim: Victim::Jitd,
    prepare: |site| {
        site.grant("bert", "docker", "30m")?;
        site.grant("alice", "both", "30m")?;
        site.wait_at_rest()
    },
    act: |site| Ok(done(&site.jitctl("alice", &["drop", "both"])?)),
    is_over: |site| Ok(site.is_at_rest()? && !has_one(site, "alice")?),
    alone: nothing_alone,
    // Whatever was told: what is said to be off is off. What was told to be stuck is off by now or live.
    outcome: |site, told| match (told, has_one(site, "alice")?) {
        (Told::Done, true) => Err(Error::Odd("it was told to be off, and it is live".to_owned())),
        (Told::Done | Told::Nothing | Told::Granted(_) | Told::No(_), _) => Ok(()),
    },
    undo: nothing,
};

pub(super) const EXPIRED: Scenario = Scenario {
    name: "a grant whose time is over",
    victim: Victim::Jitd,
    prepare: |site| {
        site.grant("bert", "docker", "30m")?;
        site.grant("alice", "both", "2s")?;
        site.wait_at_rest()
    },
    act: |_| Ok(Told::Nothing),
    // The file first: whoever asks jitd makes it do more than what is counted.
    is_over: |site| {
        Ok(!site.read(APPLIED)?.contains("alice") && site.is_at_rest()? && !has_one(site, "alice")?)
    },
    alone: nothing_alone,
    // What was made to fail may have been the report of a grant before it, while this one had time left.
    outcome: |site, _| {
        let over = || has_one(site, "alice").ok().filter(|has| !has).map(drop);
        until("alice's grant to be over", SOON, over)
    },
    undo: nothing,
};

/// Whether somebody has a grant, by what jitd says.
pub(super) fn has_one(site: &Site, user: &str) -> Result<bool> {
    let status = site.status()?;
    let all = status["all"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(all.iter().any(|grant| grant["person"]["name"] == *user))
}

/// Fails while somebody has a grant.
pub(super) fn is_over(site: &Site, user: &str) -> Result<()> {
    match has_one(site, user)? {
        true => Err(Error::Odd(format!("{user} has a grant that is over"))),
        false => Ok(()),
    }
}
