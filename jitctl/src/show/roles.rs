//! The roles one may ask for, and how.

use jit_common::explanation::{ConditionKind, Explanation, Held, Outcome, Verdict};
use jit_common::response::RoleView;

use super::page::Ink;
use super::{Page, Text, pieces, refused};
use crate::time::Clock;

/// The answer to `roles`, and to `elevate` without a role.
pub(crate) fn page(roles: &[RoleView], clock: &Clock) -> Page {
    let mut page = Page::default();
    if roles.is_empty() {
        page.line(0, Text::of("there is no role that you may ask for; ask whoever keeps the policy"));
    }
    for role in roles {
        page.blank();
        one(&mut page, role, clock);
    }
    page
}

fn one(page: &mut Page, role: &RoleView, clock: &Clock) {
    let ink = if role.risk == "high" { Ink::Warn } else { Ink::Faint };
    page.split(
        0,
        Text::default().strong(&role.name).plain(format!("  {}", role.summary)),
        Text::default().then(ink, format!("{} risk", role.risk)),
    );
    for line in pieces::gives(&role.gives) {
        page.line(2, Text::of(line));
    }
    if let Some(refused) = pieces::refused_commands(&role.gives) {
        page.line(2, refused);
    }
    for why in &role.equals_root {
        page.line(2, Text::default().then(Ink::Warn, "equals root: ").plain(pieces::equals_root(why)));
    }
    for why in &role.disabled {
        page.line(2, Text::default().then(Ink::Bad, "disabled on this host: ").plain(why));
    }
    if role.disabled.is_empty() {
        how(page, role, clock);
    }
}

/// How to ask for it now, as a line to copy; or why not now.
fn how(page: &mut Page, role: &RoleView, clock: &Clock) {
    let options = options(&role.now);
    match &role.now.outcome {
        Outcome::Permitted { rule, duration, approvals } => {
            page.line(2, Text::of("ask: ").strong(format!("jitctl elevate {}", role.name)));
            let when = match approvals.as_slice() {
                [] => format!("granted at once for {duration} by rule "),
                some => {
                    let who = pieces::listed(some, "and");
                    format!("granted for {duration} with the approval of {who}, by rule ")
                }
            };
            page.line(2, Text::of(when).faint(rule));
        }
        Outcome::Refused(_) if !options.is_empty() => {
            let command = format!("jitctl elevate {}{}", role.name, options.concat());
            page.line(2, Text::of("ask: ").strong(command));
            for condition in unmet(&role.now) {
                page.line(2, Text::of("needs more: ").plain(&condition.text));
            }
        }
        Outcome::Refused(refusal) => {
            page.line(
                2,
                Text::default().then(Ink::Warn, "not now: ").plain(refused::sentence(refusal, clock)),
            );
        }
    }
}

/// The conditions of the rule that would decide that do not hold.
fn unmet(now: &Explanation) -> impl Iterator<Item = &jit_common::explanation::Condition> {
    let rule = now.rules.iter().find(|rule| rule.verdict == Verdict::Refuses);
    rule.into_iter().flat_map(|rule| &rule.conditions).filter(|condition| condition.held != Held::Held)
}

/// What to add to the request; empty when adding something is not enough.
fn options(now: &Explanation) -> Vec<&'static str> {
    let option = |kind| match kind {
        ConditionKind::Reason => Some(" --reason \"…\""),
        ConditionKind::Ticket => Some(" --ticket NUMBER"),
        ConditionKind::Eligible
        | ConditionKind::Subjects
        | ConditionKind::Schedule
        | ConditionKind::Duration
        | ConditionKind::NotLive
        | ConditionKind::NotOpen
        | ConditionKind::MaxActive
        | ConditionKind::Password
        | ConditionKind::Subcommands => None,
    };
    unmet(now).map(|condition| option(condition.kind)).collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    #[test]
    fn it_says_what_to_type() {
        let shown = page(&[samples::role()], &samples::clock()).render(Terminal::plain());
        assert!(shown.starts_with("web-restart  Restart and inspect the web tier   "), "{shown}");
        assert!(shown.contains("low risk\n"), "{shown}");
        assert!(shown.contains("  ask: jitctl elevate web-restart --reason \"…\"\n"), "{shown}");
        assert!(shown.contains("  needs more: no reason is given\n"), "{shown}");
    }

    #[test]
    fn a_role_that_people_have_to_approve_says_who() {
        let mut role = samples::role();
        role.now = samples::permitted();
        let Outcome::Permitted { approvals, .. } = &mut role.now.outcome else { return };
        *approvals = vec!["1 person in leads".to_owned(), "1 person in security".to_owned()];
        let shown = page(&[role], &samples::clock()).render(Terminal::plain());
        assert!(
            shown.contains(
                "granted for 30m with the approval of 1 person in leads and 1 person in security, by rule"
            ),
            "{shown}"
        );
    }

    #[test]
    fn a_role_the_host_cannot_carry_says_so_and_offers_nothing() {
        let mut role = samples::role();
        role.disabled = vec!["/usr/bin/systemctl is missing".to_owned()];
        let shown = page(&[role], &samples::clock()).render(Terminal::plain());
        assert!(shown.contains("disabled on this host: /usr/bin/systemctl is missing"), "{shown}");
        assert!(!shown.contains("ask:"), "{shown}");
    }

    #[test]
    fn what_adding_cannot_mend_is_not_offered() {
        let mut role = samples::role();
        for condition in role.now.rules.iter_mut().flat_map(|rule| &mut rule.conditions) {
            condition.held = Held::NotHeld;
        }
        let shown = page(&[role], &samples::clock()).render(Terminal::plain());
        assert!(shown.contains("  not now: "), "{shown}");
        assert!(!shown.contains("ask:"), "{shown}");
    }

    #[test]
    fn nobody_is_left_with_an_empty_screen() {
        assert!(
            page(&[], &samples::clock()).render(Terminal::plain()).contains("no role that you may ask for")
        );
    }
}
