//! What the record says has happened, folded without the core's registry.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::now::Deadline;
use jitd_core::policy::Gives;
use jitd_core::record::{Asked, Draft, Entry, Person, Terms};

/// An open request.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) by: Person,
    pub(crate) rule: String,
    pub(crate) terms: Terms,
    pub(crate) scheduled: bool,
    pub(crate) votes: Vec<(Person, Option<u32>)>,
}

/// How far a grant has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Wanted,
    Leaving,
}

/// A grant that may be on the host.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) by: Person,
    pub(crate) role: String,
    pub(crate) rule: String,
    pub(crate) gives: Gives,
    pub(crate) deadline: Deadline,
    pub(crate) phase: Phase,
    pub(crate) replaces: Option<RequestId>,
    /// How often its removal has failed.
    pub(crate) tries: u32,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) asked: BTreeMap<RequestId, Asked>,
    pub(crate) decided: BTreeMap<RequestId, (String, Vec<Person>)>,
    pub(crate) open: BTreeMap<RequestId, Question>,
    pub(crate) live: BTreeMap<RequestId, Holding>,
    /// Closed or ended.
    pub(crate) over: BTreeSet<RequestId>,
    pub(crate) locked: bool,
}

impl Model {
    /// Takes one entry.
    pub(crate) fn take(&mut self, draft: &Draft) {
        match (&draft.entry, draft.request) {
            (Entry::Locked { .. }, _) => self.locked = true,
            (Entry::Unlocked { .. }, _) => self.locked = false,
            (entry, Some(id)) => self.take_of(id, entry),
            (_, None) => {}
        }
    }

    fn take_of(&mut self, id: RequestId, entry: &Entry) {
        match entry {
            Entry::Requested { asked } => drop(self.asked.insert(id, asked.clone())),
            Entry::Pending { about, terms } => {
                let question = Question {
                    by: about.by.clone(),
                    rule: about.rule.name.clone(),
                    terms: terms.clone(),
                    scheduled: false,
                    votes: Vec::new(),
                };
                self.open.insert(id, question);
            }
            Entry::Approved { approval, .. } => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.votes.push((approval.approver.clone(), approval.seconds));
                }
            }
            Entry::Scheduled { .. } => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.scheduled = true;
                }
            }
            Entry::Closed { .. } => {
                self.open.remove(&id);
                self.over.insert(id);
            }
            Entry::Decided { policy, approved_by, .. } => {
                self.decided.insert(id, (policy.clone(), approved_by.clone()));
            }
            Entry::Intent { about, gives, deadline, span, .. } => {
                self.open.remove(&id);
                let holding = Holding {
                    by: about.by.clone(),
                    role: about.role.clone(),
                    rule: about.rule.name.clone(),
                    gives: gives.clone(),
                    deadline: deadline.clone(),
                    phase: Phase::Wanted,
                    replaces: span.and_then(|span| span.replaces),
                    tries: 0,
                };
                self.live.insert(id, holding);
            }
            Entry::Ending { .. } => {
                if let Some(grant) = self.live.get_mut(&id) {
                    grant.phase = Phase::Leaving;
                }
            }
            Entry::Stuck { tries, .. } => {
                if let Some(grant) = self.live.get_mut(&id) {
                    grant.tries = *tries;
                }
            }
            Entry::Ended { .. } => {
                self.live.remove(&id);
                self.over.insert(id);
            }
            _ => {}
        }
    }
}
