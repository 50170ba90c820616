//! What is owed to the ledger, and since when it does not take anything (`jitd/src/engine/book.rs`).

use jitd_core::lifecycle::step::{Durable, Owed, Raising, Released};
use jitd_core::now::{NANOS, Now};
use jitd_core::record::{Draft, Entry};

use super::Lived;
use crate::world::disk::{NotKept, Page, Purpose};
use crate::world::{Died, World};

/// Nanoseconds between two tries to write what is owed.
const RETRY: i64 = 2 * NANOS;

/// Since when the ledger takes nothing.
#[derive(Clone, Copy, Debug)]
struct Failing {
    since: i64,
    retry: i64,
}

/// Owed entries in one commit: so few that often some are written and the next are not.
const LOT: usize = 3;

/// The ledger as jitd keeps it.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) owed: Owed,
    failing: Option<Failing>,
}

impl Default for Book {
    fn default() -> Self {
        Self { owed: Owed::in_lots_of(LOT), failing: None }
    }
}

impl Book {
    /// Whether nothing can be recorded.
    pub(crate) fn is_closed(&self) -> bool {
        self.failing.is_some()
    }

    /// Records raising steps with what is owed; only then are they open. `None` when they could not be recorded.
    pub(crate) fn raise(
        &mut self,
        world: &mut World,
        steps: Vec<Raising>,
        now: &Now,
    ) -> Lived<Option<Released>> {
        if self.is_closed() {
            return Ok(None);
        }
        let World { disk, fate, .. } = world;
        match (Page { disk, fate, purpose: Purpose::Raise }).append(&mut self.owed, steps) {
            Ok(released) => Ok(Some(released)),
            Err(NotKept::Died) => Err(Died),
            Err(NotKept::Full) => {
                self.failed(now);
                Ok(None)
            }
        }
    }

    /// Writes what is owed, when it is time to try.
    pub(crate) fn settle(&mut self, world: &mut World, now: &Now) -> Lived {
        match self.failing.is_none_or(|failing| now.boot >= failing.retry) {
            true => self.settle_now(world, now),
            false => Ok(()),
        }
    }

    /// Writes what is owed.
    pub(crate) fn settle_now(&mut self, world: &mut World, now: &Now) -> Lived {
        while !self.owed.is_empty() || self.failing.is_some() {
            if self.settle_lot(world, now)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Writes the oldest of what is owed. `None` when it is still owed.
    fn settle_lot(&mut self, world: &mut World, now: &Now) -> Lived<Option<()>> {
        let restored = self.failing.map(|failing| Draft {
            at: now.wall,
            request: None,
            entry: Entry::LedgerRestored {
                since: failing.since,
                owed: self.owed.len(),
                why: "no space left on device".into(),
            },
            texts: Vec::new(),
        });
        let drafts: Vec<Draft> = restored.iter().chain(self.owed.first_lot()).cloned().collect();
        let World { disk, fate, .. } = world;
        match (Page { disk, fate, purpose: Purpose::Lower }).commit(&drafts) {
            Ok(()) => {
                self.owed.forget_first_lot();
                self.failing = None;
                Ok(Some(()))
            }
            Err(NotKept::Died) => Err(Died),
            Err(NotKept::Full) => {
                self.failed(now);
                Ok(None)
            }
        }
    }

    fn failed(&mut self, now: &Now) {
        let since = self.failing.map_or(now.wall, |failing| failing.since);
        self.failing = Some(Failing { since, retry: now.boot + RETRY });
    }

    /// Nanoseconds until it is tried again.
    pub(crate) fn next_try(&self, now: &Now) -> Option<i64> {
        self.failing.map(|failing| failing.retry.saturating_sub(now.boot).max(0))
    }
}
