//! Entries of the record, one line each.

use jit_common::response::LogEntry;
use jitd_core::record::Entry;
use jitd_core::record::sentence::{Typed, sentence_at};

use super::page::Ink;
use super::{Page, Text};
use crate::time::Clock;

/// One entry.
pub(crate) fn page(entry: &LogEntry, clock: &Clock) -> Page {
    let mut page = Page::default();
    page.line(0, line(entry, clock));
    page
}

fn line(entry: &LogEntry, clock: &Clock) -> Text {
    let id = entry.request.map(|id| id.to_string()).unwrap_or_default();
    Text::default()
        .faint(format!("{}  {:>6}  ", clock.stamp(entry.at), format!("#{}", entry.seq)))
        .plain(format!("{id:<8}  "))
        .then(ink(&entry.kind), sentence(entry, clock))
}

/// What the entry says, in the words that the journal has too.
pub(crate) fn sentence(entry: &LogEntry, clock: &Clock) -> String {
    let text = |field: &str| {
        let found = entry.texts.iter().find(|text| text.field == field);
        found.map(|text| text.text.as_str())
    };
    let typed = Typed {
        reason: text("reason"),
        ticket: text("ticket"),
        note: text("note"),
        command: text("command"),
        commands: text("commands"),
    };
    match serde_json::from_str::<Entry>(&entry.body) {
        Ok(body) => sentence_at(&body, None, typed, &|at| clock.stamp(at)),
        // A record of a newer jitd is still worth showing.
        Err(_) => format!("{}: {}", entry.kind, entry.body),
    }
}

/// Endings that fail and refusals should be found by the eye in a long list.
pub(crate) fn ink(kind: &str) -> Ink {
    match kind {
        "applied" | "approved" | "scheduled" => Ink::Good,
        "refused" | "closed" | "call-refused" | "refusals-counted" => Ink::Warn,
        "stuck" | "drift" | "guard-acted" | "policy-rejected" | "ledger-restored" | "locked" => Ink::Bad,
        _ => Ink::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    #[test]
    fn a_line_has_local_time_number_id_and_the_sentence() {
        let shown = page(&samples::entry(), &samples::clock()).render(Terminal::plain());
        assert!(shown.starts_with("2026-11-22 14:02:00    #812  7k2m9xqa  alice"), "{shown}");
        assert!(shown.contains("web-restart"), "{shown}");
        assert!(shown.contains("INC-42 \\u{1b}[31mnginx"), "{shown}");
        assert!(!shown.contains('\x1b'), "{shown:?}");
    }

    #[test]
    fn an_entry_of_a_newer_jitd_is_shown_as_it_stands() {
        let mut entry = samples::entry();
        entry.kind = "teleported".to_owned();
        entry.body = "{\"kind\":\"teleported\",\"to\":\"\x1b\"}".to_owned();
        let shown = page(&entry, &samples::clock()).render(Terminal::plain());
        assert!(shown.ends_with("teleported: {\"kind\":\"teleported\",\"to\":\"\\u{1b}\"}\n"), "{shown}");
    }
}
