//! Open requests: those that wait for the reader, the reader's own, and the others.

use jit_common::response::{OpenView, StateView};

use super::page::Ink;
use super::{Page, Text, needs, open, pieces};
use crate::time::Clock;

/// The answer to `pending`. `me` is the reader's uid.
pub(crate) fn page(requests: &[OpenView], me: u32, clock: &Clock) -> Page {
    let mut page = lists(requests, me, clock);
    if page.is_empty() {
        page.line(0, Text::of("nothing waits for you, and nothing of yours is open"));
    }
    page
}

/// The lists that are not empty.
pub(crate) fn lists(requests: &[OpenView], me: u32, clock: &Clock) -> Page {
    let is_mine = |request: &&OpenView| request.person.uid == me;
    let (mine, others): (Vec<_>, Vec<_>) = requests.iter().partition(is_mine);
    let waits = |request: &&OpenView| request.not_by_you.is_none() && request.state == StateView::Pending;
    let (for_me, others): (Vec<_>, Vec<_>) = others.into_iter().partition(waits);
    let mut page = Page::default();
    list(&mut page, Text::default().then(Ink::Warn, "waits for you"), &for_me, clock, decide);
    list(&mut page, Text::default().strong("open requests of yours"), &mine, clock, take_back);
    list(&mut page, Text::default().strong("open requests of others"), &others, clock, not_yours);
    page
}

fn list(page: &mut Page, title: Text, requests: &[&OpenView], clock: &Clock, do_next: fn(&OpenView) -> Text) {
    if requests.is_empty() {
        return;
    }
    page.blank();
    page.line(0, title);
    for request in requests {
        one(page, request, clock);
        page.line(4, do_next(request));
    }
}

fn one(page: &mut Page, request: &OpenView, clock: &Clock) {
    let what = Text::default().strong(request.id).plain(format!("  {} wants ", request.person.name));
    let what = what.strong(&request.role).plain(format!(" for {}", open::terms(request, clock)));
    match open::open_until(request, clock) {
        Some(until) => page.split(2, what, until),
        None => page.line(2, what),
    }
    if let Some(reason) = &request.reason {
        page.line(4, Text::of("because: ").plain(reason));
    }
    match needs::all_missing(request) {
        Some(missing) => page.line(4, missing),
        None => {
            let (ink, state) = pieces::state_of(request);
            page.line(4, Text::default().then(ink, state));
        }
    }
    if let Some(text) = open::given_up(request, clock) {
        page.line(4, text);
    }
    if let Some(text) = open::held_up(request) {
        page.line(4, text);
    }
}

fn decide(request: &OpenView) -> Text {
    let id = request.id;
    let text = Text::of("look: ").strong(format!("jitctl show {id}")).plain("; then ");
    text.strong(format!("jitctl approve {id}")).plain(" or ").strong(format!("jitctl deny {id} --note TEXT"))
}

fn take_back(request: &OpenView) -> Text {
    let back = Text::of("take it back: ").strong(format!("jitctl cancel {}", request.id));
    match request.state {
        StateView::Pending => back.plain("; wait for it: ").strong(format!("jitctl wait {}", request.id)),
        StateView::Scheduled
        | StateView::Closed
        | StateView::Applying
        | StateView::Active
        | StateView::Ending
        | StateView::Stuck
        | StateView::Ended
        | StateView::Refused => back,
    }
}

fn not_yours(request: &OpenView) -> Text {
    let why = request.not_by_you.as_deref().unwrap_or("it is decided");
    Text::of(format!("not for you to decide: {why}; an operator ends it: "))
        .strong(format!("jitctl revoke {}", request.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    #[test]
    fn what_waits_for_me_comes_first() {
        let for_me = samples::open();
        let others = OpenView { not_by_you: Some("you are not in security".to_owned()), ..for_me.clone() };
        let mut mine = OpenView { not_by_you: Some("it is your own".to_owned()), ..for_me.clone() };
        mine.person.uid = 1001;
        let shown = page(&[others, mine, for_me], 1001, &samples::clock()).render(Terminal::plain());
        let found: Vec<usize> = ["waits for you", "requests of yours", "requests of others"]
            .iter()
            .filter_map(|title| shown.find(title))
            .collect();
        assert!(found.len() == 3 && found.is_sorted(), "{shown}");
        assert!(shown.contains("7k2m9xqa  alice wants docker for 20m (30m was asked for), once"), "{shown}");
        assert!(shown.contains("jitctl approve 7k2m9xqa or jitctl deny 7k2m9xqa --note TEXT\n"), "{shown}");
        assert!(
            shown.contains("take it back: jitctl cancel 7k2m9xqa; wait for it: jitctl wait 7k2m9xqa\n"),
            "{shown}"
        );
        assert!(
            shown.contains(
                "not for you to decide: you are not in security; an operator ends it: jitctl revoke"
            ),
            "{shown}"
        );
    }

    #[test]
    fn nobody_is_left_with_an_empty_screen() {
        let shown = page(&[], 1001, &samples::clock()).render(Terminal::plain());
        assert_eq!(shown, "nothing waits for you, and nothing of yours is open\n");
    }
}
