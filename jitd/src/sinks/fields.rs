//! What an entry says, as fields with names: for the journal, and for the end of a line in syslog.

use jitd_core::record::utc::rfc3339;
use jitd_core::record::{About, Cause, Entry, Origin, chain};

use crate::ledger::Row;

/// The fields of one entry, those that it has. Texts are as typed: whoever shows them escapes them.
pub(super) fn fields(row: &Row, entry: &Entry) -> Vec<(&'static str, String)> {
    let typed = row.typed();
    let about = about(entry);
    let origin = origin(entry);
    let text = |text: Option<&str>| text.map(str::to_owned);
    let all = [
        ("JIT_SEQ", Some(row.seq.to_string())),
        ("JIT_AT", Some(rfc3339(row.at))),
        ("JIT_KIND", Some(row.kind.clone())),
        ("JIT_REQUEST", row.request.map(|id| id.to_string())),
        ("JIT_USER", entry.person().map(|person| person.name.clone())),
        ("JIT_UID", entry.person().map(|person| person.uid.to_string())),
        ("JIT_ROLE", text(entry.role())),
        ("JIT_RULE", about.map(|about| about.rule.to_string())),
        ("JIT_UNTIL", about.map(|about| rfc3339(about.until))),
        ("JIT_REASON", text(typed.reason)),
        ("JIT_TICKET", text(typed.ticket)),
        ("JIT_NOTE", text(typed.note)),
        ("JIT_CAUSE", cause(entry).map(|cause| cause.as_str().to_owned())),
        ("JIT_TTY", origin.and_then(|origin| origin.tty.clone())),
        ("JIT_REMOTE", origin.and_then(|origin| origin.remote.clone())),
        ("JIT_HASH", Some(chain::hex(&row.hash))),
        ("JIT_BODY", Some(row.body.to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The grant that an entry is about.
fn about(entry: &Entry) -> Option<&About> {
    match entry {
        Entry::Decided { about, .. }
        | Entry::Intent { about, .. }
        | Entry::Applied { about, .. }
        | Entry::Ending { about, .. }
        | Entry::Ended { about, .. }
        | Entry::Stuck { about, .. } => Some(about),
        Entry::Started { .. }
        | Entry::Stopped { .. }
        | Entry::PolicyLoaded { .. }
        | Entry::PolicyRejected { .. }
        | Entry::Requested { .. }
        | Entry::Refused { .. }
        | Entry::CallRefused { .. }
        | Entry::TextsErased { .. }
        | Entry::RefusalsCounted { .. }
        | Entry::Locked { .. }
        | Entry::Unlocked { .. }
        | Entry::Drift { .. }
        | Entry::GuardActed { .. }
        | Entry::LedgerRestored { .. }
        | Entry::Checkpoint { .. } => None,
    }
}

fn cause(entry: &Entry) -> Option<Cause> {
    if let Entry::Ending { cause, .. } | Entry::Ended { cause, .. } | Entry::Stuck { cause, .. } = entry {
        Some(*cause)
    } else {
        None
    }
}

fn origin(entry: &Entry) -> Option<&Origin> {
    if let Entry::Requested { asked } | Entry::Refused { asked, .. } = entry {
        Some(&asked.from)
    } else if let Entry::CallRefused { from, .. }
    | Entry::Locked { from, .. }
    | Entry::Unlocked { from, .. } = entry
    {
        Some(from)
    } else {
        None
    }
}
