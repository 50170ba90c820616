//! How many connections and requests one uid may have, so that nobody can keep others out.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jitd_core::now::{NANOS, Now};

use crate::config::Limits;

/// Connections in all, however many descriptors there are.
const IN_ALL: u32 = 4096;

/// Descriptors that connections of others than root never take: the ledger, the sinks, what is read and run, and root.
const KEPT: u32 = 256;

/// One in so many connections may be one that waits for others to decide.
const WAITERS: u32 = 4;

/// Connections that newcomers, uids that are not looked up yet, leave to others: the rest is theirs all together, for after a
/// restart of jitd everybody of a directory is new. Where there are not so many, one in [`NEWCOMERS`] is theirs.
const FOR_OTHERS: u32 = IN_ALL / 2;

/// As above.
const NEWCOMERS: u32 = 16;

/// Connections of all uids together that have no account.
const WITHOUT_ACCOUNT: u32 = 32;

/// Uids without an account that are remembered.
const STRANGERS: usize = 4096;

/// Nanoseconds over which requests are counted.
const MINUTE: i64 = 60 * NANOS;

/// Who shares one quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    /// One uid that has, or had, an account, or of which it is not known yet.
    Uid(u32),
    /// All uids without an account. A user namespace gives anybody thousands of them.
    WithoutAccount,
}

/// What is held in one quota.
#[derive(Debug, Default)]
struct Held {
    connections: u32,
    followers: u32,
    waiters: u32,
    minute_ends: i64,
    requests: u32,
}

/// Whether a place, or a request, is one of those that all newcomers have together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It was not known yet whether its uid has an account.
    Newcomer,
    /// It was.
    Settled,
}

#[derive(Debug, Default)]
struct Table {
    held: BTreeMap<Whose, Held>,
    /// What all newcomers have together, each of them within what any uid may have.
    newcomers: Held,
    /// Uids that were found to have an account.
    known: BTreeSet<u32>,
    /// Uids that were found to have none, until they are forgotten.
    strangers: BTreeSet<u32>,
    strangers_until: i64,
    in_all: u32,
    waiters: u32,
}

/// Who holds how many connections.
#[derive(Clone, Debug)]
pub struct Seats {
    limits: Arc<Limits>,
    in_all: u32,
    table: Arc<Mutex<Table>>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call and its answer.
    Call,
    /// Following the log, for hours perhaps.
    Follow,
    /// Waiting for others to decide, for hours perhaps.
    Wait,
}

/// Whether a uid has an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// It has.
    Known,
    /// The account database answered, and it has none.
    None,
}

/// One connection's place. Dropped, it is free again.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    whose: Whose,
    standing: Standing,
    kind: Kind,
}

impl Seats {
    /// An empty table, for a process that may have so many descriptors open.
    #[must_use]
    pub fn new(limits: Limits, descriptors: u64) -> Self {
        let descriptors = u32::try_from(descriptors).unwrap_or(u32::MAX);
        let in_all = descriptors.saturating_sub(KEPT).max(descriptors / 4).min(IN_ALL);
        Self { limits: Arc::new(limits), in_all, table: Arc::default() }
    }

    /// Takes a place for a connection of `uid`.
    ///
    /// # Errors
    /// The most there may be, when they are all taken. Root always finds one, so that it can revoke.
    pub fn take(&self, uid: u32, kind: Kind) -> Result<Seat, u32> {
        let mut table = self.lock();
        if uid != 0 && table.in_all >= self.in_all {
            return Err(self.in_all);
        }
        let waiters = self.in_all / WAITERS;
        if kind == Kind::Wait && uid != 0 && table.waiters >= waiters {
            return Err(waiters);
        }
        let (whose, standing) = table.whose(uid);
        if standing == Standing::Newcomer && table.newcomers.in_all() >= self.newcomers() {
            return Err(self.newcomers());
        }
        self.sit(&mut table, whose, kind)?;
        table.in_all += 1;
        table.waiters += u32::from(kind == Kind::Wait);
        match standing {
            Standing::Newcomer => *table.newcomers.count(kind) += 1,
            Standing::Settled => {}
        }
        Ok(Seat { seats: self.clone(), whose, standing, kind })
    }

    /// Remembers whether `uid` has an account: for good if it has, else for a minute, so that a crowd of such uids does
    /// not keep those out that are new.
    pub fn learn(&self, uid: u32, account: Account) {
        let mut table = self.lock();
        match account {
            Account::Known => {
                table.strangers.remove(&uid);
                table.known.insert(uid);
            }
            Account::None => {
                table.known.remove(&uid);
                if table.strangers.len() >= STRANGERS {
                    table.strangers.clear();
                }
                table.strangers.insert(uid);
            }
        }
    }

    /// Whether `uid` has an account; `None` when that is to be looked up.
    #[must_use]
    pub fn account(&self, uid: u32) -> Option<Account> {
        match self.lock().whose(uid) {
            (_, Standing::Newcomer) => None,
            (Whose::Uid(_), Standing::Settled) => Some(Account::Known),
            (Whose::WithoutAccount, Standing::Settled) => Some(Account::None),
        }
    }

    /// Counts a request of `uid`.
    ///
    /// # Errors
    /// Seconds to wait, when it has made too many.
    pub fn request(&self, uid: u32, now: &Now) -> Result<(), u32> {
        let mut table = self.lock();
        // Whoever holds nothing and whose minute is over is forgotten.
        table.held.retain(|_, held| held.are_any() || held.minute_ends > now.boot);
        if table.strangers_until <= now.boot {
            table.strangers_until = now.boot.saturating_add(MINUTE);
            table.strangers.clear();
        }
        let (whose, standing) = table.whose(uid);
        let most = match whose {
            Whose::Uid(0) => u32::MAX,
            Whose::Uid(_) | Whose::WithoutAccount => self.limits.requests_per_minute,
        };
        table.held.entry(whose).or_default().has_room(now, most)?;
        if standing == Standing::Newcomer {
            // Many at once are looked up too slowly, or the account database hangs: one from each of them.
            let most = self.limits.requests_per_minute.max(self.newcomers());
            table.newcomers.has_room(now, most)?;
            table.newcomers.requests += 1;
        }
        table.held.entry(whose).or_default().requests += 1;
        Ok(())
    }

    /// How many connections there may be of uids that are not looked up yet.
    fn newcomers(&self) -> u32 {
        self.in_all.saturating_sub(FOR_OTHERS).max(self.in_all / NEWCOMERS)
    }

    /// Counts one connection more in a quota.
    fn sit(&self, table: &mut Table, whose: Whose, kind: Kind) -> Result<(), u32> {
        let most = match (whose, kind) {
            (Whose::Uid(0), _) => u32::MAX,
            (Whose::Uid(_), Kind::Call) => self.limits.connections_per_uid,
            (Whose::Uid(_), Kind::Follow) => self.limits.followers_per_uid,
            (Whose::Uid(_), Kind::Wait) => self.limits.waiters_per_uid,
            (Whose::WithoutAccount, _) => WITHOUT_ACCOUNT,
        };
        let count = table.held.entry(whose).or_default().count(kind);
        if *count >= most {
            return Err(most);
        }
        *count += 1;
        Ok(())
    }

    /// How many places of a kind `uid` has.
    #[cfg(test)]
    pub(super) fn held(&self, uid: u32, kind: Kind) -> u32 {
        let mut table = self.lock();
        let (whose, _) = table.whose(uid);
        *table.held.entry(whose).or_default().count(kind)
    }

    /// A thread that panicked while it held the table left whole numbers in it.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Counts this place, of a uid that was new, where it belongs.
    ///
    /// # Errors
    /// The most there may be, when they are all taken there.
    pub fn settle(&mut self, uid: u32, account: Account) -> Result<(), u32> {
        self.seats.learn(uid, account);
        let whose = match account {
            Account::Known => Whose::Uid(uid),
            Account::None => Whose::WithoutAccount,
        };
        let mut table = self.seats.lock();
        if self.whose != whose {
            self.seats.sit(&mut table, whose, self.kind)?;
            table.leave(self.whose, self.kind);
            self.whose = whose;
        }
        table.settle(self.standing, self.kind);
        self.standing = Standing::Settled;
        drop(table);
        Ok(())
    }
}

impl Table {
    fn whose(&self, uid: u32) -> (Whose, Standing) {
        if uid == 0 || self.known.contains(&uid) {
            (Whose::Uid(uid), Standing::Settled)
        } else if self.strangers.contains(&uid) {
            (Whose::WithoutAccount, Standing::Settled)
        } else {
            (Whose::Uid(uid), Standing::Newcomer)
        }
    }

    /// Gives a place back. Of a uid that has none left and has asked for nothing nothing is kept: a user namespace has
    /// thousands of them.
    fn leave(&mut self, whose: Whose, kind: Kind) {
        if let Entry::Occupied(mut entry) = self.held.entry(whose) {
            let held = entry.get_mut();
            let count = held.count(kind);
            *count = count.saturating_sub(1);
            if !held.are_any() && held.requests == 0 {
                entry.remove();
            }
        }
    }

    /// Takes a place that newcomers had out of their count.
    fn settle(&mut self, standing: Standing, kind: Kind) {
        match standing {
            Standing::Newcomer => {
                let count = self.newcomers.count(kind);
                *count = count.saturating_sub(1);
            }
            Standing::Settled => {}
        }
    }
}

impl Held {
    fn count(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Call => &mut self.connections,
            Kind::Follow => &mut self.followers,
            Kind::Wait => &mut self.waiters,
        }
    }

    fn in_all(&self) -> u32 {
        self.connections.saturating_add(self.followers).saturating_add(self.waiters)
    }

    fn are_any(&self) -> bool {
        self.in_all() > 0
    }

    /// Whether there may be one request more in this minute, which begins with the first.
    ///
    /// # Errors
    /// Seconds to wait, when there were as many as there may be.
    fn has_room(&mut self, now: &Now, most: u32) -> Result<(), u32> {
        if self.minute_ends <= now.boot {
            self.minute_ends = now.boot.saturating_add(MINUTE);
            self.requests = 0;
        }
        if self.requests >= most {
            let wait = self.minute_ends.saturating_sub(now.boot) / NANOS + 1;
            return Err(u32::try_from(wait).unwrap_or(60));
        }
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.seats.lock();
        table.in_all = table.in_all.saturating_sub(1);
        table.waiters = table.waiters.saturating_sub(u32::from(self.kind == Kind::Wait));
        table.leave(self.whose, self.kind);
        table.settle(self.standing, self.kind);
    }
}

#[cfg(test)]
mod tests;
