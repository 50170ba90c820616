//! Steps: what a request's next move records, and what may happen when it is on the record.
//!
//! Raising privilege waits for the record: a [`Raising`] is opened by nothing but [`Durable::append`], which
//! commits it first. Lowering never waits: a [`Lowering`] is opened by [`Lowering::end_anyway`], and its record
//! is owed. Both yield a [`Released`], the only thing from which the registry takes a change.

use alloc::vec;
use alloc::vec::Vec;

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;

use super::registry::Grant;
use super::state::{Event, Move, next};
use crate::now::{Deadline, Now};
use crate::policy::SudoRole;
use crate::record::{About, Asked, Cause, Draft, Entry, Person, TypedHash, TypedText};

/// A step that gives somebody more than they had. Closed until it is on the record.
#[must_use = "a step that is dropped was decided and never happened"]
#[derive(Debug)]
pub struct Raising {
    drafts: Vec<Draft>,
}

/// A step that takes something away, or says what came of an earlier one. It never waits.
#[must_use = "a privilege whose ending is dropped stays on the host"]
#[derive(Debug)]
pub struct Lowering {
    drafts: Vec<Draft>,
}

/// A change that the registry may take now.
#[must_use = "the registry has to take what was released"]
#[derive(Debug)]
pub struct Released {
    drafts: Vec<Draft>,
}

impl Released {
    pub(super) fn drafts(&self) -> &[Draft] {
        &self.drafts
    }
}

/// Entries that happened and are not on the record yet. They are written before anything is raised again.
#[derive(Debug, Default)]
pub struct Owed {
    drafts: Vec<Draft>,
}

impl Owed {
    /// Nothing owed.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// How many entries are owed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Whether nothing is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Adds an entry that changes nobody's privilege: jitd started, a refusal, a difference found.
    pub fn note(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Forgets everything, once it is written.
    pub fn clear(&mut self) {
        self.drafts.clear();
    }
}

/// Something that keeps entries: the ledger.
pub trait Durable {
    /// Why entries could not be kept.
    type Error;

    /// Writes all of `drafts` durably, or none.
    ///
    /// # Errors
    /// When they are not all on stable storage.
    fn commit(&mut self, drafts: &[Draft]) -> Result<(), Self::Error>;

    /// Writes what is owed and then `steps` in one commit, and opens the steps.
    ///
    /// # Errors
    /// When the commit fails: the steps are gone, nothing was raised, and what is owed stays owed.
    fn append(&mut self, owed: &mut Owed, steps: Vec<Raising>) -> Result<Released, Self::Error> {
        let raised: Vec<Draft> = steps.into_iter().flat_map(|step| step.drafts).collect();
        let all: Vec<Draft> = owed.drafts.iter().chain(&raised).cloned().collect();
        self.commit(&all)?;
        owed.clear();
        Ok(Released { drafts: raised })
    }
}

impl Lowering {
    /// Opens the step at once. Its entries are owed to the ledger.
    pub fn end_anyway(self, owed: &mut Owed) -> Released {
        owed.drafts.extend(self.drafts.iter().cloned());
        Released { drafts: self.drafts }
    }
}

/// A grant that the policy permits, on its way to being made real.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Its id.
    pub id: RequestId,
    /// The request.
    pub asked: Asked,
    /// The typed texts whose hashes `asked` holds.
    pub texts: Vec<TypedText>,
    /// The rule that decided, and where it stands.
    pub rule: RuleRef,
    /// The policy's hash.
    pub policy: alloc::string::String,
    /// The conditions that held.
    pub conditions: Vec<alloc::string::String>,
    /// What the role gives.
    pub sudo: SudoRole,
    /// For how long, in seconds.
    pub seconds: u32,
}

/// Request, decision and intent of a grant, in one step: they are committed together.
pub fn grant(
    new: NewGrant,
    now: &Now,
    change: impl FnOnce(&Deadline) -> Vec<alloc::string::String>,
) -> Raising {
    let deadline = Deadline::after(now, new.seconds);
    let about = About {
        by: new.asked.by.clone(),
        role: new.asked.role.clone(),
        rule: new.rule,
        until: deadline.wall,
    };
    let change = change(&deadline);
    let draft = |entry, texts| Draft { at: now.wall, request: Some(new.id), entry, texts };
    Raising {
        drafts: vec![
            draft(Entry::Requested { asked: new.asked }, new.texts),
            draft(
                Entry::Decided { about: about.clone(), policy: new.policy, conditions: new.conditions },
                Vec::new(),
            ),
            draft(Entry::Intent { about, sudo: new.sudo, start: now.wall, deadline, change }, Vec::new()),
        ],
    }
}

/// Releases the kill switch: it raises, for people may ask again.
pub fn unlock(by: Draft) -> Raising {
    Raising { drafts: vec![by] }
}

/// Erases typed texts: what cannot be brought back waits for its record, too.
pub fn erase(by: Draft) -> Raising {
    Raising { drafts: vec![by] }
}

/// Throws the kill switch: it lowers, so it holds even when it cannot be recorded.
pub fn lock(by: Draft) -> Lowering {
    Lowering { drafts: vec![by] }
}

/// The grant is on the host and sudo agrees, but for `refused`. `None` when the grant is not waiting for that.
#[must_use]
pub fn agreed(grant: &Grant, now: &Now, refused: Vec<alloc::string::String>) -> Option<Lowering> {
    match next(grant.state, Event::Agreed) {
        Move::To(_) => Some(outcome(grant, now, Entry::Applied { about: grant.about(), refused })),
        Move::AlreadySo | Move::Never => None,
    }
}

/// Who ended a grant, and what they said.
#[derive(Clone, Debug, Default)]
pub struct EndedBy {
    /// The person, when it was one.
    pub person: Option<Person>,
    /// The hash of their note.
    pub note: Option<TypedHash>,
    /// The note.
    pub texts: Vec<TypedText>,
}

/// The grant is to end. `None` when it is ending already.
#[must_use]
pub fn end(grant: &Grant, now: &Now, cause: Cause, by: EndedBy) -> Option<Lowering> {
    match next(grant.state, Event::End(cause)) {
        Move::To(_) => {
            let entry = Entry::Ending { about: grant.about(), cause, ended_by: by.person, note: by.note };
            Some(Lowering {
                drafts: vec![Draft { at: now.wall, request: Some(grant.id), entry, texts: by.texts }],
            })
        }
        Move::AlreadySo | Move::Never => None,
    }
}

/// The grant is off the host, read back, `late_ms` after its deadline. `None` when it was not ending.
#[must_use]
pub fn removed(grant: &Grant, now: &Now, late_ms: i64) -> Option<Lowering> {
    match next(grant.state, Event::Removed) {
        Move::To(state) => {
            let cause = state.cause()?;
            let late_ms = (cause == Cause::Expired).then_some(late_ms);
            Some(outcome(grant, now, Entry::Ended { about: grant.about(), cause, late_ms }))
        }
        Move::AlreadySo | Move::Never => None,
    }
}

/// The grant is still on the host. `None` when it was not ending.
#[must_use]
pub fn not_removed(grant: &Grant, now: &Now, why: &str) -> Option<Lowering> {
    match next(grant.state, Event::NotRemoved) {
        Move::To(state) => {
            let cause = state.cause()?;
            let entry = Entry::Stuck { about: grant.about(), cause, tries: state.tries(), why: why.into() };
            Some(outcome(grant, now, entry))
        }
        Move::AlreadySo | Move::Never => None,
    }
}

fn outcome(grant: &Grant, now: &Now, entry: Entry) -> Lowering {
    Lowering { drafts: vec![Draft { at: now.wall, request: Some(grant.id), entry, texts: Vec::new() }] }
}
