//! What happened with a grant, in lines; what a command has started stands below it, and not where sudo's log was read.

use std::collections::BTreeMap;

use jit_common::response::{LogEntry, StoryView};
use jitd_core::record::Entry;

use super::page::Ink;
use super::{Page, Text, log};
use crate::time::Clock;

/// Lines below one command. The others are counted.
const SHOWN: usize = 40;

/// What one command has started.
#[derive(Debug, Default)]
struct Started<'s> {
    lines: Vec<&'s str>,
    /// Lines that are nowhere in this story: erased, or left out of the record.
    missing: u64,
}

impl<'s> Started<'s> {
    fn take(&mut self, entry: &'s LogEntry, count: u64, left_out: u64) {
        let text = entry.texts.iter().find(|text| text.field == "commands");
        let lines: Vec<&str> = text.map(|text| text.text.lines().collect()).unwrap_or_default();
        let erased = count.saturating_sub(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        self.missing = self.missing.saturating_add(left_out).saturating_add(erased);
        self.lines.extend(lines);
    }

    fn lines(&self) -> Vec<Text> {
        let shown = self.lines.iter().take(SHOWN).map(|line| Text::default().faint("started ").plain(line));
        let more = self.lines.len().saturating_sub(SHOWN);
        let more = (more > 0)
            .then(|| Text::of(format!("… and {more} more: `jitctl log --id ID --commands` has all")));
        let missing = (self.missing > 0).then(|| {
            Text::default().then(Ink::Warn, format!("{} more that are not written down", self.missing))
        });
        shown.chain(more).chain(missing).collect()
    }
}

/// The entries of a story, below their title.
pub(super) fn happened(page: &mut Page, story: &StoryView, clock: &Clock) {
    if story.entries.is_empty() {
        return;
    }
    page.blank();
    page.line(0, Text::default().strong(format!("what happened (times in {})", clock.zone())));
    let (below, placed) = below(&story.entries);
    for entry in story.entries.iter().filter(|entry| !placed.contains_key(&entry.seq)) {
        let stamp = format!("{}  #{}  ", clock.stamp(entry.at), entry.seq);
        page.line(2, Text::default().faint(stamp).then(log::ink(&entry.kind), log::sentence(entry, clock)));
        for line in below.get(&entry.seq).map(Started::lines).unwrap_or_default() {
            page.line(6, line);
        }
    }
}

/// What stands below which entry, and the entries that have gone into that. One whose command is not among the entries
/// stands for itself.
fn below(entries: &[LogEntry]) -> (BTreeMap<u64, Started<'_>>, BTreeMap<u64, ()>) {
    let (mut below, mut placed): (BTreeMap<u64, Started<'_>>, BTreeMap<u64, ()>) = Default::default();
    // The number of a process may come again.
    let mut began: BTreeMap<i32, u64> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.kind.starts_with("session-")) {
        match serde_json::from_str::<Entry>(&entry.body) {
            Ok(Entry::SessionBegan { from, .. }) => began.extend(from.pid.map(|pid| (pid, entry.seq))),
            Ok(Entry::SessionCommands { pid, count, left_out, .. }) => {
                if let Some(above) = began.get(&pid) {
                    below.entry(*above).or_default().take(entry, count, left_out);
                    placed.insert(entry.seq, ());
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
    (below, placed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use jit_common::response::LogText;

    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn entry(seq: u64, body: &str, texts: &[(&str, &str)]) -> LogEntry {
        let about = r#""by":{"uid":1000,"name":"alice"},"role":"root","rule":{"name":"r","location":"w.toml:1"},"until":0"#;
        let body = format!("{{{about},{body}}}");
        let kind = serde_json::from_str::<Entry>(&body).unwrap().kind().to_owned();
        let text = |(field, text): &(&str, &str)| LogText {
            field: (*field).to_owned(),
            salt: [0; 16],
            text: (*text).to_owned(),
        };
        let (texts, request) = (texts.iter().map(text).collect(), None);
        LogEntry { seq, at: samples::clock().nanos(), kind, request, body, hash: [0; 32], texts }
    }

    fn began(seq: u64, pid: i32, command: &str) -> LogEntry {
        let from = format!(r#"{{"pid":{pid},"exe":null,"tty":null,"remote":null,"login_uid":null}}"#);
        let body =
            format!(r#""kind":"session-began","from":{from},"command":"00","directory":"/","outside":null"#);
        entry(seq, &body, &[("command", command)])
    }

    fn started(seq: u64, pid: i32, count: u64, left_out: u64, commands: &str) -> LogEntry {
        let body = format!(
            r#""kind":"session-commands","pid":{pid},"commands":"00","count":{count},"left-out":{left_out},"read-to":1"#
        );
        entry(seq, &body, &[("commands", commands)])
    }

    #[test]
    fn what_a_command_has_started_stands_below_it() {
        let mut story = samples::story();
        story.entries = vec![
            started(1, 7, 1, 0, "/bin/of-one-before"),
            began(2, 7, "sudo sh"),
            began(3, 8, "sudo id"),
            started(4, 7, 2, 0, "/usr/bin/id -u\n/bin/echo \u{1b}[2J"),
            started(5, 7, 1, 3, "/bin/true"),
            began(6, 7, "sudo again"),
            started(7, 7, 60, 0, &"/bin/loop\n".repeat(60)),
            started(8, 8, 2, 0, ""),
        ];
        let mut page = Page::default();
        happened(&mut page, &story, &samples::clock());
        let shown = page.render(Terminal::plain());
        let of_sh = "sudo sh in / with root (process 7)\n      started /usr/bin/id -u\n      started /bin/echo \\u{1b}[2J\n      \
             started /bin/true\n      3 more that are not written down\n  2026";
        assert!(shown.contains(of_sh), "{shown}");
        assert!(
            shown.contains("#1  process 7, which alice ran with root, started \"/bin/of-one-before\"\n"),
            "{shown}"
        );
        assert!(shown.contains("sudo id in / with root (process 8)\n      2 more that are not"), "{shown}");
        assert_eq!(shown.matches("started /bin/loop").count(), SHOWN);
        assert!(shown.contains("      … and 20 more: "), "{shown}");
    }
}
