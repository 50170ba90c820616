//! Pieces that several answers share: what a grant gives, who, which rule, how far it has come.

use jit_common::response::{EndedView, PasswordView, PersonView, RuleView, StateView, SudoView};

use super::page::{Ink, Text};
use crate::time::Clock;

/// `sudo /usr/bin/systemctl restart nginx, /usr/bin/journalctl -u nginx`, as one types it.
pub(crate) fn commands(sudo: &SudoView) -> String {
    let user = if sudo.run_as == "root" { String::new() } else { format!("-u {} ", sudo.run_as) };
    let list = if sudo.commands.iter().any(|command| command == "ALL") {
        "ANY COMMAND".to_owned()
    } else {
        sudo.commands.join(", ")
    };
    let password = match sudo.password {
        PasswordView::Asked => " (asks your password each time)",
        PasswordView::NotAsked => "",
    };
    format!("sudo {user}{list}{password}")
}

/// What sudo refuses although the role gives it; `None` when it refuses nothing.
pub(crate) fn refused_commands(sudo: &SudoView) -> Option<Text> {
    let list = sudo.refused.join(", ");
    (!sudo.refused.is_empty()).then(|| {
        Text::default().then(
            Ink::Warn,
            format!(
                "not {list}: sudo refuses it all the same, for another rule of this host stands against it"
            ),
        )
    })
}

/// `"on-call restarts web at once" (10-web.toml:12)`.
pub(crate) fn rule(text: Text, rule: &RuleView) -> Text {
    text.strong(format!("\"{}\"", rule.name)).faint(format!(" ({})", rule.location))
}

/// `alice (uid 1000)`.
pub(crate) fn person(person: &PersonView) -> String {
    format!("{} (uid {})", person.name, person.uid)
}

/// A state in a word, inked by how good it is.
pub(crate) fn state(state: StateView) -> (Ink, &'static str) {
    match state {
        StateView::Applying => (Ink::Warn, "being made real"),
        StateView::Active => (Ink::Good, "live"),
        StateView::Ending => (Ink::Warn, "being taken off"),
        StateView::Stuck => (Ink::Bad, "STUCK: it could not be taken off yet"),
        StateView::Ended => (Ink::Faint, "ended"),
        StateView::Refused => (Ink::Bad, "refused"),
    }
}

/// `until 14:32 (in 30 min)`.
pub(crate) fn until(clock: &Clock, until: i64, left: i64) -> String {
    format!("until {}", clock.end(until, left))
}

/// Whether a grant is off the host.
pub(crate) fn is_off(ended: &EndedView) -> bool {
    ended.stuck.is_none()
}

/// A number with its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
