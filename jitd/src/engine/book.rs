//! The book: the ledger as the engine keeps it, what is owed to it, and since when it does not take entries.

use std::borrow::Cow;
use std::iter;

use jit_common::ids::RequestId;
use jitd_core::lifecycle::step::{Durable, Owed, Raising, Released};
use jitd_core::now::{NANOS, Now};
use jitd_core::record::{Draft, Entry, Person};

use crate::ledger::{AppendError, Ledger, Purpose, Row};

/// Entries kept in memory while the ledger does not take them. Beyond it only endings are kept: a flood of refusals
/// must not fill the memory.
const MOST_OWED_NOTES: usize = 10_000;

/// Nanoseconds between two tries to write what is owed.
const RETRY: i64 = 2 * NANOS;

/// Since when the ledger takes nothing, and why.
#[derive(Clone, Debug)]
pub struct Failing {
    /// Nanoseconds of the wall clock.
    pub since: i64,
    /// What it said first.
    pub why: String,
    /// Nanoseconds of the boot clock before which it is not tried again.
    retry: i64,
}

/// The ledger, or why there is none; and what is owed to it.
#[derive(Debug)]
pub struct Book {
    ledger: Result<Ledger, String>,
    owed: Owed,
    /// Notes that were too many to keep while the ledger took nothing.
    forgotten: u64,
    failing: Option<Failing>,
}

/// One purpose's view of the ledger, for [`Durable`].
struct Page<'a> {
    ledger: &'a mut Ledger,
    purpose: Purpose,
}

impl Durable for Page<'_> {
    type Error = AppendError;

    fn commit(&mut self, drafts: &[Draft]) -> Result<(), AppendError> {
        self.ledger.append(drafts, self.purpose).map(|_| ())
    }
}

impl Book {
    /// A book over an open ledger, or over none.
    #[must_use]
    pub fn new(ledger: Result<Ledger, String>) -> Self {
        Self { ledger, owed: Owed::none(), forgotten: 0, failing: None }
    }

    /// Why nothing can be recorded and so nothing granted, if that is so.
    #[must_use]
    pub fn closed(&self) -> Option<String> {
        match (&self.ledger, &self.failing) {
            (Err(why), _) => Some(why.clone()),
            (Ok(_), Some(failing)) => Some(failing.why.clone()),
            (Ok(_), None) => None,
        }
    }

    /// Why there is no ledger at all, if there is none.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        self.ledger.as_ref().err().cloned()
    }

    /// The number of the newest entry.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.ledger.as_ref().map_or(0, Ledger::head_seq)
    }

    /// The public half of the host key; empty without a ledger.
    #[must_use]
    pub fn host_key(&self) -> String {
        self.ledger.as_ref().map(|ledger| ledger.host_key().to_owned()).unwrap_or_default()
    }

    /// How many entries are owed.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.owed.len()
    }

    /// What a lowering step opens into.
    pub fn debts(&mut self) -> &mut Owed {
        &mut self.owed
    }

    /// Notes an entry that changes nobody's privilege. It is written with the next commit.
    pub fn note(&mut self, now: &Now, request: Option<RequestId>, entry: Entry) {
        self.note_draft(Draft { at: now.wall, request, entry, texts: Vec::new() });
    }

    /// Notes an entry with the texts somebody typed.
    pub fn note_draft(&mut self, draft: Draft) {
        match self.owed.len() < MOST_OWED_NOTES {
            true => self.owed.note(draft),
            false => self.forgotten = self.forgotten.saturating_add(1),
        }
    }

    /// Records raising steps in one commit, after whatever is owed; only then are they open.
    ///
    /// # Errors
    /// A sentence, when they are not on stable storage. Then nothing may be raised.
    pub fn raise(&mut self, steps: Vec<Raising>, now: &Now) -> Result<Released, String> {
        if let Some(why) = self.closed() {
            return Err(why);
        }
        let ledger = self.ledger.as_mut().map_err(|why| why.clone())?;
        Page { ledger, purpose: Purpose::Raise }.append(&mut self.owed, steps).map_err(|error| {
            let why = crate::chain(&error);
            self.failed(now, &why);
            why
        })
    }

    /// Writes what is owed, when it is time to try.
    pub fn settle(&mut self, now: &Now) {
        if self.failing.as_ref().is_none_or(|failing| now.boot >= failing.retry) {
            self.settle_now(now);
        }
    }

    /// Writes what is owed, without waiting for the next try: before somebody is told that something has ended, and before
    /// jitd stops.
    pub fn settle_now(&mut self, now: &Now) {
        while !self.owed.is_empty() || self.failing.is_some() {
            if self.settle_lot(now).is_none() {
                return;
            }
        }
    }

    /// Writes the oldest of what is owed, after an entry that says since when nothing could be written, if that was so.
    /// `None` when it is still owed.
    fn settle_lot(&mut self, now: &Now) -> Option<()> {
        let ledger = self.ledger.as_mut().ok()?;
        let restored = self.failing.as_ref().map(|failing| Draft {
            at: now.wall,
            request: None,
            entry: Entry::LedgerRestored {
                since: failing.since,
                owed: self.owed.len(),
                why: match self.forgotten {
                    0 => failing.why.clone(),
                    forgotten => format!("{}; {forgotten} notes were too many to keep", failing.why),
                },
            },
            texts: Vec::new(),
        });
        let lot = self.owed.first_lot();
        let drafts = match restored {
            None => Cow::Borrowed(lot),
            Some(restored) => iter::once(restored).chain(lot.iter().cloned()).collect(),
        };
        match ledger.append(&drafts, Purpose::Lower) {
            Ok(_) => {
                self.owed.forget_first_lot();
                self.failing = None;
                self.forgotten = 0;
                Some(())
            }
            Err(error) => {
                let why = crate::chain(&error);
                self.failed(now, &why);
                None
            }
        }
    }

    fn failed(&mut self, now: &Now, why: &str) {
        let retry = now.boot.saturating_add(RETRY);
        match &mut self.failing {
            Some(failing) => failing.retry = retry,
            None => {
                crate::log::error(&format!("the ledger takes nothing, so nothing is granted: {why}"));
                self.failing = Some(Failing { since: now.wall, why: why.to_owned(), retry });
            }
        }
    }

    /// Nanoseconds until the ledger is tried again, when it is failing.
    #[must_use]
    pub fn next_try(&self, now: &Now) -> Option<i64> {
        self.failing.as_ref().map(|failing| failing.retry.saturating_sub(now.boot).max(0))
    }

    /// Work that may wait for a quiet moment: the write-ahead log is folded into the database, the reserve refilled,
    /// and a signed checkpoint written when one is due.
    pub fn tidy(&mut self, now: &Now) {
        let Ok(ledger) = self.ledger.as_mut() else { return };
        if let Some(draft) = ledger.checkpoint_due(now.wall) {
            self.owed.note(draft);
        }
        self.settle(now);
        let Ok(ledger) = self.ledger.as_mut() else { return };
        if self.failing.is_none()
            && let Err(error) = ledger.tidy()
        {
            crate::log::error(&format!("the ledger cannot be tidied: {}", crate::chain(&error)));
        }
    }

    /// Signs the chain, at an orderly stop and before a copy of the record is handed out.
    pub fn sign(&mut self, now: &Now) {
        self.settle_now(now);
        if let Ok(ledger) = self.ledger.as_mut()
            && let Some(draft) = ledger.checkpoint_now(now.wall)
        {
            self.owed.note(draft);
        }
        self.settle_now(now);
    }

    /// Entries after number `after`.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read.
    pub fn rows_after(&mut self, after: u64, limit: usize) -> Result<Vec<Row>, String> {
        let ledger = self.ledger.as_mut().map_err(|why| why.clone())?;
        ledger.rows_for_sinks(after, limit).map_err(|error| crate::chain(&error))
    }

    /// Entries about one person after number `after`, and up to which number was looked.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read.
    pub fn rows_about(
        &mut self,
        person: &Person,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<Row>, u64), String> {
        let ledger = self.ledger.as_mut().map_err(|why| why.clone())?;
        ledger.rows_about(person, after, limit).map_err(|error| crate::chain(&error))
    }

    /// The entries of one request.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read.
    pub fn rows_of(&self, request: RequestId) -> Result<Vec<Row>, String> {
        let ledger = self.ledger.as_ref().map_err(Clone::clone)?;
        ledger.rows_of(request).map_err(|error| crate::chain(&error))
    }

    /// How often something was run with a grant.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read.
    pub fn sessions_of(&self, request: RequestId) -> Result<usize, String> {
        let ledger = self.ledger.as_ref().map_err(Clone::clone)?;
        ledger.sessions_of(request).map_err(|error| crate::chain(&error))
    }

    /// The newest grants that have ended and have no closing report, the newest first, as far as one look back reaches.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read.
    pub fn unreported(&self, limit: usize) -> Result<Vec<RequestId>, String> {
        let ledger = self.ledger.as_ref().map_err(Clone::clone)?;
        ledger.unreported(limit).map_err(|error| crate::chain(&error))
    }

    /// The newest grants of a role to a person, the newest first, as far as one look back reaches.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read.
    pub fn grants_of(&self, person: &Person, role: &str, limit: usize) -> Result<Vec<RequestId>, String> {
        let ledger = self.ledger.as_ref().map_err(Clone::clone)?;
        ledger.grants_of(person, role, limit).map_err(|error| crate::chain(&error))
    }

    /// Erases what people typed for one request.
    ///
    /// # Errors
    /// A sentence, when it is still there.
    pub fn erase_texts(&mut self, request: RequestId) -> Result<(), String> {
        let ledger = self.ledger.as_mut().map_err(|why| why.clone())?;
        ledger.erase_texts(request).map(|_| ()).map_err(|error| crate::chain(&error))
    }

    /// Requests on the record whose id begins with `prefix`.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read.
    pub fn requests_like(&self, prefix: &str) -> Result<Vec<RequestId>, String> {
        let ledger = self.ledger.as_ref().map_err(Clone::clone)?;
        ledger.requests_like(prefix).map_err(|error| crate::chain(&error))
    }
}
