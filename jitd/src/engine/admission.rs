//! What is refused before any rule is looked at.

use jit_common::escape;
use jit_common::refusal::{Refusal, TextField};
use jit_common::request::Ask;
use jitd_core::lifecycle::registry::Lock;
use jitd_core::limits::FARTHEST_START;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::{self, AccountState, PersonFacts, Policy, Subjects};

use crate::peer::Peer;

/// Characters of a typed text that the record of a refusal shows, before they are escaped.
pub(crate) const SHOWN: usize = 64;

/// Refuses a request whose texts are too long, before anything else is done with them.
pub(crate) fn text_lengths(ask: &Ask) -> Result<(), Refusal> {
    text_length(TextField::Role, Some(&ask.role))?;
    text_length(TextField::Reason, ask.reason.as_ref())?;
    text_length(TextField::Ticket, ask.ticket.as_ref())
}

/// Refuses a text that is too long.
pub(crate) fn text_length(field: TextField, text: Option<&String>) -> Result<(), Refusal> {
    text.map_or(Ok(()), |text| policy::check_text(field, text))
}

/// Refuses a reason of a denial in which nobody could read anything.
pub(crate) fn says_something(note: &str) -> Result<(), Refusal> {
    match note.chars().all(|c| c.is_whitespace() || !escape::is_plain(c)) {
        true => Err(Refusal::BadRequest { why: "a denial says why: give the reason with --note".into() }),
        false => Ok(()),
    }
}

/// A request without what was typed for it, but for the beginning of its role.
#[must_use]
pub(crate) fn without_texts(ask: &Ask) -> Ask {
    let role = ask.role.chars().take(SHOWN).collect();
    Ask { role, duration: ask.duration, reason: None, ticket: None, start: ask.start }
}

/// Refuses a start that is past, or farther ahead than anybody could know what they will need.
pub(crate) fn start(ask: &Ask, now: &Now) -> Result<(), Refusal> {
    let Some(start) = ask.start else { return Ok(()) };
    let refuse =
        |why: &str| Err(Refusal::BadStart { start_unix: start.div_euclid(NANOS), why: why.to_owned() });
    if start <= now.wall {
        return refuse("it is past: name a later one, or leave --at out to begin at once");
    }
    match start.saturating_sub(now.wall) > FARTHEST_START * NANOS {
        true => refuse("it is more than 30 days ahead: ask when it is nearer"),
        false => Ok(()),
    }
}

/// Refuses whoever logged in as somebody else (`su carol`, `sudo -u carol`). Root calls as root; it may not ask, which
/// the account's state says.
pub(crate) fn caller_is_the_person(peer: &Peer) -> Result<(), Refusal> {
    match peer.origin.login_uid {
        Some(login_uid) if peer.uid != 0 && peer.is_somebody_else() => {
            Err(Refusal::NotYou { login_uid, uid: peer.uid })
        }
        Some(_) | None => Ok(()),
    }
}

/// The refusal while the kill switch is thrown.
pub(crate) fn locked(lock: &Lock) -> Refusal {
    Refusal::Locked {
        by: lock.by.name.clone(),
        since_unix: lock.since.div_euclid(NANOS),
        note: lock.note.clone().unwrap_or_default(),
    }
}

/// Whether the caller may see every request and the whole log.
pub(crate) fn sees_all(policy: &Policy, uid: u32, person: &PersonFacts) -> bool {
    is_among(&policy.duties().auditors, person) || revokes(policy, uid, person)
}

/// Whether the caller may take grants away and lock.
pub(crate) fn revokes(policy: &Policy, uid: u32, person: &PersonFacts) -> bool {
    uid == 0 || is_among(&policy.duties().operators, person)
}

fn is_among(who: &Subjects, person: &PersonFacts) -> bool {
    person.account == AccountState::Ordinary
        && (who.users.contains(&person.name) || person.groups.iter().any(|group| who.groups.contains(group)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_nobody_can_read_is_none() {
        for blank in ["", " ", "\t \n", "\u{200b}", "\u{a0}\u{2003}", "\u{1b}\u{202e}"] {
            assert!(says_something(blank).is_err(), "{blank:?}");
        }
        for said in ["no", " no ", "\u{1b}[31mno", "nein, 明日"] {
            assert_eq!(says_something(said), Ok(()), "{said}");
        }
    }
}
