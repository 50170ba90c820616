//! What the engine knows, as the answers say it.

use jit_common::response::{
    EndView, GivesView, GrantView, GroupView, LogEntry, LogText, PasswordView, PersonView, RuleView,
    StateView, SudoView,
};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{Authenticate, Commands, Gives, SudoRole};
use jitd_core::record::{Entry, Person};

use super::open_views;
use super::past::Past;
use crate::ledger::Row;

/// The kind of the entries of which not everybody is shown all.
const REPORT: &str = "report";

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

/// A row of the ledger as those are shown it who see their own alone: a report in numbers, and no hash, by which a guess at the
/// rest could be checked. `None` for a report that this version cannot read.
#[must_use]
pub fn limited_entry(row: &Row) -> Option<LogEntry> {
    let entry = LogEntry { hash: LogEntry::NO_HASH, ..log_entry(row) };
    if row.kind != REPORT {
        return Some(entry);
    }
    let Ok(Entry::Report { about, report }) = serde_json::from_str(&row.body) else { return None };
    let body = serde_json::to_string(&Entry::Report { about, report: report.in_numbers() }).ok()?;
    Some(LogEntry { body, ..entry })
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

#[cfg(test)]
mod tests {
    use jit_common::refusal::RuleRef;
    use jitd_core::record::{About, Report};

    use super::*;

    #[test]
    fn a_report_is_told_in_numbers_and_without_a_hash() {
        let about = About {
            by: Person { uid: 1000, name: "alice".into() },
            role: "docker".into(),
            rule: RuleRef { name: "r".into(), location: "w.toml:1".into() },
            until: 0,
        };
        let alive = vec!["sleep (12) as uid 0".into()];
        let entry = Entry::Report { about, report: Report { alive, ..Report::default() } };
        assert_eq!(entry.kind(), REPORT);
        let row = |body: &str| Row {
            seq: 1,
            at: 1,
            kind: REPORT.into(),
            request: None,
            body: body.into(),
            hash: [7; 32],
            texts: Vec::new(),
            asked: Vec::new(),
        };
        let row_of_it = row(&serde_json::to_string(&entry).unwrap_or_default());
        assert!(log_entry(&row_of_it).body.contains("sleep"));
        let told = limited_entry(&row_of_it);
        assert!(told.as_ref().is_some_and(|told| told.body.contains("\"withheld\":{\"alive\":1,")));
        assert!(told.is_some_and(|told| !told.body.contains("sleep") && told.hash == LogEntry::NO_HASH));
        assert_eq!(limited_entry(&row("{\"kind\":\"report\",\"of\":\"a newer jitd\"}")), None);
    }
}
