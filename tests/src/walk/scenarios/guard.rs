//! What the guard takes off: on its own, at boot, and when everything has to end.

use super::ending::is_over;
use super::{Scenario, Told, Victim, nothing, nothing_alone};
use crate::walk::site::{GROUP_FILES, NOTES, SOON, SUDOERS, Site, of_another_boot, overdue};
use crate::{Error, Result, until};

pub(super) const OVERDUE: Scenario = Scenario {
    name: "a removal by the guard",
    victim: Victim::Guard,
    prepare: |site| {
        two_have_both(site)?;
        site.kill_jitd()
    },
    act: |site| {
        site.change_applied(&ids(site)?.iter().map(String::as_str).collect::<Vec<_>>(), overdue)?;
        Ok(Told::Nothing)
    },
    is_over: |site| {
        let notes = site.read(NOTES).unwrap_or_default();
        let noted = ids(site)?.iter().all(|id| notes.contains(&format!("removed {id} ")));
        Ok(noted && site.guard_sleeps()?)
    },
    alone: nothing_is_left,
    outcome: nobody_has_anything,
    undo: nothing,
};

pub(super) const BOOT: Scenario = Scenario {
    name: "jit-guard --boot",
    victim: Victim::Pass("--boot"),
    prepare: |site| {
        two_have_both(site)?;
        site.kill_jitd()?;
        site.kill_guard()?;
        site.change_applied(&ids(site)?.iter().map(String::as_str).collect::<Vec<_>>(), of_another_boot)
    },
    act: |_| Ok(Told::Nothing),
    is_over: |_| Ok(true),
    alone: nothing_is_left,
    outcome: nobody_has_anything,
    undo: nothing,
};

pub(super) const ALL: Scenario = Scenario {
    name: "jit-guard --all",
    victim: Victim::Pass("--all"),
    // It needs nobody, and whoever else is there would do a part of it.
    prepare: |site| {
        two_have_both(site)?;
        site.kill_jitd()?;
        site.kill_guard()
    },
    act: |_| Ok(Told::Nothing),
    is_over: |_| Ok(true),
    alone: nothing_alone,
    outcome: |site, told| {
        if *told != Told::Done {
            site.run(&["jit-guard", "--all"])?.ok()?;
            let off = || (site.status().ok()?["live"].as_u64()? == 0).then_some(());
            until("everything to be off", SOON, off)?;
        }
        nobody_has_anything(site, told)
    },
    undo: nothing,
};

/// Two people with both, one of them in docker without jitd, and a third one with sudo alone.
fn two_have_both(site: &mut Site) -> Result<()> {
    site.grant("alice", "both", "30m")?;
    site.grant("dora", "both", "30m")?;
    site.grant("bert", "ids", "30m")?;
    site.wait_at_rest()
}

/// The grants in `applied`.
fn ids(site: &Site) -> Result<Vec<String>> {
    let text = site.read("/var/lib/jit/applied")?;
    let rests = text.lines().filter_map(|line| line.strip_prefix("grant "));
    Ok(rests.filter_map(|rest| rest.split(' ').next()).map(str::to_owned).collect())
}

/// Without jitd: nobody is in a group and nothing is in sudo's file that was not there before.
fn nothing_is_left(site: &Site) -> Result<()> {
    let left = || -> Result<Vec<String>> {
        let mut left = Vec::new();
        if site.read(SUDOERS).unwrap_or_default().contains("# grant ") {
            left.push(SUDOERS.to_owned());
        }
        let files = GROUP_FILES.iter().zip(site.group_files()?.into_iter().zip(&site.before.groups));
        left.extend(files.filter(|(_, (now, before))| now != *before).map(|(file, _)| (*file).to_owned()));
        Ok(left)
    };
    let off = until("the guard to take it off", SOON, || left().ok()?.is_empty().then_some(()));
    off.map_err(|_| Error::Odd(format!("without jitd, not as before: {:?}", left())))
}

fn nobody_has_anything(site: &Site, _: &Told) -> Result<()> {
    ["alice", "bert", "dora"].into_iter().try_for_each(|user| is_over(site, user))
}
