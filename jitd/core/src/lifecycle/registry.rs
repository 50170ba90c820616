//! The registry: what is live, as the ledger says. Live and after a crash it is built by the same fold.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::ids::{IdPrefix, RequestId};

pub use super::grant::Grant;
use super::grant::{self, Shared};
use super::open::{Due, Open, Vote};
use super::state::State;
use super::step::Released;
use crate::now::{Deadline, Now};
use crate::policy::{Expiry, Gives};
use crate::record::{
    About, AboutOpen, Approval, Cause, Draft, Entry, Origin, Person, Span, Terms, TypedText,
};
use crate::wanted::{Wanted, WantedGrant};

/// Who threw the kill switch, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Who.
    pub by: Person,
    /// When, nanoseconds of the wall clock.
    pub since: i64,
    /// What they said.
    pub note: Option<String>,
}

/// What a request brought, for whatever becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Typed {
    at: i64,
    from: Origin,
    reason: Option<String>,
    ticket: Option<String>,
    votes: Vec<Vote>,
}

/// Everything that is live or open, and the kill switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    grants: BTreeMap<RequestId, Grant>,
    shared: Shared,
    /// Requests that wait for people or for their start.
    open: BTreeMap<RequestId, Open>,
    /// Requests whose next entry has not been folded yet: it stands beside the first in one commit.
    asked: BTreeMap<RequestId, Typed>,
    lock: Option<Lock>,
}

impl Registry {
    /// Takes a released change.
    pub fn take(&mut self, released: &Released) {
        for draft in released.drafts() {
            self.replay(draft.at, draft.request, &draft.entry, &draft.texts);
        }
    }

    /// Folds one entry of the ledger, at start-up.
    pub fn replay(&mut self, at: i64, request: Option<RequestId>, entry: &Entry, texts: &[TypedText]) {
        match (entry, request) {
            (Entry::Locked { by, .. }, _) => {
                // Whoever locks what is locked does not make others forget who did it first, and why.
                let lock = || Lock { by: by.clone(), since: at, note: text(texts, "note") };
                self.lock.get_or_insert_with(lock);
            }
            (Entry::Unlocked { .. }, _) => self.lock = None,
            (entry, Some(id)) => self.replay_request(at, id, entry, texts),
            (_, None) => {}
        }
    }

    /// Folds an entry about a request.
    fn replay_request(&mut self, at: i64, id: RequestId, entry: &Entry, texts: &[TypedText]) {
        match entry {
            Entry::Requested { asked } => {
                let (reason, ticket) = (text(texts, "reason"), text(texts, "ticket"));
                let typed = Typed { at, from: asked.from.clone(), reason, ticket, votes: Vec::new() };
                self.asked.insert(id, typed);
            }
            Entry::Pending { about, terms } => {
                let open = self.opened(id, about, terms);
                self.open.insert(id, open);
            }
            Entry::Approved { approval, .. } => self.voted(at, id, approval, text(texts, "note")),
            Entry::Scheduled { .. } => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.state = State::Scheduled;
                }
            }
            Entry::Closed { .. } => drop(self.open.remove(&id)),
            Entry::Intent { about, gives, start, deadline, change, span, expiry } => {
                let span = span.unwrap_or(Span { since: *start, longest: 0, replaces: None });
                let grant = self.begun(id, about, gives, deadline, span);
                let replaced = span.replaces.map(|before| grant::row_to(before, self.get(before)));
                let (start, change, expiry) = (*start, change.clone(), *expiry);
                let replaced = replaced.unwrap_or_default();
                self.grants.insert(id, Grant { start, change, expiry, replaced, ..grant });
            }
            Entry::Applied { refused, .. } => {
                if let Some(grant) = self.grants.get_mut(&id).filter(|grant| grant.state == State::Applying) {
                    grant.state = State::Active;
                    grant.refused.clone_from(refused);
                }
            }
            Entry::Ending { cause, .. } => self.enter(id, State::Ending { cause: *cause }),
            Entry::Stuck { cause, tries, .. } => {
                self.enter(id, State::Stuck { cause: *cause, tries: *tries })
            }
            Entry::Ended { about, .. } => {
                self.grants.remove(&id);
                self.shared.forget(&about.role);
            }
            Entry::Drift { what, done, .. } => {
                what.adds_to_its_grant().then(|| self.added_late(id, done));
            }
            Entry::TextsErased { .. } => self.erase_texts(id),
            Entry::Decided { approved_by, .. } => {
                // Whoever approved and might not any more did not bring it about.
                if let Some(open) = self.open.get_mut(&id) {
                    open.votes.retain(|vote| approved_by.contains(&vote.by));
                }
            }
            Entry::Started { .. }
            | Entry::Stopped { .. }
            | Entry::PolicyLoaded { .. }
            | Entry::PolicyRejected { .. }
            | Entry::Refused { .. }
            | Entry::CallRefused { .. }
            | Entry::RefusalsCounted { .. }
            | Entry::Locked { .. }
            | Entry::Unlocked { .. }
            | Entry::SessionBegan { .. }
            | Entry::SessionCommands { .. }
            | Entry::SessionEnded { .. }
            | Entry::Swept { .. }
            | Entry::Report { .. }
            | Entry::GuardActed { .. }
            | Entry::LedgerRestored { .. }
            | Entry::Checkpoint { .. } => {}
        }
    }

    /// A line that a grant did not add to the host at first, and has added since.
    fn added_late(&mut self, id: RequestId, line: &str) {
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.change.push(line.into());
        }
    }

    fn voted(&mut self, at: i64, id: RequestId, approval: &Approval, note: Option<String>) {
        if let Some(open) = self.open.get_mut(&id) {
            let Approval { approver, of, seconds, .. } = approval;
            open.votes.push(Vote { by: approver.clone(), at, of: of.clone(), seconds: *seconds, note });
        }
    }

    fn erase_texts(&mut self, id: RequestId) {
        let forget = |votes: &mut Vec<Vote>| votes.iter_mut().for_each(|vote| vote.note = None);
        if let Some(grant) = self.grants.get_mut(&id) {
            (grant.reason, grant.ticket) = (None, None);
            forget(&mut grant.votes);
        }
        if let Some(open) = self.open.get_mut(&id) {
            (open.reason, open.ticket) = (None, None);
            forget(&mut open.votes);
        }
    }

    /// A request as its terms say, with what was typed for it.
    fn opened(&mut self, id: RequestId, about: &AboutOpen, terms: &Terms) -> Open {
        let Typed { at, from, reason, ticket, votes } = self.asked.remove(&id).unwrap_or_default();
        Open {
            id,
            by: about.by.clone(),
            role: about.role.clone(),
            rule: about.rule.clone(),
            from,
            asked: at,
            reason,
            ticket,
            terms: terms.clone(),
            votes,
            state: State::Pending,
        }
    }

    /// A grant as its intent says, with what its request brought, open before or not.
    fn begun(
        &mut self,
        id: RequestId,
        about: &About,
        gives: &Gives,
        deadline: &Deadline,
        span: Span,
    ) -> Grant {
        let was_open = self.open.remove(&id).map(|open| Typed {
            at: open.asked,
            from: open.from,
            reason: open.reason,
            ticket: open.ticket,
            votes: open.votes,
        });
        let typed = was_open.or_else(|| self.asked.remove(&id)).unwrap_or_default();
        Grant {
            id,
            by: about.by.clone(),
            role: about.role.clone(),
            rule: about.rule.clone(),
            gives: self.shared.one(&about.role, gives),
            refused: Vec::new(),
            start: span.since,
            deadline: deadline.clone(),
            state: State::Applying,
            from: typed.from,
            reason: typed.reason,
            ticket: typed.ticket,
            change: Vec::new(),
            span,
            expiry: Expiry::default(),
            replaced: Vec::new(),
            votes: typed.votes,
        }
    }

    fn enter(&mut self, id: RequestId, state: State) {
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.state = state;
        }
    }

    /// Every grant that may be on the host.
    pub fn live(&self) -> impl Iterator<Item = &Grant> {
        self.grants.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.grants.len()
    }

    /// Whether nothing is live.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// The live grant of that id.
    #[must_use]
    pub fn get(&self, id: RequestId) -> Option<&Grant> {
        self.grants.get(&id)
    }

    /// Live grants whose id begins so, or the id of a grant that they replaced.
    pub fn matching(&self, prefix: &IdPrefix) -> impl Iterator<Item = &Grant> {
        self.grants.values().filter(|grant| grant.is_named_by(prefix))
    }

    /// Live grants of one person.
    pub fn of(&self, uid: u32) -> impl Iterator<Item = &Grant> {
        self.grants.values().filter(move |grant| grant.by.uid == uid)
    }

    /// Every open request.
    pub fn open(&self) -> impl Iterator<Item = &Open> {
        self.open.values()
    }

    /// The open request of that id.
    #[must_use]
    pub fn open_request(&self, id: RequestId) -> Option<&Open> {
        self.open.get(&id)
    }

    /// Open requests whose id begins so.
    pub fn open_matching(&self, prefix: &IdPrefix) -> impl Iterator<Item = &Open> {
        self.open.values().filter(|open| prefix.matches(open.id))
    }

    /// Open requests of one person.
    pub fn open_of(&self, uid: u32) -> impl Iterator<Item = &Open> {
        self.open.values().filter(move |open| open.by.uid == uid)
    }

    /// Open requests to which the clock says something.
    #[must_use]
    pub fn open_due(&self, now: &Now) -> Vec<(RequestId, Due)> {
        self.open.values().filter_map(|open| Some((open.id, open.due(now)?))).collect()
    }

    /// The kill switch, when it is thrown.
    #[must_use]
    pub fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()
    }

    /// Grants that are wanted and whose time is up, with the cause.
    #[must_use]
    pub fn due(&self, now: &Now) -> Vec<(RequestId, Cause)> {
        self.grants
            .values()
            .filter(|grant| grant.state.is_wanted() && grant.deadline.reached(now))
            .map(|grant| match grant.deadline.boot_id == now.boot_id {
                true => (grant.id, Cause::Expired),
                false => (grant.id, Cause::Rebooted),
            })
            .collect()
    }

    /// The nanoseconds until the clock says something to an open request.
    #[must_use]
    pub fn next_open(&self, now: &Now) -> Option<i64> {
        self.open.values().map(|open| open.wait(now)).min()
    }

    /// The nanoseconds until the next deadline; `None` when nothing has one.
    #[must_use]
    pub fn next_deadline(&self, now: &Now) -> Option<i64> {
        self.grants
            .values()
            .filter(|grant| grant.state.is_wanted())
            .map(|grant| grant.deadline.left(now).max(0))
            .min()
    }

    /// What should be true on the host: the only source of a [`Wanted`].
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let grants = self.grants.values().filter(|grant| grant.state.is_wanted());
        Wanted::of(
            grants
                .map(|grant| WantedGrant {
                    id: grant.id,
                    by: grant.by.clone(),
                    gives: grant.gives.clone(),
                    subcommands: grant.expiry.subcommands,
                    deadline: grant.deadline.clone(),
                })
                .collect(),
        )
    }
}

/// The text of one field, from an entry's typed texts.
fn text(texts: &[TypedText], field: &str) -> Option<String> {
    texts.iter().find(|typed| typed.field == field).map(|typed| typed.text.clone())
}

/// Reads a draft as the registry would, for tests of the fold.
#[must_use]
pub fn folded(drafts: &[Draft]) -> Registry {
    let mut registry = Registry::default();
    for draft in drafts {
        registry.replay(draft.at, draft.request, &draft.entry, &draft.texts);
    }
    registry
}
