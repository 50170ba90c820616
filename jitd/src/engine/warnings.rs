//! Warnings on the holder's terminals, five minutes and one minute before a grant ends.

use std::collections::BTreeSet;

use jit_common::ids::RequestId;
use jitd_core::lifecycle::registry::{Grant, Registry};
use jitd_core::now::{NANOS, Now};

use crate::terminals::Terminals;

/// Seconds before the end.
const BEFORE: [i64; 2] = [300, 60];

/// Which warnings were given.
#[derive(Debug, Default)]
pub struct Warnings {
    given: BTreeSet<(RequestId, i64)>,
    terminals: Terminals,
}

impl Warnings {
    /// Gives the warnings that are due. Of two that are due at once only the later one is given.
    pub fn give(&mut self, registry: &Registry, now: &Now) {
        self.given.retain(|(id, _)| registry.get(*id).is_some());
        for grant in registry.live().filter(|grant| grant.state.is_wanted()) {
            let left = grant.deadline.left(now);
            let due: Vec<i64> = pending(&self.given, grant).filter(|before| left <= before * NANOS).collect();
            if let Some(before) = due.last() {
                self.terminals.tell(grant.by.uid, sentence(grant, *before));
            }
            self.given.extend(due.into_iter().map(|before| (grant.id, before)));
        }
    }

    /// Nanoseconds until the next warning.
    #[must_use]
    pub fn next(&self, registry: &Registry, now: &Now) -> Option<i64> {
        let wanted = registry.live().filter(|grant| grant.state.is_wanted());
        let waits = wanted.flat_map(|grant| {
            let left = grant.deadline.left(now);
            pending(&self.given, grant).map(move |before| left.saturating_sub(before * NANOS).max(0))
        });
        waits.min()
    }
}

/// The warnings of a grant that were not given. A grant that is not much longer than the time of a warning needs none:
/// its holder has just been told.
fn pending(given: &BTreeSet<(RequestId, i64)>, grant: &Grant) -> impl Iterator<Item = i64> {
    let length = grant.deadline.wall.saturating_sub(grant.start);
    let id = grant.id;
    BEFORE.into_iter().filter(move |before| length > 2 * before * NANOS && !given.contains(&(id, *before)))
}

fn sentence(grant: &Grant, before: i64) -> String {
    let (role, id, minutes) = (&grant.role, grant.id, before / 60);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!("jit: your role {role} ends in {minutes} {unit} ({id}). `jitctl drop {id}` gives it back now.")
}
