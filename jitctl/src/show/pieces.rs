//! Pieces that several answers share: what a grant gives, who, which rule, how far it has come.

use jit_common::duration::GrantDuration;
use jit_common::response::{
    EndedView, GivesView, OpenView, PasswordView, PersonView, RuleView, StateView, SudoView,
};

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

/// What is given, one line each: the commands, the groups.
pub(crate) fn gives(gives: &GivesView) -> Vec<String> {
    let groups = (!gives.groups.is_empty()).then(|| format!("membership in {}", groups(gives)));
    gives.sudo.as_ref().map(commands).into_iter().chain(groups).collect()
}

/// The names of the groups: `docker`, `adm and docker`.
pub(crate) fn groups(gives: &GivesView) -> String {
    let names: Vec<String> = gives.groups.iter().map(|group| group.name.clone()).collect();
    listed(&names, "and")
}

/// How one uses a group without a new login; `None` when there is no group.
pub(crate) fn use_of_groups(gives: &GivesView) -> Option<Text> {
    let group = match gives.groups.as_slice() {
        [] => return None,
        [group] => &group.name,
        [..] => "GROUP",
    };
    let text = Text::of("membership reaches new logins only; at once: ");
    Some(text.strong(format!("sudo -g {group} COMMAND")))
}

/// Why a role equals root, below a title that says that it does.
pub(crate) fn equals_root(why: &str) -> &str {
    why.strip_prefix("equal to root: ").unwrap_or(why)
}

/// What was still there after a grant had ended, and what that means.
pub(crate) fn residue(residue: &[String]) -> Option<Text> {
    const WHY: &str = ": a process keeps its groups until it ends, and a login until you log out";
    (!residue.is_empty()).then(|| Text::default().then(Ink::Warn, residue.join(", ")).plain(WHY))
}

/// The same when it has just ended, with what becomes of it.
pub(crate) fn residue_now(residue: &[String]) -> Option<Text> {
    const NEXT: &str = "; jitd ends what is no login, and a login keeps it until you log out";
    (!residue.is_empty()).then(|| Text::default().then(Ink::Warn, residue.join(", ")).plain(NEXT))
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// A length in whole seconds as one types it: `30m`.
pub(crate) fn span(seconds: u32) -> String {
    GrantDuration::from_secs(seconds).map_or_else(|_| format!("{seconds}s"), |span| span.to_string())
}

/// What somebody typed, in quotes behind a blank; nothing when nothing was.
pub(crate) fn quoted(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map(|text| format!(" (\"{text}\")")).unwrap_or_default()
}

/// What sudo refuses although the role gives it; `None` when it refuses nothing.
pub(crate) fn refused_commands(gives: &GivesView) -> Option<Text> {
    let sudo = gives.sudo.as_ref()?;
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
        StateView::Pending => (Ink::Warn, "waits for approval"),
        StateView::Scheduled => (Ink::Good, "approved, and waits for its start"),
        StateView::Closed => (Ink::Faint, "closed: nothing was granted"),
        StateView::Applying => (Ink::Warn, "being made real"),
        StateView::Active => (Ink::Good, "live"),
        StateView::Ending => (Ink::Warn, "being taken off"),
        StateView::Stuck => (Ink::Bad, "STUCK: it could not be taken off yet"),
        StateView::Ended => (Ink::Faint, "ended"),
        StateView::Refused => (Ink::Bad, "refused"),
    }
}

/// The same of a request that may be open: what nobody had to approve only waits.
pub(crate) fn state_of(open: &OpenView) -> (Ink, &'static str) {
    match (open.state, open.needs.is_empty()) {
        (StateView::Scheduled, true) => (Ink::Good, "waits for its start"),
        (of_others, _) => state(of_others),
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
