//! Steps: what a request's next move records, and what may happen when it is on the record.
//!
//! Raising privilege waits for the record: a [`Raising`] is opened by nothing but [`Durable::append`], which
//! commits it first. Lowering never waits: a [`Lowering`] is opened by [`Lowering::end_anyway`], and its record
//! is owed. Both yield a [`Released`], the only thing from which the registry takes a change.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;

use super::open::Open;
pub use super::owed::Owed;
use super::registry::Grant;
use super::state::{Event, Move, State, next};
use crate::now::{Deadline, Now};
use crate::policy::{Expiry, Gives};
use crate::record::{
    About, AboutOpen, Approval, Asked, Cause, Closed, Draft, Entry, Origin, Person, Span, Terms, TypedHash,
    TypedText,
};

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

/// Something that keeps entries: the ledger.
pub trait Durable {
    /// Why entries could not be kept.
    type Error;

    /// Writes all of `drafts` durably, or none.
    ///
    /// # Errors
    /// When they are not all on stable storage.
    fn commit(&mut self, drafts: &[Draft]) -> Result<(), Self::Error>;

    /// Writes what is owed, and `steps` in one commit with the last of it, and opens the steps.
    ///
    /// # Errors
    /// When a commit fails: the steps are gone, nothing was raised, and what is owed and was not written stays owed.
    fn append(&mut self, owed: &mut Owed, steps: Vec<Raising>) -> Result<Released, Self::Error> {
        while owed.has_more_lots() {
            self.commit(owed.first_lot())?;
            owed.forget_first_lot();
        }
        let mut all = owed.take_first_lot();
        let count = all.len();
        all.extend(steps.into_iter().flat_map(|step| step.drafts));
        match self.commit(&all) {
            Ok(()) => Ok(Released { drafts: all.split_off(count) }),
            Err(why) => {
                all.truncate(count);
                owed.give_back_lot(all);
                Err(why)
            }
        }
    }
}

impl Lowering {
    /// Opens the step at once. Its entries are owed to the ledger.
    pub fn end_anyway(self, owed: &mut Owed) -> Released {
        self.drafts.iter().cloned().for_each(|draft| owed.note(draft));
        Released { drafts: self.drafts }
    }
}

/// A grant that the policy, and everybody who has to, permits: on its way to being made real.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Its id: that of the request.
    pub id: RequestId,
    /// Who gets it.
    pub by: Person,
    /// The role.
    pub role: String,
    /// The rule that decided, and where it stands.
    pub rule: RuleRef,
    /// The policy's hash.
    pub policy: String,
    /// The conditions that held.
    pub conditions: Vec<String>,
    /// Who approved.
    pub approved_by: Vec<Person>,
    /// What the role gives.
    pub gives: Gives,
    /// For how long, in seconds.
    pub seconds: u32,
    /// The longest that the rule permits in all, in seconds.
    pub longest: u32,
    /// What becomes of what still runs when it ends.
    pub expiry: Expiry,
    /// The grant that it extends.
    pub extends: Option<Extended>,
}

/// A live grant that another one is to take the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extended {
    /// Its id.
    pub id: RequestId,
    /// When the clock of the first of the row started, nanoseconds of the wall clock.
    pub since: i64,
    /// When it ends: the extension begins to count there.
    pub deadline: Deadline,
}

/// A request as it was made, with what was typed for it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request.
    pub asked: Asked,
    /// The typed texts whose hashes `asked` holds.
    pub texts: Vec<TypedText>,
}

/// Request, decision and intent of a grant that nobody has to approve, in one step: they are committed together.
pub fn grant(
    request: Request,
    new: NewGrant,
    now: &Now,
    change: impl FnOnce(&Deadline) -> Vec<String>,
) -> Raising {
    let mut drafts = vec![requested(new.id, request, now)];
    drafts.extend(begin(new, now, change));
    Raising { drafts }
}

/// Decision and intent of a grant whose request was open. `None` when it is not open any more, or is another one's.
#[must_use]
pub fn activate(
    open: &Open,
    new: NewGrant,
    now: &Now,
    change: impl FnOnce(&Deadline) -> Vec<String>,
) -> Option<Raising> {
    match next(open.state, Event::Permit) {
        Move::To(_) if new.id == open.id => Some(Raising { drafts: begin(new, now, change) }),
        Move::To(_) | Move::AlreadySo | Move::Never => None,
    }
}

fn begin(new: NewGrant, now: &Now, change: impl FnOnce(&Deadline) -> Vec<String>) -> Vec<Draft> {
    let deadline = match &new.extends {
        Some(extended) => extended.deadline.later_by(new.seconds),
        None => Deadline::after(now, new.seconds),
    };
    let about = About { by: new.by, role: new.role, rule: new.rule, until: deadline.wall };
    let span = Span {
        since: new.extends.as_ref().map_or(now.wall, |extended| extended.since),
        longest: new.longest,
        replaces: new.extends.as_ref().map(|extended| extended.id),
    };
    let decided = Entry::Decided {
        about: about.clone(),
        policy: new.policy,
        conditions: new.conditions,
        approved_by: new.approved_by,
    };
    let change = change(&deadline);
    let intent = Entry::Intent {
        about,
        gives: new.gives,
        start: now.wall,
        deadline,
        change,
        span: Some(span),
        expiry: new.expiry,
    };
    let draft = |entry| Draft { at: now.wall, request: Some(new.id), entry, texts: Vec::new() };
    vec![draft(decided), draft(intent)]
}

/// A request that the policy permits and that waits for people, or for its start when nobody has to approve.
pub fn open(id: RequestId, request: Request, rule: RuleRef, terms: Terms, now: &Now) -> Raising {
    let about = AboutOpen { by: request.asked.by.clone(), role: request.asked.role.clone(), rule };
    let mut entries = vec![Entry::Pending { about: about.clone(), terms: terms.clone() }];
    if let (true, Some(start)) = (terms.approvals.is_empty(), terms.start) {
        entries.push(Entry::Scheduled { about, start });
    }
    let mut drafts = vec![requested(id, request, now)];
    let later = |entry| Draft { at: now.wall, request: Some(id), entry, texts: Vec::new() };
    drafts.extend(entries.into_iter().map(later));
    Raising { drafts }
}

fn requested(id: RequestId, request: Request, now: &Now) -> Draft {
    let entry = Entry::Requested { asked: request.asked };
    Draft { at: now.wall, request: Some(id), entry, texts: request.texts }
}

/// An approver's yes. `missing` says what is still missing after it. `None` when the request is not open. One that waits
/// for its start may need somebody in the place of an approver who may not any more.
#[must_use]
pub fn approved(
    open: &Open,
    approval: Approval,
    texts: Vec<TypedText>,
    missing: Vec<String>,
    now: &Now,
) -> Option<Raising> {
    let entry = Entry::Approved { about: open.about(), approval, missing };
    let draft = Draft { at: now.wall, request: Some(open.id), entry, texts };
    let waits = matches!(open.state, State::Pending | State::Scheduled);
    waits.then(|| Raising { drafts: vec![draft] })
}

/// Everybody who has to has approved, and the start is to come. `None` when it is not waiting for approvals or has no
/// start.
#[must_use]
pub fn scheduled(open: &Open, now: &Now) -> Option<Raising> {
    let start = open.terms.start?;
    match next(open.state, Event::Schedule) {
        Move::To(_) => {
            let entry = Entry::Scheduled { about: open.about(), start };
            let draft = Draft { at: now.wall, request: Some(open.id), entry, texts: Vec::new() };
            Some(Raising { drafts: vec![draft] })
        }
        Move::AlreadySo | Move::Never => None,
    }
}

/// The request is closed without a grant. `None` when it is not open.
#[must_use]
pub fn close(open: &Open, now: &Now, cause: Closed, by: ClosedBy) -> Option<Lowering> {
    match next(open.state, Event::Close(cause)) {
        Move::To(_) => {
            let ClosedBy { person, from, note, texts, why } = by;
            let entry = Entry::Closed { about: open.about(), cause, closed_by: person, from, note, why };
            Some(Lowering { drafts: vec![Draft { at: now.wall, request: Some(open.id), entry, texts }] })
        }
        Move::AlreadySo | Move::Never => None,
    }
}

/// Who closed a request, and why.
#[derive(Clone, Debug, Default)]
pub struct ClosedBy {
    /// The person, when it was one.
    pub person: Option<Person>,
    /// From where.
    pub from: Option<Origin>,
    /// The hash of their note.
    pub note: Option<TypedHash>,
    /// The note.
    pub texts: Vec<TypedText>,
    /// What was missing or had changed, in a sentence.
    pub why: String,
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
pub fn agreed(grant: &Grant, now: &Now, refused: Vec<String>) -> Option<Lowering> {
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

/// The grant is off the host, read back, `late_ms` after its deadline, and `residue` is what is left of it. `None` when it was not ending.
#[must_use]
pub fn removed(grant: &Grant, now: &Now, late_ms: i64, residue: Vec<String>) -> Option<Lowering> {
    match next(grant.state, Event::Removed) {
        Move::To(state) => {
            let cause = state.cause()?;
            let late_ms = (cause == Cause::Expired).then_some(late_ms);
            Some(outcome(grant, now, Entry::Ended { about: grant.about(), cause, late_ms, residue }))
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
