//! The host as the engine sees it: what was found of its sudo, and one call that makes it equal to what is wanted.

mod before;
mod change;
mod changes;
mod difference;
mod drift;
mod lately;
mod leftover;
mod lending;
mod made;
mod memory;
mod present;
mod read_back;
mod scribe;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_common::visudo;
use jit_mechanisms::HostPaths;
use jit_mechanisms::applied;
use jit_mechanisms::groups::{self, Given, Membership, NotGiven};
use jit_mechanisms::include;
use jit_mechanisms::removal;
use jit_mechanisms::sudo::{self, Fingerprint, Flavour, Sudo};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::Now;
use jitd_core::policy::{GroupRef, PersonFacts, Policy, PutBack};
use jitd_core::sudoers::{Dialect, NotAfter};
use jitd_core::wanted::{Wanted, WantedGrant};
use nix::fcntl::OFlag;

use self::before::Before;
pub(super) use self::change::joined_late;
pub use self::changes::LookAt;
use self::changes::{Pace, Stamp};
pub use self::difference::{Difference, taken_away};
use self::difference::{came_back, of_sudoers, put_back};
use self::drift::Beside;
use self::lately::Lately;
use self::lending::Lending;
pub use self::made::Made;
use self::memory::Memory;
pub(super) use self::memory::wanted as as_wanted;
use self::read_back::ReadBack;
pub use self::read_back::Said;
use super::message::Handle;

/// How long sudo and visudo may take to say what they are.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// The host.
#[derive(Debug)]
pub struct Host {
    /// Where everything is.
    pub paths: HostPaths,
    sudo: Result<Sudo, String>,
    memory: Memory,
    lending: Lending,
    lately: Lately,
    read_back: ReadBack,
    pace: Pace,
    beside: Beside,
    /// The wanted grants that were not wholly there last time, each with the reason.
    not_whole: BTreeMap<RequestId, String>,
    /// What the sudoers file held when this jitd wrote it last, or what the record says it should have held.
    left: Option<String>,
    /// Files that were replaced in this pass, still open.
    replaced: Vec<File>,
    /// The process whose call is being answered.
    pub(super) caller: Option<u32>,
}

impl Host {
    /// Asks the host what its sudo is. To be called before anybody else asks visudo anything: what a jitd left that was
    /// killed while it did is swept.
    #[must_use]
    pub fn probe(paths: HostPaths) -> Self {
        if let Err(error) = visudo::sweep_scratch(&paths.run_dir)
            && error.kind() != io::ErrorKind::NotFound
        {
            crate::log::error(&format!("{} cannot be swept: {error}", paths.run_dir.display()));
        }
        let sudo = sudo::probe(&paths, PROBE_PATIENCE).map_err(|error| crate::chain(&error));
        let (memory, lending, lately, read_back, pace, beside) = Default::default();
        let (not_whole, replaced, left, caller) = Default::default();
        Self {
            paths,
            sudo,
            memory,
            lending,
            lately,
            read_back,
            pace,
            beside,
            not_whole,
            left,
            replaced,
            caller,
        }
    }

    /// What the probe found, in a line.
    #[must_use]
    pub fn sudo_line(&self) -> String {
        match &self.sudo {
            Ok(sudo) => {
                let flavour = match sudo.flavour() {
                    Flavour::Classic => "sudo",
                    Flavour::SudoRs => "sudo-rs",
                };
                let not_after = match sudo.dialect().not_after {
                    NotAfter::Honoured => "takes NOTAFTER",
                    NotAfter::NotAccepted => "does not take NOTAFTER",
                };
                format!("{flavour} {}, {not_after}", sudo.version())
            }
            Err(why) => why.clone(),
        }
    }

    /// What may be written into the sudoers file. A sudo that is not known gets the least.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match &self.sudo {
            Ok(sudo) => sudo.dialect(),
            Err(_) => Dialect::LEAST,
        }
    }

    /// Why this host cannot carry any grant, if that is so.
    #[must_use]
    pub fn unfit(&self) -> Option<String> {
        self.sudo.as_ref().err().cloned()
    }

    /// The installed sudo.
    ///
    /// # Errors
    /// A sentence, when there is none that jitd knows.
    pub fn sudo(&self) -> Result<&Sudo, String> {
        self.sudo.as_ref().map_err(Clone::clone)
    }

    /// Why sudo would not read what jitd writes, if that is so.
    #[must_use]
    pub fn include_trouble(&self) -> Option<String> {
        let sudo = self.sudo.as_ref().ok()?;
        match include::state(&self.paths, sudo.flavour()) {
            Ok(state) => state.problem(),
            Err(error) => Some(crate::chain(&error)),
        }
    }

    /// Why the guard would not take anything off, if that is so: it holds its lock for as long as it runs.
    #[must_use]
    pub fn guard_trouble(&self) -> Option<String> {
        let not_running = || Some("it is not running: systemctl start jit-guard".to_owned());
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let lock = File::options().read(true).custom_flags(flags).open(&self.paths.guard_lock);
        match lock.map(|lock| lock.try_lock_shared()) {
            Ok(Err(TryLockError::WouldBlock)) => None,
            Ok(Ok(()) | Err(TryLockError::Error(_))) | Err(_) => not_running(),
        }
    }

    /// The state of the host's sudoers tree, for remembering what sudo said about it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        sudo::fingerprint(&self.paths)
    }

    /// Remembers what was lent before this jitd started, by what was written then. What a jitd left that was killed in the
    /// middle of a change is swept.
    pub fn remember(&mut self) {
        self.memory = Memory::read(&self.paths);
        let sweeps = [applied::sweep_litter, removal::sweep_litter, groups::sweep_litter];
        for error in sweeps.iter().filter_map(|sweep| sweep(&self.paths).err()) {
            crate::log::error(&crate::chain(&error));
        }
    }

    /// Remembers it by the record as well, where what was written is lost or from before a power cut: `live` are the grants
    /// that the record has and whose end the guard has not noted. To be called when the guard's notes are taken.
    pub fn recall(&mut self, live: &[&Grant], now: &Now) {
        let joins = |id: RequestId, of: &Membership| {
            let line = change::joins(of);
            live.iter().any(|grant| grant.id == id && grant.change.contains(&line))
        };
        let grants: Vec<WantedGrant> = live.iter().map(|grant| memory::wanted(grant)).collect();
        let over: Given = self.lately.out(now).cloned().collect();
        self.memory.recall(&grants, joins, &over, now);
        self.lending.meet(&self.paths, grants.iter());
    }

    /// The guard has noted that a membership is off: whoever is in that group from here on was put there by somebody else.
    /// What it did more than a minute ago, or at a time that the clock does not know any more, is not lately.
    pub fn guard_took(&mut self, of: &Membership, wall: i64, now: &Now) {
        self.memory.given.remove(of);
        self.lately.took_at(of, now.wall.saturating_sub(wall), now);
    }

    /// Writes that what the guard took is not to be taken out again. Only then may its notes go.
    ///
    /// # Errors
    /// A sentence, when it is not on the disk.
    pub fn settle(&mut self) -> Result<(), String> {
        self.memory.settle(&self.paths)
    }

    /// Makes the host equal to `wanted`: first the guard knows how to take off whatever is added, then sudo's file is
    /// written and read back, then the groups, then the guard forgets what is gone. `leaving` are the grants that are to go.
    pub fn make_so(
        &mut self,
        wanted: &Wanted,
        leaving: &[WantedGrant],
        put_back_by_others: Option<PutBack>,
        now: &Now,
    ) -> Made {
        let mut made = Made::default();
        let known = self.memory.known();
        let new = wanted.grants().iter().filter(|grant| !known.contains(&grant.id));
        self.lending.meet(&self.paths, new);
        let text = wanted.sudoers(self.dialect());
        let all = memory::all_memberships(wanted);
        let again = match put_back_by_others {
            Some(PutBack::Remove) => self.owed_out(&all, now),
            Some(PutBack::Leave) | None => Given::new(),
        };
        let mut before = Before::new(&self.paths, wanted.grants(), &text);
        if !leaving.is_empty()
            && let Err(why) = before.make_so(&mut self.memory, &Given::new())
        {
            self.only_lower(wanted, leaving, &why, &mut made);
        }
        let came = self.lending.converge_after(&mut before, &mut self.memory, &all, &again);
        let sudo = before.done(&mut self.memory);
        match &sudo {
            Ok(converged) => {
                let left = self.left.replace(text);
                made.differences.extend(left.and_then(|left| of_sudoers(converged, &left)));
            }
            Err(why) if leaving.is_empty() => self.only_lower(wanted, leaving, why, &mut made),
            // It was tried before the groups.
            Err(_) => {}
        }
        for grant in wanted.grants().iter().filter(|_| sudo.is_ok()) {
            made.not_made.extend(came.trouble(grant, |_| true).map(|why| (grant.id, why)));
            made.astray.extend(came.astray(grant).map(|why| (grant.id, why)));
        }
        for grant in leaving {
            let going = |of: &Membership| all.grants(of).is_none();
            let why = came.trouble(grant, going).map(|why| (grant.id, why));
            made.not_gone.extend(why.filter(|(id, _)| !made.not_gone.contains_key(id)));
        }
        self.forget(wanted, sudo.is_ok());
        // Whoever is put back again and again is out since the grant ended, and not since the last time.
        self.lately.took(came.taken_out.difference(&again).cloned(), now);
        let out_again: Given = again.intersection(&came.taken_out).cloned().collect();
        self.lately.owed.retain(|of| again.contains(of) && !out_again.contains(of));
        self.pace.undone(came.put_back.len() + out_again.len());
        made.differences.extend(came.put_back.iter().map(|of| put_back(of, &all)));
        made.differences.extend(out_again.iter().map(drift::out_again));
        made.differences.extend(came.came_back.iter().map(came_back));
        if put_back_by_others.is_some() {
            made.differences.extend(self.in_again(&all, now));
        }
        let off = leaving.iter().filter(|grant| !made.not_gone.contains_key(&grant.id));
        // Taken out now, or by an earlier try that got no further.
        let out: Given = self.lately.out(now).filter(|of| all.grants(of).is_none()).cloned().collect();
        made.residue = leftover::leftover(&self.paths, off, &out, self.caller);
        self.read_back.note(&came.put_in, &came.taken_out, came.caches);
        self.replaced.extend(came.replaced);
        (made.put_in, made.taken_out) = (came.put_in, came.taken_out);
        self.not_whole.clone_from(&made.not_made);
        made
    }

    /// Sudo's file could not be made as wanted. What is to go is taken out of it all the same.
    fn only_lower(&self, wanted: &Wanted, leaving: &[WantedGrant], why: &str, made: &mut Made) {
        made.not_made = wanted.grants().iter().map(|grant| (grant.id, why.to_owned())).collect();
        made.trouble = Some(why.to_owned());
        let ids: BTreeSet<RequestId> = leaving.iter().map(|grant| grant.id).collect();
        if !ids.is_empty() && removal::remove(&self.paths, &ids).is_err() {
            made.not_gone = ids.into_iter().map(|id| (id, why.to_owned())).collect();
        }
    }

    /// Forgetting may fail on a full disk: then the guard looks for something that is not there, and it is tried again soon,
    /// for whoever an admin puts into the group by hand meanwhile would be taken out.
    fn forget(&mut self, wanted: &Wanted, sudo_is_so: bool) {
        let forgotten = match sudo_is_so {
            true => self.memory.after(&self.paths, wanted.grants()),
            false => self.memory.settle(&self.paths),
        };
        if let Err(why) = forgotten {
            crate::log::error(&why);
        }
    }

    /// Somebody has written the files of groups. When to look at them, unless it was jitd.
    pub fn groups_changed(&mut self, now: &Now) -> LookAt {
        match Stamp::of(&self.paths) == self.lending.left {
            true => LookAt::Never,
            false => self.pace.next(now),
        }
    }

    /// Keeps spare files for the groups while a role gives one or anybody is in one by jitd: he can be taken out with a full disk
    /// then, and nobody waits for them to be made.
    pub fn keep_room(&self, policy: &Policy) {
        let lends = policy.roles().any(|role| !role.groups.is_empty()) || !self.memory.given.is_empty();
        let kept = match lends {
            true => groups::keep_spares(&self.paths),
            false => groups::drop_spares(&self.paths).map(drop),
        };
        if let Err(error) = kept {
            crate::log::error(&crate::chain(&error));
        }
    }

    /// Memberships that jitd has given.
    #[must_use]
    pub fn lent(&self) -> usize {
        self.memory.given.len()
    }

    /// The groups of these names, by number and by name, as `/etc/group` has them now.
    ///
    /// # Errors
    /// A sentence, when one cannot be given.
    pub fn resolve(&self, names: &BTreeSet<String>) -> Result<Vec<GroupRef>, String> {
        let sentences =
            |wrong: Vec<NotGiven>| wrong.iter().map(|why| crate::chain(why)).collect::<Vec<_>>().join("; ");
        groups::resolve(&self.paths, names.iter().map(String::as_str)).map_err(sentences)
    }

    /// Takes out of a person's groups those that jitd gave: they count for no decision. So do those taken out a moment
    /// ago, for the groups may have been looked up before, or by way of a stale cache; and those of which the name
    /// service still says otherwise.
    pub fn natural(&self, person: &mut PersonFacts, now: &Now) {
        let lent = self.memory.given.iter().chain(self.lately.out(now));
        lately::strip(person, lent.chain(self.read_back.still_in()));
    }

    /// Has caches of groups told, and the name service asked about everybody who was put in or taken out since the last time;
    /// the answer comes as a message.
    pub fn read_back(&mut self, answer_to: &Handle) {
        self.read_back.ask(&self.paths, answer_to);
    }

    /// What nobody has to wait for: replaced files are let go, and [`Host::read_back`].
    pub fn afterwards(&mut self, answer_to: &Handle) {
        self.replaced.clear();
        self.read_back(answer_to);
    }

    /// Has it asked again about everybody of whom it said otherwise.
    pub fn read_back_again(&mut self, now: &Now, answer_to: &Handle) {
        self.read_back.ask_again(now, answer_to);
    }

    /// Takes what the name service says; the differences that are new.
    pub fn groups_said(&mut self, said: Said, now: &Now) -> Vec<Difference> {
        self.read_back.said(said, &self.memory.given, now)
    }

    /// Whether the host has to be looked at again soon: somebody may write an older list of members.
    #[must_use]
    pub fn has_doubts(&self) -> bool {
        self.lending.has_doubts()
    }

    /// Whether the guard's list is not what it should be, because it could not be written.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.memory.is_behind()
    }

    /// What an admin should look at.
    pub fn attention(&self) -> impl Iterator<Item = String> + '_ {
        let part = self.not_whole.iter();
        let part = part.map(|(id, why)| format!("grant {id} is not, or not wholly, on the host: {why}"));
        part.chain(self.read_back.attention()).chain(self.lately.attention()).chain(self.beside.attention())
    }
}
