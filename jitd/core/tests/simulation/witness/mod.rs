//! The witness: what has happened by the record, folded by itself and not by the core, and what the witness alone saw.

pub(crate) mod model;
pub(crate) mod oracle;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jit_common::ids::RequestId;
use jitd_core::lifecycle::registry::Registry;
use jitd_core::now::Deadline;
use jitd_core::record::chain::{self, Hash, Stored};
use jitd_core::record::{Draft, Entry};

use self::model::Model;
use crate::daemon::Jitd;
use crate::world::World;
use crate::world::policies::Spec;

/// The first grant of a row of extensions, and what the rules permitted of it in all.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// When its clock started, on the boot clock.
    pub(crate) boot: i64,
    /// The shortest that any rule on the way permitted, in seconds.
    pub(crate) longest: u32,
}

/// Everything that is remembered to hold the world against.
#[derive(Debug)]
pub(crate) struct Witness {
    /// What has happened, by the record and by what is owed to it.
    pub(crate) model: Model,
    /// Entries that the model has taken, without those that tell of the ledger itself.
    taken: usize,
    /// The registry that the record alone gives, folded row by row.
    pub(crate) kept: Registry,
    /// Rows read for it.
    rows: usize,
    head: Hash,
    /// Rows whose hash was wrong.
    pub(crate) unchained: Vec<usize>,
    /// Every deadline that was ever on the record.
    pub(crate) deadlines: BTreeMap<RequestId, Deadline>,
    /// The row of each grant.
    pub(crate) spans: BTreeMap<RequestId, Row>,
    /// Grants that were to end.
    pub(crate) were_to_end: BTreeSet<RequestId>,
    /// Those of them that were then off the host.
    pub(crate) off: BTreeSet<RequestId>,
    /// Policies there have been, by their hashes.
    pub(crate) policies: BTreeMap<String, Rc<Spec>>,
    /// The policy in force when jitd was seen last.
    pub(crate) in_force: Option<String>,
    /// When a mechanism was seen in trouble last, by true time.
    pub(crate) trouble: i64,
    /// The grants in sudo's file after the last event.
    pub(crate) blocks: BTreeSet<RequestId>,
    /// sudo's file when it was looked at last.
    pub(crate) text: Option<String>,
    /// Entries of each kind.
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Witness {
    pub(crate) fn new() -> Self {
        Self {
            model: Model::default(),
            taken: 0,
            kept: Registry::default(),
            rows: 0,
            head: chain::GENESIS,
            unchained: Vec::new(),
            deadlines: BTreeMap::new(),
            spans: BTreeMap::new(),
            were_to_end: BTreeSet::new(),
            off: BTreeSet::new(),
            policies: BTreeMap::new(),
            in_force: None,
            trouble: i64::MIN / 2,
            blocks: BTreeSet::new(),
            text: None,
            counts: BTreeMap::new(),
        }
    }

    /// Reads the rows that are new: their hashes, and what they say.
    pub(crate) fn read_rows(&mut self, world: &World) {
        for (at, row) in world.disk.rows.iter().enumerate().skip(self.rows) {
            let request = row.request.map(|id| id.to_string()).unwrap_or_default();
            let seq = at as u64 + 1;
            let stored = Stored { seq, at: row.at, kind: row.kind, request: &request, body: &row.body };
            self.head = chain::link(&self.head, &stored);
            if self.head != row.hash {
                self.unchained.push(at);
            }
            let entry = row.entry();
            if let (Entry::Intent { deadline, .. }, Some(id)) = (&entry, row.request) {
                self.deadlines.insert(id, deadline.clone());
            }
            self.kept.replay(row.at, row.request, &entry, &row.texts);
        }
        self.rows = world.disk.rows.len();
    }

    /// What has happened and is new: on the record, then what is owed to it. After a crash what was owed is lost, and the
    /// model is made anew from the record.
    pub(crate) fn news(&mut self, world: &World, jitd: Option<&Jitd>) -> Vec<Draft> {
        let about_the_ledger = |entry: &Entry| matches!(entry, Entry::LedgerRestored { .. });
        let rows = world.disk.rows.iter().filter(|row| row.kind != "ledger-restored");
        let owed = jitd.into_iter().flat_map(|jitd| jitd.book.owed.drafts());
        let owed = owed.filter(|draft| !about_the_ledger(&draft.entry));
        let draft = |row: &crate::world::disk::Row| Draft {
            at: row.at,
            request: row.request,
            entry: row.entry(),
            texts: row.texts.clone(),
        };
        let happened = rows.clone().count() + owed.clone().count();
        if happened < self.taken {
            self.model = Model::default();
            rows.map(draft).for_each(|draft| self.model.take(&draft));
            self.taken = happened;
            return Vec::new();
        }
        let before = self.taken;
        self.taken = happened;
        let in_rows = rows.clone().count();
        let mut new: Vec<Draft> = rows.skip(before).map(draft).collect();
        new.extend(owed.skip(before.saturating_sub(in_rows)).cloned());
        new
    }

    /// The policy of this hash.
    pub(crate) fn policy(&self, hash: &str) -> Option<Rc<Spec>> {
        self.policies.get(hash).cloned()
    }

    /// Counts what happened, so that a run in which nothing did is seen for what it is.
    pub(crate) fn count(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }
}
