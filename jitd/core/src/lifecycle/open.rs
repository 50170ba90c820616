//! Open requests: what was asked, on which terms, who has approved, and when it is over.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;

use super::state::State;
use crate::now::{NANOS, Now};
use crate::policy::votes::{self, Tally};
use crate::record::{AboutOpen, Origin, Person, Terms};

/// One approver's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub by: Person,
    /// When, nanoseconds of the wall clock.
    pub at: i64,
    /// Which of the approvals they may stand for, by their places in the list.
    pub of: BTreeSet<usize>,
    /// The seconds to which they shortened it, if they did.
    pub seconds: Option<u32>,
    /// What they said, unless it was erased.
    pub note: Option<String>,
}

/// A request that waits for people or for its start. Nothing of it is on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its id.
    pub id: RequestId,
    /// Who asks.
    pub by: Person,
    /// The role.
    pub role: String,
    /// The rule that permits, and where it stands.
    pub rule: RuleRef,
    /// From where it was asked.
    pub from: Origin,
    /// When it was asked, nanoseconds of the wall clock.
    pub asked: i64,
    /// The reason, as typed.
    pub reason: Option<String>,
    /// The ticket, as typed.
    pub ticket: Option<String>,
    /// Its terms.
    pub terms: Terms,
    /// Who has approved, in the order of their votes.
    pub votes: Vec<Vote>,
    /// [`State::Pending`] or [`State::Scheduled`].
    pub state: State,
}

/// What the clock says to an open request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its start has come.
    Start,
    /// It was open for as long as its rule lets it be.
    Lapse,
}

impl Open {
    /// What every entry about this request repeats.
    #[must_use]
    pub fn about(&self) -> AboutOpen {
        AboutOpen { by: self.by.clone(), role: self.role.clone(), rule: self.rule.clone() }
    }

    /// For how long it would be granted: what was asked for, or the shortest that an approver left of it.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        self.votes.iter().filter_map(|vote| vote.seconds).fold(self.terms.seconds, u32::min)
    }

    /// Nanoseconds until it lapses, zero or less when it has. In the boot in which it was asked whichever clock is first
    /// counts; a reboot does not answer a question, so after one the wall clock alone does. Once it is approved and has a
    /// start, it lapses a while after that.
    #[must_use]
    pub fn left(&self, now: &Now) -> i64 {
        let by_wall = self.lapses_at().saturating_sub(now.wall);
        let same_boot = self.terms.lapse.boot_id == now.boot_id;
        if self.state == State::Pending && same_boot { self.terms.lapse.left(now) } else { by_wall }
    }

    /// When it lapses, nanoseconds of the wall clock.
    #[must_use]
    pub fn lapses_at(&self) -> i64 {
        match self.terms.start.filter(|_| self.state == State::Scheduled) {
            Some(start) => start.saturating_add(i64::from(self.terms.patience) * NANOS),
            None => self.terms.lapse.wall,
        }
    }

    /// How many approvals it has and lacks, each voter standing for what `of` says of them.
    pub fn tally(&self, of: impl Fn(&Vote) -> BTreeSet<usize>) -> Tally {
        let entries: Vec<BTreeSet<usize>> = self.votes.iter().map(of).collect();
        let stands_for = |entry, voter: usize| entries.get(voter).is_some_and(|of| of.contains(&entry));
        votes::tally(&self.terms.approvals, stands_for, entries.len())
    }

    /// Nanoseconds until its start; `None` when it starts as soon as it is approved.
    #[must_use]
    pub fn until_start(&self, now: &Now) -> Option<i64> {
        self.terms.start.map(|start| start.saturating_sub(now.wall))
    }

    /// Whether its start is still to come.
    #[must_use]
    pub fn starts_later(&self, now: &Now) -> bool {
        self.until_start(now).is_some_and(|wait| wait > 0)
    }

    /// What the clock says.
    #[must_use]
    pub fn due(&self, now: &Now) -> Option<Due> {
        if self.left(now) <= 0 {
            return Some(Due::Lapse);
        }
        (self.state == State::Scheduled && !self.starts_later(now)).then_some(Due::Start)
    }

    /// Nanoseconds until the clock says something.
    #[must_use]
    pub fn wait(&self, now: &Now) -> i64 {
        let start = self.until_start(now).filter(|wait| self.state == State::Scheduled && *wait > 0);
        start.unwrap_or(i64::MAX).min(self.left(now)).max(0)
    }
}
