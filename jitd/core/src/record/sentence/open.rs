//! The sentences about requests that wait for people or for their start.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jit_common::duration::GrantDuration;
use jit_common::escape::escaped;

use super::{Typed, list, note, reason, who};
use crate::policy::ApprovalRule;
use crate::record::{AboutOpen, Approval, Closed, Person, Terms};

pub(super) fn pending(
    about: &AboutOpen,
    terms: &Terms,
    typed: Typed<'_>,
    time: &dyn Fn(i64) -> String,
) -> String {
    let needs: Vec<String> = terms.approvals.iter().map(ApprovalRule::phrase).collect();
    let wait = list(", which takes the approval of ", " and of ", &needs);
    let start = terms.start.map_or_else(String::new, |start| format!(", from {} on", time(start)));
    let more = terms.extends.map_or_else(String::new, |id| format!(" more than {id} has"));
    format!(
        "{} wants {} for {}{more}{start}{wait}; open until {}{}",
        who(&about.by),
        role(about),
        length(terms.seconds),
        time(terms.lapse.wall),
        reason(typed)
    )
}

pub(super) fn approved(
    about: &AboutOpen,
    approval: &Approval,
    missing: &[String],
    typed: Typed<'_>,
) -> String {
    let shorter = approval.seconds.map_or_else(String::new, |seconds| format!(" for {}", length(seconds)));
    let left = match missing {
        [] => "; nothing is missing".to_string(),
        missing => list("; still missing: ", " and ", missing),
    };
    let (approver, by) = (who(&approval.approver), who(&about.by));
    format!("{approver} approved {} for {by}{shorter}{left}{}", role(about), note(typed))
}

pub(super) fn closed(
    about: &AboutOpen,
    cause: Closed,
    by: Option<&Person>,
    why: &str,
    typed: Typed<'_>,
) -> String {
    let by = by.map_or_else(String::new, |person| format!(" by {}", who(person)));
    let why = if why.is_empty() { String::new() } else { format!(": {}", escaped(why)) };
    format!("{} does not get {}: {}{by}{why}{}", who(&about.by), role(about), cause.as_str(), note(typed))
}

/// `docker by rule "NAME" (FILE:LINE)`.
pub(super) fn role(about: &AboutOpen) -> String {
    format!("{} by rule {}", escaped(&about.role), about.rule)
}

fn length(seconds: u32) -> String {
    GrantDuration::from_secs(seconds).map_or_else(|_| format!("{seconds} s"), |length| length.to_string())
}
