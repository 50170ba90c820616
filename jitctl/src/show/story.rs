//! The whole story of one request.

use jit_common::response::{Armed, GivesView, GrantView, StateView, StoryView, WayOff};

use super::page::Ink;
use super::{Page, Text, asked, needs, pieces, report, sessions};
use crate::time::Clock;

/// Where the values of the head begin.
const COLUMN: usize = 10;

/// The answer to `show`.
pub(crate) fn page(story: &StoryView, clock: &Clock) -> Page {
    let mut page = Page::default();
    match (&story.grant, &story.open) {
        (Some(grant), _) => head(&mut page, grant, clock),
        (None, Some(open)) => asked::head(&mut page, open, story, clock),
        (None, None) => {}
    }
    section(&mut page, &why(story), conditions(story));
    section(&mut page, changes(story), story.change.iter().map(|line| change(line)).collect());
    section(
        &mut page,
        "equals root",
        story.equals_root.iter().map(|why| Text::of(pieces::equals_root(why))).collect(),
    );
    section(&mut page, "side effects", story.side_effects.iter().map(Text::of).collect());
    section(&mut page, "ways off, each without the others", story.ways_off.iter().map(way_off).collect());
    let is_over = story.grant.as_ref().is_some_and(|grant| grant.end.is_some());
    let runs = if is_over { "still runs, or holds a group that it gave" } else { "runs with it now" };
    section(&mut page, runs, story.running.iter().map(Text::of).collect());
    if let (None, Some(open)) = (&story.grant, &story.open) {
        asked::before(&mut page, story, open, clock);
    }
    sessions::happened(&mut page, story, clock);
    section(&mut page, "closing report", report::lines(&story.entries));
    match (&story.grant, &story.open) {
        (Some(_), _) => section(&mut page, "not seen", not_seen(story)),
        (None, Some(open)) => asked::what_next(&mut page, open),
        (None, None) => {}
    }
    page
}

/// The title above the lines of the host.
fn changes(story: &StoryView) -> &'static str {
    match (&story.grant, &story.open) {
        (Some(_), _) => "changes on this host",
        (None, Some(open)) if open.state == StateView::Closed => {
            "what it would have changed on this host (nothing was)"
        }
        (None, _) => "what it changes on this host",
    }
}

fn head(page: &mut Page, grant: &GrantView, clock: &Clock) {
    let (ink, state) = pieces::state(grant.state);
    let title = Text::default().strong(grant.id).plain("  ").strong(&grant.role).plain(": ").then(ink, state);
    page.line(0, title);
    field(page, "who", Text::of(pieces::person(&grant.person)));
    gives(page, &grant.gives);
    field(page, "reason", Text::of(grant.reason.as_deref().unwrap_or("none on record")));
    if let Some(ticket) = &grant.ticket {
        field(page, "ticket", Text::of(ticket));
    }
    field(page, "rule", pieces::rule(Text::default(), &grant.rule));
    for (at, vote) in grant.approved_by.iter().enumerate() {
        field(page, if at == 0 { "approved" } else { "" }, needs::vote_at(vote, clock));
    }
    if let Some(before) = grant.replaces {
        field(page, "extends", Text::of(before));
    }
    field(page, "since", Text::of(clock.past(grant.start)));
    match &grant.end {
        None => {
            let longest = if grant.longest > grant.until {
                format!("; with extensions until {} at most", clock.short(grant.longest))
            } else {
                String::new()
            };
            field(page, "until", Text::of(clock.end(grant.until, grant.left) + &longest));
        }
        Some(end) => field(page, "ended", Text::of(format!("{}: {}", clock.past(end.at), end.cause))),
    }
    if let Some(residue) = pieces::residue(&grant.residue) {
        field(page, "residue", residue);
    }
}

/// A line of the head: its name, and what there is to say.
pub(super) fn field(page: &mut Page, name: &str, text: Text) {
    let mut line = Text::default().faint(format!("{name:<COLUMN$}"));
    line.extend(text);
    page.line(2, line);
}

/// What is given, in the head.
pub(super) fn gives(page: &mut Page, gives: &GivesView) {
    for (at, line) in pieces::gives(gives).into_iter().enumerate() {
        field(page, if at == 0 { "gives" } else { "" }, Text::of(line));
    }
    if let Some(refused) = pieces::refused_commands(gives) {
        field(page, "", refused);
    }
}

/// A titled list, unless there is nothing in it.
pub(super) fn section(page: &mut Page, title: &str, lines: Vec<Text>) {
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
    match (&story.grant, &story.open) {
        (Some(grant), _) => format!("why it was granted, as {} was told", grant.person.name),
        (None, Some(open)) => format!("why the rule permits it, as {} was told", open.person.name),
        (None, None) => "why".to_owned(),
    }
}

/// The conditions of the rule that held.
fn conditions(story: &StoryView) -> Vec<Text> {
    let held = story.conditions.iter();
    held.map(|condition| Text::default().then(Ink::Good, "yes  ").plain(condition)).collect()
}

/// What this record cannot know, said where somebody might believe that it does.
fn not_seen(story: &StoryView) -> Vec<Text> {
    let count = |is: &dyn Fn(&str) -> bool| story.entries.iter().filter(|entry| is(&entry.kind)).count();
    let starts = |kind: &str| kind == "session-commands";
    let many = count(&|kind| kind.starts_with("session-") && !starts(kind)) >= StoryView::MOST_SESSIONS
        || count(&starts) >= StoryView::MOST_STARTS;
    let earlier = many.then(|| Text::of("earlier commands of many: `jitctl log --id ID --commands` has all"));
    let not_seen = story.not_seen.iter().map(Text::of);
    let always = [
        Text::of(
            "what was run by plain sudo without the PAM module, and what any command did: sudo's own log has the commands (journalctl -t sudo)",
        ),
        Text::of(
            "what a command left behind outside its control group and outside the watch list of the closing report (docs/threat-model.md)",
        ),
    ];
    earlier.into_iter().chain(not_seen).chain(always).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use jit_common::response::EndView;

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
            "\nnot seen\n  what commands start, at present: it has ended\n",
        ] {
            assert!(shown.contains(line), "{line:?} is not in\n{shown}");
        }
        assert!(!shown.contains("equals root"), "an empty section is not shown\n{shown}");
    }

    #[test]
    fn a_grant_says_who_approved_it_what_it_extends_and_what_is_left_of_it() {
        let mut story = samples::story();
        let mut grant = samples::docker();
        grant.replaces = Some("4h1kz0ab".parse().unwrap());
        grant.longest = grant.until + 3_600_000_000_000;
        grant.residue = vec!["bash (1234) on pts/3 still holds docker".to_owned()];
        story.grant = Some(grant);
        let shown = page(&story, &samples::clock()).render(Terminal::plain());
        for line in [
            "  gives     membership in docker\n",
            "  approved  14:00 (2 min ago)  bert approved (\"ok \\u{1b}[2J\"), for 20m and no longer\n            14:01",
            "  extends   4h1kz0ab\n",
            "  until     14:32 (in 30 min); with extensions until 15:32 at most\n",
            "  residue   bash (1234) on pts/3 still holds docker: a process keeps its groups",
        ] {
            assert!(shown.contains(line), "{line:?} is not in\n{shown}");
        }
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
