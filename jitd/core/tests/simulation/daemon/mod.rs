//! jitd as far as the core needs one: in the order of the real engine (`jitd/src/engine`), and with the core's own types for
//! every decision. It is what is simulated around the core, and as thin as that allows.

mod book;
mod calls;
mod checks;
mod elevate;
mod ending;
mod host;
mod open;
mod recover;
mod votes;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jit_common::ids::RequestId;
use jitd_core::lifecycle::registry::Registry;
use jitd_core::lifecycle::step::Raising;
use jitd_core::limits::{LOOK_EVERY, TOGETHER};
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::Terms;

use self::book::Book;
use self::elevate::Wish;
use self::host::Hosting;
use crate::world::messages::{Call, Message};
use crate::world::policies::Spec;
use crate::world::{Died, Files, World};

/// What came of something that jitd did.
pub(crate) type Lived<T = ()> = Result<T, Died>;

/// What a look-up was for.
#[derive(Debug)]
enum Purpose {
    Open(Box<Opening>),
    Check(RequestId),
}

/// A permitted request on its way to being open.
#[derive(Debug)]
struct Opening {
    call: Call,
    wish: Wish,
    terms: Terms,
}

/// A permitted request that waits for its commit.
#[derive(Debug)]
struct Candidate {
    step: Raising,
    id: RequestId,
    uid: u32,
}

/// What the voters of a request may stand for, by the last look at them.
type Standing = BTreeMap<(u32, String), BTreeSet<usize>>;

/// The daemon.
#[derive(Debug)]
pub(crate) struct Jitd {
    pub(crate) registry: Registry,
    pub(crate) book: Book,
    pub(crate) host: Hosting,
    /// The policy in force; none until there was a good one.
    pub(crate) live: Option<Rc<Spec>>,
    candidates: Vec<Candidate>,
    asking: BTreeMap<u64, Purpose>,
    tickets: u64,
    held_up: BTreeSet<RequestId>,
    standing: BTreeMap<RequestId, Standing>,
    retry_stuck: Option<i64>,
    next_look: i64,
    /// When its timer wakes it, on the boot clock.
    alarm: i64,
}

impl Jitd {
    /// Starts: folds the record, and makes the host equal to it.
    pub(crate) fn start(world: &mut World) -> Lived<Self> {
        let live = match &world.files {
            Files::Good(spec) => Some(spec.clone()),
            Files::Bad => None,
        };
        let now = world.now();
        let mut jitd = Self {
            registry: world.disk.replayed(),
            book: Book::default(),
            host: Hosting::default(),
            live,
            candidates: Vec::new(),
            asking: BTreeMap::new(),
            tickets: 0,
            held_up: BTreeSet::new(),
            standing: BTreeMap::new(),
            retry_stuck: None,
            next_look: now.boot + LOOK_EVERY * NANOS,
            alarm: now.boot,
        };
        jitd.recover(world)?;
        let now = world.now();
        jitd.open_due(world, &now)?;
        jitd.check_ready(world, &now);
        jitd.end_of_pass(world)?;
        Ok(jitd)
    }

    /// One pass over whatever is due and these messages.
    pub(crate) fn pass(&mut self, world: &mut World, messages: Vec<Message>) -> Lived {
        let now = world.now();
        self.end_due(world, &now)?;
        self.retry_stuck(world, &now)?;
        self.open_due(world, &now)?;
        if now.boot >= self.next_look {
            self.next_look = now.boot + LOOK_EVERY * NANOS;
            self.look(world, &now)?;
            self.check_ready(world, &now);
        }
        for message in messages {
            self.take(world, message, &now)?;
        }
        self.flush(world, &now)?;
        self.end_of_pass(world)
    }

    fn take(&mut self, world: &mut World, message: Message, now: &Now) -> Lived {
        match message {
            Message::Call(call) => self.call(world, call, now),
            Message::Answered { ticket, found } => self.answered(world, ticket, found, now),
            Message::SudoSaid { id, agrees } => {
                let whose = self.registry.get(id).map(|grant| grant.by.uid);
                if self.candidates.iter().any(|candidate| Some(candidate.uid) == whose) {
                    self.flush(world, now)?;
                }
                self.sudo_said(world, id, agrees, now)
            }
            Message::Gone(people) => self.people_gone(world, &people, now),
            Message::Reload => {
                // A bad policy leaves the old one in force.
                if let Files::Good(spec) = &world.files {
                    self.live = Some(spec.clone());
                }
                self.check_ready(world, now);
                Ok(())
            }
        }
    }

    fn end_of_pass(&mut self, world: &mut World) -> Lived {
        let now = world.now();
        self.close_without_grant(&now);
        let open = |id: &RequestId| self.registry.open_request(*id).is_some();
        self.held_up.retain(open);
        self.standing.retain(|id, _| open(id));
        self.book.settle(world, &now)?;
        self.alarm = now.boot.saturating_add(self.next_wake(&now));
        Ok(())
    }

    /// Nanoseconds until its timer wakes it.
    pub(crate) fn until_alarm(&self, now: &Now) -> i64 {
        self.alarm.saturating_sub(now.boot).max(0)
    }

    fn next_wake(&self, now: &Now) -> i64 {
        let until = |at: i64| at.saturating_sub(now.boot).max(0);
        let wakes = [
            self.registry.next_deadline(now).map(|left| left.saturating_add(TOGETHER)),
            self.registry.next_open(now),
            self.retry_stuck.map(until),
            self.book.next_try(now),
            Some(until(self.next_look)),
        ];
        wakes.into_iter().flatten().min().unwrap_or(LOOK_EVERY * NANOS)
    }

    /// The policy in force, by its hash.
    pub(crate) fn policy(&self) -> Option<&str> {
        self.live.as_ref().map(|spec| spec.hash.as_str())
    }
}
