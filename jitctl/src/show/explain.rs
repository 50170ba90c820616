//! How a request would be decided, rule by rule, each condition as held, not held, or unknown.

use jit_common::explanation::{Condition, Explanation, Held, JudgedRule, Outcome, Verdict};

use super::page::Ink;
use super::{Page, Text, pieces, refused};
use crate::time::Clock;

/// The answer to `explain`.
pub(crate) fn page(explanation: &Explanation, clock: &Clock) -> Page {
    let mut page = Page::default();
    match &explanation.outcome {
        Outcome::Permitted { rule, duration, approvals } => {
            let text = Text::default().then(Ink::Good, "it would be granted").plain(" by rule ");
            let mut text = text.strong(rule).plain(format!(" for {duration}"));
            if !approvals.is_empty() {
                let who = pieces::listed(approvals, "and");
                text = text.plain(", ").then(Ink::Warn, format!("once it has the approval of {who}"));
            }
            page.line(2, text);
        }
        Outcome::Refused(refusal) => {
            let text = Text::default().then(Ink::Bad, "it would be refused: ");
            page.line(2, text.plain(refused::sentence(refusal, clock)));
        }
    }
    page.append(judged(explanation));
    page
}

/// The rules and denies as they were judged. Empty when none names the role.
pub(crate) fn judged(explanation: &Explanation) -> Page {
    let mut page = Page::default();
    // What refused is said before what would have permitted; denies that did not match are background.
    let (matching, others): (Vec<_>, Vec<_>) =
        explanation.denies.iter().partition(|deny| deny.verdict != Verdict::DoesNotApply);
    for deny in matching {
        one(&mut page, "deny", deny);
    }
    for rule in &explanation.rules {
        one(&mut page, "rule", rule);
    }
    for deny in others {
        one(&mut page, "deny", deny);
    }
    page
}

fn one(page: &mut Page, what: &str, judged: &JudgedRule) {
    let (ink, verdict) = verdict(what, judged.verdict);
    page.line(2, Text::of(format!("{what} ")).strong(&judged.rule).plain(": ").then(ink, verdict));
    for condition in &judged.conditions {
        page.line(4, line(condition));
    }
}

fn verdict(what: &str, verdict: Verdict) -> (Ink, &'static str) {
    match verdict {
        Verdict::Permits => (Ink::Good, "permits"),
        Verdict::Refuses if what == "deny" => (Ink::Bad, "matches, so it is refused"),
        Verdict::Refuses => (Ink::Bad, "applies, and refuses"),
        Verdict::DoesNotApply => (Ink::Faint, "does not apply"),
        Verdict::CannotEvaluate => (Ink::Bad, "cannot be evaluated, so it is refused"),
        Verdict::NotReached => (Ink::Faint, "not reached: it was decided before"),
    }
}

/// A condition with its mark. The mark says it without colour as well.
pub(crate) fn line(condition: &Condition) -> Text {
    let (ink, mark) = match condition.held {
        Held::Held => (Ink::Good, "yes  "),
        Held::NotHeld => (Ink::Bad, "no   "),
        Held::Unknown => (Ink::Warn, "?    "),
    };
    Text::default().then(ink, mark).plain(&condition.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    #[test]
    fn each_condition_has_its_mark() {
        let shown = page(&samples::reason_missing(), &samples::clock()).render(Terminal::plain());
        assert_eq!(
            shown,
            "  it would be refused: rule \"on-call restarts web at once\" (10-web.toml:12) requires a reason: add \
             --reason \"…\" (Start with the incident or change number)\n\
             \x20 rule \"on-call restarts web at once\" (10-web.toml:12): applies, and refuses\n\
             \x20   yes  you are in oncall\n\
             \x20   no   no reason is given\n\
             \x20 deny \"contractors never\" (10-web.toml:30): does not apply\n\
             \x20   no   you are not in contractors\n"
        );
    }

    #[test]
    fn a_yes_says_for_how_long() {
        let shown = page(&samples::permitted(), &samples::clock()).render(Terminal::plain());
        let first =
            "  it would be granted by rule \"on-call restarts web at once\" (10-web.toml:12) for 30m\n";
        assert!(shown.starts_with(first), "{shown}");
        let mut waits = samples::permitted();
        if let Outcome::Permitted { approvals, .. } = &mut waits.outcome {
            approvals.push("2 people in leads".to_owned());
        }
        let shown = page(&waits, &samples::clock()).render(Terminal::plain());
        assert!(shown.contains(" for 30m, once it has the approval of 2 people in leads\n"), "{shown}");
    }
}
