//! What runs with grants: put into the grant's control group before it begins, ended with the grant, and on the record.
//!
//! When it ends is a matter of limits alone ([`Keeper`]): a grant that ends early gets a limit that is over, an extension a
//! later one. So nothing is missed when jitd dies in between, and the guard goes by the same limits.

use std::collections::BTreeMap;

use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jit_common::request::DropTarget;
use jit_common::response::Response;
use jit_mechanisms::HostPaths;
use jit_mechanisms::control_groups::{Entrant, Happened, Keeper, Limit, NotEntered};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::now::{Deadline, NANOS, Now};
use jitd_core::policy::AtExpiry;
use jitd_core::record::{About, Cause, Draft, Entry, Swept};

use super::calls::{Answer, caller};
use super::message::Call;
use super::pam::Opening;
use super::session::{Beginner, Pace, Session, Teller, Where};
use super::standings::Standings;
use super::{Engine, wording};

/// Characters of a command line that the record keeps.
const COMMAND: usize = 1024;

/// What runs with grants.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) keeper: Keeper,
    /// The grants with which something runs in a control group, as the record names them.
    about: BTreeMap<RequestId, About>,
    /// The sessions, by the processes that they began with.
    pub(super) running: BTreeMap<i32, Session>,
    /// When the last grant of each person ended, on the boot clock.
    ends: BTreeMap<String, i64>,
    /// Since when that is remembered: the first session of which the PAM module has told.
    since: Option<i64>,
    /// How many each uid has begun lately.
    pub(super) pace: Pace,
    /// What sudo allows people without any grant.
    pub(super) standings: Standings,
    /// Sessions that wait for sudo to say that.
    pub(super) opening: Vec<Opening>,
}

impl Sessions {
    /// Nanoseconds until something is due.
    pub(super) fn next(&self, now: &Now) -> Option<i64> {
        let looks = self.running.values().map(|session| session.next.saturating_sub(now.boot).max(0));
        self.keeper.next(now).into_iter().chain(looks).min()
    }

    /// When the last grant of a person ended, by the name of their account; at the latest when it began to be remembered.
    pub(super) fn last_end(&mut self, person: &str, now: &Now) -> i64 {
        let since = *self.since.get_or_insert(now.boot);
        self.ends.get(person).copied().unwrap_or(since)
    }

    /// When the last of what runs with a grant ends, if something does.
    pub(super) fn until(&self, grant: RequestId) -> Option<Deadline> {
        let limits = self.keeper.limits().into_iter().filter(|(_, limit)| limit.grant == grant);
        limits.map(|(_, limit)| limit.last()).max_by_key(|last| last.wall)
    }
}

/// Until when what runs with a grant may run.
fn limit_of(grant: &Grant) -> Limit {
    Limit { grant: grant.id, uid: grant.by.uid, deadline: grant.deadline.clone(), then: grant.expiry.then }
}

impl Engine {
    /// Takes up what a jitd before this one left.
    pub(super) fn recover_sessions(&mut self, now: &Now) {
        match Keeper::load(&self.host.paths, now) {
            Ok(keeper) => self.sessions.keeper = keeper,
            Err(error) => {
                let why = crate::chain(&error);
                return crate::log::error(&format!("the control groups of grants cannot be listed: {why}"));
            }
        }
        for (name, limit) in self.sessions.keeper.limits() {
            self.recall_sessions(limit.grant, name);
            let over = match self.registry.get(limit.grant) {
                Some(grant) if grant.state.is_wanted() => limit_of(grant),
                // It has ended, and maybe its limit does not know of that.
                Some(_) | None if !limit.deadline.reached(now) && self.book.damage().is_none() => {
                    limit.over_at(now)
                }
                Some(_) | None => continue,
            };
            self.set_limit(name, over, now);
        }
    }

    /// What the record knows of the sessions of a grant.
    fn recall_sessions(&mut self, id: RequestId, name: RequestId) {
        for row in self.book.rows_of(id).unwrap_or_default() {
            match row.entry() {
                Ok(Entry::Intent { about, .. }) => drop(self.sessions.about.insert(id, about)),
                Ok(Entry::SessionBegan { about, from, outside: None, .. }) => {
                    let paths = &self.host.paths;
                    let session = |pid| (pid, Session::recalled(paths, (id, about), name, pid));
                    self.sessions.running.extend(from.pid.map(session));
                }
                Ok(Entry::SessionEnded { pid, .. }) => drop(self.sessions.running.remove(&pid)),
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Somebody is about to run something with a grant of theirs.
    pub(super) fn enter(&mut self, call: &Call, id: RequestId, command: &str, now: &Now) -> Answer {
        let mine = self.mine(call, &DropTarget::Named(id.to_string()))?;
        let live = mine.into_iter().filter(|grant| grant.state == State::Active && grant.by == caller(call));
        let nothing = || Refusal::NoSuchThing { what: "live grant".into(), id: id.to_string() };
        let grant = live.last().ok_or_else(nothing)?;
        self.may_enter(call)?;
        let process = call.process.as_ref().and_then(|process| process.try_clone().ok());
        let beginner = Beginner { from: call.peer.origin.clone(), uid: call.peer.uid, process, target: None };
        let outside = self.begin(&grant, beginner, command, Where::InItsGroup, now)?;
        self.book.settle_now(now);
        // Nothing runs with a privilege that is not on the record.
        if let Some(why) = self.book.closed() {
            self.sessions.running.remove(&call.peer.origin.pid.unwrap_or_default());
            return Err(Refusal::LedgerUnavailable { why });
        }
        Ok(Response::Entered { outside })
    }

    /// Puts the process from which a word came to where it belongs, and what the record is owed on that, which is written at the end of the
    /// pass; why it is in no group.
    pub(super) fn begin(
        &mut self,
        grant: &Grant,
        beginner: Beginner,
        command: &str,
        place: Where,
        now: &Now,
    ) -> Result<Option<String>, Refusal> {
        let Beginner { from, uid, process, target } = beginner;
        let pid = from.pid.and_then(|pid| u32::try_from(pid).ok());
        let pid = pid.ok_or_else(|| Refusal::PeerUnknown { why: "its process has no number here".into() })?;
        let process = process.ok_or_else(|| Refusal::PeerUnknown { why: "its process is gone".into() })?;
        let (outside, group) = match place {
            Where::Outside(why) => (Some(why), None),
            Where::In(name) => (None, Some(name)),
            Where::InItsGroup => {
                let entrant = Entrant { pid, uid, process: &process };
                self.contain(grant, entrant, now).map_err(|why| Refusal::ApplyFailed {
                    role: grant.role.clone(),
                    why: format!("what would run could not be put into its control group: {why}"),
                })?
            }
        };
        let command: String = command.chars().take(COMMAND).collect();
        let read_from = self.read_from(grant.expiry, pid, now);
        let mut texts = Vec::new();
        let bad = |why| Refusal::BadRequest { why };
        let entry = Entry::SessionBegan {
            about: grant.about(),
            from,
            command: wording::typed("command", &command, &mut texts).map_err(bad)?,
            target: target.clone(),
            directory: directory_of(&self.host.paths, pid),
            outside: outside.clone(),
            read_from,
        };
        self.book.note_draft(Draft { at: now.wall, request: Some(grant.id), entry, texts });
        self.sessions.about.insert(grant.id, grant.about());
        let number = i32::try_from(pid).unwrap_or_default();
        let teller = if uid == 0 { Teller::Pam } else { Teller::Client };
        let session = Session::begun((grant.id, grant.about()), group, process, teller, now);
        self.sessions.running.insert(number, session);
        if let Some(from) = read_from {
            self.read_starts(grant, number, target.as_deref(), from, now);
        }
        Ok(outside)
    }

    /// Puts a process into the control group of a grant. Why it is not in one, where this host has none, or else which.
    fn contain(
        &mut self,
        grant: &Grant,
        process: Entrant<'_>,
        now: &Now,
    ) -> Result<(Option<String>, Option<RequestId>), String> {
        let keeper = &mut self.sessions.keeper;
        let name = keeper.of(grant.id).first().copied().unwrap_or(grant.id);
        match keeper.enter(&self.host.paths, name, limit_of(grant), process, now) {
            Ok(()) => Ok((None, Some(name))),
            Err(error @ NotEntered::NoHome { .. }) => Ok((Some(crate::chain(&error)), None)),
            Err(error @ (NotEntered::Limit(_) | NotEntered::Group(_))) => Err(crate::chain(&error)),
        }
    }

    /// A client says how what it ran has ended.
    pub(super) fn leave(&mut self, call: &Call, pid: i32, status: u8, now: &Now) -> Answer {
        let theirs =
            |session: &&Session| session.about.by == caller(call) && session.teller == Teller::Client;
        match self.sessions.running.get(&pid).filter(theirs).map(Session::is_there) {
            Some(false) => {
                self.session_over(pid, Some(status), now);
                Ok(Response::Done)
            }
            Some(true) => Err(Refusal::BadRequest { why: format!("process {pid} has not ended") }),
            None => Err(Refusal::NoSuchThing { what: "session".into(), id: pid.to_string() }),
        }
    }

    /// The process that a session began with has ended.
    pub(super) fn session_over(&mut self, pid: i32, status: Option<u8>, now: &Now) {
        if let Some(Session { grant, about, .. }) = self.sessions.running.remove(&pid) {
            if status == Some(0) {
                self.starts.ran(pid);
            }
            self.starts.over(pid, now);
            self.book.note(now, Some(grant), Entry::SessionEnded { about, pid, status });
        }
    }

    /// A grant ends: what runs with it is over as well, at once or by what its rule says.
    pub(super) fn end_sessions(&mut self, id: RequestId, cause: Cause, now: &Now) {
        self.starts.look_again();
        if let Some(grant) = self.registry.get(id).filter(|_| self.sessions.since.is_some()) {
            self.sessions.ends.insert(grant.by.name.clone(), now.boot);
        }
        for (name, limit) in self.sessions.keeper.limits().into_iter().filter(|(_, limit)| limit.grant == id)
        {
            let over = match (cause, limit.then) {
                // Its limit is its deadline, that of an extension by now, or a boot that is over.
                (Cause::Expired | Cause::Replaced | Cause::Rebooted, _) => continue,
                (Cause::Dropped, AtExpiry::Finish(_)) => Limit { then: limit.then, ..limit.over_at(now) },
                // Whoever gives a role back waits for nobody who could grant it again.
                (Cause::Dropped, AtExpiry::End | AtExpiry::Pause(_)) => limit.over_at(now),
                (
                    Cause::Revoked
                    | Cause::PersonGone
                    | Cause::Locked
                    | Cause::Failed
                    | Cause::Lost
                    | Cause::Guard,
                    _,
                ) => limit.over_at(now),
            };
            self.set_limit(name, over, now);
        }
    }

    /// A grant is live: what ran with the one that it extends runs with it, and what was frozen when the role ended goes on.
    pub(super) fn take_over_sessions(&mut self, id: RequestId, now: &Now) {
        self.starts.look_again();
        let Some(grant) = self.registry.get(id) else { return };
        let (limit, about) = (limit_of(grant), grant.about());
        let mut names = grant.span.replaces.map(|before| self.sessions.keeper.of(before)).unwrap_or_default();
        let theirs = |limit: &Limit| {
            let of = self.sessions.about.get(&limit.grant);
            limit.uid == about.by.uid && of.is_some_and(|of| of.role == about.role && of.by == about.by)
        };
        let frozen = self.sessions.keeper.frozen().filter(|(_, limit)| theirs(limit));
        let frozen: Vec<RequestId> = frozen.map(|(name, _)| name).collect();
        for name in frozen {
            names.push(name);
            self.book.note(now, Some(id), Entry::Swept { about: about.clone(), what: Swept::Resumed });
        }
        for name in names {
            self.sessions.about.insert(id, about.clone());
            self.set_limit(name, limit.clone(), now);
        }
    }

    fn set_limit(&mut self, name: RequestId, limit: Limit, now: &Now) {
        if let Err(error) = self.sessions.keeper.set(&self.host.paths, name, limit, now) {
            crate::log::error(&format!(
                "until when {name} may run is not written down: {}",
                crate::chain(&error)
            ));
        }
    }

    /// Does what is due about what runs, and puts it on the record.
    pub(super) fn keep_sessions(&mut self, now: &Now) {
        self.keep_together(now);
        for happened in self.sessions.keeper.keep(&self.host.paths, now) {
            let (grant, what) = match happened {
                Happened::Frozen { grant, processes } => (grant, Swept::Frozen { processes }),
                Happened::Finishing { grant, processes } => (grant, Swept::Finishing { processes }),
                Happened::Stuck { grant, why } => {
                    crate::log::error(&format!("something that ran with {grant} does not end: {why}"));
                    (grant, Swept::Stuck { why })
                }
                Happened::Over { grant, name, killed, late } => {
                    let killed = killed.saturating_add(self.end_outside(name));
                    self.all_over(grant, now);
                    (grant, Swept::Over { killed, late_ms: late / (NANOS / 1000) })
                }
            };
            // A group that no record speaks of was made by somebody else, and is gone.
            let Some(about) = self.sessions.about.get(&grant).cloned() else { continue };
            self.book.note(now, Some(grant), Entry::Swept { about, what });
        }
        let running = self.sessions.keeper.grants();
        let registry = &self.registry;
        self.sessions.about.retain(|id, _| registry.get(*id).is_some() || running.contains(id));
    }

    /// Nothing of a grant runs any more.
    fn all_over(&mut self, grant: RequestId, now: &Now) {
        let running = self.sessions.running.iter().filter(|(_, session)| session.grant == grant);
        let pids: Vec<i32> = running.map(|(pid, _)| *pid).collect();
        pids.into_iter().for_each(|pid| self.session_over(pid, None, now));
    }
}

/// The directory in which a process stands.
fn directory_of(paths: &HostPaths, pid: u32) -> Option<String> {
    let link = paths.proc.join(pid.to_string()).join("cwd");
    let directory = std::fs::read_link(link).ok()?;
    Some(directory.to_string_lossy().chars().take(256).collect())
}
