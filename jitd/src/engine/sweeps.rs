//! What holds a group after a grant of it has ended is told to end, killed when it does not listen, and put on the record; logins
//! stay unless the rule says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jit_mechanisms::groups::holders::Holder;
use jit_mechanisms::groups::sweep::{Signal, Sweep};
use jit_mechanisms::groups::{Given, Membership, Place};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{AtExpiry, Logins};
use jitd_core::record::{self, About, Cause, Entry};

use super::Engine;
use crate::sweeps::{self, Done, Order};
use crate::worker::Worker;

/// Nanoseconds between being told to end and being killed.
const GRACE: i64 = 2 * NANOS;

/// Nanoseconds between two looks whether there are any more: what was just killed may have started something.
const AGAIN: i64 = NANOS / 5;

/// How often all processes are looked through for one grant.
const ROUNDS: u32 = 20;

/// Nanoseconds for which an order is waited for.
const PATIENCE: i64 = 5 * NANOS;

/// Processes that the record names. The others are counted.
const NAMED: usize = 16;

/// Everything about sweeps.
#[derive(Debug)]
pub(super) struct Sweeps {
    worker: Worker<Box<Order>>,
    open: BTreeMap<RequestId, Open>,
    /// Until when an order is waited for, on the boot clock.
    asked: Option<i64>,
}

/// The sweep after a grant.
#[derive(Debug)]
struct Open {
    about: About,
    memberships: Given,
    logins: Logins,
    /// The process that gave it back, which is about to end.
    caller: Option<u32>,
    rounds: u32,
    /// When its next round is, on the boot clock.
    at: i64,
    /// Whether it is part of the order under way.
    ordered: bool,
    /// Who was sent a signal, by its number.
    ended: BTreeMap<u32, String>,
    /// What is left, by the last look.
    left: Vec<String>,
}

impl Sweeps {
    pub(super) fn new() -> Self {
        Self { worker: Worker::new("sweeps", 1, sweeps::carry_out), open: BTreeMap::new(), asked: None }
    }

    /// Nanoseconds until something is due.
    pub(super) fn next(&self, now: &Now) -> Option<i64> {
        let due = self.open.values().map(|open| open.at).min()?;
        Some(self.asked.unwrap_or(due).saturating_sub(now.boot).max(0))
    }

    /// Whether what held a group of this grant is still being ended.
    pub(super) fn has(&self, grant: RequestId) -> bool {
        self.open.contains_key(&grant)
    }
}

impl Open {
    /// What is sent in this round.
    fn signal(&self) -> Signal {
        if self.rounds == 0 { Signal::TERM } else { Signal::KILL }
    }

    /// Takes what came of its round. Whether it needs another one.
    fn take(&mut self, done: &Done, now: &Now) -> bool {
        self.ordered = false;
        self.rounds = self.rounds.saturating_add(1);
        self.at = now.boot.saturating_add(if self.rounds == 1 { GRACE } else { AGAIN });
        let swept = match done {
            Ok(swept) => swept,
            Err(why) => {
                self.left = vec![format!("nobody knows what: {why}")];
                return self.rounds < ROUNDS;
            }
        };
        let signalled: Vec<&Holder> = self.of(&swept.signalled).collect();
        let names = signalled.iter().map(|holder| (holder.pid, holder.to_string()));
        let any = !signalled.is_empty();
        let left = self.of(&swept.left).map(|holder| self.why_left(holder));
        let stubborn = signalled.iter().map(|holder| format!("{holder}, which was killed and does not end"));
        let unknown = swept.unknown.iter().map(|what| format!("maybe {what}"));
        let left = left.chain(unknown).chain(stubborn.filter(|_| self.rounds == ROUNDS)).collect();
        let names: Vec<(u32, String)> = names.collect();
        self.ended.extend(names);
        self.left = left;
        // Whoever gave it back was spared once, to end by itself.
        let spared = self.rounds == 1 && self.caller.is_some();
        (any || spared || !swept.unknown.is_empty()) && self.rounds < ROUNDS
    }

    /// Those who hold a group of this grant.
    fn of<'s>(&'s self, holders: &'s BTreeMap<Membership, Vec<Holder>>) -> impl Iterator<Item = &'s Holder> {
        self.memberships.iter().filter_map(|of| holders.get(of)).flatten()
    }

    fn why_left(&self, holder: &Holder) -> String {
        let why = match holder.place {
            Place::Login if self.logins == Logins::Stay => "a login: log out to drop it",
            Place::SetUid => "which acts as another uid",
            Place::Login | Place::Work => "which could not be told to",
        };
        format!("{holder}, {why}")
    }

    fn entry(self) -> Option<Entry> {
        let Self { about, ended, mut left, .. } = self;
        left.dedup();
        let more = ended.len().saturating_sub(NAMED);
        let ended: Vec<String> = ended.into_values().take(NAMED).collect();
        if let many @ 1.. = left.len().saturating_sub(NAMED) {
            left.truncate(NAMED);
            left.push(format!("{many} more"));
        }
        let any = !ended.is_empty() || !left.is_empty();
        any.then_some(Entry::Swept { about, what: record::Swept::Holders { ended, more, left } })
    }
}

impl Engine {
    /// A grant is off the host: whatever holds a group that was taken away with it is ended, at once or when what was started with
    /// the grant is.
    pub(super) fn sweep_holders(&mut self, grant: &Grant, memberships: Given, now: &Now) {
        if memberships.is_empty() {
            return;
        }
        let last = |from| grant.expiry.then.last(from);
        let left = match (grant.expiry.then, grant.state.cause()) {
            (AtExpiry::Finish(_), Some(Cause::Expired)) => last(&grant.deadline).left(now).max(0),
            (AtExpiry::Finish(seconds), Some(Cause::Dropped)) => i64::from(seconds) * NANOS,
            // What is to be frozen is what was started with the grant; this is no part of it.
            (AtExpiry::Finish(_) | AtExpiry::Pause(_) | AtExpiry::End, _) => 0,
        };
        let open = Open {
            about: grant.about(),
            memberships,
            logins: grant.expiry.logins,
            caller: self.host.caller,
            rounds: 0,
            at: now.boot.saturating_add(left),
            ordered: false,
            ended: BTreeMap::new(),
            left: Vec::new(),
        };
        self.sweeps.open.insert(grant.id, open);
    }

    /// Gives the orders that are due.
    pub(super) fn keep_sweeps(&mut self, now: &Now) {
        if self.sweeps.asked.is_some_and(|until| until > now.boot) {
            return;
        }
        self.sweeps.asked = None;
        let given = self.host.given();
        let (mut orders, mut spare) = (BTreeMap::new(), BTreeSet::new());
        let mut over = Vec::new();
        for (id, open) in self.sweeps.open.iter_mut().filter(|(_, open)| open.at <= now.boot) {
            // Whoever was granted it again holds it rightly.
            open.memberships.retain(|of| !given.contains(of));
            if open.memberships.is_empty() {
                over.push(*id);
                continue;
            }
            open.ordered = true;
            spare.extend(open.caller.filter(|_| open.rounds == 0));
            let sweep = Sweep { signal: open.signal(), logins: open.logins };
            // Two grants of one membership end at different times: the one that has waited for longer says how.
            orders.extend(open.memberships.iter().map(|of| (of.clone(), sweep)));
        }
        over.into_iter().for_each(|id| self.close_sweep(id, now));
        if orders.is_empty() {
            return;
        }
        self.sweeps.asked = Some(now.boot.saturating_add(PATIENCE));
        let (paths, answer_to) = (self.host.paths.clone(), self.handle.clone());
        let order = Order { sweeps: orders, spare, paths, answer_to };
        // Who waits too long for an answer asks again.
        if let Err(why) = self.sweeps.worker.give(Box::new(order)) {
            crate::log::error(&format!("what holds groups is not ended yet: {}", crate::chain(&why)));
        }
    }

    /// An order was carried out.
    pub(super) fn swept(&mut self, done: &Done, now: &Now) {
        self.sweeps.asked = None;
        let ordered = self.sweeps.open.iter_mut().filter(|(_, open)| open.ordered);
        let over: Vec<RequestId> =
            ordered.filter_map(|(id, open)| (!open.take(done, now)).then_some(*id)).collect();
        over.into_iter().for_each(|id| self.close_sweep(id, now));
        self.keep_sweeps(now);
    }

    fn close_sweep(&mut self, id: RequestId, now: &Now) {
        if let Some(entry) = self.sweeps.open.remove(&id).and_then(Open::entry) {
            self.book.note(now, Some(id), entry);
        }
    }
}
