//! What runs with a grant at this moment, in words: what is in its control groups, and what holds one of its groups by its
//! credentials.

use std::collections::BTreeMap;
use std::fs;

use jit_common::ids::RequestId;

use crate::control_groups::Group;
use crate::groups::holders::{Holders, Status, holders};
use crate::groups::{Given, Place};
use crate::paths::HostPaths;
use crate::process_stat::Stat;

/// Processes that are named. The others are counted.
const NAMED: usize = 32;

/// A line for each process that is in one of these control groups or holds one of these memberships, by number, for as long as
/// `has_time` says so; and one for what could not be looked at.
pub fn running(
    paths: &HostPaths,
    control_groups: &[RequestId],
    of: &Given,
    has_time: impl FnMut() -> bool,
) -> Vec<String> {
    let mut found: BTreeMap<u32, String> = BTreeMap::new();
    let mut unknown = Vec::new();
    for name in control_groups {
        match Group::named(paths, *name).pids() {
            Ok(pids) => found.extend(pids.into_iter().filter_map(|pid| Some((pid, within(paths, pid)?)))),
            Err(why) => unknown.push(format!("nobody knows what is in the control group {name}: {why}")),
        }
    }
    match holders(paths, of, has_time) {
        Ok(Holders { found: held, unseen, left_out }) => {
            for (of, holder) in held.iter().flat_map(|(of, all)| all.iter().map(move |one| (of, one))) {
                let is = match holder.place {
                    Place::Work => "",
                    Place::Login => ", a login",
                    Place::SetUid => ", acts as another uid",
                };
                let line = found.entry(holder.pid).or_insert_with(|| holder.to_string());
                line.push_str(&format!(", holds {}{is}", of.group));
            }
            unknown.extend(unseen.map(|(count, why)| format!("{count} processes were not looked at: {why}")));
            unknown
                .extend((left_out > 0).then(|| format!("{left_out} processes were not looked at: no time")));
        }
        Err(why) => unknown.push(format!("nobody knows which processes hold a group of it: {why}")),
    }
    let more = found.len().checked_sub(NAMED).filter(|more| *more > 0);
    let lines = found.into_values().take(NAMED);
    lines.chain(more.map(|more| format!("and {more} more"))).chain(unknown).collect()
}

/// A process of a control group; `None` when it has ended.
fn within(paths: &HostPaths, pid: u32) -> Option<String> {
    let text = fs::read(paths.proc.join(pid.to_string()).join("status")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let status = Status::parse(&text)?;
    let on = Stat::of(&paths.proc, pid).and_then(|stat| stat.terminal_name());
    let on = on.map(|terminal| format!(" on {terminal}")).unwrap_or_default();
    Some(format!("{} ({pid}){on}, as uid {}", status.name, status.effective))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::groups::Membership;
    use crate::process_stat::line;
    use crate::scratch::Scratch;

    #[test]
    fn what_is_in_the_group_and_what_holds_a_gid_is_told_once_each() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let id: RequestId = "7k2m9xqa".parse().unwrap();
        let group = paths.control_home.join(format!("grant-{id}"));
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("cgroup.procs"), "10\n11\n12\n").unwrap();
        for (pid, name, uid, groups) in
            [(10, "sudo", 0, ""), (11, "bash", 1001, "999"), (20, "sleep", 1001, "999")]
        {
            let folder = paths.proc.join(pid.to_string());
            fs::create_dir_all(&folder).unwrap();
            let status = format!(
                "Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t1\t1\t1\t1\nGroups:\t{groups}\nThreads:\t1\n"
            );
            fs::write(folder.join("status"), status).unwrap();
            fs::write(folder.join("stat"), line(pid, 1, pid, 0x8803, 1)).unwrap();
        }
        let of = Membership { gid: 999, group: "docker".into(), uid: 1001, user: "alice".into() };
        assert_eq!(
            running(&paths, &[id], &Given::from([of]), || true),
            [
                "sudo (10) on pts/3, as uid 0",
                "bash (11) on pts/3, as uid 1001, holds docker",
                "sleep (20) on pts/3, holds docker"
            ]
        );
        let none: RequestId = "4h1kzzzz".parse().unwrap();
        assert!(running(&paths, &[none], &Given::new(), || true).is_empty());
    }
}
