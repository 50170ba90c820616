//! What the engine knows, as the answers say it.

use jit_common::ids::RequestId;
use jit_common::response::{
    EndView, GrantView, LogEntry, LogText, PasswordView, PersonView, RuleView, StateView, SudoView,
};
use jitd_core::lifecycle::registry::{Grant, Registry};
use jitd_core::lifecycle::state::State;
use jitd_core::now::Now;
use jitd_core::policy::{Authenticate, Commands, SudoRole};
use jitd_core::record::{Entry, Person, TypedText};

use crate::ledger::Row;

/// A person.
#[must_use]
pub fn person(person: &Person) -> PersonView {
    PersonView { uid: person.uid, name: person.name.clone() }
}

/// What a role gives, with the commands that sudo refuses all the same.
#[must_use]
pub fn sudo(role: &SudoRole, refused: &[String]) -> SudoView {
    SudoView {
        run_as: role.run_as.to_string(),
        password: match role.password {
            Authenticate::Asked => PasswordView::Asked,
            Authenticate::NotAsked => PasswordView::NotAsked,
        },
        commands: match &role.commands {
            Commands::All => vec!["ALL".to_owned()],
            Commands::These(commands) => commands.iter().map(ToString::to_string).collect(),
        },
        refused: refused.to_vec(),
    }
}

/// A grant, live or over.
#[must_use]
pub fn grant(grant: &Grant, now: &Now, end: Option<EndView>) -> GrantView {
    GrantView {
        id: grant.id,
        person: person(&grant.by),
        role: grant.role.clone(),
        rule: RuleView { name: grant.rule.name.clone(), location: grant.rule.location.clone() },
        state: match (grant.state, &end) {
            (_, Some(_)) => StateView::Ended,
            (state, None) => state_view(state),
        },
        sudo: sudo(&grant.sudo, &grant.refused),
        reason: grant.reason.clone(),
        ticket: grant.ticket.clone(),
        start: grant.start,
        until: grant.deadline.wall,
        left: match end {
            Some(_) => 0,
            None => grant.deadline.left(now).max(0),
        },
        end,
    }
}

fn state_view(state: State) -> StateView {
    match state {
        State::Asked | State::Applying => StateView::Applying,
        State::Active => StateView::Active,
        State::Ending { .. } => StateView::Ending,
        State::Stuck { .. } => StateView::Stuck,
        State::Ended { .. } => StateView::Ended,
        State::Refused => StateView::Refused,
    }
}

/// A row of the ledger.
#[must_use]
pub fn log_entry(row: &Row) -> LogEntry {
    LogEntry {
        seq: row.seq,
        at: row.at,
        kind: row.kind.clone(),
        request: row.request,
        body: row.body.to_string(),
        hash: row.hash,
        texts: row
            .texts
            .iter()
            .map(|text| LogText { field: text.field.clone(), salt: text.salt, text: text.text.clone() })
            .collect(),
    }
}

/// A request that is over, or one that is live, read back from its rows: the same fold as at start-up.
#[derive(Debug, Default)]
pub struct Past {
    /// The grant, if it became one, as it was last.
    pub grant: Option<Grant>,
    /// How it ended, if it did.
    pub end: Option<EndView>,
    /// Whose request it was.
    pub person: Option<Person>,
    /// Under which condition phrases it was granted.
    pub conditions: Vec<String>,
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
            if let Entry::Decided { conditions, .. } = &entry {
                past.conditions.clone_from(conditions);
            }
            if let Entry::Ended { cause, .. } = &entry {
                past.end = Some(EndView { cause: cause.as_str().to_owned(), at: row.at });
                continue;
            }
            registry.replay(row.at, row.request, &entry, &typed_texts(row));
        }
        past.grant = registry.get(id).cloned();
        past
    }
}

/// The typed texts of a row, as the registry takes them.
#[must_use]
pub fn typed_texts(row: &Row) -> Vec<TypedText> {
    const FIELDS: [&str; 3] = ["reason", "ticket", "note"];
    let texts = row.texts.iter().filter_map(|text| {
        let field = FIELDS.into_iter().find(|field| *field == text.field)?;
        Some(TypedText { field, salt: text.salt, text: text.text.clone() })
    });
    texts.collect()
}
