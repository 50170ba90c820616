//! What has happened and is owed to the record: endings never wait for it, so what they say is written afterwards.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use crate::limits::OWED_IN_A_COMMIT;
use crate::record::Draft;

/// Entries that happened and are not on the record yet. They are written before anything is raised again, oldest first and
/// a lot at a time: what is on the record is forgotten at once, for thousands may be owed after one pass.
#[derive(Debug)]
pub struct Owed {
    /// None is empty, and none but the last has room.
    lots: VecDeque<Vec<Draft>>,
    /// The most entries of a lot.
    room: usize,
}

impl Default for Owed {
    fn default() -> Self {
        Self::none()
    }
}

impl Owed {
    /// Nothing owed.
    #[must_use]
    pub fn none() -> Self {
        Self::in_lots_of(OWED_IN_A_COMMIT)
    }

    /// Nothing owed; at most so many entries are written by one commit.
    #[must_use]
    pub fn in_lots_of(room: usize) -> Self {
        Self { lots: VecDeque::new(), room }
    }

    /// The entries, oldest first.
    pub fn drafts(&self) -> impl Iterator<Item = &Draft> + Clone {
        self.lots.iter().flatten()
    }

    /// The oldest entries, which one commit takes; empty when nothing is owed.
    #[must_use]
    pub fn first_lot(&self) -> &[Draft] {
        self.lots.front().map_or(&[], Vec::as_slice)
    }

    /// Forgets the oldest entries, once they are written.
    pub fn forget_first_lot(&mut self) {
        self.lots.pop_front();
    }

    /// Whether there is more than one lot.
    pub(super) fn has_more_lots(&self) -> bool {
        self.lots.len() > 1
    }

    /// Takes the oldest entries out.
    pub(super) fn take_first_lot(&mut self) -> Vec<Draft> {
        self.lots.pop_front().unwrap_or_default()
    }

    /// Puts the oldest entries back, which could not be written.
    pub(super) fn give_back_lot(&mut self, lot: Vec<Draft>) {
        if !lot.is_empty() {
            self.lots.push_front(lot);
        }
    }

    /// How many entries are owed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lots.iter().map(Vec::len).sum()
    }

    /// Whether nothing is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }

    /// Adds an entry that changes nobody's privilege: jitd started, a refusal, a difference found.
    pub fn note(&mut self, draft: Draft) {
        match self.lots.back_mut().filter(|lot| lot.len() < self.room) {
            Some(lot) => lot.push(draft),
            None => self.lots.push_back(vec![draft]),
        }
    }
}
