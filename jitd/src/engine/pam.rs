//! What the PAM module asks and tells: whether somebody holds a grant, and sessions of sudo that a grant has made possible.
//!
//! A session of sudo is a grant's when a live grant of the person is for its target, and sudo allows them that target and command
//! by no other rule. Then its process goes into the grant's control group, and ends with it. When it could be either, that
//! is recorded and nothing is ended. Whoever holds no grant is left alone, and so is every session of su and every login.

use jit_common::managed::Service;
use jit_common::refusal::Refusal;
use jit_common::request::{PamAsk, PamSession};
use jit_common::response::{PamSays, Response};
use jit_mechanisms::control_groups::Group;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::now::Now;
use jitd_core::record::Origin;
use jitd_core::sudoers::{self, Fits};
use jitd_core::wanted::until_secs;
use tokio::sync::oneshot;

use super::Engine;
use super::message::PamCall;
use super::standings::Known;

/// The longest command line that is looked at, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// A session that waits for what sudo says of its person.
#[derive(Debug)]
pub(super) struct Opening {
    session: PamSession,
    from: Origin,
    reply: oneshot::Sender<Response>,
}

impl Engine {
    /// Answers the PAM module, or lets it wait for sudo.
    pub(super) fn pam(&mut self, call: PamCall, now: &Now) {
        let PamCall { peer, ask, reply } = call;
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
            PamAsk::Open(session) => return self.opening(Opening { session, from: peer.origin, reply }, now),
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
        let pid = opening.from.pid.and_then(|pid| u32::try_from(pid).ok());
        let (PamSays::Covered, Service::Sudo, Some(pid)) = (says, *service, pid) else {
            return Self::answer(opening.reply, Response::Pam(says));
        };
        if self.is_inside(pid, person) {
            return Self::answer(opening.reply, Response::Pam(says));
        }
        let person = person.clone();
        match self.sessions.standings.known(&self.host, &person) {
            Some(known) => self.begin_one(opening, &known, now),
            None => match self.ask_standing(&person) {
                Ok(()) => self.sessions.opening.push(opening),
                Err(why) => self.begin_one(opening, &Err(why), now),
            },
        }
    }

    /// Whether a process is a session's already: `jitctl elevate -- COMMAND` became sudo, or it was started by such a one.
    fn is_inside(&self, pid: u32, person: &str) -> bool {
        let names = self.held_by(person).flat_map(|grant| self.sessions.groups_of(grant.id));
        let in_group = |name| {
            let pids = Group::named(&self.host.paths, name).pids();
            pids.is_ok_and(|pids| pids.contains(&pid))
        };
        self.sessions.has(pid) || names.into_iter().any(in_group)
    }

    /// Has sudo asked what it allows a person without any grant.
    pub(super) fn ask_standing(&mut self, person: &str) -> Result<(), String> {
        let ours = self.ends_of(person);
        self.sessions.standings.ask(&self.host, person, ours, self.handle.clone())
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
        let Opening { session, from, reply } = opening;
        let words = from.pid.map(|pid| self.command_line(pid)).unwrap_or_default();
        let line: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = sudoers::command(&line);
        let fit =
            |grant: &Grant| sudoers::fits(&grant.gives, &session.person, &session.target, command.as_deref());
        // Of several that fit equally well it is the one that would permit it longest.
        let best = self.held_by(&session.person).filter(|grant| fit(grant) != Fits::No);
        let best = best.max_by_key(|grant| (fit(grant), grant.deadline.wall)).cloned();
        let Some(grant) = best else { return Self::answer(reply, Response::Pam(PamSays::OtherTarget)) };
        let either = match known {
            Ok(standing) => standing
                .may_cover(&session.target, command.as_deref())
                .then(|| "sudo may have allowed it without this grant as well".to_owned()),
            Err(why) => Some(format!("whether sudo allows it without this grant is not known: {why}")),
        };
        match self.begin(&grant, (from, 0), &line.join(" "), either, now) {
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
