//! What the engine knows, as the answers say it.

use jit_common::response::{
    EndView, GivesView, GrantView, GroupView, LogEntry, LogText, PasswordView, PersonView, RuleView,
    StateView, SudoView,
};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Authenticate, Commands, Gives, SudoRole};
use jitd_core::record::Person;

use super::open_views;
use super::past::Past;
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

/// What a role or a grant gives.
#[must_use]
pub fn gives(gives: &Gives, refused: &[String]) -> GivesView {
    GivesView {
        sudo: gives.sudo.as_ref().map(|role| sudo(role, refused)),
        groups: gives
            .groups
            .iter()
            .map(|group| GroupView { gid: group.gid, name: group.name.clone() })
            .collect(),
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
        gives: gives(&grant.gives, &grant.refused),
        reason: grant.reason.clone(),
        ticket: grant.ticket.clone(),
        start: grant.start,
        until: grant.deadline.wall,
        left: match end {
            Some(_) => 0,
            None => grant.deadline.left(now).max(0),
        },
        end,
        approved_by: grant.votes.iter().map(open_views::vote).collect(),
        replaces: grant.span.replaces,
        longest: grant.span.since.saturating_add(i64::from(grant.span.longest) * NANOS),
        residue: Vec::new(),
    }
}

/// A grant that is over, with what it left behind.
#[must_use]
pub fn past_grant(past: &Past, now: &Now) -> Option<GrantView> {
    let view = grant(past.grant.as_ref()?, now, past.end.clone());
    Some(GrantView { residue: past.residue.clone(), ..view })
}

fn state_view(state: State) -> StateView {
    match state {
        State::Asked | State::Pending => StateView::Pending,
        State::Scheduled => StateView::Scheduled,
        State::Applying => StateView::Applying,
        State::Active => StateView::Active,
        State::Ending { .. } => StateView::Ending,
        State::Stuck { .. } => StateView::Stuck,
        State::Ended { .. } => StateView::Ended,
        State::Refused => StateView::Refused,
        State::Closed { .. } => StateView::Closed,
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
