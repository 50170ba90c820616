//! The registry: what is live, as the ledger says. Live and after a crash it is built by the same fold.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::ids::{IdPrefix, RequestId};
use jit_common::refusal::RuleRef;

use super::state::State;
use super::step::Released;
use crate::now::{Deadline, Now};
use crate::policy::SudoRole;
use crate::record::{About, Cause, Draft, Entry, Origin, Person, TypedText};
use crate::wanted::{Wanted, WantedGrant};

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
    pub sudo: SudoRole,
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
}

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

/// Everything that is live, and the kill switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    grants: BTreeMap<RequestId, Grant>,
    /// Requests whose intent has not been folded yet: their entries stand side by side in one commit.
    asked: BTreeMap<RequestId, (Origin, Option<String>, Option<String>)>,
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
            (Entry::Requested { asked }, Some(id)) => {
                let texts = (asked.from.clone(), text(texts, "reason"), text(texts, "ticket"));
                self.asked.insert(id, texts);
            }
            (Entry::Intent { about, sudo, start, deadline, change }, Some(id)) => {
                let grant = self.begun(id, about, (sudo, *start, deadline), change);
                self.grants.insert(id, grant);
            }
            (Entry::Applied { refused, .. }, Some(id)) => {
                if let Some(grant) = self.grants.get_mut(&id).filter(|grant| grant.state == State::Applying) {
                    grant.state = State::Active;
                    grant.refused.clone_from(refused);
                }
            }
            (Entry::Ending { cause, .. }, Some(id)) => self.enter(id, State::Ending { cause: *cause }),
            (Entry::Stuck { cause, tries, .. }, Some(id)) => {
                self.enter(id, State::Stuck { cause: *cause, tries: *tries });
            }
            (Entry::Ended { .. }, Some(id)) => {
                self.grants.remove(&id);
            }
            (Entry::TextsErased { .. }, Some(id)) => {
                if let Some(grant) = self.grants.get_mut(&id) {
                    (grant.reason, grant.ticket) = (None, None);
                }
            }
            (Entry::Locked { by, .. }, _) => {
                // Whoever locks what is locked does not make others forget who did it first, and why.
                let lock = || Lock { by: by.clone(), since: at, note: text(texts, "note") };
                self.lock.get_or_insert_with(lock);
            }
            (Entry::Unlocked { .. }, _) => self.lock = None,
            (
                Entry::Requested { .. }
                | Entry::Intent { .. }
                | Entry::Applied { .. }
                | Entry::Ending { .. }
                | Entry::Stuck { .. }
                | Entry::Ended { .. }
                | Entry::TextsErased { .. },
                None,
            )
            | (
                Entry::Started { .. }
                | Entry::Stopped { .. }
                | Entry::PolicyLoaded { .. }
                | Entry::PolicyRejected { .. }
                | Entry::Decided { .. }
                | Entry::Refused { .. }
                | Entry::CallRefused { .. }
                | Entry::RefusalsCounted { .. }
                | Entry::Drift { .. }
                | Entry::GuardActed { .. }
                | Entry::LedgerRestored { .. }
                | Entry::Checkpoint { .. },
                _,
            ) => {}
        }
    }

    /// A grant as its intent says, with what its request brought.
    fn begun(
        &mut self,
        id: RequestId,
        about: &About,
        (sudo, start, deadline): (&SudoRole, i64, &Deadline),
        change: &[String],
    ) -> Grant {
        let (from, reason, ticket) = self.asked.remove(&id).unwrap_or_default();
        Grant {
            id,
            by: about.by.clone(),
            role: about.role.clone(),
            rule: about.rule.clone(),
            sudo: sudo.clone(),
            refused: Vec::new(),
            start,
            deadline: deadline.clone(),
            state: State::Applying,
            from,
            reason,
            ticket,
            change: change.to_vec(),
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

    /// Live grants whose id begins so.
    pub fn matching(&self, prefix: &IdPrefix) -> impl Iterator<Item = &Grant> {
        self.grants.values().filter(|grant| prefix.matches(grant.id))
    }

    /// Live grants of one person.
    pub fn of(&self, uid: u32) -> impl Iterator<Item = &Grant> {
        self.grants.values().filter(move |grant| grant.by.uid == uid)
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
                    uid: grant.by.uid,
                    sudo: grant.sudo.clone(),
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
