//! A request read back from its entries: the same fold as at start-up.

use jit_common::ids::RequestId;
use jit_common::refusal::{HowClosed as Closing, Refusal};
use jit_common::response::EndView;
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::{Grant, Registry};
use jitd_core::record::{Cause, Closed, Entry, Person, Terms, TypedText};

use crate::ledger::Row;

/// How an open request was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HowClosed {
    /// Why.
    pub cause: Closed,
    /// Who closed it, when it was a person.
    pub by: Option<Person>,
    /// What they said, unless it was erased.
    pub note: String,
    /// What was missing or had changed.
    pub why: String,
}

/// A request that is over, or one that is live or open.
#[derive(Debug, Default)]
pub struct Past {
    /// The grant, if it became one, as it was last.
    pub grant: Option<Grant>,
    /// How it ended, if it did.
    pub end: Option<EndView>,
    /// The request as it was open, if it was and never became a grant.
    pub open: Option<Open>,
    /// Its terms, if it was open.
    pub terms: Option<Terms>,
    /// How it was closed, if it was.
    pub closed: Option<HowClosed>,
    /// Whose request it was.
    pub person: Option<Person>,
    /// Under which condition phrases it was permitted.
    pub conditions: Vec<String>,
    /// What was still there after it had ended.
    pub residue: Vec<String>,
    /// The cause of its end.
    cause: Option<Cause>,
    /// What was said when it ended.
    note: Option<String>,
}

impl Past {
    /// Folds the rows of request `id`.
    #[must_use]
    pub fn of(id: RequestId, rows: &[Row]) -> Self {
        let mut past = Self::default();
        let mut registry = Registry::default();
        for row in rows {
            let Ok(entry) = serde_json::from_str::<Entry>(&row.body) else { continue };
            past.person = past.person.or_else(|| entry.person().cloned());
            let texts = typed_texts(row);
            let note = texts.iter().find(|text| text.field == "note").map(|text| text.text.clone());
            match &entry {
                Entry::Decided { conditions, .. } => past.conditions.clone_from(conditions),
                Entry::Pending { terms, .. } => {
                    past.conditions.clone_from(&terms.conditions);
                    past.terms = Some(terms.clone());
                }
                Entry::Ending { .. } => past.note = note,
                Entry::Ended { cause, residue, .. } => {
                    past.end = Some(EndView { cause: cause.as_str().to_owned(), at: row.at });
                    past.cause = Some(*cause);
                    past.residue.clone_from(residue);
                    continue;
                }
                Entry::Closed { cause, closed_by, why, .. } => {
                    let (by, note) = (closed_by.clone(), note.unwrap_or_default());
                    past.closed = Some(HowClosed { cause: *cause, by, note, why: why.clone() });
                    continue;
                }
                _ => {}
            }
            registry.replay(row.at, row.request, &entry, &texts);
        }
        past.grant = registry.get(id).cloned();
        past.open = registry.open_request(id).cloned();
        past
    }

    /// Why whoever waited for it waits no longer.
    #[must_use]
    pub fn refusal(&self, id: RequestId) -> Refusal {
        let id = id.to_string();
        if let Some(HowClosed { cause, by, note, why }) = &self.closed {
            let by = by.as_ref().map(|person| person.name.clone()).unwrap_or_default();
            let (note, why) = (note.clone(), why.clone());
            let how = match cause {
                Closed::Denied => Closing::Denied { by, note },
                Closed::Revoked => Closing::Revoked { by, note },
                Closed::Cancelled => Closing::Cancelled,
                Closed::Lapsed => Closing::Lapsed { why },
                Closed::Ineligible => Closing::NoLongerPermitted { why },
            };
            return Refusal::RequestClosed { id, how };
        }
        match (&self.grant, self.cause) {
            (Some(grant), Some(Cause::Failed)) => {
                let why = self.note.clone().unwrap_or_else(|| "sudo does not agree".to_owned());
                Refusal::ApplyFailed { role: grant.role.clone(), why }
            }
            (Some(_) | None, _) => {
                Refusal::NotNow { id, state: self.state_in_words(), action: "wait for".into() }
            }
        }
    }

    /// How far it has come, in a word or three.
    #[must_use]
    pub fn state_in_words(&self) -> String {
        match (&self.closed, &self.end, &self.grant, &self.open) {
            (Some(closed), ..) => closed.cause.as_str().to_owned(),
            (None, Some(end), ..) => format!("over ({})", end.cause),
            (None, None, Some(_), _) => "granted already".to_owned(),
            (None, None, None, Some(_)) => "open".to_owned(),
            (None, None, None, None) => "refused".to_owned(),
        }
    }
}

/// The typed texts of a row, as the registry takes them.
#[must_use]
pub fn typed_texts(row: &Row) -> Vec<TypedText> {
    const FIELDS: [&str; 4] = ["reason", "ticket", "note", "command"];
    let texts = row.texts.iter().filter_map(|text| {
        let field = FIELDS.into_iter().find(|field| *field == text.field)?;
        Some(TypedText { field, salt: text.salt, text: text.text.clone() })
    });
    texts.collect()
}
