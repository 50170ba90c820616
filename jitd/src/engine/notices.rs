//! Notices on people's terminals: to those who could decide, when something waits for them; to whoever asked, when it is
//! decided. Never to whoever did it.

use jit_common::duration::GrantDuration;
use jit_common::escape::escaped;
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::Now;
use jitd_core::record::Person;

use crate::terminals::Terminals;

/// Characters of a reason or a note that a notice shows.
const SHOWN: usize = 100;

/// The way to tell people.
#[derive(Debug, Default)]
pub struct Notices {
    terminals: Terminals,
}

impl Notices {
    /// Something waits for those who could approve.
    pub fn opened(&mut self, open: &Open, now: &Now) {
        let Open { id, by, role, .. } = open;
        let reason =
            open.reason.as_deref().map_or_else(String::new, |reason| format!(", reason: {}", quoted(reason)));
        let text = format!(
            "jit: {} asks for {role} for {}{reason}. `jitctl show {id}` tells more; `jitctl approve {id}` or `jitctl deny {id} \
             --note WHY` decides.",
            by.name,
            length(open.seconds())
        );
        for choice in &open.terms.could {
            self.terminals.ask(choice.person.uid, by.uid, open.id, text.clone(), now);
        }
        self.terminals.forget(now);
    }

    /// One of those who have to has approved.
    pub fn approved(&mut self, open: &Open, by: &Person) {
        let Open { id, role, .. } = open;
        let text = format!("jit: {} approved your request {id} for {role}.", by.name);
        self.tell(&open.by, text);
    }

    /// It is in force, and not at once when it was asked for.
    pub fn granted(&mut self, grant: &Grant) {
        let (id, role) = (grant.id, &grant.role);
        self.tell(
            &grant.by,
            format!("jit: {role} is yours now ({id}). `jitctl show {id}` tells until when."),
        );
    }

    /// It was denied: those who had approved hear of it.
    pub fn denied(&mut self, open: &Open, by: &Person, note: &str) {
        let Open { id, role, .. } = open;
        let note = quoted(note);
        for vote in open.votes.iter().filter(|vote| vote.by != *by) {
            let whose = &open.by.name;
            self.tell(&vote.by, format!("jit: {} denied {id} ({role} for {whose}): {note}", by.name));
        }
    }

    /// Whoever asked hears that it was denied.
    pub fn denied_to_requester(&mut self, open: &Open, by: &Person, note: &str) {
        let Open { id, role, .. } = open;
        let note = quoted(note);
        self.tell(&open.by, format!("jit: {} denied your request {id} for {role}: {note}", by.name));
    }

    /// It was closed together with whatever the person had live.
    pub fn taken_away(&mut self, open: &Open, by: &Person) {
        let Open { id, role, .. } = open;
        self.tell(&open.by, format!("jit: {} closed your request {id} for {role}.", by.name));
    }

    /// It is approved and begins later.
    pub fn scheduled(&mut self, open: &Open, seconds: u32) {
        let Open { id, role, .. } = open;
        let length = length(seconds);
        self.tell(
            &open.by,
            format!("jit: your request {id} for {role} is approved for {length}; it begins at the time that you named."),
        );
    }

    /// Nobody decided in time.
    pub fn lapsed(&mut self, open: &Open) {
        self.tell(&open.by, format!("jit: your request {} for {} has lapsed.", open.id, open.role));
    }

    /// It was approved, and something has changed.
    pub fn no_longer_permitted(&mut self, open: &Open) {
        let Open { id, role, .. } = open;
        self.tell(
            &open.by,
            format!(
                "jit: your request {id} for {role} is no longer permitted. `jitctl show {id}` tells why."
            ),
        );
    }

    fn tell(&mut self, person: &Person, text: String) {
        self.terminals.tell(person.uid, text);
    }
}

fn length(seconds: u32) -> String {
    GrantDuration::from_secs(seconds).map_or_else(|_| format!("{seconds} s"), |length| length.to_string())
}

/// What somebody typed, between quotes, so that it cannot be taken for what jitd says; quotes in it are single ones.
fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).map(|c| if c == '"' { '\'' } else { c }).collect();
    format!("\"{}\"", escaped(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stands_between_quotes_and_cannot_leave_them() {
        let typed = "fix it\". `jitctl approve 7k2m9xqa` decides.\r\njit: bob denied \u{202e}it";
        let quoted = quoted(typed);
        assert!(quoted.starts_with("\"fix it'. `jitctl") && quoted.ends_with("it\""), "{quoted}");
        assert_eq!(quoted.matches('"').count(), 2);
        assert!(!quoted.contains(['\r', '\n', '\u{202e}']), "{quoted}");
        assert_eq!(super::quoted(&"x".repeat(5000)).len(), SHOWN + 2);
    }
}
