//! People, rules, roles and grants in JSON.

use jit_common::response::{EndedView, GrantView, PasswordView, PersonView, RoleView, StateView, SudoView};
use serde::Serialize;

use super::ExplanationJson;
use crate::time;

/// A person.
#[derive(Debug, Serialize)]
pub(crate) struct PersonJson<'a> {
    uid: u32,
    name: &'a str,
}

impl<'a> PersonJson<'a> {
    pub(super) fn of(person: &'a PersonView) -> Self {
        Self { uid: person.uid, name: &person.name }
    }
}

/// A rule and where it stands.
#[derive(Debug, Serialize)]
pub(crate) struct RuleJson<'a> {
    pub(super) name: &'a str,
    pub(super) location: &'a str,
}

/// What a role gives through sudo.
#[derive(Debug, Serialize)]
pub(crate) struct SudoJson<'a> {
    run_as: &'a str,
    password: bool,
    commands: &'a [String],
    refused: &'a [String],
}

impl<'a> SudoJson<'a> {
    fn of(sudo: &'a SudoView) -> Self {
        Self {
            run_as: &sudo.run_as,
            password: match sudo.password {
                PasswordView::Asked => true,
                PasswordView::NotAsked => false,
            },
            commands: &sudo.commands,
            refused: &sudo.refused,
        }
    }
}

/// How a grant ended.
#[derive(Debug, Serialize)]
pub(crate) struct EndJson<'a> {
    cause: &'a str,
    at: String,
}

/// One grant.
#[derive(Debug, Serialize)]
pub(crate) struct GrantJson<'a> {
    id: String,
    person: PersonJson<'a>,
    role: &'a str,
    rule: RuleJson<'a>,
    state: &'static str,
    sudo: SudoJson<'a>,
    reason: Option<&'a str>,
    ticket: Option<&'a str>,
    start: String,
    until: String,
    left_seconds: i64,
    end: Option<EndJson<'a>>,
}

impl<'a> GrantJson<'a> {
    /// The grant as it is documented.
    pub(crate) fn of(grant: &'a GrantView) -> Self {
        Self {
            id: grant.id.to_string(),
            person: PersonJson::of(&grant.person),
            role: &grant.role,
            rule: RuleJson { name: &grant.rule.name, location: &grant.rule.location },
            state: state(grant.state),
            sudo: SudoJson::of(&grant.sudo),
            reason: grant.reason.as_deref(),
            ticket: grant.ticket.as_deref(),
            start: time::rfc3339(grant.start),
            until: time::rfc3339(grant.until),
            left_seconds: time::seconds(grant.left),
            end: grant.end.as_ref().map(|end| EndJson { cause: &end.cause, at: time::rfc3339(end.at) }),
        }
    }
}

fn state(state: StateView) -> &'static str {
    match state {
        StateView::Applying => "applying",
        StateView::Active => "active",
        StateView::Ending => "ending",
        StateView::Stuck => "stuck",
        StateView::Ended => "ended",
        StateView::Refused => "refused",
    }
}

/// What became of a grant that was to end.
#[derive(Debug, Serialize)]
pub(crate) struct EndedJson<'a> {
    id: String,
    person: PersonJson<'a>,
    role: &'a str,
    off: bool,
    stuck: Option<&'a str>,
}

impl<'a> EndedJson<'a> {
    pub(super) fn of(ended: &'a EndedView) -> Self {
        Self {
            id: ended.id.to_string(),
            person: PersonJson::of(&ended.person),
            role: &ended.role,
            off: ended.stuck.is_none(),
            stuck: ended.stuck.as_deref(),
        }
    }
}

/// A role that somebody could ask for.
#[derive(Debug, Serialize)]
pub(crate) struct RoleJson<'a> {
    name: &'a str,
    summary: &'a str,
    risk: &'a str,
    sudo: SudoJson<'a>,
    equals_root: &'a [String],
    disabled: &'a [String],
    now: ExplanationJson<'a>,
}

impl<'a> RoleJson<'a> {
    pub(super) fn of(role: &'a RoleView) -> Self {
        Self {
            name: &role.name,
            summary: &role.summary,
            risk: &role.risk,
            sudo: SudoJson::of(&role.sudo),
            equals_root: &role.equals_root,
            disabled: &role.disabled,
            now: ExplanationJson::of(&role.now),
        }
    }
}
