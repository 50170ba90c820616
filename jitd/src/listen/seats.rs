//! How many connections and requests one uid may have, so that nobody can keep others out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jitd_core::now::{NANOS, Now};

use crate::config::Limits;

/// Connections in all. A few uids cannot fill it, by the limit of each.
const IN_ALL: u32 = 4096;

/// Nanoseconds over which requests are counted.
const MINUTE: i64 = 60 * NANOS;

/// What a uid holds.
#[derive(Debug, Default)]
struct Held {
    connections: u32,
    followers: u32,
    minute_ends: i64,
    requests: u32,
}

#[derive(Debug, Default)]
struct Table {
    by_uid: BTreeMap<u32, Held>,
    in_all: u32,
}

/// Who holds how many connections.
#[derive(Clone, Debug)]
pub struct Seats {
    limits: Arc<Limits>,
    table: Arc<Mutex<Table>>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call and its answer.
    Call,
    /// Following the log, for hours perhaps.
    Follow,
}

/// One connection's place. Dropped, it is free again.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    uid: u32,
    kind: Kind,
}

impl Seats {
    /// An empty table.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits: Arc::new(limits), table: Arc::default() }
    }

    /// Takes a place for a connection of `uid`.
    ///
    /// # Errors
    /// The most there may be, when they are all taken. Root always finds one, so that it can revoke.
    pub fn take(&self, uid: u32, kind: Kind) -> Result<Seat, u32> {
        let mut table = self.lock();
        let most = match kind {
            Kind::Call => self.limits.connections_per_uid,
            Kind::Follow => self.limits.followers_per_uid,
        };
        if uid != 0 && table.in_all >= IN_ALL {
            return Err(IN_ALL);
        }
        let count = table.by_uid.entry(uid).or_default().count(kind);
        if uid != 0 && *count >= most {
            return Err(most);
        }
        *count += 1;
        table.in_all += 1;
        Ok(Seat { seats: self.clone(), uid, kind })
    }

    /// Counts a request of `uid`.
    ///
    /// # Errors
    /// Seconds to wait, when it has made too many.
    pub fn request(&self, uid: u32, now: &Now) -> Result<(), u32> {
        let mut table = self.lock();
        // Whoever holds nothing and whose minute is over is forgotten.
        table.by_uid.retain(|_, held| held.connections + held.followers > 0 || held.minute_ends > now.boot);
        let held = table.by_uid.entry(uid).or_default();
        if held.minute_ends <= now.boot {
            held.minute_ends = now.boot.saturating_add(MINUTE);
            held.requests = 0;
        }
        if uid != 0 && held.requests >= self.limits.requests_per_minute {
            let wait = held.minute_ends.saturating_sub(now.boot) / NANOS + 1;
            return Err(u32::try_from(wait).unwrap_or(60));
        }
        held.requests += 1;
        Ok(())
    }

    /// A thread that panicked while it held the table left whole numbers in it.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn count(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Call => &mut self.connections,
            Kind::Follow => &mut self.followers,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.seats.lock();
        table.in_all = table.in_all.saturating_sub(1);
        if let Some(held) = table.by_uid.get_mut(&self.uid) {
            let count = held.count(self.kind);
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use jitd_core::now::BootId;

    fn at(seconds: i64) -> Now {
        Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("a".into()) }
    }

    #[test]
    fn one_uid_cannot_take_the_place_of_another() {
        let seats = Seats::new(Limits { connections_per_uid: 2, ..Limits::default() });
        let held: Vec<Seat> = (0..2).map(|_| seats.take(1000, Kind::Call).unwrap()).collect();
        assert_eq!(seats.take(1000, Kind::Call).unwrap_err(), 2);
        assert!(seats.take(1001, Kind::Call).is_ok());
        assert!(seats.take(1000, Kind::Follow).is_ok(), "followers have a limit of their own");
        drop(held);
        assert!(seats.take(1000, Kind::Call).is_ok());
    }

    #[test]
    fn requests_are_counted_by_the_minute() {
        let seats = Seats::new(Limits { requests_per_minute: 2, ..Limits::default() });
        assert!(seats.request(1000, &at(0)).is_ok() && seats.request(1000, &at(1)).is_ok());
        assert_eq!(seats.request(1000, &at(30)), Err(31));
        assert!(seats.request(0, &at(30)).is_ok());
        assert!(seats.request(1000, &at(60)).is_ok());
    }
}
