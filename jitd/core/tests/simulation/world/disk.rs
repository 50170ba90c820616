//! The ledger's disk: commits are whole or not at all, may fail, and jitd may die right before or right after one.

use jit_common::ids::RequestId;
use jitd_core::lifecycle::registry::Registry;
use jitd_core::lifecycle::step::Durable;
use jitd_core::record::chain::{self, Hash, Stored};
use jitd_core::record::{Draft, Entry, TypedText};

use super::Died;
use super::fate::Fate;

/// One row, as stored.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) at: i64,
    pub(crate) request: Option<RequestId>,
    pub(crate) kind: &'static str,
    pub(crate) body: String,
    pub(crate) hash: Hash,
    pub(crate) texts: Vec<TypedText>,
}

/// How the disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It takes everything.
    Fine,
    /// There is room for endings, which is kept in reserve, and for nothing else.
    ReserveOnly,
    /// It takes nothing.
    Full,
}

/// What a commit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Raise,
    Lower,
}

/// Why a commit did not come back well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// Nothing of it was written.
    Full,
    /// jitd is dead. All of it is there, or nothing.
    Died,
}

/// The disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) rows: Vec<Row>,
    pub(crate) health: Health,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), health: Health::Fine }
    }

    fn keep(&mut self, drafts: &[Draft]) {
        for draft in drafts {
            let body = serde_json::to_string(&draft.entry).unwrap();
            let kind = draft.entry.kind();
            let request = draft.request.map(|id| id.to_string()).unwrap_or_default();
            let seq = self.rows.len() as u64 + 1;
            let stored = Stored { seq, at: draft.at, kind, request: &request, body: &body };
            let hash = chain::link(&self.head(), &stored);
            let texts = draft.texts.clone();
            self.rows.push(Row { at: draft.at, request: draft.request, kind, body, hash, texts });
        }
    }

    fn head(&self) -> Hash {
        self.rows.last().map_or(chain::GENESIS, |row| row.hash)
    }

    /// What jitd knows after a start: every row read back and folded.
    pub(crate) fn replayed(&self) -> Registry {
        let mut registry = Registry::default();
        for row in &self.rows {
            registry.replay(row.at, row.request, &row.entry(), &row.texts);
        }
        registry
    }
}

impl Row {
    /// The entry, read back from its text.
    pub(crate) fn entry(&self) -> Entry {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The ledger as jitd holds it for one purpose.
pub(crate) struct Page<'a> {
    pub(crate) disk: &'a mut Disk,
    pub(crate) fate: &'a mut Fate,
    pub(crate) purpose: Purpose,
}

impl Durable for Page<'_> {
    type Error = NotKept;

    fn commit(&mut self, drafts: &[Draft]) -> Result<(), NotKept> {
        let died = |Died| NotKept::Died;
        self.fate.point().map_err(died)?;
        match (self.disk.health, self.purpose) {
            (Health::Full, _) | (Health::ReserveOnly, Purpose::Raise) => return Err(NotKept::Full),
            (Health::Fine, _) | (Health::ReserveOnly, Purpose::Lower) => self.disk.keep(drafts),
        }
        self.fate.point().map_err(died)
    }
}
