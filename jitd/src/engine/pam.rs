//! What the PAM module asks and tells: whether somebody holds a grant, and sessions of sudo that a grant has made possible.
//!
//! A session of sudo is a grant's when a live grant of the person is for its target, and sudo allows them that target and command
//! by no other rule. Then its process goes into the grant's control group, and ends with it. When it could be either, that
//! is recorded and nothing is ended. Whoever holds no grant is left alone, and so is every session of su and every login.

use std::os::fd::OwnedFd;

use jit_common::ids::RequestId;
use jit_common::managed::Service;
use jit_common::refusal::Refusal;
use jit_common::request::{PamAsk, PamSession};
use jit_common::response::{PamSays, Response};
use jit_mechanisms::control_groups::Group;
use jit_mechanisms::process_stat::Stat;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::now::Now;
use jitd_core::record::Origin;
use jitd_core::sudoers::{self, Fits, Standing};
use jitd_core::wanted::until_secs;
use tokio::sync::oneshot;

use super::Engine;
use super::message::PamCall;
use super::session::{Beginner, Where};
use super::standings::Known;

/// The longest command line that is looked at, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// A session that waits for what sudo says of its person.
#[derive(Debug)]
pub(super) struct Opening {
    session: PamSession,
    from: Origin,
    process: Option<OwnedFd>,
    reply: oneshot::Sender<Response>,
}

impl Engine {
    /// Answers the PAM module, or lets it wait for sudo.
    pub(super) fn pam(&mut self, call: PamCall, now: &Now) {
        let PamCall { peer, process, ask, reply } = call;
        if peer.uid != 0 {
            let refusal = Refusal::NotPermitted {
                action: "speak as the PAM module".into(),
                need: "a program that runs as root".into(),
            };
            return Self::answer(reply, Response::Refused { refusal, explanation: None });
        }
        let response = match ask {
            PamAsk::Account { person } => Response::Pam(match self.held_by(&person).next() {
                Some(_) => PamSays::Covered,
                None => PamSays::NoGrant,
            }),
            PamAsk::Open(session) => {
                let from = peer.origin;
                return self.opening(Opening { session, from, process, reply }, now);
            }
            PamAsk::Close => {
                if let Some(pid) = peer.origin.pid {
                    self.session_over(pid, None, now);
                }
                Response::Done
            }
        };
        Self::answer(reply, response);
    }

    /// The live grants of a person, by the name of their account: a grant ends when its account gets another one.
    fn held_by<'a>(&'a self, person: &'a str) -> impl Iterator<Item = &'a Grant> {
        self.registry.live().filter(move |grant| grant.state == State::Active && grant.by.name == person)
    }

    fn opening(&mut self, opening: Opening, now: &Now) {
        let PamSession { service, person, target, .. } = &opening.session;
        let fits = |grant: &&Grant| sudoers::fits(&grant.gives, person, target, None) != Fits::No;
        let says = match (self.held_by(person).next(), self.held_by(person).find(fits)) {
            (None, _) => PamSays::NoGrant,
            (Some(_), None) => PamSays::OtherTarget,
            (Some(_), Some(_)) => PamSays::Covered,
        };
        let matters = match (says, service) {
            (PamSays::Covered, Service::Sudo) => true,
            // What sudo made of its rules a while ago may have been by one that is gone.
            (_, Service::Sudo) => self.was_asked_before_an_end(&opening, now),
            (_, Service::Su | Service::Login | Service::Sshd) => false,
        };
        if !matters {
            return Self::answer(opening.reply, Response::Pam(says));
        }
        if let Some(pid) = opening.from.pid.filter(|_| self.is_known(&opening)) {
            self.starts.becomes(pid, target);
            return Self::answer(opening.reply, Response::Pam(says));
        }
        let person = person.clone();
        match self.sessions.standings.known(&self.host, &person, now) {
            Some(known) => self.begin_one(opening, &known, now),
            None => match self.ask_standing(&person, now) {
                Ok(()) => self.sessions.opening.push(opening),
                Err(why) => self.begin_one(opening, &Err(why), now),
            },
        }
    }

    /// Whether a process is a session's already, of a grant that is for just this: `jitctl elevate -- COMMAND` became sudo.
    fn is_known(&self, opening: &Opening) -> bool {
        let Opening { session, from, .. } = opening;
        let Some((pid, known)) = from.pid.and_then(|pid| Some((pid, self.sessions.running.get(&pid)?)))
        else {
            return false;
        };
        let words = self.command_line(pid);
        let line: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = sudoers::command(&line);
        let is_for_it = |grant: &&Grant| {
            sudoers::fits(&grant.gives, &session.person, &session.target, command.as_deref()) == Fits::Command
        };
        let grant = self.held_by(&session.person).filter(|grant| grant.id == known.grant).find(is_for_it);
        let names = grant.map(|grant| self.sessions.keeper.of(grant.id)).unwrap_or_default();
        known.is_there() && self.group_with(pid, names).is_some()
    }

    /// The one of these groups in which a process is.
    pub(super) fn group_with(
        &self,
        pid: i32,
        names: impl IntoIterator<Item = RequestId>,
    ) -> Option<RequestId> {
        let pid = u32::try_from(pid).ok()?;
        let is_in = |name: &RequestId| {
            let pids = Group::named(&self.host.paths, *name).pids();
            pids.is_ok_and(|pids| pids.contains(&pid))
        };
        names.into_iter().find(is_in)
    }

    /// Whether a grant of the person has ended since the process of a session began, or may have before that was remembered.
    fn was_asked_before_an_end(&mut self, opening: &Opening, now: &Now) -> bool {
        let ended = self.sessions.last_end(&opening.session.person, now);
        let pid = opening.from.pid.and_then(|pid| u32::try_from(pid).ok());
        let stat = pid.and_then(|pid| Stat::of(&self.host.paths.proc, pid));
        stat.is_none_or(|stat| stat.began <= ended)
    }

    /// Has sudo asked what it allows a person without any grant.
    pub(super) fn ask_standing(&mut self, person: &str, now: &Now) -> Result<(), String> {
        let ours = self.ends_of(person);
        self.sessions.standings.ask(&self.host, person, ours, self.handle.clone(), now)
    }

    /// The ends of all rules of a person that are grants', as sudo shows them.
    fn ends_of(&self, person: &str) -> Vec<String> {
        let theirs = self.registry.live().filter(|grant| grant.by.name == person);
        theirs.map(|grant| sudoers::not_after(until_secs(&grant.deadline))).collect()
    }

    /// sudo has said what it allows a person.
    pub(super) fn listed(&mut self, user: &str, listing: Result<String, String>, now: &Now) {
        let ours = self.ends_of(user);
        let known = self.sessions.standings.said(&self.host, user, listing, ours);
        let (theirs, others) = std::mem::take(&mut self.sessions.opening)
            .into_iter()
            .partition(|one| one.session.person == user);
        self.sessions.opening = others;
        let theirs: Vec<Opening> = theirs;
        theirs.into_iter().for_each(|one| self.begin_one(one, &known, now));
    }

    /// Puts a session on the record, and into the control group of its grant if it is certainly that grant's.
    fn begin_one(&mut self, opening: Opening, known: &Known, now: &Now) {
        let over = self.was_asked_before_an_end(&opening, now);
        let Opening { session, from, process, reply } = opening;
        let words = from.pid.map(|pid| self.command_line(pid)).unwrap_or_default();
        let line: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = sudoers::command(&line);
        let fit =
            |grant: &Grant| sudoers::fits(&grant.gives, &session.person, &session.target, command.as_deref());
        // Of several that fit equally well it is the one that would permit it longest.
        let best = self.held_by(&session.person).filter(|grant| fit(grant) != Fits::No);
        let best = best.max_by_key(|grant| (fit(grant), grant.deadline.wall)).cloned();
        let covers = |standing: &Standing| standing.may_cover(&session.target, command.as_deref());
        // Sudo may have gone by the rule of the one that has ended; that another is for the same target does not make it that one's.
        let by_the_ended = over && !known.as_ref().is_ok_and(covers);
        let grant = match best.filter(|grant| !by_the_ended || fit(grant) == Fits::Command) {
            Some(grant) => grant,
            None => {
                let says = if by_the_ended { PamSays::Over } else { PamSays::OtherTarget };
                return Self::answer(reply, Response::Pam(says));
            }
        };
        let either = match known {
            Ok(standing) => {
                covers(standing).then(|| "sudo may have allowed it without this grant as well".to_owned())
            }
            Err(why) => Some(format!("whether sudo allows it without this grant is not known: {why}")),
        };
        // Not that of another grant, which ends at another time, or is given back.
        let its_own = self.sessions.keeper.of(grant.id);
        let place = match (from.pid.and_then(|pid| self.group_with(pid, its_own)), either) {
            (Some(name), _) => Where::In(name),
            (None, Some(why)) => Where::Outside(why),
            (None, None) => Where::InItsGroup,
        };
        if self.is_too_much(grant.by.uid, now) {
            // What needs no grant is nobody's to refuse.
            let says = if matches!(place, Where::Outside(_)) { PamSays::Covered } else { PamSays::TooMany };
            return Self::answer(reply, Response::Pam(says));
        }
        // Whoever waits no longer has let sudo go on, and what it started is not where sudo is.
        let (goes_on, pid) = (reply.is_closed(), from.pid);
        let beginner = Beginner { from, uid: 0, process, target: Some(session.target) };
        let begun = self.begin(&grant, beginner, &line.join(" "), place, now);
        if let Some(session) = pid.filter(|_| goes_on).and_then(|pid| self.sessions.running.get_mut(&pid)) {
            session.next = now.boot;
        }
        match begun {
            Ok(_) => Self::answer(reply, Response::Pam(PamSays::Covered)),
            Err(refusal) => Self::answer(reply, Response::Refused { refusal, explanation: None }),
        }
    }

    /// The words of a process's command line; none when it is gone, or so long that no role means it.
    fn command_line(&self, pid: i32) -> Vec<String> {
        let bytes = std::fs::read(self.host.paths.proc.join(pid.to_string()).join("cmdline"));
        let bytes = bytes.ok().filter(|bytes| bytes.len() <= LONGEST_LINE).unwrap_or_default();
        let words = bytes.strip_suffix(b"\0").unwrap_or(&bytes).split(|byte| *byte == 0);
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    /// Makes the file of the PAM module say what the policy says. Until a valid one was read it says what it said.
    pub(super) fn keep_managed(&self) {
        if !self.live.is_valid() {
            return;
        }
        if let Err(error) = jit_mechanisms::managed::converge(&self.host.paths, &self.live.policy.managed()) {
            let why = crate::chain(&error);
            crate::log::error(&format!("the PAM module is not told who gets in by a grant alone: {why}"));
        }
    }
}
