//! Coming back (`jitd/src/engine/recover.rs`): nothing is raised that was not on the host before.

use std::collections::BTreeSet;

use jit_common::ids::RequestId;
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step::{self, ClosedBy, EndedBy};
use jitd_core::now::Now;
use jitd_core::record::{Cause, Closed, Draft, Drifted, Entry, Origin, Person};
use jitd_core::wanted::WantedGrant;

use super::host::{Made, memberships};
use super::{Jitd, Lived};
use crate::world::World;
use crate::world::host::{Applied, Membership, Note, StateHealth};

impl Jitd {
    /// What jitd does before it takes the first call.
    pub(super) fn recover(&mut self, world: &mut World) -> Lived {
        let now = world.now();
        self.host.file.clone_from(&world.host.applied);
        self.host.given = self.host.file.as_ref().map(|file| file.given.clone()).unwrap_or_default();
        let told: BTreeSet<RequestId> = self.take_notes(world, &now)?.into_iter().collect();
        self.recall(&told, &now);
        self.take_mark(world, &now);
        self.mark_lost(world, &now);
        let extensions = self.registry.live().filter(|grant| grant.state == State::Active);
        let replaced: Vec<RequestId> = extensions.filter_map(|grant| grant.span.replaces).collect();
        for id in replaced {
            self.mark_ending(id, Cause::Replaced, &EndedBy::default(), &now);
        }
        for (id, cause) in self.registry.due(&now) {
            self.mark_ending(id, cause, &EndedBy::default(), &now);
        }
        self.remove_ended(world, &now)?;
        self.look(world, &now)?;
        let applying = self.registry.live().filter(|grant| grant.state == State::Applying);
        world.sudo_asked.extend(applying.map(|grant| grant.id));
        Ok(())
    }

    /// What was given by the record, where `applied` is lost or from before a power cut.
    fn recall(&mut self, told: &BTreeSet<RequestId>, now: &Now) {
        let lost = self.host.file.is_none();
        let live = self.registry.live().filter(|grant| !told.contains(&grant.id));
        for grant in live.filter(|grant| lost || grant.deadline.boot_id != now.boot_id) {
            let joins = |gid: u32| grant.change.contains(&gid.to_string());
            let recent = self.host.recent(now);
            let theirs: Vec<_> =
                memberships(&as_wanted(grant)).filter(|of| joins(of.gid) && !recent.contains(of)).collect();
            self.host.given.extend(theirs);
        }
    }

    /// A grant of this boot that is not on the host, whole, was ended, and the record never heard of it.
    fn mark_lost(&mut self, world: &World, now: &Now) {
        let wanted = self.registry.wanted();
        let present = self.host.present(world, &wanted);
        let running = |grant: &&WantedGrant| {
            grant.deadline.boot_id == now.boot_id
                && !grant.deadline.reached(now)
                && !present.contains(&grant.id)
        };
        let ids: Vec<RequestId> = wanted.grants().iter().filter(running).map(|grant| grant.id).collect();
        for id in ids {
            let never_applied = self.registry.get(id).is_some_and(|grant| grant.state == State::Applying);
            let cause = if never_applied { Cause::Failed } else { Cause::Lost };
            self.mark_ending(id, cause, &EndedBy::default(), now);
        }
    }

    /// A kill switch that was thrown and did not reach the record is thrown all the same.
    fn take_mark(&mut self, world: &World, now: &Now) {
        if let (Some(by), None) = (&world.host.mark, self.registry.lock()) {
            let by = Person { uid: 0, name: by.clone() };
            let entry = Entry::Locked { by, from: Origin::default(), note: None };
            let draft = Draft { at: now.wall, request: None, entry, texts: Vec::new() };
            let released = step::lock(draft).end_anyway(&mut self.book.owed);
            self.registry.take(&released);
        }
    }

    /// Looks at the host and at the people when nothing is due.
    pub(super) fn look(&mut self, world: &mut World, now: &Now) -> Lived {
        self.make_so(world, now)?;
        let theirs = self.registry.live().map(|grant| &grant.by);
        let people: BTreeSet<(u32, String)> = theirs
            .chain(self.registry.open().map(|open| &open.by))
            .map(|by| (by.uid, by.name.clone()))
            .collect();
        let gone: Vec<(u32, String)> = people
            .into_iter()
            .filter(|(uid, name)| {
                let account = world.people.get(*uid);
                !account.is_some_and(|account| {
                    account.name == *name && account.state == jitd_core::policy::AccountState::Ordinary
                })
            })
            .collect();
        if !gone.is_empty() {
            world.inbox.push(crate::world::messages::Message::Gone(gone));
        }
        Ok(())
    }

    /// Makes the host equal to what is wanted.
    pub(super) fn make_so(&mut self, world: &mut World, now: &Now) -> Lived<Made> {
        self.take_notes(world, now)?;
        let mut made = self.make_so_once(world, now)?;
        if !made.is_whole() && !self.take_notes(world, now)?.is_empty() {
            let before = made.put_in;
            made = self.make_so_once(world, now)?;
            made.put_in.extend(before);
        }
        self.joined_late(&made, now);
        Ok(made)
    }

    fn make_so_once(&mut self, world: &mut World, now: &Now) -> Lived<Made> {
        let leaving: Vec<WantedGrant> = self.ending().map(as_wanted).collect();
        self.host.make_so(world, &self.registry.wanted(), &leaving, now)
    }

    /// Those who were in a group before a grant, and whom jitd has put into it since: the record has to say it.
    fn joined_late(&mut self, made: &Made, now: &Now) {
        let mut late = Vec::new();
        for grant in self.registry.live().filter(|grant| grant.state.is_wanted()) {
            let wanted = as_wanted(grant);
            let theirs =
                memberships(&wanted).filter(|of| made.put_in.contains(of)).map(|of| of.gid.to_string());
            late.extend(theirs.filter(|gid| !grant.change.contains(gid)).map(|gid| (grant.id, gid)));
        }
        for (id, done) in late {
            let entry = Entry::Drift {
                what: Drifted::Joined,
                found: "not in the group any more".into(),
                done,
                grants: Vec::new(),
            };
            self.registry.replay(now.wall, Some(id), &entry, &[]);
            self.book.owed.note(Draft { at: now.wall, request: Some(id), entry, texts: Vec::new() });
        }
    }

    /// Takes what the guard did into the record. What it took off is never put back. The grants it speaks of.
    fn take_notes(&mut self, world: &mut World, now: &Now) -> Lived<Vec<RequestId>> {
        let notes = world.host.notes.clone();
        let mut told = Vec::new();
        for note in &notes {
            let new = !self.host.noted.contains(note);
            if new {
                let entry = Entry::GuardActed { note: format!("{note:?}") };
                self.book.owed.note(Draft { at: now.wall, request: None, entry, texts: Vec::new() });
            }
            match note {
                Note::Removed { id, .. } => {
                    told.push(*id);
                    if new {
                        self.heed(*id, now);
                    }
                }
                // Whom a grant wants that the note does not name was put in anew, before the note was written.
                Note::Member { of, ids } if new && !self.is_wanted_by_others(of, ids) => {
                    self.host.given.remove(of);
                    self.host.took(of.clone(), now);
                }
                Note::Member { .. } => {}
            }
        }
        self.host
            .noted
            .extend(notes.iter().filter(|note| !self.host.noted.contains(note)).cloned().collect::<Vec<_>>());
        if notes.is_empty() {
            return Ok(told);
        }
        self.book.settle(world, now)?;
        if self.book.owed.is_empty() {
            let new = Applied { lines: self.host.lines(), given: self.host.given.clone() };
            if self.host.put(world, new, false)? && world.host.state_health == StateHealth::Fine {
                world.fate.point()?;
                world.host.notes.retain(|note| !notes.contains(note));
                self.host.noted.clear();
            }
        }
        Ok(told)
    }

    fn is_wanted_by_others(&self, of: &Membership, these: &BTreeSet<RequestId>) -> bool {
        let theirs = self.registry.of(of.uid).filter(|grant| grant.by.name == of.user);
        let mut others =
            theirs.filter(|grant| !these.contains(&grant.id)).flat_map(|grant| &grant.gives.groups);
        others.any(|group| group.gid == of.gid)
    }

    fn heed(&mut self, id: RequestId, now: &Now) {
        let Some(grant) = self.registry.get(id) else { return };
        let cause = match grant.deadline.reached(now) {
            true if grant.deadline.boot_id == now.boot_id => Cause::Expired,
            true => Cause::Rebooted,
            false => Cause::Guard,
        };
        for (id, cause) in self.with_extensions(&[(id, cause)]) {
            self.mark_ending(id, cause, &EndedBy::default(), now);
        }
    }

    /// These accounts are not who they were: their grants end, and their questions are closed.
    pub(super) fn people_gone(&mut self, world: &mut World, people: &[(u32, String)], now: &Now) -> Lived {
        self.flush(world, now)?;
        let gone = |by: &Person| people.iter().any(|(uid, name)| *uid == by.uid && *name == by.name);
        let theirs = self.registry.live().filter(|grant| grant.state.is_wanted() && gone(&grant.by));
        let which: Vec<(RequestId, Cause)> = theirs.map(|grant| (grant.id, Cause::PersonGone)).collect();
        self.end_all(world, &which, &EndedBy::default(), now)?;
        let open: Vec<Open> = self.registry.open().filter(|open| gone(&open.by)).cloned().collect();
        for open in open {
            self.close(&open, Closed::Ineligible, ClosedBy::default(), now);
        }
        Ok(())
    }
}

/// A grant as the host should have it.
pub(super) fn as_wanted(grant: &Grant) -> WantedGrant {
    let Grant { id, by, gives, deadline, expiry, .. } = grant.clone();
    WantedGrant { id, by, gives, subcommands: expiry.subcommands, deadline }
}
