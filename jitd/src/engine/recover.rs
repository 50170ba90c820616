//! The host made equal to the record: at start-up, every minute, and before each change. What differs is made right and
//! recorded. Start-up alone raises nothing that was not on the host before.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jit_mechanisms::groups::Membership;
use jit_mechanisms::guard_notes::{self, Note};
use jit_mechanisms::kill_switch::{self, Mark};
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step::{self, ClosedBy, EndedBy};
use jitd_core::limits::STUCK_RETRY;
use jitd_core::now::{NANOS, Now};
use jitd_core::record::{Cause, Closed, Draft, Entry, Origin, Person};
use jitd_core::wanted::{Wanted, WantedGrant};

use super::Engine;
use super::host::{self, LookAt, Made, Said};
use super::recalled::Begun;
use crate::holders::Holders;

/// Whether the guard had something new to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notes {
    /// No.
    None,
    /// It had.
    New,
}

impl Engine {
    /// What jitd does before it takes the first call.
    pub(super) fn recover(&mut self, begun: Begun) {
        let now = self.clock.now();
        self.recover_sessions(&now);
        self.recall_starts(begun, &now);
        if self.book.damage().is_none() {
            self.host.remember();
            self.take_notes(&now);
            let told = |grant: &&Grant| !self.removed_by_guard.contains_key(&grant.id);
            let live: Vec<&Grant> = self.registry.live().filter(told).collect();
            self.host.recall(&live, &now);
            self.take_mark(&now);
            self.mark_lost(&now);
            self.mark_replaced(&now);
            for (id, cause) in self.registry.due(&now) {
                self.mark_ending(id, cause, &EndedBy::default(), &now);
            }
            self.remove_ended(&now);
            self.finish_what_has_ended(&now);
        }
        self.look(&now);
        self.ask_again();
    }

    /// A grant of this boot whose rule is gone from the host was ended, and the record never heard of it: the disk was full,
    /// or jitd was killed in between. It is not put back, whoever ended it. That somebody took the rule away by hand is the
    /// same: nothing is raised at start-up that was not there before.
    fn mark_lost(&mut self, now: &Now) {
        let wanted = self.registry.wanted();
        let of_this_boot = wanted.grants().iter().filter(|grant| grant.deadline.boot_id == now.boot_id);
        let ids: Vec<RequestId> = of_this_boot.map(|grant| grant.id).collect();
        let none = Wanted::default();
        self.host.expect(if ids.is_empty() { &none } else { &wanted });
        // What is over is over, whoever took it off.
        let running =
            |id: &RequestId| self.registry.get(*id).is_some_and(|grant| !grant.deadline.reached(now));
        let ids: Vec<RequestId> = ids.into_iter().filter(running).collect();
        let present = self.host.present(&wanted);
        for id in ids.into_iter().filter(|id| !present.contains(id)) {
            let never_applied = self.registry.get(id).is_some_and(|grant| grant.state == State::Applying);
            let cause = if never_applied { Cause::Failed } else { Cause::Lost };
            self.mark_ending(id, cause, &EndedBy::default(), now);
        }
    }

    /// A grant whose extension is live has been replaced, and jitd died before it could say so.
    fn mark_replaced(&mut self, now: &Now) {
        let extensions = self.registry.live().filter(|grant| grant.state == State::Active);
        let replaced: Vec<RequestId> = extensions.filter_map(|grant| grant.span.replaces).collect();
        for id in replaced {
            self.mark_ending(id, Cause::Replaced, &EndedBy::default(), now);
        }
    }

    /// A kill switch that was thrown and did not reach the record is thrown all the same.
    fn take_mark(&mut self, now: &Now) {
        let by = match kill_switch::read(&self.host.paths) {
            Ok(Mark::NotThrown) => return,
            Ok(Mark::Thrown(by)) => by,
            Err(error) => crate::chain(&error),
        };
        if self.registry.lock().is_none() {
            let by = Person { uid: 0, name: by };
            let entry = Entry::Locked { by, from: Origin::default(), note: None };
            let lock = step::lock(Draft { at: now.wall, request: None, entry, texts: Vec::new() });
            let released = lock.end_anyway(self.book.debts());
            self.registry.take(&released);
        }
    }

    /// Looks at the host when nothing is due: notes of the guard, drift, people who are gone. What stands in the way.
    pub(super) fn look(&mut self, now: &Now) -> Vec<String> {
        let list = if self.book.damage().is_none() { self.host.list_again() } else { None };
        let made = self.make_so(now);
        self.note_differences(list.into_iter().collect(), now);
        let trouble: Vec<String> = made.trouble.into_iter().chain(made.not_gone.into_values()).collect();
        for why in &trouble {
            crate::log::error(why);
        }
        if let Some(on) = self.on_drift() {
            let beside = self.host.beside(on.strangers);
            self.note_differences(beside, now);
        }
        self.keep_room();
        self.keep_managed();
        self.host.read_back_again(now, &self.handle);
        self.check_people(now);
        trouble
    }

    /// Sees to it that there is room for removals, once it is known what the roles give.
    pub(super) fn keep_room(&self) {
        if self.live.is_valid() {
            self.host.keep_room(&self.live.policy);
        }
    }

    /// Makes the host equal to what is wanted; differences are recorded. What could not be made so is told for each grant.
    ///
    /// Without a ledger nobody knows what is wanted: then the host is left as it is, so that nothing live is cut short, and
    /// the guard ends what is due.
    pub(super) fn make_so(&mut self, now: &Now) -> Made {
        if let Some(why) = self.book.damage() {
            let why = format!("the host is left as it is, jit-guard ends what is due: {why}");
            let ids = |which: &[WantedGrant]| which.iter().map(|grant| (grant.id, why.clone())).collect();
            let not_made = ids(self.registry.wanted().grants());
            let not_gone = ids(&self.leaving());
            return Made { trouble: Some(why.clone()), not_made, not_gone, ..Made::default() };
        }
        self.take_notes(now);
        self.end_taken_away(now);
        let mut made = self.make_host_so(now);
        // The guard may have acted in between. It goes first: its notes are taken, and the host is looked at again.
        if !made.is_whole() && self.take_notes(now) == Notes::New {
            made = made.then(self.make_host_so(now));
        }
        if !made.astray.is_empty() {
            self.mark_astray(&made.astray, now);
            made = made.then(self.make_host_so(now));
        }
        self.note_differences(std::mem::take(&mut made.differences), now);
        self.note_joined_late(&made, now);
        if !made.taken_out.is_empty() {
            // A login that begins now shall not have it from a cache, whatever the record takes.
            self.host.read_back(&self.handle);
        }
        if self.host.has_doubts() {
            self.next_look = self.next_look.min(now.boot.saturating_add(NANOS));
        }
        self.look_again_if_troubled(&made, now);
        made
    }

    fn make_host_so(&mut self, now: &Now) -> Made {
        let put_back = self.on_drift().map(|on| on.put_back);
        self.host.make_so(&self.registry.wanted(), &self.leaving(), put_back, now)
    }

    /// What could not be written is tried again soon, and less and less often as long as that goes on. Until then the guard's
    /// list may name what is gone, and whoever an admin puts into that group by hand would be taken out.
    fn look_again_if_troubled(&mut self, made: &Made, now: &Now) {
        if made.trouble.is_none() && !self.host.is_behind() {
            self.troubled = 0;
            return;
        }
        let (first, most) = STUCK_RETRY;
        let wait =
            first.checked_shl(self.troubled).filter(|wait| *wait > 0).map_or(most, |wait| wait.min(most));
        self.troubled = self.troubled.saturating_add(1);
        self.next_look = self.next_look.min(now.boot.saturating_add(wait * NANOS));
    }

    /// Somebody has written the files of groups.
    pub(super) fn groups_changed(&mut self, now: &Now) {
        self.sessions.standings.forget();
        match self.host.groups_changed(now) {
            LookAt::Never => {}
            LookAt::Once => {
                // What stood in the way of a removal may be gone.
                if self.ending().next().is_some() {
                    self.remove_ended(now);
                }
                self.look(now);
            }
            LookAt::Later(at) => self.next_look = self.next_look.min(at),
        }
    }

    fn leaving(&self) -> Vec<WantedGrant> {
        self.ending().map(host::as_wanted).collect()
    }

    /// The name service was asked about people in groups.
    pub(super) fn groups_said(&mut self, said: Said, now: &Now) {
        let differences = self.host.groups_said(said, now);
        self.note_differences(differences, now);
    }

    /// Takes what the guard did into the record. What it took off is never put back.
    pub(super) fn take_notes(&mut self, now: &Now) -> Notes {
        let taken = match guard_notes::take(&self.host.paths) {
            Ok(Some(taken)) => taken,
            Ok(None) => return Notes::None,
            Err(error) => {
                crate::log::error(&crate::chain(&error));
                return Notes::None;
            }
        };
        // Notes whose record is still owed are found again with every look.
        let new: Vec<Note> = taken.into_iter().filter(|note| !self.notes.contains(note)).collect();
        for note in &new {
            self.book.note_draft(guard_entry(note, now));
            self.heed(note, now);
        }
        let found = if new.is_empty() { Notes::None } else { Notes::New };
        self.notes.extend(new);
        self.book.settle(now);
        if self.book.owed() == 0 {
            // With the note gone and the membership still written as given, somebody would be taken out whom an admin had
            // put in by hand since.
            let settled = self
                .host
                .settle()
                .and_then(|()| guard_notes::finish(&self.host.paths).map_err(|error| crate::chain(&error)));
            match settled {
                Ok(()) => self.notes.clear(),
                Err(why) => crate::log::error(&why),
            }
        }
        found
    }

    fn heed(&mut self, note: &Note, now: &Now) {
        let (id, wall) = match note {
            Note::Removed { id, wall, .. } => (*id, *wall),
            // Grants without a note of their own are live all the same: the next look puts them back, while jitd runs.
            // Whom a grant wants that the note does not name was put in anew, before the note was written.
            Note::Member { of, grants, .. } if self.is_wanted_by_others(of, grants) => return,
            Note::Member { of, wall, .. } => return self.host.guard_took(of, *wall, now),
            Note::Processes { .. } | Note::Unlinked { .. } => return,
            Note::AppliedDamaged { .. } | Note::Unreadable { .. } => return,
        };
        let Some(grant) = self.registry.get(id) else { return };
        let cause = match grant.deadline.reached(now) {
            true if grant.deadline.boot_id == now.boot_id => Cause::Expired,
            true => Cause::Rebooted,
            false => Cause::Guard,
        };
        self.removed_by_guard.insert(id, wall);
        // An extension that was granted before jitd read the note does not bring back what was taken off.
        for (id, cause) in self.with_extensions(&[(id, cause)]) {
            self.mark_ending(id, cause, &EndedBy::default(), now);
        }
    }

    /// Whether a membership belongs to a grant that is none of these.
    fn is_wanted_by_others(&self, of: &Membership, these: &BTreeSet<RequestId>) -> bool {
        let theirs = self.registry.of(of.uid).filter(|grant| grant.by.name == of.user);
        let mut others =
            theirs.filter(|grant| !these.contains(&grant.id)).flat_map(|grant| &grant.gives.groups);
        others.any(|group| group.gid == of.gid && group.name == of.group)
    }

    /// Grants that were being made real when jitd stopped: sudo is asked again.
    fn ask_again(&mut self) {
        let applying = self.registry.live().filter(|grant| grant.state == State::Applying);
        for grant in applying.cloned().collect::<Vec<_>>() {
            if let Err(why) = self.agreements.ask(&self.host, &grant, self.handle.clone()) {
                crate::log::error(&format!("grant {} waits for sudo: {why}", grant.id));
            }
        }
    }

    /// Has NSS asked, on a thread of its own, whether everybody who holds a grant or waits for one is still who they were.
    pub(super) fn check_people(&self, now: &Now) {
        let people = self.people_of_grants();
        if !people.is_empty() {
            self.inbox.holders.send_replace(Holders { people, wall: now.wall });
        }
    }

    /// Everybody who holds a grant or waits for one.
    pub(super) fn people_of_grants(&self) -> BTreeSet<(u32, String)> {
        let holders = self.registry.live().map(|grant| &grant.by);
        let waiting = self.registry.open().map(|open| &open.by);
        holders.chain(waiting).map(|person| (person.uid, person.name.clone())).collect()
    }

    /// These accounts are gone, renamed, locked or expired: their grants end, and their questions are closed. Whose, and which
    /// grants.
    pub(super) fn people_gone(
        &mut self,
        people: &[(u32, String)],
        now: &Now,
    ) -> BTreeMap<String, Vec<RequestId>> {
        // What was permitted a moment ago, and is not in the registry yet, is theirs as well.
        self.flush(now);
        let gone =
            |person: &Person| people.iter().any(|(uid, name)| *uid == person.uid && *name == person.name);
        let theirs = self.registry.live().filter(|grant| grant.state.is_wanted() && gone(&grant.by));
        let theirs: Vec<(String, RequestId)> =
            theirs.map(|grant| (grant.by.name.clone(), grant.id)).collect();
        let which: Vec<(RequestId, Cause)> = theirs.iter().map(|(_, id)| (*id, Cause::PersonGone)).collect();
        self.end_all(&which, &EndedBy::default(), now);
        let mut ended: BTreeMap<String, Vec<RequestId>> = BTreeMap::new();
        for (name, id) in theirs {
            ended.entry(name).or_default().push(id);
        }
        let open: Vec<Open> = self.registry.open().filter(|open| gone(&open.by)).cloned().collect();
        for open in open {
            let why = format!("the account {} is gone, renamed, locked or expired", open.by.name);
            ended.entry(open.by.name.clone()).or_default();
            self.close(&open, Closed::Ineligible, ClosedBy { why, ..ClosedBy::default() }, now);
        }
        ended
    }
}

/// What the guard did, for the record: when it did it, not when jitd read of it.
fn guard_entry(note: &Note, now: &Now) -> Draft {
    let (at, request, note) = match note {
        Note::Removed { id, wall, why } => (*wall, Some(*id), format!("{id} was taken off the host ({why})")),
        Note::Member { of, wall, why, .. } => {
            (*wall, None, format!("{} is not in the group {} any more ({why})", of.user, of.group))
        }
        Note::Processes { id, wall, count } => {
            (*wall, Some(*id), format!("{count} processes that still ran with {id} were killed"))
        }
        Note::Unlinked { wall, why } => {
            (*wall, None, format!("the whole sudoers file of jitd was taken away ({why})"))
        }
        Note::AppliedDamaged { wall, what } => {
            (*wall, None, format!("its list of grants was damaged: {what}"))
        }
        Note::Unreadable { line } => (now.wall, None, format!("it left a note that cannot be read: {line}")),
    };
    Draft { at, request, entry: Entry::GuardActed { note }, texts: Vec::new() }
}
