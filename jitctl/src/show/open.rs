//! A request that waits, as its requester and its approvers are told.

use jit_common::response::{OpenView, StateView};

use super::page::Ink;
use super::{Page, Text, needs, pieces};
use crate::time::{self, Clock};

/// The answer to `elevate` and `extend`, when people have to decide or its start has to come.
pub(crate) fn page(open: &OpenView, clock: &Clock) -> Page {
    let mut page = head(open, clock);
    what_next(&mut page, open);
    wait_again(&mut page, open);
    page
}

/// The same, for somebody who waits.
pub(crate) fn waiting(open: &OpenView, clock: &Clock) -> Page {
    let mut page = head(open, clock);
    what_next(&mut page, open);
    let what = match (open.state, needs::all_missing(open)) {
        (StateView::Scheduled, _) => "for its start",
        (_, Some(_)) => "for people to approve",
        (_, None) => "until it can be granted",
    };
    page.line(2, Text::default().faint(format!("waiting {what}; ^C leaves it open")));
    page
}

/// The answer when the person has stopped waiting.
pub(crate) fn left_open(open: &OpenView, clock: &Clock) -> Page {
    let mut page = Page::default();
    let text = Text::default().strong(open.id);
    page.line(
        2,
        match open.state {
            StateView::Scheduled => text.plain(format!(" stays scheduled, {}", begin(open, clock))),
            StateView::Pending
            | StateView::Closed
            | StateView::Applying
            | StateView::Active
            | StateView::Ending
            | StateView::Stuck
            | StateView::Ended
            | StateView::Refused => {
                text.plain(format!(" stays open until {}", clock.end(open.lapse, open.left)))
            }
        },
    );
    if let Some(text) = needs::all_missing(open).or_else(|| held_up(open)) {
        page.line(2, text);
    }
    what_next(&mut page, open);
    wait_again(&mut page, open);
    page
}

/// What to type about it.
fn what_next(page: &mut Page, open: &OpenView) {
    let look = Text::of("look: ").strong(format!("jitctl show {}", open.id));
    page.line(2, look.plain("; take it back: ").strong(format!("jitctl cancel {}", open.id)));
}

/// How to wait for it, while there is a decision to wait for.
fn wait_again(page: &mut Page, open: &OpenView) {
    if open.state == StateView::Pending {
        page.line(2, Text::of("wait for it: ").strong(format!("jitctl wait {}", open.id)));
    }
}

/// The answer to `approve`, while more is needed or its start has not come.
pub(crate) fn approved(open: &OpenView, clock: &Clock) -> Page {
    let mut page = Page::default();
    let mut text = Text::default().then(Ink::Good, "approved").plain("; ");
    match (needs::all_missing(open), open.state) {
        (Some(missing), _) => text.extend(missing),
        (None, StateView::Pending) => text = text.plain("nobody is missing any more"),
        (None, _) => {
            let gets = format!("{} gets {} for {}", open.person.name, open.role, pieces::span(open.seconds));
            text = text.plain(format!("{gets}, {}", begin(open, clock)));
        }
    }
    page.line(2, text);
    if let Some(text) = held_up(open) {
        page.line(2, text);
    }
    page
}

fn head(open: &OpenView, clock: &Clock) -> Page {
    let mut page = Page::default();
    let (ink, word) = match open.state {
        StateView::Pending => (Ink::Warn, "asked for"),
        StateView::Scheduled => (Ink::Good, "scheduled:"),
        StateView::Closed => (Ink::Bad, "closed:"),
        StateView::Applying
        | StateView::Active
        | StateView::Ending
        | StateView::Stuck
        | StateView::Ended
        | StateView::Refused => pieces::state(open.state),
    };
    let text = Text::default().then(ink, word).plain(" ").strong(&open.role).plain(" by rule ");
    page.split(2, pieces::rule(text, &open.rule), Text::default().strong(open.id));
    let mut lapse = open_until(open, clock);
    let terms = format!("for {}", terms(open, clock));
    for line in pieces::gives(&open.gives).into_iter().chain([terms]) {
        match lapse.take() {
            Some(lapse) => page.split(2, Text::of(line), lapse),
            None => page.line(2, Text::of(line)),
        }
    }
    if let Some(text) = given_up(open, clock) {
        page.line(2, text);
    }
    for need in &open.needs {
        page.line(2, needs::line(need, open));
    }
    if let Some(text) = held_up(open) {
        page.line(2, text);
    }
    page
}

/// Until when it can be decided; `None` when it is.
pub(crate) fn open_until(open: &OpenView, clock: &Clock) -> Option<Text> {
    let until = || Text::of(format!("open until {}", clock.end(open.lapse, open.left)));
    (open.state != StateView::Scheduled).then(until)
}

/// When one that is decided and waits for its start is given up.
pub(crate) fn given_up(open: &OpenView, clock: &Clock) -> Option<Text> {
    let until = || Text::of(format!("given up if it cannot begin by {}", clock.short(open.lapse)));
    (open.state == StateView::Scheduled).then(until)
}

/// What stands in the way of a request that everybody has approved; `None` when nothing does.
pub(crate) fn held_up(open: &OpenView) -> Option<Text> {
    open.held_up.as_ref().map(|why| Text::default().then(Ink::Warn, "held up: ").plain(why))
}

/// How long and from when: `30m, once approved`, `30m (1h was asked for), from 14:30 (in 28 min) until 15:00`.
pub(crate) fn terms(open: &OpenView, clock: &Clock) -> String {
    let shortened = if open.seconds < open.asked_seconds {
        format!(" ({} was asked for)", pieces::span(open.asked_seconds))
    } else {
        String::new()
    };
    let more = open.extends.map(|id| format!(" more than {id} has")).unwrap_or_default();
    let length = format!("{}{more}{shortened}", pieces::span(open.seconds));
    match open.state {
        StateView::Closed => length,
        _ => format!("{length}, {}", begin(open, clock)),
    }
}

/// When it begins: `once approved`, `from 14:30 (in 28 min) until 15:00`.
pub(crate) fn begin(open: &OpenView, clock: &Clock) -> String {
    let once = if needs::all_missing(open).is_some() { ", once approved" } else { "" };
    match open.start {
        None if once.is_empty() => "approved".to_owned(),
        None => "once approved".to_owned(),
        Some(start) => {
            let until = clock.short(start.saturating_add(time::nanos_of(open.seconds)));
            format!("from {} until {until}{once}", clock.coming(start))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn lines(page: &Page) -> Vec<String> {
        page.render(Terminal::plain()).lines().map(str::to_owned).collect()
    }

    #[test]
    fn it_says_what_who_and_until_when_and_what_to_type() {
        let mut open = samples::open();
        open.votes.clear();
        open.seconds = open.asked_seconds;
        if let Some(need) = open.needs.first_mut() {
            need.met = 0;
        }
        assert_eq!(
            lines(&waiting(&open, &samples::clock())),
            [
                "  asked for docker by rule \"two people behind it\" (20-docker.toml:4)                    7k2m9xqa",
                "  membership in docker                                                 open until 16:02 (in 2 h)",
                "  for 30m, once approved",
                "  needs  1 person in leads: bert, carl",
                "  needs  1 person in security: sara (logged in), dora",
                "  look: jitctl show 7k2m9xqa; take it back: jitctl cancel 7k2m9xqa",
                "  waiting for people to approve; ^C leaves it open",
            ]
            .map(|line| line.to_owned())
        );
    }

    #[test]
    fn a_schedule_says_when_it_begins() {
        let open = samples::scheduled();
        let shown = page(&open, &samples::clock()).render(Terminal::plain());
        assert!(shown.starts_with("  scheduled: docker by rule"), "{shown}");
        let line = "  for 20m (30m was asked for), from 14:30 (in 28 min) until 14:50\n";
        assert!(shown.contains(line), "{shown}");
        assert!(shown.contains("\n  given up if it cannot begin by 16:02\n"), "{shown}");
        assert!(!shown.contains("open until"), "it is decided: {shown}");
        let shown = approved(&open, &samples::clock()).render(Terminal::plain());
        assert_eq!(shown, "  approved; alice gets docker for 20m, from 14:30 (in 28 min) until 14:50\n");
    }

    #[test]
    fn an_approver_is_told_what_is_missing() {
        let shown = approved(&samples::open(), &samples::clock()).render(Terminal::plain());
        assert_eq!(shown, "  approved; still needed: 1 person in security: sara (logged in), dora\n");
    }

    #[test]
    fn what_everybody_approved_and_cannot_be_granted_says_why() {
        let mut open = samples::open();
        open.needs.iter_mut().for_each(|need| need.met = need.count);
        open.held_up = Some("the record cannot be written".to_owned());
        let shown = approved(&open, &samples::clock()).render(Terminal::plain());
        assert_eq!(
            shown,
            "  approved; nobody is missing any more\n  held up: the record cannot be written\n"
        );
        let shown = waiting(&open, &samples::clock()).render(Terminal::plain());
        assert!(shown.contains("waiting until it can be granted; ^C leaves it open"), "{shown}");
    }

    #[test]
    fn who_stops_waiting_is_told_that_the_request_stays() {
        let shown = left_open(&samples::open(), &samples::clock()).render(Terminal::plain());
        assert!(shown.starts_with("  7k2m9xqa stays open until 16:02 (in 2 h)\n  still needed: "), "{shown}");
        assert!(shown.contains("take it back: jitctl cancel 7k2m9xqa\n"), "{shown}");
        assert!(shown.ends_with("  wait for it: jitctl wait 7k2m9xqa\n"), "{shown}");
        let shown = left_open(&samples::scheduled(), &samples::clock()).render(Terminal::plain());
        assert!(
            shown.starts_with("  7k2m9xqa stays scheduled, from 14:30 (in 28 min) until 14:50\n"),
            "{shown}"
        );
        assert!(!shown.contains("jitctl wait"), "it is decided: {shown}");
    }

    #[test]
    fn an_extension_names_its_grant() {
        let mut open = samples::open();
        open.extends = Some(samples::grant().id);
        assert!(terms(&open, &samples::clock()).starts_with("20m more than 7k2m9xqa has (30m"));
    }
}
