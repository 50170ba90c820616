//! The ledger: the append-only, hash-chained record on disk. One thread writes it, and one commit is one sync.
//!
//! [`Ledger::open`] takes the file for this process alone, verifies every entry and hands each to the caller.
//! [`Ledger::append`] returns when the entries are on stable storage. Whatever needs more syncs than that waits for
//! [`Ledger::tidy`]. The format is described in `docs/ledger-format.md`.

mod append;
mod error;
mod open;
mod place;
mod read;
mod reserve;
mod row;
mod schema;
mod sign;
#[cfg(test)]
pub(crate) mod tests;
mod tidy;

use std::fs::File;

use jitd_core::now::NANOS;
use jitd_core::record::Draft;
use jitd_core::record::chain::Hash;
use jitd_core::record::verify::Report;
use rusqlite::Connection;

pub use self::append::Purpose;
pub use self::error::{AppendError, Damage, OpenError, ReadError, TidyError};
pub use self::read::REQUESTS_LIKE;
pub use self::reserve::RESERVE_BYTES;
pub use self::row::{Row, Text};
pub use self::schema::Setting;
pub use self::sign::{HostKey, KeyError, signature_holds};

use self::place::Place;
use self::reserve::Reserve;
use self::tidy::LogSize;

/// A checkpoint is due after this many entries without one: what an attacker could write anew unseen is bounded.
const CHECKPOINT_ENTRIES: u64 = 256;

/// A checkpoint is due this long after the last one, when there are entries behind it: nanoseconds, one hour.
const CHECKPOINT_NANOS: i64 = 3600 * NANOS;

/// The open ledger.
#[derive(Debug)]
pub struct Ledger {
    db: Connection,
    place: Place,
    head: Head,
    key: HostKey,
    signed: Signed,
    reserve: Reserve,
    log: LogSize,
    connection: Standing,
    opened: Report,
    /// Locked for as long as the ledger is open.
    _lock: File,
}

/// The newest entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; zero for an empty ledger.
    pub seq: u64,
    /// Its hash; [`GENESIS`](jitd_core::record::chain::GENESIS) for an empty ledger.
    pub hash: Hash,
}

/// Up to where the ledger is signed.
#[derive(Clone, Copy, Debug)]
struct Signed {
    /// The number of the newest checkpoint, or zero.
    seq: u64,
    /// When it was written or last asked for; before that, when the oldest entry behind it was written.
    at: Option<i64>,
}

impl Signed {
    fn saw(&mut self, seq: u64, at: i64, kind: &str) {
        if kind == "checkpoint" {
            *self = Self { seq, at: Some(at) };
        } else if self.at.is_none() {
            self.at = Some(at);
        }
    }
}

/// Whether the connection may be used as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It may.
    Good,
    /// After an error it did not agree with what is known to be written: open it anew first.
    Doubtful,
}

impl Ledger {
    /// The newest entry.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// The number of the newest entry, zero for an empty ledger.
    #[must_use]
    pub fn head_seq(&self) -> u64 {
        self.head.seq
    }

    /// What was found when the ledger was opened.
    #[must_use]
    pub fn opened(&self) -> &Report {
        &self.opened
    }

    /// The public half of the host key, in hex.
    #[must_use]
    pub fn host_key(&self) -> &str {
        self.key.public()
    }

    /// Whether there is room for endings whatever else fills the disk.
    #[must_use]
    pub fn reserve_is_held(&self) -> bool {
        self.reserve.is_held()
    }

    /// A checkpoint to append, when one is due at `now` (nanoseconds of the wall clock): after
    /// 256 entries, or an hour after the last. It is offered once an hour until it is appended.
    pub fn checkpoint_due(&mut self, now: i64) -> Option<Draft> {
        let asked = self.signed.at?;
        let behind = self.head.seq.saturating_sub(self.signed.seq);
        // A clock that was set back must not put the next one off for ever.
        let late = now.saturating_sub(asked) >= CHECKPOINT_NANOS || now < asked;
        if behind == 0 || !(late || behind.is_multiple_of(CHECKPOINT_ENTRIES)) {
            return None;
        }
        self.signed.at = Some(now);
        self.checkpoint_now(now)
    }

    /// A checkpoint to append at once, unless the newest entry is one. Should other entries be appended before it, it is
    /// signed anew on its way in: it always signs the entry right before it.
    #[must_use]
    pub fn checkpoint_now(&self, now: i64) -> Option<Draft> {
        if self.head.seq == self.signed.seq {
            return None;
        }
        let entry = self.key.checkpoint(self.head.seq, &self.head.hash);
        Some(Draft { at: now, request: None, entry, texts: Vec::new() })
    }
}
