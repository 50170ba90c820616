//! The approver's page: everything one should know before one decides about somebody else's request.

use jit_common::ids::RequestId;
use jit_common::response::{EarlierView, GrantView, LogEntry, OpenView, StateView, StoryView};
use jitd_core::record::{Entry, Origin};

use super::page::Ink;
use super::story::{field, gives, section};
use super::{Page, Text, needs, open as terms, pieces};
use crate::time::{self, Clock};

/// Who asks for what, why, under which rule, and who has to approve.
pub(super) fn head(page: &mut Page, open: &OpenView, story: &StoryView, clock: &Clock) {
    let (ink, state) = pieces::state_of(open);
    let title = Text::default().strong(open.id).plain("  ").strong(&open.role).plain(": ");
    let closed = (open.state == StateView::Closed).then(|| closed(&story.entries, clock)).flatten();
    page.line(0, title.then(ink, closed.as_deref().unwrap_or(state)));
    field(page, "who", Text::of(pieces::person(&open.person) + &from(&story.entries)));
    field(page, "wants", Text::default().strong(&open.role).plain(" for ").plain(terms::terms(open, clock)));
    if let Some(before) = open.extends {
        field(page, "extends", extends(before, open.seconds, &story.live, clock));
    }
    gives(page, &open.gives);
    field(page, "reason", Text::of(open.reason.as_deref().unwrap_or("none on record")));
    if let Some(ticket) = &open.ticket {
        field(page, "ticket", Text::of(ticket));
    }
    field(page, "rule", pieces::rule(Text::default(), &open.rule));
    field(page, "asked", Text::of(clock.past(open.asked)));
    match open.state {
        StateView::Closed => {}
        StateView::Scheduled => {
            let text = format!("if it cannot begin by {}", clock.short(open.lapse));
            field(page, "given up", Text::of(text));
        }
        StateView::Pending
        | StateView::Applying
        | StateView::Active
        | StateView::Ending
        | StateView::Stuck
        | StateView::Ended
        | StateView::Refused => {
            field(page, "open", Text::of(format!("until {}", clock.end(open.lapse, open.left))));
        }
    }
    if let Some(why) = &open.held_up {
        field(page, "held up", Text::default().then(Ink::Warn, why));
    }
    section(page, "who has to approve", open.needs.iter().map(|need| needs::line(need, open)).collect());
    let votes = open.votes.iter().map(|vote| needs::vote_at(vote, clock));
    section(page, "who has approved", votes.collect());
}

/// `closed: denied by lena 11:08 ("no")`, from the entry that says so.
fn closed(entries: &[LogEntry], clock: &Clock) -> Option<String> {
    entries.iter().rev().find_map(|entry| match serde_json::from_str(&entry.body) {
        Ok(Entry::Closed { cause, closed_by, why, .. }) => {
            let by = closed_by.map(|person| format!(" by {}", person.name)).unwrap_or_default();
            let note = entry.texts.iter().find(|text| text.field == "note");
            let note = pieces::quoted(note.map(|note| note.text.as_str()));
            let why = if why.is_empty() { why } else { format!(": {why}") };
            Some(format!("closed: {}{by} {}{note}{why}", cause.as_str(), clock.short(entry.at)))
        }
        _ => None,
    })
}

/// `4h1kz0ab: until 14:37 instead of 14:32`, while the grant is live.
fn extends(before: RequestId, seconds: u32, live: &[GrantView], clock: &Clock) -> Text {
    let text = Text::default().faint(before);
    match live.iter().find(|grant| grant.id == before) {
        None => text,
        Some(grant) => {
            let until = clock.short(grant.until.saturating_add(time::nanos_of(seconds)));
            text.plain(format!(": until {until} instead of {}", clock.short(grant.until)))
        }
    }
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
    // What is extended is no earlier grant: it is what they have now.
    let before = story.earlier.iter().filter(|grant| open.extends != Some(grant.id));
    let mut had: Vec<Text> = before.map(|grant| earlier(grant, clock)).collect();
    if had.is_empty() {
        had.push(Text::of("none on record"));
    }
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
    fn an_extension_says_from_when_to_when_and_its_grant_is_no_earlier_one() {
        let mut question = samples::question();
        let grant = question.live.first().map(|grant| grant.id);
        if let (Some(open), Some(id)) = (&mut question.open, grant) {
            open.extends = Some(id);
            open.seconds = 300;
            question.earlier.iter_mut().for_each(|grant| grant.id = id);
        }
        let shown = shown(&question);
        assert!(shown.contains("  extends   7k2m9xqa: until 14:37 instead of 14:32\n"), "{shown}");
        assert!(shown.contains("'s last grants of docker\n  none on record\n"), "{shown}");
    }

    #[test]
    fn a_schedule_without_approvals_only_waits() {
        let mut question = samples::question();
        let mut open = samples::scheduled();
        open.needs.clear();
        question.open = Some(open);
        let shown = shown(&question);
        assert!(shown.starts_with("7k2m9xqa  docker: waits for its start\n"), "{shown}");
        assert!(shown.contains("  given up  if it cannot begin by 16:02\n"), "{shown}");
    }

    #[test]
    fn a_closed_request_says_how() {
        let mut question = samples::question();
        if let Some(open) = &mut question.open {
            open.state = StateView::Closed;
        }
        question.entries.push(samples::denied());
        let shown = shown(&question);
        assert!(shown.starts_with("7k2m9xqa  docker: closed: denied by lena 14:02 (\"no\")\n"), "{shown}");
        assert!(shown.contains("\nwhat it would have changed on this host (nothing was)\n"), "{shown}");
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
