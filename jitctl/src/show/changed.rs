//! What has changed about an open request since it was seen last.

use jit_common::response::{ChoiceView, NeedView, OpenView, Presence, StateView, VoteView};

use super::page::Ink;
use super::{Page, Text, needs, open, pieces};
use crate::time::Clock;

/// What to tell somebody who waits. Empty when nothing has changed that they would care about.
pub(crate) fn page(old: &OpenView, new: &OpenView, clock: &Clock) -> Page {
    let mut page = Page::default();
    let came: Vec<&VoteView> = new.votes.iter().filter(|vote| !has_vote(old, vote)).collect();
    let went: Vec<&VoteView> = old.votes.iter().filter(|vote| !has_vote(new, vote)).collect();
    for vote in &came {
        page.line(2, needs::vote(vote));
    }
    for vote in &went {
        let gone = Text::default().strong(&vote.person.name);
        page.line(2, gone.then(Ink::Warn, " no longer counts").plain(": they may not approve it any more"));
    }
    if new.seconds != old.seconds {
        page.line(2, Text::of(format!("it would be for {} now", pieces::span(new.seconds))));
    }
    if new.state != old.state {
        page.line(2, state(new, clock));
    } else if !came.is_empty() || !went.is_empty() || who(old) != who(new) {
        page.line(2, needs::all_missing(new).unwrap_or_else(|| Text::of("nobody is missing any more")));
    }
    if let (true, Some(text)) = (new.held_up != old.held_up, open::held_up(new)) {
        page.line(2, text);
    }
    page
}

fn has_vote(open: &OpenView, vote: &VoteView) -> bool {
    open.votes.iter().any(|one| one.person.uid == vote.person.uid && one.at == vote.at)
}

/// Who is missing, and who of those that could is there. A log-out is no news to somebody who waits.
fn who(open: &OpenView) -> Vec<(u32, u32, Vec<u32>)> {
    let there = |need: &NeedView| {
        let could = needs::could(need, open).into_iter();
        could.filter(|choice| is_there(choice)).map(|choice| choice.person.uid).collect()
    };
    open.needs.iter().map(|need| (need.count, need.met, there(need))).collect()
}

fn is_there(choice: &ChoiceView) -> bool {
    match choice.presence {
        Presence::LoggedIn => true,
        Presence::Away => false,
    }
}

fn state(new: &OpenView, clock: &Clock) -> Text {
    match new.state {
        StateView::Scheduled => Text::default()
            .then(Ink::Good, "approved")
            .plain(format!("; it holds {}", open::begin(new, clock))),
        StateView::Pending
        | StateView::Closed
        | StateView::Applying
        | StateView::Active
        | StateView::Ending
        | StateView::Stuck
        | StateView::Ended
        | StateView::Refused => {
            let (ink, word) = pieces::state(new.state);
            Text::of("it ").then(ink, word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn shown(old: &OpenView, new: &OpenView) -> String {
        page(old, new, &samples::clock()).render(Terminal::plain())
    }

    #[test]
    fn only_what_is_new_is_said() {
        let new = samples::open();
        let mut old = new.clone();
        old.votes.clear();
        old.seconds = old.asked_seconds;
        assert_eq!(
            shown(&old, &new),
            "  bert approved (\"ok \\u{1b}[2J\"), for 20m and no longer\n\
             \x20 it would be for 20m now\n\
             \x20 still needed: 1 person in security: sara (logged in), dora\n"
        );
        assert_eq!(shown(&new, &new), "");
        assert!(shown(&new, &old).contains("bert no longer counts"), "{}", shown(&new, &old));
    }

    #[test]
    fn an_approver_who_logs_in_is_news() {
        let old = samples::open();
        let mut new = old.clone();
        for choice in new.needs.iter_mut().flat_map(|need| &mut need.could) {
            choice.presence = Presence::LoggedIn;
        }
        assert_eq!(
            shown(&old, &new),
            "  still needed: 1 person in security: dora (logged in), sara (logged in)\n"
        );
    }

    #[test]
    fn what_holds_it_up_is_told_once() {
        let old = samples::scheduled();
        let mut new = old.clone();
        new.held_up = Some("the record cannot be written".to_owned());
        assert_eq!(shown(&old, &new), "  held up: the record cannot be written\n");
        assert_eq!(shown(&new, &new), "");
    }

    #[test]
    fn a_schedule_is_told_with_its_start() {
        let new = samples::scheduled();
        let mut old = new.clone();
        old.state = StateView::Pending;
        assert_eq!(shown(&old, &new), "  approved; it holds from 14:30 (in 28 min) until 14:50\n");
    }
}
