//! The sentences about requests that wait for people or for their start.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jit_common::duration::GrantDuration;
use jit_common::escape::escaped;

use super::{Typed, list, origin, reason, who};
use crate::policy::ApprovalRule;
use crate::record::{AboutOpen, Approval, Closed, Origin, Person, Terms};

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
    // What nobody has to approve is no question that could lapse.
    let until = match terms.approvals.is_empty() {
        true => String::new(),
        false => format!("; open until {}", time(terms.lapse.wall)),
    };
    format!(
        "{} wants {} for {}{more}{start}{wait}{until}{}",
        who(&about.by),
        role(about),
        length(terms.seconds),
        reason(typed)
    )
}

pub(super) fn approved(
    about: &AboutOpen,
    approval: &Approval,
    missing: &[String],
    typed: Typed<'_>,
) -> String {
    let shorter =
        approval.seconds.map_or_else(String::new, |seconds| format!(", shortened to {}", length(seconds)));
    let left = match missing {
        [] => "; nothing is missing".to_string(),
        missing => list("; still missing: ", " and ", missing),
    };
    let (approver, by, from) = (who(&approval.approver), who(&about.by), origin(&approval.from));
    format!(
        "{approver} approved {} for {by} by rule {}{shorter}{left}{}{from}",
        escaped(&about.role),
        about.rule,
        said(typed)
    )
}

/// Who closed a request, and from where.
pub(super) struct By<'a> {
    pub(super) person: Option<&'a Person>,
    pub(super) from: Option<&'a Origin>,
}

pub(super) fn closed(about: &AboutOpen, cause: Closed, by: &By<'_>, why: &str, typed: Typed<'_>) -> String {
    let person = by.person.map_or_else(String::new, |person| format!(" by {}", who(person)));
    let why = if why.is_empty() { String::new() } else { format!(": {}", escaped(why)) };
    let from = by.from.map_or_else(String::new, origin);
    let (holder, cause, said) = (who(&about.by), cause.as_str(), said(typed));
    format!("{holder} does not get {}: {cause}{person}{why}{said}{from}", role(about))
}

fn said(typed: Typed<'_>) -> String {
    typed.note.map_or_else(String::new, |note| format!("; they said: {}", escaped(note)))
}

/// `docker by rule "NAME" (FILE:LINE)`.
pub(super) fn role(about: &AboutOpen) -> String {
    format!("{} by rule {}", escaped(&about.role), about.rule)
}

fn length(seconds: u32) -> String {
    GrantDuration::from_secs(seconds).map_or_else(|_| format!("{seconds} s"), |length| length.to_string())
}
