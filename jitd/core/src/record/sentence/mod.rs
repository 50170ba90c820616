//! One sentence for a person, per entry: for the journal, for syslog and for `jitctl log`.
//!
//! Everything that somebody typed, and every name, path and message that came from elsewhere, is shown escaped: a
//! sentence is one line, and no control character is in it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jit_common::duration::GrantDuration;
use jit_common::escape::escaped;
use jit_common::ids::RequestId;

mod open;
mod report;
mod session;

use super::{About, Asked, Cause, DisabledRole, Entry, Origin, Person, Span, TypedText};
use crate::now::BootId;
use crate::record::utc;

/// The texts that people typed for a request, as far as they have not been erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Typed<'a> {
    /// Why the role was asked for.
    pub reason: Option<&'a str>,
    /// The incident or change it was asked for.
    pub ticket: Option<&'a str>,
    /// What the one who approved, denied, ended, locked or unlocked said.
    pub note: Option<&'a str>,
    /// What was run with a grant.
    pub command: Option<&'a str>,
    /// What that has started, one command line a line.
    pub commands: Option<&'a str>,
}

impl<'a> Typed<'a> {
    /// The texts of one entry.
    #[must_use]
    pub fn of(texts: &'a [TypedText]) -> Self {
        let find = |field| texts.iter().find(|text| text.field == field).map(|text| text.text.as_str());
        Self {
            reason: find("reason"),
            ticket: find("ticket"),
            note: find("note"),
            command: find("command"),
            commands: find("commands"),
        }
    }
}

/// The sentence with its times in UTC, and with the request's id before it when there is one.
#[must_use]
pub fn sentence(entry: &Entry, request: Option<RequestId>, typed: Typed<'_>) -> String {
    sentence_at(entry, request, typed, &utc::rfc3339)
}

/// The sentence with its times as `time` shows them, given in nanoseconds of the wall clock.
#[must_use]
pub fn sentence_at(
    entry: &Entry,
    request: Option<RequestId>,
    typed: Typed<'_>,
    time: &dyn Fn(i64) -> String,
) -> String {
    let said = said(entry, typed, time);
    match request {
        Some(id) => format!("{id}: {said}"),
        None => said,
    }
}

fn said(entry: &Entry, typed: Typed<'_>, time: &dyn Fn(i64) -> String) -> String {
    match entry {
        Entry::Started { version, host, boot_id, sudo, .. } => started(version, host, boot_id, sudo),
        Entry::Stopped { live } => stopped(*live),
        Entry::PolicyLoaded { hash, files, disabled } => policy_loaded(hash, files, disabled),
        Entry::PolicyRejected { errors, kept } => policy_rejected(errors, kept.as_deref()),
        Entry::Requested { asked } => requested(asked, typed),
        Entry::Decided { about, conditions, approved_by, .. } => {
            let approvers: Vec<String> = approved_by.iter().map(who).collect();
            format!(
                "{} may have {}{}{}",
                who(&about.by),
                grant(about, time),
                list("; approved by ", ", ", &approvers),
                list("; as they were told: ", "; ", conditions)
            )
        }
        Entry::Pending { about, terms } => open::pending(about, terms, typed, time),
        Entry::Approved { about, approval, missing } => open::approved(about, approval, missing, typed),
        Entry::Scheduled { about, start } => {
            format!("{} is to get {} from {} on", who(&about.by), open::role(about), time(*start))
        }
        Entry::Closed { about, cause, closed_by, from, why, .. } => {
            let by = open::By { person: closed_by.as_ref(), from: from.as_ref() };
            open::closed(about, *cause, &by, why, typed)
        }
        Entry::Intent { about, change, span, .. } => intent(about, change, *span, time),
        Entry::Applied { about, refused } => applied(about, refused, typed, time),
        Entry::Refused { asked, code, text, .. } => refused(asked, code, text),
        Entry::CallRefused { by, from, call, code, text } => {
            let (call, code, text) = (escaped(call), escaped(code), escaped(text));
            format!("{} was refused `jitctl {call}` ({code}): {text}{}", who(by), origin(from))
        }
        Entry::TextsErased { by, from } => {
            format!("{} had what was typed for this request erased{}", who(by), origin(from))
        }
        Entry::RefusalsCounted { by, count, seconds } => {
            let times = plural(*count, "time", "times");
            format!("{} was refused {count} more {times} within {seconds} s", who(by))
        }
        Entry::Ending { about, cause, ended_by, .. } => ending(about, *cause, ended_by.as_ref(), typed),
        Entry::Ended { about, cause, late_ms, residue } => ended(about, *cause, *late_ms, residue),
        Entry::SessionBegan { about, from, target, directory, outside, .. } => {
            session::began(about, &session::Of { from, target, directory, outside }, typed)
        }
        Entry::SessionEnded { about, pid, status } => session::ended(about, *pid, *status),
        Entry::SessionCommands { about, pid, count, left_out, .. } => {
            session::commands(about, *pid, (*count, *left_out), typed)
        }
        Entry::Swept { about, what } => session::swept(about, what),
        Entry::Report { about, report } => report::report(about, report),
        Entry::Stuck { about, cause, tries, why } => stuck(about, *cause, *tries, why),
        Entry::Locked { by, from, .. } => {
            let by = who(by);
            format!("{by} locked jitd, so that nothing is granted{}{}", note(typed), origin(from))
        }
        Entry::Unlocked { by, from, .. } => {
            format!("{} unlocked jitd{}{}", who(by), note(typed), origin(from))
        }
        Entry::Drift { found, done, .. } => {
            format!("the host was not as the live grants say: {}; {}", escaped(found), escaped(done))
        }
        Entry::GuardActed { note } => format!("the guard acted while jitd was away: {}", escaped(note)),
        Entry::LedgerRestored { since, owed, why } => ledger_restored(&time(*since), *owed, why),
        Entry::Checkpoint { of, hash, host_key, .. } => {
            let (hash, key) = (escaped(hash), short(host_key));
            format!("the ledger up to entry {of} has hash {hash} and is signed by host key {key}")
        }
    }
}

fn stopped(live: usize) -> String {
    match live {
        0 => "jitd stopped; no grant was live".to_string(),
        1 => "jitd stopped; 1 grant stays live and ends on time".to_string(),
        live => format!("jitd stopped; {live} grants stay live and end on time"),
    }
}

fn ledger_restored(since: &str, owed: usize, why: &str) -> String {
    let kept = if owed == 1 { "1 entry was".to_string() } else { format!("{owed} entries were") };
    let why = escaped(why);
    format!(
        "the ledger can be written again; since {since} it could not ({why}), nothing was granted and {kept} kept back"
    )
}

fn intent(about: &About, change: &[String], span: Option<Span>, time: &dyn Fn(i64) -> String) -> String {
    let replaced = span.and_then(|span| span.replaces);
    let instead = replaced.map_or_else(String::new, |id| format!(", in place of {id}"));
    let (by, through) = (who(&about.by), list(", through: ", "; ", change));
    format!("{by} is about to get {}{instead}{through}", grant(about, time))
}

fn applied(about: &About, refused: &[String], typed: Typed<'_>, time: &dyn Fn(i64) -> String) -> String {
    let but = list("; sudo refuses all the same, for an admin's rule is against it: ", ", ", refused);
    format!("{} was granted {}{}{but}", who(&about.by), grant(about, time), reason(typed))
}

fn refused(asked: &Asked, code: &str, text: &str) -> String {
    let (by, role, code, text) = (who(&asked.by), escaped(&asked.role), escaped(code), escaped(text));
    format!("{by} was refused {role} ({code}): {text}{}", origin(&asked.from))
}

fn stuck(about: &About, cause: Cause, tries: u32, why: &str) -> String {
    let (role, by, cause, why) = (escaped(&about.role), who(&about.by), cause.as_str(), escaped(why));
    let tries = format!("{tries} {}", plural(u64::from(tries), "try", "tries"));
    format!("{role} could NOT be taken from {by} ({cause}) in {tries} and is retried: {why}")
}

fn requested(asked: &Asked, typed: Typed<'_>) -> String {
    let length = asked.seconds.map_or_else(String::new, |seconds| match GrantDuration::from_secs(seconds) {
        Ok(length) => format!(" for {length}"),
        Err(_) => format!(" for {seconds} s"),
    });
    let (by, role) = (who(&asked.by), escaped(&asked.role));
    format!("{by} asked for {role}{length}{}{}", reason(typed), origin(&asked.from))
}

fn ending(about: &About, cause: Cause, ended_by: Option<&Person>, typed: Typed<'_>) -> String {
    let by = ended_by.map_or_else(String::new, |person| format!(" by {}", who(person)));
    let (role, holder) = (escaped(&about.role), who(&about.by));
    format!("{role} is being taken from {holder}: {}{by}{}", cause.as_str(), note(typed))
}

fn ended(about: &About, cause: Cause, late_ms: Option<i64>, residue: &[String]) -> String {
    let late = match late_ms {
        Some(ms) if ms > 0 => format!(", verified {ms} ms after its deadline"),
        Some(_) | None => String::new(),
    };
    let left = list("; still there: ", ", ", residue);
    format!("{} no longer has {}: {}{late}{left}", who(&about.by), escaped(&about.role), cause.as_str())
}

fn started(version: &str, host: &str, boot_id: &BootId, sudo: &str) -> String {
    let boot = escaped(&boot_id.0);
    format!("jitd {} started on {} (boot {boot}; {})", escaped(version), escaped(host), escaped(sudo))
}

fn policy_loaded(hash: &str, files: &[String], disabled: &[DisabledRole]) -> String {
    let disabled: String = disabled
        .iter()
        .map(|role| format!("; role {} is disabled{}", escaped(&role.role), list(": ", "; ", &role.why)))
        .collect();
    format!("policy {} went live{}{disabled}", short(hash), list(": ", ", ", files))
}

fn policy_rejected(errors: &[String], kept: Option<&str>) -> String {
    let stays = match kept {
        Some(hash) => format!("policy {} stays in force", short(hash)),
        None => "there is no policy, so nothing is granted".to_string(),
    };
    format!("a policy was rejected and {stays}{}", list(": ", "; ", errors))
}

/// `web-restart until TIME by rule "NAME" (FILE:LINE)`. A rule shows itself escaped.
fn grant(about: &About, time: &dyn Fn(i64) -> String) -> String {
    format!("{} until {} by rule {}", escaped(&about.role), time(about.until), about.rule)
}

fn who(person: &Person) -> String {
    if person.name.is_empty() { format!("uid {}", person.uid) } else { escaped(&person.name).to_string() }
}

fn reason(typed: Typed<'_>) -> String {
    let reason = typed.reason.map_or_else(String::new, |reason| format!(": {}", escaped(reason)));
    let ticket = typed.ticket.map_or_else(String::new, |ticket| format!(" (ticket {})", escaped(ticket)));
    format!("{reason}{ticket}")
}

fn note(typed: Typed<'_>) -> String {
    typed.note.map_or_else(String::new, |note| format!(": {}", escaped(note)))
}

/// ` [on pts/3, from 192.0.2.7, login uid 1000]`, or nothing when nothing is known.
fn origin(from: &Origin) -> String {
    let known: Vec<String> = [
        from.tty.as_ref().map(|tty| format!("on {}", escaped(tty))),
        from.remote.as_ref().map(|remote| format!("from {}", escaped(remote))),
        from.login_uid.map(|uid| format!("login uid {uid}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if known.is_empty() { String::new() } else { format!(" [{}]", known.join(", ")) }
}

/// The items behind `before`, or nothing when there are none.
fn list(before: &str, between: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: Vec<String> = items.iter().map(|item| escaped(item).to_string()).collect();
    format!("{before}{}", items.join(between))
}

/// The first twelve characters of a hash or key: enough to compare by eye.
fn short(hex: &str) -> String {
    let start: String = hex.chars().take(12).collect();
    escaped(&start).to_string()
}

fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
