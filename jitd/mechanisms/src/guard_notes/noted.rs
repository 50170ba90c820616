//! What the notes that jitd has not yet recorded say together.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;

use super::{Note, Why};
use crate::groups::Membership;

/// What is noted and not yet on the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The grants that were removed, each with the first reason given.
    pub grants: BTreeMap<RequestId, Why>,
    /// The memberships that are off, each with the grants that it was off for.
    pub members: BTreeMap<Membership, BTreeSet<RequestId>>,
}

impl Noted {
    /// Counts one more note.
    pub fn add(&mut self, note: &Note) {
        match note {
            Note::Removed { id, why, .. } => {
                self.grants.entry(*id).or_insert(*why);
            }
            Note::Member { of, grants, .. } => self.members.entry(of.clone()).or_default().extend(grants),
            Note::Processes { .. }
            | Note::Unlinked { .. }
            | Note::AppliedDamaged { .. }
            | Note::Unreadable { .. } => {}
        }
    }

    /// The grants that were removed.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<RequestId> {
        self.grants.keys().copied().collect()
    }

    /// Whether a membership that these grants want is over: it was off once for all of them, so whoever is in the
    /// group now was put there by somebody else. A grant that no note names had it given anew.
    #[must_use]
    pub fn is_over(&self, of: &Membership, grants: &BTreeSet<RequestId>) -> bool {
        self.members.get(of).is_some_and(|over| grants.is_subset(over))
    }
}

impl<'n> Extend<&'n Note> for Noted {
    fn extend<I: IntoIterator<Item = &'n Note>>(&mut self, notes: I) {
        notes.into_iter().for_each(|note| self.add(note));
    }
}
