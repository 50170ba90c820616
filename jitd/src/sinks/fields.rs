//! What an entry says, as fields with names: for the journal, and for the end of a line in syslog.

use jit_common::ids::RequestId;
use jitd_core::policy::Gives;
use jitd_core::record::utc::rfc3339;
use jitd_core::record::{About, AboutOpen, Cause, Drifted, Entry, Origin, Person, Terms, chain};

use crate::ledger::Row;

/// A field: its name and one value.
type Field = (&'static str, String);

/// The fields of one entry, those that it has. What there may be several of is a field of its own for each, as the
/// journal keeps it (`journalctl JIT_APPROVER=bob`). Texts are as typed: whoever shows them escapes them.
pub(super) fn fields(row: &Row, entry: &Entry) -> Vec<Field> {
    let typed = row.typed();
    let origin = origin(entry);
    let text = |text: Option<&str>| text.map(str::to_owned);
    let before = [
        ("JIT_SEQ", Some(row.seq.to_string())),
        ("JIT_AT", Some(rfc3339(row.at))),
        ("JIT_KIND", Some(row.kind.clone())),
        ("JIT_REQUEST", row.request.map(|id| id.to_string())),
        ("JIT_USER", entry.person().map(|person| person.name.clone())),
        ("JIT_UID", entry.person().map(|person| person.uid.to_string())),
        ("JIT_ROLE", text(entry.role())),
        ("JIT_REASON", text(typed.reason)),
        ("JIT_TICKET", text(typed.ticket)),
        ("JIT_NOTE", text(typed.note)),
        ("JIT_COMMAND", text(typed.command)),
        ("JIT_TTY", origin.and_then(|origin| origin.tty.clone())),
        ("JIT_REMOTE", origin.and_then(|origin| origin.remote.clone())),
    ];
    let after = [("JIT_HASH", chain::hex(&row.hash)), ("JIT_BODY", row.body.to_string())];
    let before = before.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let started = typed.commands.unwrap_or_default().lines().map(|line| ("JIT_SUBCOMMAND", line.to_owned()));
    before.chain(own(entry)).chain(started).chain(after).collect()
}

/// What entries of one kind have and others do not.
pub(super) fn own(entry: &Entry) -> Vec<Field> {
    match entry {
        Entry::Requested { asked } | Entry::Refused { asked, .. } => {
            asked.seconds.map(seconds).into_iter().collect()
        }
        Entry::Pending { about, terms } => pending(about, terms),
        Entry::Approved { about, approval, missing } => {
            let mut all = vec![waiting(about)];
            all.extend(approver(&approval.approver));
            all.extend(approval.seconds.map(seconds));
            all.extend(missing.iter().map(|missing| ("JIT_MISSING", missing.clone())));
            all
        }
        Entry::Scheduled { about, start: at } => vec![waiting(about), start(*at)],
        Entry::Closed { about, cause, closed_by, .. } => {
            let mut all = vec![waiting(about), ("JIT_CAUSE", cause.as_str().to_owned())];
            all.extend(closed_by.as_ref().map(|by| ("JIT_CLOSED_BY", by.name.clone())));
            all
        }
        Entry::Decided { about, approved_by, .. } => {
            granted(about).into_iter().chain(approved_by.iter().flat_map(approver)).collect()
        }
        Entry::Intent { about, gives, start: at, span, .. } => {
            let mut all = granted(about).to_vec();
            all.push(start(*at));
            all.extend(span.and_then(|span| span.replaces).map(replaces));
            all.extend(groups(gives));
            all
        }
        Entry::Applied { about, .. } => granted(about).to_vec(),
        Entry::Ending { about, cause, ended_by, .. } => {
            let by = ended_by.as_ref().map(|by| ("JIT_ENDED_BY", by.name.clone()));
            granted(about).into_iter().chain([because(*cause)]).chain(by).collect()
        }
        Entry::Ended { about, cause, residue, .. } => {
            let left = residue.iter().map(|left| ("JIT_RESIDUE", left.clone()));
            granted(about).into_iter().chain([because(*cause)]).chain(left).collect()
        }
        Entry::SessionBegan { about, from, directory, outside, .. } => {
            began(about, from, directory.clone(), outside.clone())
        }
        Entry::SessionEnded { about, pid: number, status } => {
            let status = status.map(|status| ("JIT_STATUS", status.to_string()));
            granted(about).into_iter().chain([pid(*number)]).chain(status).collect()
        }
        Entry::SessionCommands { about, pid: number, left_out, .. } => starts(about, *number, *left_out),
        Entry::Swept { about, .. } => granted(about).to_vec(),
        Entry::Report { about, report } => {
            let mut all = granted(about).to_vec();
            all.extend(report.alive.iter().map(|left| ("JIT_RESIDUE", left.clone())));
            all.extend(report.changes.iter().map(|change| ("JIT_CHANGE", change.to_string())));
            all
        }
        Entry::Drift { what, grants, .. } => drift(*what, grants),
        Entry::Stuck { about, cause, .. } => granted(about).into_iter().chain([because(*cause)]).collect(),
        Entry::Started { .. }
        | Entry::Stopped { .. }
        | Entry::PolicyLoaded { .. }
        | Entry::PolicyRejected { .. }
        | Entry::CallRefused { .. }
        | Entry::TextsErased { .. }
        | Entry::RefusalsCounted { .. }
        | Entry::Locked { .. }
        | Entry::Unlocked { .. }
        | Entry::GuardActed { .. }
        | Entry::LedgerRestored { .. }
        | Entry::Checkpoint { .. } => Vec::new(),
    }
}

fn pending(about: &AboutOpen, terms: &Terms) -> Vec<Field> {
    let mut all = vec![waiting(about), seconds(terms.seconds)];
    all.extend(terms.start.map(start));
    // What nobody has to approve is no question that could lapse.
    all.extend((!terms.approvals.is_empty()).then(|| ("JIT_LAPSE", rfc3339(terms.lapse.wall))));
    all.extend(terms.approvals.iter().map(|approval| ("JIT_MISSING", approval.phrase())));
    all.extend(terms.extends.map(|id| ("JIT_EXTENDS", id.to_string())));
    all.extend(groups(&terms.gives));
    all
}

fn drift(what: Drifted, grants: &[RequestId]) -> Vec<Field> {
    let grants = grants.iter().map(|id| ("JIT_GRANT", id.to_string()));
    [("JIT_DRIFT", what.as_str().to_owned())].into_iter().chain(grants).collect()
}

fn began(about: &About, from: &Origin, directory: Option<String>, outside: Option<String>) -> Vec<Field> {
    let more = [
        from.pid.map(pid),
        directory.map(|path| ("JIT_DIRECTORY", path)),
        outside.map(|why| ("JIT_OUTSIDE", why)),
    ];
    granted(about).into_iter().chain(more.into_iter().flatten()).collect()
}

fn starts(about: &About, number: i32, left_out: u64) -> Vec<Field> {
    let left_out = (left_out > 0).then(|| ("JIT_LEFT_OUT", left_out.to_string()));
    granted(about).into_iter().chain([pid(number)]).chain(left_out).collect()
}

fn granted(about: &About) -> [Field; 2] {
    [("JIT_RULE", about.rule.to_string()), ("JIT_UNTIL", rfc3339(about.until))]
}

fn waiting(about: &AboutOpen) -> Field {
    ("JIT_RULE", about.rule.to_string())
}

fn approver(person: &Person) -> [Field; 2] {
    [("JIT_APPROVER", person.name.clone()), ("JIT_APPROVER_UID", person.uid.to_string())]
}

fn groups(gives: &Gives) -> impl Iterator<Item = Field> {
    gives.groups.iter().map(|group| ("JIT_GROUP", group.name.clone()))
}

fn because(cause: Cause) -> Field {
    ("JIT_CAUSE", cause.as_str().to_owned())
}

fn pid(pid: i32) -> Field {
    ("JIT_PID", pid.to_string())
}

fn seconds(seconds: u32) -> Field {
    ("JIT_SECONDS", seconds.to_string())
}

fn start(at: i64) -> Field {
    ("JIT_START", rfc3339(at))
}

fn replaces(id: RequestId) -> Field {
    ("JIT_REPLACES", id.to_string())
}

/// From where whoever did it did it.
fn origin(entry: &Entry) -> Option<&Origin> {
    match entry {
        Entry::Requested { asked } | Entry::Refused { asked, .. } => Some(&asked.from),
        Entry::Approved { approval, .. } => Some(&approval.from),
        Entry::Closed { from, .. } => from.as_ref(),
        Entry::CallRefused { from, .. }
        | Entry::SessionBegan { from, .. }
        | Entry::TextsErased { from, .. }
        | Entry::Locked { from, .. }
        | Entry::Unlocked { from, .. } => Some(from),
        Entry::Started { .. }
        | Entry::Stopped { .. }
        | Entry::PolicyLoaded { .. }
        | Entry::PolicyRejected { .. }
        | Entry::Pending { .. }
        | Entry::Scheduled { .. }
        | Entry::Decided { .. }
        | Entry::Intent { .. }
        | Entry::Applied { .. }
        | Entry::RefusalsCounted { .. }
        | Entry::Ending { .. }
        | Entry::Ended { .. }
        | Entry::SessionEnded { .. }
        | Entry::SessionCommands { .. }
        | Entry::Swept { .. }
        | Entry::Report { .. }
        | Entry::Stuck { .. }
        | Entry::Drift { .. }
        | Entry::GuardActed { .. }
        | Entry::LedgerRestored { .. }
        | Entry::Checkpoint { .. } => None,
    }
}
