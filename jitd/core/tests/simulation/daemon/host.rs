//! The host made equal to what is wanted (`jitd/src/engine/host`): first the guard knows, then sudo's file, then the groups,
//! then the guard forgets what is gone. jitd may die between any two of them.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::PersonFacts;
use jitd_core::sudoers::{Dialect, LogSubcmds, NotAfter, remove_blocks};
use jitd_core::wanted::{Wanted, WantedGrant};

use super::Lived;
use crate::world::World;
use crate::world::host::{Applied, By, GroupsHealth, Line, Membership, Note, SudoersHealth};
use crate::world::policies::HOST_GROUPS;

/// Nanoseconds for which a membership that was taken out counts for nothing.
const FORGOTTEN_AFTER: i64 = 60 * NANOS;

pub(crate) const DIALECT: Dialect = Dialect { not_after: NotAfter::Honoured, log_subcmds: LogSubcmds::Taken };

/// What came of making it so.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) not_made: BTreeSet<RequestId>,
    pub(crate) not_gone: BTreeSet<RequestId>,
    /// Put in for the first time.
    pub(crate) put_in: BTreeSet<Membership>,
}

impl Made {
    pub(crate) fn is_whole(&self) -> bool {
        self.not_made.is_empty() && self.not_gone.is_empty()
    }
}

/// What jitd remembers of the host.
#[derive(Debug, Default)]
pub(crate) struct Hosting {
    /// `applied` as last read or written.
    pub(super) file: Option<Applied>,
    /// What may be taken out.
    pub(crate) given: BTreeSet<Membership>,
    /// What was taken out, and when on the boot clock.
    recent: Vec<(Membership, i64)>,
    /// Notes of the guard that are on their way into the record.
    pub(super) noted: Vec<Note>,
}

impl Hosting {
    /// Takes out of a person's groups those that jitd gave, or took a moment ago.
    pub(crate) fn natural(&self, person: &mut PersonFacts, now: &Now) {
        let recent = self.recent(now);
        let lent = self.given.iter().chain(&recent);
        let theirs = lent.filter(|of| of.uid == person.uid || of.user == person.name);
        let names: BTreeSet<&str> = theirs.filter_map(|of| group_name(of.gid)).collect();
        person.groups.retain(|group| !names.contains(group.as_str()));
    }

    /// The groups that somebody gains by these, by number: the record's memory of whom jitd put in.
    pub(super) fn change(&self, world: &World, grant: &WantedGrant) -> Vec<String> {
        let joins = |of: &Membership| !world.host.is_in(of) || self.given.contains(of);
        memberships(grant).filter(joins).map(|of| of.gid.to_string()).collect()
    }

    /// What was taken out a moment ago.
    pub(super) fn recent(&self, now: &Now) -> BTreeSet<Membership> {
        let recent = self.recent.iter().filter(|(_, at)| now.boot.saturating_sub(*at) < FORGOTTEN_AFTER);
        recent.map(|(of, _)| of.clone()).collect()
    }

    pub(super) fn took(&mut self, of: Membership, now: &Now) {
        self.recent.retain(|(_, at)| now.boot.saturating_sub(*at) < FORGOTTEN_AFTER);
        self.recent.push((of, now.boot));
    }

    pub(super) fn make_so(
        &mut self,
        world: &mut World,
        wanted: &Wanted,
        leaving: &[WantedGrant],
        now: &Now,
    ) -> Lived<Made> {
        let mut made = Made::default();
        let all: BTreeSet<Membership> = wanted.grants().iter().flat_map(memberships).collect();
        // Where nothing is to go, one write says both what is raised and who is about to be put in.
        let adding = match leaving.is_empty() && world.host.groups_health != GroupsHealth::Locked {
            true => {
                all.iter().filter(|of| !world.host.is_in(of) && !self.given.contains(of)).cloned().collect()
            }
            false => BTreeSet::new(),
        };
        let sudo =
            self.before_raising(world, wanted, &adding)? && write_sudoers(world, &wanted.sudoers(DIALECT))?;
        let groups = match sudo {
            true => self.converge(world, &all, &all, now)?,
            false => {
                made.not_made = wanted.grants().iter().map(|grant| grant.id).collect();
                let ids: BTreeSet<RequestId> = leaving.iter().map(|grant| grant.id).collect();
                if !cut(world, &ids)? {
                    made.not_gone = ids;
                }
                self.converge(world, &BTreeSet::new(), &all, now)?
            }
        };
        made.put_in.clone_from(&groups.put_in);
        let lacks = |grant: &&WantedGrant| memberships(grant).any(|of| !groups.is_so(&of));
        made.not_made.extend(wanted.grants().iter().filter(lacks).map(|grant| grant.id));
        let keeps =
            |grant: &&WantedGrant| memberships(grant).any(|of| !all.contains(&of) && !groups.is_so(&of));
        made.not_gone.extend(leaving.iter().filter(keeps).map(|grant| grant.id));
        let lines = match sudo {
            true => wanted.grants().iter().map(line).collect(),
            false => self.lines(),
        };
        self.put(world, Applied { lines, given: self.given.clone() }, false)?;
        Ok(made)
    }

    fn before_raising(
        &mut self,
        world: &mut World,
        wanted: &Wanted,
        adding: &BTreeSet<Membership>,
    ) -> Lived<bool> {
        let mut lines = self.lines();
        lines.extend(wanted.grants().iter().map(line));
        let given = self.given.union(adding).cloned().collect();
        self.put(world, Applied { lines, given }, !adding.is_empty())
    }

    pub(super) fn lines(&self) -> BTreeMap<RequestId, Line> {
        self.file.as_ref().map(|file| file.lines.clone()).unwrap_or_default()
    }

    /// Writes `applied`. Whether it is as it should be.
    pub(super) fn put(&mut self, world: &mut World, new: Applied, grows: bool) -> Lived<bool> {
        let same = self.file.as_ref().map_or(new == Applied::default(), |file| *file == new);
        if same {
            return Ok(true);
        }
        world.fate.point()?;
        // A list that forgets somebody has to last.
        let shrinks = self.file.as_ref().is_some_and(|file| !file.given.is_subset(&new.given));
        let written = world.host.write_applied(new.clone(), shrinks && !grows, world.clocks.true_time);
        if written {
            self.file = Some(new);
        }
        world.fate.point()?;
        Ok(written)
    }

    /// Puts in whom `add` names, and takes out who was given and is not in `keep`.
    fn converge(
        &mut self,
        world: &mut World,
        add: &BTreeSet<Membership>,
        keep: &BTreeSet<Membership>,
        now: &Now,
    ) -> Lived<Groups> {
        let locked = world.host.groups_health == GroupsHealth::Locked;
        let lacking: Vec<Membership> = add.iter().filter(|of| !world.host.is_in(of)).cloned().collect();
        let going: Vec<Membership> = self.given.iter().filter(|of| !keep.contains(of)).cloned().collect();
        let (mut trouble, mut put_in) = (BTreeSet::new(), BTreeSet::new());
        if locked {
            trouble.extend(lacking.into_iter().chain(going));
            return Ok(Groups { trouble, put_in });
        }
        let new: BTreeSet<Membership> =
            lacking.iter().filter(|of| !self.given.contains(of)).cloned().collect();
        let noted = new.is_empty() || {
            let given = self.given.union(&new).cloned().collect();
            self.put(world, Applied { lines: self.lines(), given }, true)?
        };
        world.fate.point()?;
        for of in lacking {
            let account = world.people.get(of.uid).filter(|account| account.name == of.user);
            match account.is_some() && (noted || self.given.contains(&of)) {
                true => {
                    world.host.put_in(&of);
                    if self.given.insert(of.clone()) {
                        put_in.insert(of);
                    }
                }
                false => drop(trouble.insert(of)),
            }
        }
        let true_time = world.clocks.true_time;
        for of in going {
            world.host.take_out(of.gid, &of.user, By::Us, true_time);
            self.given.remove(&of);
            self.took(of, now);
        }
        world.fate.point()?;
        Ok(Groups { trouble, put_in })
    }

    /// Those of the wanted grants that are on the host, whole.
    pub(super) fn present(&self, world: &World, wanted: &Wanted) -> BTreeSet<RequestId> {
        let blocks = world.host.blocks().unwrap_or_default();
        let whole = |grant: &&WantedGrant| {
            blocks.contains(&grant.id) && memberships(grant).all(|of| world.host.is_in(&of))
        };
        wanted.grants().iter().filter(whole).map(|grant| grant.id).collect()
    }
}

/// What could not be done about groups.
struct Groups {
    trouble: BTreeSet<Membership>,
    put_in: BTreeSet<Membership>,
}

impl Groups {
    fn is_so(&self, of: &Membership) -> bool {
        !self.trouble.contains(of)
    }
}

fn group_name(gid: u32) -> Option<&'static str> {
    HOST_GROUPS.iter().find(|(_, other)| *other == gid).map(|(name, _)| *name)
}

pub(super) fn memberships(grant: &WantedGrant) -> impl Iterator<Item = Membership> + '_ {
    grant.gives.groups.iter().map(|group| Membership {
        gid: group.gid,
        uid: grant.by.uid,
        user: grant.by.name.clone(),
    })
}

fn line(grant: &WantedGrant) -> (RequestId, Line) {
    (grant.id, Line { deadline: grant.deadline.clone(), groups: memberships(grant).collect() })
}

/// Writes sudo's file. Whether it is as it should be.
fn write_sudoers(world: &mut World, text: &str) -> Lived<bool> {
    if world.host.sudoers.as_deref() == Some(text) {
        return Ok(true);
    }
    if world.host.sudoers_health != SudoersHealth::Fine {
        return Ok(false);
    }
    world.fate.point()?;
    world.host.sudoers = Some(text.to_owned());
    world.fate.point()?;
    Ok(true)
}

/// Cuts grants out of sudo's file, or takes all of it away. Whether they are off.
fn cut(world: &mut World, ids: &BTreeSet<RequestId>) -> Lived<bool> {
    let Some(text) = world.host.sudoers.clone() else { return Ok(true) };
    let there = world.host.blocks();
    if ids.is_empty() || there.is_some_and(|there| there.is_disjoint(ids)) {
        return Ok(true);
    }
    world.fate.point()?;
    match world.host.sudoers_health {
        SudoersHealth::CannotTouch => return Ok(false),
        SudoersHealth::CannotWrite => world.host.sudoers = None,
        SudoersHealth::Fine => {
            let ids: Vec<&str> = ids.iter().map(RequestId::as_str).collect();
            world.host.sudoers = remove_blocks(&text, &ids);
        }
    }
    world.fate.point()?;
    Ok(true)
}
