//! What `policy check` and `policy test` found.

use super::page::Ink;
use super::{Page, Text, explain, pieces};
use crate::policy::check::Checked;
use crate::policy::test::Tested;
use crate::time::Clock;

/// The answer to `policy check`.
pub(crate) fn checked(checked: &Checked) -> Page {
    let mut page = Page::default();
    let files = checked.files.join(", ");
    match &checked.valid {
        Some(valid) => {
            page.line(
                0,
                Text::of(format!("{files}: {}", valid.size)).faint(format!("; hash {}", valid.hash)),
            );
        }
        None => {
            page.line(0, Text::of(format!("{files}: ")).then(Ink::Bad, "jitd would not take this policy"))
        }
    }
    for error in &checked.errors {
        page.line(2, Text::default().then(Ink::Bad, "error: ").plain(error));
    }
    for lint in &checked.lints {
        let text = format!("{}: {}: {}", lint.location, lint.about, lint.text);
        page.line(2, Text::default().then(Ink::Warn, "look at: ").plain(text));
    }
    for role in &checked.roles {
        for problem in &role.problems {
            let text = format!("{}: role {}: {problem}", role.location, role.role);
            page.line(2, Text::default().then(Ink::Bad, "not on this host: ").plain(text));
        }
    }
    for rule in &checked.rules {
        page.line(2, Text::default().then(Ink::Bad, "not on this host: ").plain(rule));
    }
    for name in &checked.names {
        page.line(2, Text::default().then(Ink::Warn, "not on this host: ").plain(name));
    }
    if let Some(visudo) = &checked.checked_with {
        page.line(2, Text::default().faint(format!("sudo was asked about each role: {visudo}")));
    }
    for what in &checked.not_checked {
        page.line(2, Text::default().faint("not checked: ").plain(what));
    }
    page
}

/// The answer to `policy test`.
pub(crate) fn tested(tested: &[Tested], clock: &Clock) -> Page {
    let mut page = Page::default();
    for case in tested {
        let place = format!(" ({})", case.location);
        match &case.problem {
            None => page.line(0, Text::default().then(Ink::Good, "pass  ").plain(&case.name).faint(place)),
            Some(problem) => {
                page.line(0, Text::default().then(Ink::Bad, "FAIL  ").strong(&case.name).faint(place));
                page.line(4, Text::of(problem));
                if let Some(explanation) = &case.explanation {
                    page.append(explain::page(explanation, clock));
                }
            }
        }
    }
    let failed = tested.iter().filter(|case| case.problem.is_some()).count();
    let cases = pieces::count(tested.len(), "case", "cases");
    let ink = if failed == 0 { Ink::Good } else { Ink::Bad };
    page.line(0, Text::of(format!("{cases}, ")).then(ink, format!("{failed} failed")));
    page
}
