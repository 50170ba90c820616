//! One session: what runs with a grant, by the process that it began with, which is held for as long as it is there. Whoever is taken
//! out of the grant's control group is put back.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jit_mechanisms::HostPaths;
use jit_mechanisms::control_groups::{self, Group};
use jitd_core::now::{NANOS, Now};
use jitd_core::record::{About, Entry, Origin, Swept};

use super::Engine;
use super::message::Call;

/// Nanoseconds after its beginning, and then after the look before, at which it is looked whether a session is where it was put.
/// The last one goes on.
const LOOKS: [i64; 4] = [NANOS / 20, NANOS / 4, NANOS, 10 * NANOS];

/// Nanoseconds between two looks at one session because something is due with its grant.
const SELDOM: i64 = NANOS / 5;

/// Nanoseconds that whoever ran something has to say how it ended.
const TO_SAY: i64 = 2 * NANOS;

/// Sessions that one person may have at a time.
const AT_A_TIME: u32 = 512;

/// Sessions that one person may begin in [`MINUTE`].
const IN_A_MINUTE: u32 = 600;

/// Nanoseconds.
const MINUTE: i64 = 60 * NANOS;

/// Who says how a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Teller {
    /// The client that ran it.
    Client,
    /// The PAM module, which knows no status.
    Pam,
}

/// Where a session goes.
#[derive(Debug)]
pub(super) enum Where {
    /// Into the control group of its grant.
    InItsGroup,
    /// It is in this one, and that is right.
    In(RequestId),
    /// It stays where it is, for a reason.
    Outside(String),
}

/// Who begins a session.
#[derive(Debug)]
pub(super) struct Beginner {
    /// From where.
    pub(super) from: Origin,
    /// The uid with which it connected.
    pub(super) uid: u32,
    /// The process, unless it is gone.
    pub(super) process: Option<OwnedFd>,
    /// Whom its person becomes, where that is known.
    pub(super) target: Option<String>,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) grant: RequestId,
    pub(super) about: About,
    pub(super) teller: Teller,
    /// The control group it was put into.
    group: Option<RequestId>,
    process: Option<OwnedFd>,
    looks: usize,
    looked: i64,
    /// When it is looked at, on the boot clock.
    pub(super) next: i64,
    /// Since when it is known to be gone.
    gone: Option<i64>,
}

impl Session {
    pub(super) fn begun(
        (grant, about): (RequestId, About),
        group: Option<RequestId>,
        process: OwnedFd,
        teller: Teller,
        now: &Now,
    ) -> Self {
        let (process, next) = (Some(process), now.boot.saturating_add(LOOKS[0]));
        Self { grant, about, teller, group, process, looks: 0, looked: now.boot, next, gone: None }
    }

    /// One from before a restart of jitd, in the group `name`: whoever ran it may say how it ended, or else it is found to be gone.
    pub(super) fn recalled(paths: &HostPaths, of: (RequestId, About), name: RequestId, pid: i32) -> Self {
        let (grant, about) = of;
        let is_in = |pid: &u32| Group::named(paths, name).pids().is_ok_and(|pids| pids.contains(pid));
        // A number that is not in it any more may be anybody's.
        let process = u32::try_from(pid).ok().and_then(|pid| {
            let process = control_groups::hold(pid)?;
            is_in(&pid).then_some(process)
        });
        let (teller, group, looks) = (Teller::Client, Some(name), LOOKS.len());
        Self { grant, about, teller, group, process, looks, looked: 0, next: 0, gone: None }
    }

    /// One from before a restart that is in no group, and this is its process, unless it is gone.
    pub(super) fn recalled_outside((grant, about): (RequestId, About), process: Option<OwnedFd>) -> Self {
        let (teller, group, looks) = (Teller::Pam, None, LOOKS.len());
        Self { grant, about, teller, group, process, looks, looked: 0, next: 0, gone: None }
    }

    /// Whether the process it began with is still there.
    pub(super) fn is_there(&self) -> bool {
        self.process.as_ref().is_some_and(control_groups::is_there)
    }

    /// Puts it back into its group, with what it started. How many processes.
    fn gather(&self, paths: &HostPaths, pid: i32) -> usize {
        let (Some(name), Some(process)) = (self.group, &self.process) else { return 0 };
        let back = Group::named(paths, name).gather(u32::try_from(pid).unwrap_or_default(), process);
        back.unwrap_or_else(|why| {
            crate::log::error(&format!(
                "what was taken out of the control group of {name} cannot be put back: {why}"
            ));
            0
        })
    }

    /// Whether it is gone for so long that nobody will say how it ended.
    fn is_long_gone(&mut self, now: &Now) -> bool {
        let since = *self.gone.get_or_insert(now.boot);
        self.next = since.saturating_add(TO_SAY);
        self.next <= now.boot
    }

    fn look_again(&mut self, now: &Now) {
        let wait = LOOKS.get(self.looks).or(LOOKS.last()).copied().unwrap_or(NANOS);
        self.looks = self.looks.saturating_add(1);
        (self.looked, self.next) = (now.boot, now.boot.saturating_add(wait));
    }
}

/// How many sessions people have begun in this minute.
#[derive(Debug, Default)]
pub(super) struct Pace {
    since: i64,
    begun: BTreeMap<u32, u32>,
}

impl Pace {
    /// Counts one more. Whether it is one too many.
    fn is_too_much(&mut self, uid: u32, now: &Now) -> bool {
        if now.boot.saturating_sub(self.since) >= MINUTE {
            *self = Self { since: now.boot, begun: BTreeMap::new() };
        }
        let begun = self.begun.entry(uid).or_default();
        *begun = begun.saturating_add(1);
        *begun > IN_A_MINUTE
    }
}

impl Engine {
    /// Whether the process of a call may begin a session: it has not yet, and there are not too many.
    pub(super) fn may_enter(&mut self, call: &Call) -> Result<(), Refusal> {
        let pid = call.peer.origin.pid.unwrap_or_default();
        if self.sessions.running.get(&pid).is_some_and(Session::is_there) {
            let why = format!("process {pid} runs with a grant already");
            return Err(Refusal::BadRequest { why });
        }
        match self.has_too_many(call.peer.uid) {
            true => {
                let what = "commands that run with grants of yours".into();
                Err(Refusal::TooManyOpen { what, max: AT_A_TIME })
            }
            false => Ok(()),
        }
    }

    fn has_too_many(&self, uid: u32) -> bool {
        let theirs = self.sessions.running.values().filter(|session| session.about.by.uid == uid);
        theirs.count() >= AT_A_TIME as usize
    }

    /// Counts a session that PAM begins. Whether it is one too many: each is an entry of the record, and nothing runs without.
    pub(super) fn is_too_much(&mut self, uid: u32, now: &Now) -> bool {
        self.sessions.pace.is_too_much(uid, now) || self.has_too_many(uid)
    }

    /// Looks whether sessions are where they were put, some time after they began and when something is due with their groups, and puts
    /// those back who are not. Whoever is gone and of whom nobody said how they ended has ended.
    pub(super) fn keep_together(&mut self, now: &Now) {
        let due = self.sessions.keeper.due(now);
        let (mut back, mut over) = (Vec::new(), Vec::new());
        for (pid, session) in &mut self.sessions.running {
            let because = session.group.is_some_and(|name| due.contains(&name))
                && now.boot.saturating_sub(session.looked) >= SELDOM;
            if session.next > now.boot && !because {
                continue;
            }
            session.look_again(now);
            match session.is_there() {
                true => {
                    let processes = session.gather(&self.host.paths, *pid);
                    if processes > 0 {
                        back.push((session.grant, session.about.clone(), processes));
                    }
                }
                false if session.is_long_gone(now) => over.push(*pid),
                false => {}
            }
        }
        for (grant, about, processes) in back {
            self.book.note(now, Some(grant), Entry::Swept { about, what: Swept::Gathered { processes } });
        }
        over.into_iter().for_each(|pid| self.session_over(pid, None, now));
    }

    /// Nothing runs in a group any more. A session of it that is still there was taken out of it, and ends where it is; how many processes.
    pub(super) fn end_outside(&mut self, name: RequestId) -> usize {
        let of_it = self.sessions.running.iter().filter(|(_, session)| session.group == Some(name));
        let killed = of_it.filter_map(|(pid, session)| {
            let process = session.process.as_ref().filter(|process| control_groups::is_there(process))?;
            let pid = u32::try_from(*pid).ok()?;
            Some(control_groups::kill_with_descendants(&self.host.paths.proc, pid, process))
        });
        killed.sum()
    }
}
