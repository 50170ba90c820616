//! The whole story of one request.

use jit_common::response::{Armed, GrantView, StoryView, WayOff};

use jitd_core::record::Entry;

use super::page::Ink;
use super::{Page, Text, log, pieces};
use crate::time::Clock;

/// Where the values of the head begin.
const COLUMN: usize = 10;

/// The answer to `show`.
pub(crate) fn page(story: &StoryView, clock: &Clock) -> Page {
    let mut page = Page::default();
    if let Some(grant) = &story.grant {
        head(&mut page, grant, clock);
    }
    section(&mut page, &why(story), conditions(story));
    section(&mut page, "changes on this host", story.change.iter().map(|line| change(line)).collect());
    section(&mut page, "equals root", story.equals_root.iter().map(Text::of).collect());
    section(&mut page, "side effects", story.side_effects.iter().map(Text::of).collect());
    section(&mut page, "ways off, each without the others", story.ways_off.iter().map(way_off).collect());
    let happened = format!("what happened (times in {})", clock.zone());
    let entries = story.entries.iter().map(|entry| {
        let stamp = format!("{}  #{}  ", clock.stamp(entry.at), entry.seq);
        Text::default().faint(stamp).then(log::ink(&entry.kind), log::sentence(entry, clock))
    });
    section(&mut page, &happened, entries.collect());
    if story.grant.is_some() {
        section(&mut page, "not seen", not_seen());
    }
    page
}

fn head(page: &mut Page, grant: &GrantView, clock: &Clock) {
    let (ink, state) = pieces::state(grant.state);
    let title = Text::default().strong(grant.id).plain("  ").strong(&grant.role).plain(": ").then(ink, state);
    page.line(0, title);
    let field = |page: &mut Page, name: &str, text: Text| {
        let mut line = Text::default().faint(format!("{name:<COLUMN$}"));
        line.extend(text);
        page.line(2, line);
    };
    field(page, "who", Text::of(pieces::person(&grant.person)));
    field(page, "gives", Text::of(pieces::commands(&grant.sudo)));
    if let Some(refused) = pieces::refused_commands(&grant.sudo) {
        field(page, "", refused);
    }
    field(page, "reason", Text::of(grant.reason.as_deref().unwrap_or("none on record")));
    if let Some(ticket) = &grant.ticket {
        field(page, "ticket", Text::of(ticket));
    }
    field(page, "rule", pieces::rule(Text::default(), &grant.rule));
    field(page, "since", Text::of(clock.past(grant.start)));
    match &grant.end {
        None => field(page, "until", Text::of(clock.end(grant.until, grant.left))),
        Some(end) => field(page, "ended", Text::of(format!("{}: {}", clock.past(end.at), end.cause))),
    }
}

fn section(page: &mut Page, title: &str, lines: Vec<Text>) {
    if lines.is_empty() {
        return;
    }
    page.blank();
    page.line(0, Text::default().strong(title));
    for line in lines {
        page.line(2, line);
    }
}

fn change(line: &str) -> Text {
    let ink = match line.chars().next() {
        Some('+') => Ink::Good,
        Some('-') => Ink::Bad,
        _ => Ink::Plain,
    };
    Text::default().then(ink, line)
}

fn way_off(way: &WayOff) -> Text {
    let (ink, armed) = match way.armed {
        Armed::Yes => (Ink::Good, "armed      "),
        Armed::No => (Ink::Warn, "NOT armed  "),
    };
    Text::default().then(ink, armed).plain(format!("{}: {}", way.name, way.detail))
}

/// The conditions speak to the person who asked, whoever reads them here.
fn why(story: &StoryView) -> String {
    story.grant.as_ref().map_or_else(
        || "why it was granted".to_owned(),
        |grant| format!("why it was granted, as {} was told", grant.person.name),
    )
}

/// The conditions that held, from the entry of the decision.
fn conditions(story: &StoryView) -> Vec<Text> {
    let decided = story.entries.iter().filter(|entry| entry.kind == "decided");
    let bodies = decided.filter_map(|entry| serde_json::from_str::<Entry>(&entry.body).ok());
    let conditions = bodies.flat_map(|body| match body {
        Entry::Decided { conditions, .. } => conditions,
        _ => vec![],
    });
    conditions.map(|condition| Text::default().then(Ink::Good, "yes  ").plain(condition)).collect()
}

/// What this record cannot know, said where somebody might believe that it does.
fn not_seen() -> Vec<Text> {
    vec![
        Text::of("which commands were run with it: sudo's own log has those (journalctl -t sudo)"),
        Text::of(
            "what a command left behind: a process it started, or a file it changed, outlives the grant",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use jit_common::response::{EndView, StateView};

    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    #[test]
    fn the_whole_story_is_there() {
        let shown = page(&samples::story(), &samples::clock()).render(Terminal::plain());
        for line in [
            "7k2m9xqa  web-restart: live\n",
            "  who       alice (uid 1000)\n",
            "  gives     sudo /usr/bin/systemctl restart nginx, /usr/bin/journalctl -u nginx\n",
            "  reason    INC-42 nginx stuck\n",
            "  rule      \"on-call restarts web at once\" (10-web.toml:12)\n",
            "  since     14:02 (just now)\n",
            "  until     14:32 (in 30 min)\n",
            "\nwhy it was granted, as alice was told\n  yes  alice is in oncall\n",
            "\nchanges on this host\n  + #1000 ALL=(root) NOTAFTER",
            "\nside effects\n  sudo forgets cached",
            "  armed      jitd's timer: ends it at its deadline\n",
            "  NOT armed  jit-guard: the guard does not run\n",
            "what happened (times in +01)\n  2026-11-22 14:02:00  #811  alice",
            "\nnot seen\n",
        ] {
            assert!(shown.contains(line), "{line:?} is not in\n{shown}");
        }
        assert!(!shown.contains("equals root"), "an empty section is not shown\n{shown}");
    }

    #[test]
    fn an_end_takes_the_place_of_the_deadline() {
        let mut story = samples::story();
        if let Some(grant) = &mut story.grant {
            grant.state = StateView::Ended;
            grant.end = Some(EndView { cause: "dropped".to_owned(), at: samples::clock().nanos() });
        }
        let shown = page(&story, &samples::clock()).render(Terminal::plain());
        assert!(shown.contains("  ended     14:02 (just now): dropped\n"), "{shown}");
        assert!(!shown.contains("  until     "), "{shown}");
    }
}
