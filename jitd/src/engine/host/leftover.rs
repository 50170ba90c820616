//! What is still there after memberships have ended: processes that were started with them.

use std::collections::BTreeMap;

use jit_common::ids::RequestId;
use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::holders::{Holders, holders};
use jit_mechanisms::groups::sweep::without_members;
use jit_mechanisms::groups::{Given, Membership};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::{NANOS, Now};
use jitd_core::wanted::WantedGrant;

use super::Host;
use super::change::joins;
use super::memory::{memberships, wanted};
use crate::clock;

/// Nanoseconds for a look at all processes: everybody else waits meanwhile.
const LONGEST: i64 = NANOS / 50;

/// Processes that are named for one grant. The others are counted.
const NAMED: usize = 8;

impl Host {
    /// Who is in a group by jitd.
    pub fn given(&self) -> &Given {
        &self.memory.given
    }

    /// The memberships that a live grant gives and that are jitd's.
    pub fn given_by(&self, grant: &Grant) -> Given {
        memberships(&wanted(grant)).filter(|of| self.memory.given.contains(of)).collect()
    }

    /// Those of these in which nobody is by the group file of now. None of them, where it cannot be read.
    pub fn nobodys(&self, of: &Given) -> Given {
        without_members(&self.paths, of.iter()).unwrap_or_default()
    }

    /// The memberships of a grant that were taken away with it.
    pub fn taken_out(&self, grant: &Grant, now: &Now) -> Given {
        let out: Given = self.lately.out(now).cloned().collect();
        memberships(&wanted(grant)).filter(|of| out.contains(of)).collect()
    }

    /// The memberships that were put in for a grant or for one before it, by its own words, and that nobody has by jitd now.
    pub fn were_put_in(&self, grant: &Grant) -> Given {
        let put_in = |of: &Membership| grant.change.contains(&joins(of)) && !self.memory.given.contains(of);
        memberships(&wanted(grant)).filter(put_in).collect()
    }
}

/// A line for each process that still holds a group of one of these grants, as far as it was taken out. One look at all
/// processes serves all grants. The process that is calling is not named.
pub(super) fn leftover<'g>(
    paths: &HostPaths,
    ended: impl Iterator<Item = &'g WantedGrant>,
    taken_out: &Given,
    caller: Option<u32>,
) -> BTreeMap<RequestId, Vec<String>> {
    let theirs = |grant: &WantedGrant| -> Vec<Membership> {
        memberships(grant).filter(|of| taken_out.contains(of)).collect()
    };
    let ended: Vec<(RequestId, Vec<Membership>)> =
        ended.map(|grant| (grant.id, theirs(grant))).filter(|(_, of)| !of.is_empty()).collect();
    if ended.is_empty() {
        return BTreeMap::new();
    }
    let all: Given = ended.iter().flat_map(|(_, of)| of).cloned().collect();
    let mut looked = holders(paths, &all, clock::time_for(LONGEST)).map_err(|why| why.to_string());
    if let Ok(looked) = &mut looked {
        // Whoever gives something back by a program that was started with it is about to end.
        looked.found.values_mut().for_each(|found| found.retain(|holder| Some(holder.pid) != caller));
    }
    let lines = ended.into_iter().map(|(id, of)| (id, lines(&of, &looked)));
    lines.filter(|(_, lines)| !lines.is_empty()).collect()
}

fn lines(theirs: &[Membership], looked: &Result<Holders, String>) -> Vec<String> {
    let holders = match looked {
        Ok(holders) => holders,
        Err(why) => {
            return vec![format!("nobody knows which processes still hold a group: /proc: {why}")];
        }
    };
    let held = |of: &Membership| holders.found.get(of).cloned().unwrap_or_default();
    let mut all = theirs
        .iter()
        .flat_map(|of| held(of).into_iter().map(|holder| format!("{holder} still holds {}", of.group)));
    let mut lines: Vec<String> = all.by_ref().take(NAMED).collect();
    match all.count() {
        0 => {}
        1 => lines.push("1 more process still holds a group of it".into()),
        more => lines.push(format!("{more} more processes still hold groups of it")),
    }
    if let Some((count, why)) = &holders.unseen {
        lines.push(format!("{count} processes could not be looked at: {why}"));
    }
    match holders.left_out {
        0 => {}
        count => lines.push(format!("there was no time to look at {count} of the oldest processes")),
    }
    lines
}

#[cfg(test)]
mod tests {
    use jit_mechanisms::groups::Place;
    use jit_mechanisms::groups::holders::Holder;

    use super::*;

    #[test]
    fn eight_are_named_and_the_others_counted() {
        let of = Membership { gid: 999, group: "docker".into(), uid: 1001, user: "alice".into() };
        let holder = |pid| Holder {
            pid,
            name: "bash".into(),
            terminal: Some(format!("pts/{pid}")),
            place: Place::Login,
        };
        let held = |count| Holders {
            found: BTreeMap::from([(of.clone(), (1..=count).map(holder).collect())]),
            ..Holders::default()
        };
        let said = |count| lines(std::slice::from_ref(&of), &Ok(held(count)));
        assert_eq!(said(0), Vec::<String>::new());
        assert_eq!(said(1), ["bash (1) on pts/1 still holds docker"]);
        assert_eq!(said(9).last().map(String::as_str), Some("1 more process still holds a group of it"));
        assert_eq!(said(100).len(), 9);
        assert_eq!(said(100).last().map(String::as_str), Some("92 more processes still hold groups of it"));
    }

    #[test]
    fn what_could_not_be_looked_at_is_said() {
        let of = Membership { gid: 999, group: "docker".into(), uid: 1001, user: "alice".into() };
        let blind = lines(std::slice::from_ref(&of), &Err("Permission denied".into()));
        assert_eq!(blind, ["nobody knows which processes still hold a group: /proc: Permission denied"]);
        let unseen = Holders { unseen: Some((2, "no".into())), left_out: 3, ..Holders::default() };
        let said = [
            "2 processes could not be looked at: no",
            "there was no time to look at 3 of the oldest processes",
        ];
        assert_eq!(lines(&[of], &Ok(unseen)), said);
    }
}
