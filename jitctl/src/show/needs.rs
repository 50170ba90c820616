//! Who has to approve, who could, and who has.

use jit_common::response::{ChoiceView, NeedView, OpenView, Presence, VoteView};

use super::page::Ink;
use super::{Text, pieces};
use crate::time::Clock;

/// The most people that are named.
const MOST: usize = 8;

/// One approval with its mark. The mark says it without colour as well.
pub(crate) fn line(need: &NeedView, open: &OpenView) -> Text {
    if is_met(need) {
        return Text::default().then(Ink::Good, "met    ").plain(people(need.count, &need.by));
    }
    let mut text = Text::default().then(Ink::Warn, "needs  ");
    text.extend(missing(need, open));
    text
}

/// What is missing, with who could: `1 person in security: sara (logged in), dora`.
pub(crate) fn missing(need: &NeedView, open: &OpenView) -> Text {
    let mut text = Text::of(still(need));
    let could = could(need, open);
    for (at, choice) in could.iter().take(MOST).enumerate() {
        text = text.plain(if at == 0 { ": " } else { ", " });
        text = match choice.presence {
            Presence::LoggedIn => text.strong(&choice.person.name).then(Ink::Good, " (logged in)"),
            Presence::Away => text.plain(&choice.person.name),
        };
    }
    if let more @ 1.. = could.len().saturating_sub(MOST) {
        text = text.plain(format!(" and {}", pieces::count(more, "other", "others")));
    }
    if !need.unlisted.is_empty() {
        let groups = pieces::listed(&need.unlisted, "and");
        let and = if could.is_empty() { ": the" } else { ", and the" };
        text = text.plain(format!("{and} members of {groups}, whom this host cannot list"));
    }
    text
}

/// `1 person in security`, `1 more of 2 people in leads`.
fn still(need: &NeedView) -> String {
    match need.count.saturating_sub(need.met) {
        left if need.met == 0 => people(left, &need.by),
        left => format!("{left} more of {}", people(need.count, &need.by)),
    }
}

/// jitd says who one of them is: `somebody in leads`, `anna or bert`.
fn people(count: u32, by: &str) -> String {
    let people = if count == 1 { "1 person".to_owned() } else { format!("{count} people") };
    match by.strip_prefix("somebody in ") {
        // Of several groups one might read that the others are no matter of people.
        Some(groups) => format!("{people} in {groups}"),
        None => format!("{people}: {by}"),
    }
}

/// Who could still, whoever has a terminal now in front.
pub(crate) fn could<'a>(need: &'a NeedView, open: &OpenView) -> Vec<&'a ChoiceView> {
    let voted = |choice: &ChoiceView| open.votes.iter().any(|vote| vote.person.uid == choice.person.uid);
    let mut could: Vec<&ChoiceView> = need.could.iter().filter(|choice| !voted(choice)).collect();
    could.sort_by_key(|choice| match choice.presence {
        Presence::LoggedIn => 0,
        Presence::Away => 1,
    });
    could
}

/// Whether nobody is missing.
pub(crate) fn is_met(need: &NeedView) -> bool {
    need.met >= need.count
}

/// Everything that is missing, in one text; `None` when nothing is.
pub(crate) fn all_missing(open: &OpenView) -> Option<Text> {
    let mut all: Option<Text> = None;
    for need in open.needs.iter().filter(|need| !is_met(need)) {
        let mut text = match all.take() {
            None => Text::of("still needed: "),
            Some(text) => text.plain("; and "),
        };
        text.extend(missing(need, open));
        all = Some(text);
    }
    all
}

/// `bert approved ("ok"), for 15m and no longer`.
pub(crate) fn vote(vote: &VoteView) -> Text {
    let text = Text::default().strong(&vote.person.name).then(Ink::Good, " approved");
    let text = text.plain(pieces::quoted(vote.note.as_deref()));
    match vote.seconds {
        None => text,
        Some(seconds) => text.plain(format!(", for {} and no longer", pieces::span(seconds))),
    }
}

/// The same with its time.
pub(crate) fn vote_at(of: &VoteView, clock: &Clock) -> Text {
    let mut text = Text::default().faint(format!("{}  ", clock.past(of.at)));
    text.extend(vote(of));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Page;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn shown(text: Text) -> String {
        let mut page = Page::default();
        page.line(0, text);
        page.render(Terminal::plain())
    }

    #[test]
    fn who_is_logged_in_comes_first_and_who_has_voted_is_not_named_again() {
        let open = samples::open();
        let lines: Vec<String> = open.needs.iter().map(|need| shown(line(need, &open))).collect();
        assert_eq!(
            lines,
            ["met    1 person in leads\n", "needs  1 person in security: sara (logged in), dora\n"]
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        let mut open = samples::open();
        open.votes.clear();
        let mut need = NeedView { count: 3, met: 1, ..open.needs.remove(0) };
        need.unlisted = vec!["wheel".to_owned()];
        let said = shown(missing(&need, &open));
        assert_eq!(
            said,
            "2 more of 3 people in leads: bert, carl, and the members of wheel, whom this host cannot list\n"
        );
        need.could.clear();
        need.by = "anna or somebody in wheel".to_owned();
        need.met = 0;
        let said = shown(missing(&need, &open));
        assert!(said.starts_with("3 people: anna or somebody in wheel: the members of wheel"), "{said}");
        need.could = (0..10).map(|n| samples::choice(n, &format!("p{n}"), Presence::Away)).collect();
        need.unlisted.clear();
        assert!(shown(missing(&need, &open)).ends_with("p6, p7 and 2 others\n"));
    }

    #[test]
    fn a_vote_says_what_it_said() {
        let open = samples::open();
        let said: Vec<String> = open.votes.iter().map(|one| shown(vote(one))).collect();
        assert_eq!(said, ["bert approved (\"ok \\u{1b}[2J\"), for 20m and no longer\n"]);
        assert_eq!(
            all_missing(&open).map(shown).as_deref(),
            Some("still needed: 1 person in security: sara (logged in), dora\n")
        );
    }
}
