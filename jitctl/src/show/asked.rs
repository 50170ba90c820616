//! The approver's page: everything one should know before one decides about somebody else's request.

use jit_common::response::{EarlierView, GrantView, LogEntry, OpenView, StateView, StoryView};
use jitd_core::record::{Entry, Origin};

use super::page::Ink;
use super::story::{field, gives, section};
use super::{Page, Text, needs, open as terms, pieces};
use crate::time::Clock;

/// Who asks for what, why, under which rule, and who has to approve.
pub(super) fn head(page: &mut Page, open: &OpenView, entries: &[LogEntry], clock: &Clock) {
    let (ink, state) = pieces::state(open.state);
    let title = Text::default().strong(open.id).plain("  ").strong(&open.role).plain(": ").then(ink, state);
    page.line(0, title);
    field(page, "who", Text::of(pieces::person(&open.person) + &from(entries)));
    field(page, "wants", Text::default().strong(&open.role).plain(" for ").plain(terms::terms(open, clock)));
    gives(page, &open.gives);
    field(page, "reason", Text::of(open.reason.as_deref().unwrap_or("none on record")));
    if let Some(ticket) = &open.ticket {
        field(page, "ticket", Text::of(ticket));
    }
    field(page, "rule", pieces::rule(Text::default(), &open.rule));
    field(page, "asked", Text::of(clock.past(open.asked)));
    if open.state != StateView::Closed {
        field(page, "open", Text::of(format!("until {}", clock.end(open.lapse, open.left))));
    }
    if let Some(why) = &open.held_up {
        field(page, "held up", Text::default().then(Ink::Warn, why));
    }
    section(page, "who has to approve", open.needs.iter().map(|need| needs::line(need, open)).collect());
    let votes = open.votes.iter().map(|vote| needs::vote_at(vote, clock));
    section(page, "who has approved", votes.collect());
}

/// `, on pts/3 from 10.0.0.7`, from the entry of the request.
fn from(entries: &[LogEntry]) -> String {
    let mut bodies = entries.iter().filter(|entry| entry.kind == "requested");
    let from = bodies.find_map(|entry| match serde_json::from_str(&entry.body) {
        Ok(Entry::Requested { asked }) => Some(asked.from),
        _ => None,
    });
    let Some(Origin { tty, remote, .. }) = from else { return String::new() };
    let tty = tty.map(|tty| format!(" on {tty}"));
    let remote = remote.map(|remote| format!(" from {remote}"));
    match [tty, remote].into_iter().flatten().collect::<String>() {
        place if place.is_empty() => place,
        place => format!(",{place}"),
    }
}

/// What the person did with the role before, and what they have now.
pub(super) fn before(page: &mut Page, story: &StoryView, open: &OpenView, clock: &Clock) {
    if open.state == StateView::Closed {
        return;
    }
    let name = &open.person.name;
    let had = if story.earlier.is_empty() {
        vec![Text::of("none on record")]
    } else {
        story.earlier.iter().map(|grant| earlier(grant, clock)).collect()
    };
    section(page, &format!("{name}'s last grants of {}", open.role), had);
    let has = if story.live.is_empty() {
        vec![Text::of("nothing")]
    } else {
        story.live.iter().map(|grant| live(grant, clock)).collect()
    };
    section(page, &format!("what {name} has now"), has);
}

fn earlier(grant: &EarlierView, clock: &Clock) -> Text {
    let text = Text::default().faint(grant.id).plain(format!("  {} to ", clock.short(grant.start)));
    let text = match &grant.end {
        Some(end) => text.plain(format!("{}: {}", clock.short(end.at), end.cause)),
        None => text.plain(clock.short(grant.until)),
    };
    let text = text.plain(pieces::quoted(grant.reason.as_deref()));
    if grant.residue.is_empty() {
        return text;
    }
    text.plain("; ").then(Ink::Warn, format!("left behind: {}", grant.residue.join(", ")))
}

fn live(grant: &GrantView, clock: &Clock) -> Text {
    let text = Text::default().faint(grant.id).plain("  ").strong(&grant.role).plain(" ");
    text.plain(pieces::until(clock, grant.until, grant.left))
}

/// The commands to type, or why there is nothing to decide.
pub(super) fn what_next(page: &mut Page, open: &OpenView) {
    if open.state == StateView::Closed {
        return;
    }
    let id = open.id;
    let lines = match &open.not_by_you {
        None => vec![
            Text::default()
                .strong(format!("jitctl approve {id} [--for {}] [--note TEXT]", pieces::span(open.seconds))),
            Text::default().strong(format!("jitctl deny {id} --note TEXT")),
        ],
        Some(why) => vec![
            Text::of(format!("not by you: {why}")),
            Text::of("whose it is takes it back: ").strong(format!("jitctl cancel {id}")),
        ],
    };
    section(page, "to decide", lines);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::{samples, story};
    use crate::terminal::Terminal;

    fn shown(question: &StoryView) -> String {
        story::page(question, &samples::clock()).render(Terminal::plain())
    }

    #[test]
    fn everything_that_is_needed_to_decide_is_there() {
        let shown = shown(&samples::question());
        for line in [
            "7k2m9xqa  docker: waits for approval\n",
            "  who       alice (uid 1000), on pts/3 from 10.0.0.7\n",
            "  wants     docker for 20m (30m was asked for), once approved\n",
            "  gives     membership in docker\n",
            "  reason    INC-42 nginx stuck\n",
            "  rule      \"two people behind it\" (20-docker.toml:4)\n",
            "  asked     13:57 (5 min ago)\n",
            "  open      until 16:02 (in 2 h)\n",
            "\nwho has to approve\n  met    1 person in leads\n  needs  1 person in security: sara (logged in), dora\n",
            "\nwho has approved\n  14:00 (2 min ago)  bert approved (\"ok \\u{1b}[2J\"), for 20m and no longer\n",
            "\nwhy the rule permits it, as alice was told\n  yes  alice is in engineers\n",
            "\nwhat it changes on this host\n  + docker:x:998:alice (/etc/group)\n",
            "\nequals root\n  the group docker can",
            "\nalice's last grants of docker\n  4h1kz0ab  09:02 to 09:22: dropped (\"INC-41\"); left behind: bash (1234) on pts/3 still holds docker\n",
            "\nwhat alice has now\n  7k2m9xqa  web-restart until 14:32 (in 30 min)\n",
            "\nto decide\n  jitctl approve 7k2m9xqa [--for 20m] [--note TEXT]\n  jitctl deny 7k2m9xqa --note TEXT\n",
        ] {
            assert!(shown.contains(line), "{line:?} is not in\n{shown}");
        }
        assert!(!shown.contains("not seen"), "there is no grant yet\n{shown}");
    }

    #[test]
    fn who_may_not_decide_is_told_why() {
        let mut question = samples::question();
        question.earlier.clear();
        question.live.clear();
        question.entries.clear();
        if let Some(open) = &mut question.open {
            open.not_by_you = Some("it is your own request".to_owned());
        }
        let shown = shown(&question);
        assert!(shown.contains("\nto decide\n  not by you: it is your own request\n"), "{shown}");
        assert!(shown.contains("'s last grants of docker\n  none on record\n"), "{shown}");
        assert!(shown.contains("what alice has now\n  nothing\n"), "{shown}");
        assert!(!shown.contains("jitctl approve"), "{shown}");
    }

    #[test]
    fn a_closed_request_is_only_looked_at() {
        let mut question = samples::question();
        if let Some(open) = &mut question.open {
            open.state = StateView::Closed;
        }
        let shown = shown(&question);
        assert!(shown.starts_with("7k2m9xqa  docker: closed: nothing was granted\n"), "{shown}");
        assert!(shown.contains("  wants     docker for 20m (30m was asked for)\n"), "{shown}");
        assert!(!shown.contains("to decide") && !shown.contains("last grants"), "{shown}");
    }
}
