//! How the host was found beside the record.

use jit_common::response::{DifferenceView, DriftView};

use super::page::Ink;
use super::{Page, Text};

/// The answer to `drift`.
pub(crate) fn page(view: &DriftView) -> Page {
    let mut page = Page::default();
    match is_as_it_should_be(view) {
        true => page.line(2, Text::default().then(Ink::Good, "nothing differs").plain(compared(view))),
        false => page.line(2, Text::default().then(Ink::Bad, "not as the record says").plain(compared(view))),
    }
    for difference in &view.found {
        page.blank();
        page.line(2, found(difference));
        page.line(4, Text::of(&difference.done));
    }
    list(&mut page, "known before, and so still", &view.standing);
    list(&mut page, "could not be looked at or made right", &view.unsure);
    if !view.found.is_empty() {
        page.blank();
        page.line(2, Text::default().faint("each of these is on the record: jitctl log"));
    }
    page
}

/// Whether there is nothing that anybody should look at.
pub(crate) fn is_as_it_should_be(view: &DriftView) -> bool {
    view.found.is_empty() && view.standing.is_empty() && view.unsure.is_empty()
}

fn compared(view: &DriftView) -> String {
    let grants = count(view.grants, "live grant", "live grants");
    let memberships = count(view.memberships, "membership", "memberships");
    let people = count(view.people, "person", "people");
    format!(": {grants}, {memberships} and {people} compared")
}

fn count(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

fn found(difference: &DifferenceView) -> Text {
    let text = Text::default().then(Ink::Warn, &difference.what).plain("  ").plain(&difference.found);
    match difference.grants.as_slice() {
        [] => text,
        grants => {
            let ids: Vec<String> = grants.iter().map(ToString::to_string).collect();
            text.plain("  ").faint(ids.join(" "))
        }
    }
}

fn list(page: &mut Page, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    page.blank();
    page.line(2, Text::default().strong(title));
    lines.iter().for_each(|line| page.line(4, Text::of(line)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn nothing() -> DriftView {
        let (found, standing, unsure) = Default::default();
        DriftView { found, standing, unsure, grants: 2, memberships: 1, people: 1 }
    }

    #[test]
    fn what_differs_what_was_known_and_what_is_not_known_are_told_apart() {
        let page = |view: &DriftView| page(view).render(Terminal::plain());
        assert_eq!(
            page(&nothing()),
            "  nothing differs: 2 live grants, 1 membership and 1 person compared\n"
        );
        let difference = DifferenceView {
            what: "taken-away".to_owned(),
            found: "alice was not in the group docker any more, which a live grant gives".to_owned(),
            done: "alice was put into it again".to_owned(),
            grants: vec![samples::grant().id],
        };
        let view = DriftView {
            found: vec![difference],
            standing: vec!["/run/jit/sudoers.d/mallory is not jitd's, and sudo takes its rules".to_owned()],
            unsure: vec!["the ledger is damaged".to_owned()],
            ..nothing()
        };
        assert_eq!(
            page(&view),
            "  not as the record says: 2 live grants, 1 membership and 1 person compared\n\
             \n\
             \x20 taken-away  alice was not in the group docker any more, which a live grant gives  7k2m9xqa\n\
             \x20   alice was put into it again\n\
             \n\
             \x20 known before, and so still\n\
             \x20   /run/jit/sudoers.d/mallory is not jitd's, and sudo takes its rules\n\
             \n\
             \x20 could not be looked at or made right\n\
             \x20   the ledger is damaged\n\
             \n\
             \x20 each of these is on the record: jitctl log\n"
        );
    }
}
