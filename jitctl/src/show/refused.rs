//! A refusal: the sentence, and the rules as they were judged.

use jit_common::explanation::Explanation;
use jit_common::refusal::Refusal;

use super::page::Ink;
use super::{Page, Text, explain};
use crate::time::{self, Clock};

/// The answer when the answer is no.
pub(crate) fn page(refusal: &Refusal, explanation: Option<&Explanation>, clock: &Clock) -> Page {
    let mut page = Page::default();
    page.line(2, Text::default().then(Ink::Bad, "refused: ").plain(sentence(refusal, clock)));
    if let Some(explanation) = explanation {
        page.append(explain::judged(explanation));
    }
    page
}

/// The refusal's sentence, with its times as this person's clock shows them.
pub(crate) fn sentence(refusal: &Refusal, clock: &Clock) -> String {
    match refusal {
        Refusal::AlreadyLive { id, role, until_unix } => format!(
            "you have the role {role} already, until {} (grant {id}): use it, or ask for more time with `jitctl \
             extend {id} --for TIME`",
            clock.short(time::from_unix(*until_unix))
        ),
        Refusal::BadStart { start_unix, why } => {
            format!("the start {} cannot be taken: {why}", clock.stamp(time::from_unix(*start_unix)))
        }
        Refusal::Locked { by, since_unix, note } => {
            let note = if note.is_empty() { String::new() } else { format!(" (\"{note}\")") };
            let since = clock.past(time::from_unix(*since_unix));
            format!(
                "locked by {by} since {since}{note}: nothing is granted until an operator runs `jitctl unlock`"
            )
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn shown(refusal: &Refusal) -> String {
        page(refusal, None, &samples::clock()).render(Terminal::plain())
    }

    #[test]
    fn times_are_the_persons_own() {
        let until_unix = samples::clock().nanos() / 1_000_000_000 + 600;
        let live =
            Refusal::AlreadyLive { id: "7k2m9xqa".to_owned(), role: "web-restart".to_owned(), until_unix };
        assert!(shown(&live).contains("until 14:12 (grant 7k2m9xqa)"), "{}", shown(&live));
        let bad = Refusal::BadStart { start_unix: until_unix, why: "it is too far ahead".to_owned() };
        assert!(shown(&bad).contains("the start 2026-11-22 14:12:00 cannot be taken"), "{}", shown(&bad));
        let locked =
            Refusal::Locked { by: "olga".to_owned(), since_unix: until_unix - 1200, note: "\x1b".into() };
        let said = shown(&locked);
        assert!(said.contains("since 13:52 (10 min ago) (\"\\u{1b}\")"), "{said}");
    }

    #[test]
    fn the_rules_follow_the_sentence() {
        let explanation = samples::reason_missing();
        let refusal = Refusal::RootAccount;
        let page = page(&refusal, Some(&explanation), &samples::clock());
        let said = page.render(Terminal::plain());
        assert!(said.starts_with("  refused: root may neither ask"), "{said}");
        assert!(said.contains("    no   no reason is given\n"), "{said}");
    }
}
