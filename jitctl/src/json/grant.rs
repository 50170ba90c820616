//! People, rules, roles and grants in JSON.

use jit_common::response::{
    EndView, EndedView, GivesView, GrantView, GroupView, PasswordView, PersonView, RoleView, RuleView,
    StateView, SudoView, VoteView, WasView,
};
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

impl<'a> RuleJson<'a> {
    pub(super) fn of(rule: &'a RuleView) -> Self {
        Self { name: &rule.name, location: &rule.location }
    }
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

/// A group. A role may name one that this host does not have: that has no number.
#[derive(Debug, Serialize)]
pub(crate) struct GroupJson<'a> {
    gid: Option<u32>,
    name: &'a str,
}

impl<'a> GroupJson<'a> {
    fn of(group: &'a GroupView) -> Self {
        Self { gid: (group.gid != u32::MAX).then_some(group.gid), name: &group.name }
    }
}

/// What is given: stands in the object of whatever gives it.
#[derive(Debug, Serialize)]
pub(crate) struct GivesJson<'a> {
    sudo: Option<SudoJson<'a>>,
    groups: Vec<GroupJson<'a>>,
}

impl<'a> GivesJson<'a> {
    pub(super) fn of(gives: &'a GivesView) -> Self {
        Self {
            sudo: gives.sudo.as_ref().map(SudoJson::of),
            groups: gives.groups.iter().map(GroupJson::of).collect(),
        }
    }
}

/// One approver's yes.
#[derive(Debug, Serialize)]
pub(crate) struct VoteJson<'a> {
    person: PersonJson<'a>,
    at: String,
    seconds: Option<u32>,
    note: Option<&'a str>,
}

impl<'a> VoteJson<'a> {
    pub(super) fn of(vote: &'a VoteView) -> Self {
        Self {
            person: PersonJson::of(&vote.person),
            at: time::rfc3339(vote.at),
            seconds: vote.seconds,
            note: vote.note.as_deref(),
        }
    }
}

/// How a grant ended.
#[derive(Debug, Serialize)]
pub(crate) struct EndJson<'a> {
    cause: &'a str,
    at: String,
}

impl<'a> EndJson<'a> {
    pub(super) fn of(end: &'a EndView) -> Self {
        Self { cause: &end.cause, at: time::rfc3339(end.at) }
    }
}

/// One grant.
#[derive(Debug, Serialize)]
pub(crate) struct GrantJson<'a> {
    id: String,
    person: PersonJson<'a>,
    role: &'a str,
    rule: RuleJson<'a>,
    state: &'static str,
    #[serde(flatten)]
    gives: GivesJson<'a>,
    reason: Option<&'a str>,
    ticket: Option<&'a str>,
    start: String,
    until: String,
    left_seconds: i64,
    end: Option<EndJson<'a>>,
    approved_by: Vec<VoteJson<'a>>,
    replaces: Option<String>,
    longest: String,
    residue: &'a [String],
}

impl<'a> GrantJson<'a> {
    /// The grant as it is documented.
    pub(crate) fn of(grant: &'a GrantView) -> Self {
        Self {
            id: grant.id.to_string(),
            person: PersonJson::of(&grant.person),
            role: &grant.role,
            rule: RuleJson::of(&grant.rule),
            state: state(grant.state),
            gives: GivesJson::of(&grant.gives),
            reason: grant.reason.as_deref(),
            ticket: grant.ticket.as_deref(),
            start: time::rfc3339(grant.start),
            until: time::rfc3339(grant.until),
            left_seconds: time::seconds(grant.left),
            end: grant.end.as_ref().map(EndJson::of),
            approved_by: grant.approved_by.iter().map(VoteJson::of).collect(),
            replaces: grant.replaces.map(|id| id.to_string()),
            longest: time::rfc3339(grant.longest),
            residue: &grant.residue,
        }
    }
}

/// A state in a word that stays.
pub(super) fn state(state: StateView) -> &'static str {
    match state {
        StateView::Pending => "pending",
        StateView::Scheduled => "scheduled",
        StateView::Closed => "closed",
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
    was: &'static str,
    person: PersonJson<'a>,
    role: &'a str,
    off: bool,
    stuck: Option<&'a str>,
    residue: &'a [String],
}

impl<'a> EndedJson<'a> {
    pub(super) fn of(ended: &'a EndedView) -> Self {
        Self {
            id: ended.id.to_string(),
            was: match ended.was {
                WasView::Live => "live",
                WasView::Open => "open",
            },
            person: PersonJson::of(&ended.person),
            role: &ended.role,
            off: ended.stuck.is_none(),
            stuck: ended.stuck.as_deref(),
            residue: &ended.residue,
        }
    }
}

/// A role that somebody could ask for.
#[derive(Debug, Serialize)]
pub(crate) struct RoleJson<'a> {
    name: &'a str,
    summary: &'a str,
    risk: &'a str,
    #[serde(flatten)]
    gives: GivesJson<'a>,
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
            gives: GivesJson::of(&role.gives),
            equals_root: &role.equals_root,
            disabled: &role.disabled,
            now: ExplanationJson::of(&role.now),
        }
    }
}
