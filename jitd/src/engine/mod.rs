//! The engine: one thread that owns all state. Everybody else tells it things and waits for answers.
//!
//! It works in passes: what is due ends first, then every message that waits is taken, permitted requests are
//! recorded in one commit, the host is made equal to what is wanted, people are answered, and what came of it is
//! written. It blocks on the disk and on nothing else: names are looked up, policy is read and sudo is asked elsewhere.

pub(crate) mod admission;
mod agreements;
mod book;
mod calls;
mod checks;
mod drift;
mod elevate;
mod ending;
mod extend;
mod host;
mod message;
mod notices;
mod open;
mod open_views;
mod openings;
mod pam;
pub(crate) mod past;
mod recalled;
mod recover;
mod refusals;
mod reports;
mod revoke;
mod running;
mod session;
mod sessions;
mod standings;
mod stop;
mod story;
mod subcommands;
mod sweeps;
mod unfinished;
pub(crate) mod views;
mod votes;
mod waiters;
mod warnings;
mod wording;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jit_common::ids::RequestId;
use jit_common::response::Response;
use jit_mechanisms::guard_notes::Note;
use jitd_core::lifecycle::registry::Registry;
use jitd_core::lifecycle::state::State;
use jitd_core::limits::{LOOK_EVERY, TOGETHER};
use jitd_core::now::{NANOS, Now};
use tokio::sync::oneshot;

use self::agreements::Agreements;
pub use self::book::Book;
use self::drift::Looking;
use self::elevate::{Candidate, Waiting};
pub use self::host::Host;
use self::host::Made;
pub use self::message::{Call, Handle, Health, Inbox, Message, NotTaken, PamCall};
use self::notices::Notices;
use self::open::Purpose;
use self::openings::Openings;
pub use self::recalled::Begun;
use self::refusals::Refusals;
use self::reports::Reports;
use self::running::Running;
use self::sessions::Sessions;
use self::subcommands::Starts;
use self::sweeps::Sweeps;
use self::waiters::Waiter;
use self::warnings::Warnings;
use crate::clock::Clock;
use crate::config;
use crate::enquiries::Enquiries;
use crate::policy_files::{self, Live};
use crate::sinks::SinkHealth;
use crate::terminals::Present;
use crate::timers::Alarm;

/// Messages taken in one pass.
const MESSAGES_IN_A_PASS: usize = 512;

/// Nanoseconds after which a pass takes no further message.
const LONGEST_PASS: i64 = NANOS / 20;

/// Which approvals each of those who voted may stand for, by uid and name.
type Standing = BTreeMap<(u32, String), BTreeSet<usize>>;

/// The owner of all state.
#[derive(Debug)]
pub struct Engine {
    clock: Clock,
    registry: Registry,
    book: Book,
    host: Host,
    live: Arc<Live>,
    alarm: Alarm,
    handle: Handle,
    inbox: Inbox,
    enquiries: Enquiries,
    agreements: Agreements,
    refusals: Refusals,
    warnings: Warnings,
    notices: Notices,
    present: Present,
    openings: Openings,
    sessions: Sessions,
    starts: Starts,
    reports: Reports,
    sweeps: Sweeps,
    drift: Looking,
    running: Running,
    candidates: Vec<Candidate>,
    waiting: Vec<Waiting>,
    /// Whoever waits for an open request of theirs.
    waiters: Vec<Waiter>,
    /// What the look-ups under way are for.
    asking: BTreeMap<u64, Purpose>,
    /// The mark of the last look-up.
    tickets: u64,
    /// Approved requests that are not in force yet, and why.
    held_up: BTreeMap<RequestId, String>,
    /// What those who approved may stand for, by the last look at them.
    standing: BTreeMap<RequestId, Standing>,
    sinks: Vec<SinkHealth>,
    /// Notes of the guard that are on their way into the record.
    notes: Vec<Note>,
    /// What the guard took off, and when by the wall clock, until it is off the books as well.
    removed_by_guard: BTreeMap<RequestId, i64>,
    /// What came of the last removal.
    removed: Made,
    /// When stuck grants are tried again, on the boot clock.
    retry_stuck: Option<i64>,
    /// When the host is looked at next, on the boot clock.
    next_look: i64,
    /// How often in a row the host could not be written as it should be.
    troubled: u32,
    /// Why the timer could not be armed, if it could not.
    no_alarm: Option<String>,
}

/// What an engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// The clocks.
    pub clock: Clock,
    /// What the ledger says is live.
    pub registry: Registry,
    /// The ledger.
    pub book: Book,
    /// The host's mechanisms.
    pub host: Host,
    /// The policy.
    pub live: Arc<Live>,
    /// The timer.
    pub alarm: Alarm,
    /// A handle to this engine.
    pub handle: Handle,
    /// Its ends.
    pub inbox: Inbox,
    /// How it asks what may take a while to find out.
    pub enquiries: Enquiries,
    /// How the sinks are doing.
    pub sinks: Vec<SinkHealth>,
    /// What closing reports look at.
    pub report: config::Report,
}

/// What a pass leaves to do.
#[derive(Debug)]
enum Next {
    GoOn,
    /// In order; whoever asked is told. Nobody is told of a stop after a failure: the engine's end says it.
    Stop(Option<oneshot::Sender<u64>>),
}

impl Engine {
    /// An engine, not running yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let next_look = parts.clock.now().boot.saturating_add(LOOK_EVERY * NANOS);
        Self {
            reports: Reports::new(parts.report, parts.clock.clone()),
            clock: parts.clock,
            registry: parts.registry,
            book: parts.book,
            host: parts.host,
            live: parts.live,
            alarm: parts.alarm,
            handle: parts.handle,
            inbox: parts.inbox,
            enquiries: parts.enquiries,
            agreements: Agreements::default(),
            refusals: Refusals::default(),
            warnings: Warnings::default(),
            notices: Notices::default(),
            present: Present::default(),
            openings: Openings::default(),
            sessions: Sessions::default(),
            starts: Starts::default(),
            sweeps: Sweeps::new(),
            drift: Looking::default(),
            running: Running::new(),
            candidates: Vec::new(),
            waiting: Vec::new(),
            waiters: Vec::new(),
            asking: BTreeMap::new(),
            tickets: 0,
            held_up: BTreeMap::new(),
            standing: BTreeMap::new(),
            sinks: parts.sinks,
            notes: Vec::new(),
            removed_by_guard: BTreeMap::new(),
            removed: Made::default(),
            retry_stuck: None,
            next_look,
            troubled: 0,
            no_alarm: None,
        }
    }

    /// Makes the host equal to the record, then works until it is told to stop.
    pub fn run(mut self, begun: Begun) {
        self.recover(begun);
        let now = self.clock.now();
        self.open_due(&now);
        self.check_ready(&now);
        self.end_of_pass();
        while let Some(first) = self.inbox.messages.blocking_recv() {
            let now = self.clock.now();
            self.start_of_pass(&now);
            let mut next = self.take(first, &now);
            for _ in 1..MESSAGES_IN_A_PASS {
                // What falls due meanwhile does not wait for a long queue.
                let long = self.clock.now().boot.saturating_sub(now.boot) > LONGEST_PASS;
                if long || matches!(next, Next::Stop(_)) {
                    break;
                }
                let Ok(message) = self.inbox.messages.try_recv() else { break };
                next = self.take(message, &now);
            }
            self.flush(&now);
            if let Next::Stop(done) = next {
                self.stop(&now);
                return self.tell_the_end(done);
            }
            self.end_of_pass();
        }
    }

    /// What is due comes before anything that is asked.
    fn start_of_pass(&mut self, now: &Now) {
        self.end_due(now);
        self.retry_stuck(now);
        self.open_due(now);
        self.warnings.give(&self.registry, now);
        self.keep_sessions(now);
        self.keep_sweeps(now);
        self.keep_reports(now);
        self.keep_lookers(now);
        for entry in self.refusals.over(now) {
            self.book.note(now, None, entry);
        }
        if now.boot >= self.next_look {
            self.next_look = now.boot.saturating_add(LOOK_EVERY * NANOS);
            self.look(now);
            self.check_ready(now);
        }
    }

    fn take(&mut self, message: Message, now: &Now) -> Next {
        match message {
            Message::Call(call) => self.call(*call, now),
            Message::Pam(call) => self.pam(*call, now),
            Message::Read(stretch) => self.read(stretch),
            Message::Natural(mut person, reply) => {
                self.host.natural(&mut person, now);
                let _ = reply.send(*person);
            }
            Message::Sign(done) => {
                self.book.sign(now);
                self.inbox.head.send_replace(self.book.head());
                let _ = done.send(());
            }
            Message::Asked { id, answer } => {
                // What was permitted before it may extend the grant that it ends, and is the same person's then. Others wait
                // for more to go with them: each commit rewrites what all of them have.
                if self.registry.get(id).is_some_and(|grant| self.is_candidate(grant.by.uid)) {
                    self.flush(now);
                }
                self.sudo_answered(id, &answer, now);
            }
            Message::Answered(answer) => self.answered(*answer, now),
            Message::SessionOver { pid } => self.session_over(pid, None, now),
            Message::Listed { user, listing } => self.listed(&user, listing, now),
            Message::Looked(seen) => self.looked(*seen, now),
            Message::Swept(done) => self.swept(&done, now),
            Message::Subcommands(news) => self.starts_told(news, now),
            Message::Policy(loaded) => self.new_policy(*loaded, now),
            Message::People { gone, asked } => self.people_said(&gone, asked, now),
            Message::AccountsChanged => self.check_people(now),
            Message::GroupsChanged => self.groups_changed(now),
            Message::GroupsSaid(said) => self.groups_said(said, now),
            Message::Look => drop(self.look(now)),
            Message::Wake => {}
            Message::Beat(reply) => {
                let _ = reply.send(self.health());
            }
            Message::Stop(done) => return Next::Stop(Some(done)),
            Message::Fail | Message::End => return Next::Stop(None),
        }
        Next::GoOn
    }

    /// Writes what came of the pass, tells the sinks, and arms the timer for what is due next.
    fn end_of_pass(&mut self) {
        let now = self.clock.now();
        self.close_without_grant(&now);
        self.forget_closed();
        self.keep_sessions(&now);
        self.keep_starts(&now);
        self.keep_sweeps(&now);
        self.keep_reports(&now);
        self.book.settle(&now);
        self.host.afterwards(&self.handle);
        self.tell_waiters(&now);
        if self.inbox.messages.is_empty() {
            self.book.tidy(&now);
        }
        let head = self.book.head();
        self.inbox.head.send_if_modified(|known| std::mem::replace(known, head) != head);
        self.no_alarm = match self.alarm.arm(self.next_wake(&now)) {
            Ok(()) => None,
            Err(error) => Some(format!("no timer can be armed: {error}")),
        };
    }

    fn next_wake(&self, now: &Now) -> i64 {
        let until = |at: i64| at.saturating_sub(now.boot).max(0);
        let wakes = [
            self.registry.next_deadline(now).map(|left| left.saturating_add(TOGETHER)),
            self.registry.next_open(now),
            self.retry_stuck.map(until),
            self.warnings.next(&self.registry, now),
            self.sessions.next(now),
            self.starts.next(now),
            self.sweeps.next(now),
            self.reports.next(now),
            self.drift.next(now),
            self.refusals.next(now),
            self.book.next_try(now),
            Some(until(self.next_look)),
        ];
        wakes.into_iter().flatten().min().unwrap_or(LOOK_EVERY * NANOS)
    }

    /// Why nothing is granted at present, apart from the kill switch and the policy.
    fn not_granting(&self) -> Option<String> {
        self.book.closed().or_else(|| self.unfit())
    }

    /// Why nothing could be made real or ended on time, if that is so.
    fn unfit(&self) -> Option<String> {
        self.no_alarm.clone().or_else(|| self.host.unfit())
    }

    fn health(&self) -> Health {
        let stuck = self.registry.live().filter(|grant| matches!(grant.state, State::Stuck { .. })).count();
        let locked = self.registry.lock().map(|lock| format!("locked by {}", lock.by.name));
        let not_granting = self.not_granting().or(locked).or_else(|| self.live.invalid_because());
        let head = self.book.head();
        let behind = self.sinks.iter().map(|sink| sink.view(head)).filter(|sink| sink.behind > 0);
        let behind = behind.map(|sink| (sink.name, sink.behind)).collect();
        Health { live: self.registry.len(), stuck, behind, not_granting }
    }

    /// Takes a policy that was read again; a bad one leaves the old one in force.
    fn new_policy(&mut self, loaded: policy_files::Loaded, now: &Now) {
        let entry = policy_files::entry(&loaded, &self.live);
        self.book.note(now, None, entry);
        self.live = policy_files::succeed(&self.live, loaded);
        // What it says of differences may be other than before.
        self.next_look = now.boot;
        self.inbox.policy.send_replace(self.live.clone());
        self.keep_room();
        self.keep_managed();
        self.check_ready(now);
    }

    fn answer(reply: oneshot::Sender<Response>, response: Response) {
        elevate::answer(reply, response);
    }
}
