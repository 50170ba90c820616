//! A grant that may be on the host, and the row of extensions that it is the end of.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use jit_common::ids::{IdPrefix, RequestId};
use jit_common::refusal::RuleRef;

use super::open::Vote;
use super::state::State;
use crate::now::Deadline;
use crate::policy::{Expiry, Gives};
use crate::record::{About, Origin, Person, Span};

/// A grant that may be on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: RequestId,
    /// Who holds it.
    pub by: Person,
    /// The role.
    pub role: String,
    /// The rule that decided, and where it stands.
    pub rule: RuleRef,
    /// What the role gives, as it was when it was granted.
    pub gives: Arc<Gives>,
    /// Commands that sudo refuses all the same.
    pub refused: Vec<String>,
    /// When its clock started, nanoseconds of the wall clock.
    pub start: i64,
    /// When it ends.
    pub deadline: Deadline,
    /// How far it has come.
    pub state: State,
    /// From where it was asked.
    pub from: Origin,
    /// The reason, as typed.
    pub reason: Option<String>,
    /// The ticket, as typed.
    pub ticket: Option<String>,
    /// The lines it changes on the host.
    pub change: Vec<String>,
    /// How it stands in a row of extensions.
    pub span: Span,
    /// What becomes of what still runs when it ends.
    pub expiry: Expiry,
    /// The grants that it stands for as well, one extended by the next, the first one first: whoever was told one of their
    /// ids means this one. Of a very long row the middle is left out.
    pub replaced: Vec<RequestId>,
    /// Who approved it, in the order of their votes.
    pub votes: Vec<Vote>,
}

impl Grant {
    /// What every entry about this grant repeats.
    #[must_use]
    pub fn about(&self) -> About {
        About {
            by: self.by.clone(),
            role: self.role.clone(),
            rule: self.rule.clone(),
            until: self.deadline.wall,
        }
    }

    /// Whether a prefix names this grant, by its own id or by one of a grant that it replaced.
    #[must_use]
    pub fn is_named_by(&self, prefix: &IdPrefix) -> bool {
        prefix.matches(self.id) || self.replaced.iter().any(|id| prefix.matches(*id))
    }

    /// Whether this and the other are one grant to its holder: one extends the other, which ends as soon as this is real.
    #[must_use]
    pub fn is_one_with(&self, other: &Self) -> bool {
        self.id == other.id || self.replaced.contains(&other.id) || other.replaced.contains(&self.id)
    }
}

/// What each role gave when it was granted last: the same text for thousands of grants is in memory once.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(BTreeMap<String, Arc<Gives>>);

impl Shared {
    /// The same, in one place with that of other grants of the role.
    pub(super) fn one(&mut self, role: &str, gives: &Gives) -> Arc<Gives> {
        match self.0.get(role) {
            Some(known) if **known == *gives => known.clone(),
            Some(_) | None => {
                let new = Arc::new(gives.clone());
                self.0.insert(role.into(), new.clone());
                new
            }
        }
    }

    /// Forgets what no grant gives any more.
    pub(super) fn forget(&mut self, role: &str) {
        if self.0.get(role).is_some_and(|known| Arc::strong_count(known) == 1) {
            self.0.remove(role);
        }
    }
}

impl PartialEq for Shared {
    /// Where something is kept is no part of what is live.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Shared {}

/// Ids of replaced grants that are remembered with a grant.
const REPLACED: usize = 256;

/// The row of extensions up to the grant `before`, which is live when the next one takes its place.
pub(super) fn row_to(before: RequestId, grant: Option<&Grant>) -> Vec<RequestId> {
    let mut row = grant.map_or_else(Vec::new, |grant| grant.replaced.clone());
    if row.len() >= REPLACED {
        // The first stays: a command that runs with it is still to give it back.
        row.remove(1);
    }
    row.push(before);
    row
}
