//! A grant that has just become live.

use jit_common::response::GrantView;

use super::page::Ink;
use super::{Page, Text, pieces};
use crate::time::Clock;

/// The answer to `elevate` and to `extend`.
pub(crate) fn page(grant: &GrantView, clock: &Clock) -> Page {
    let mut page = given(grant, clock);
    if let Some(how) = pieces::use_of_groups(&grant.gives) {
        page.line(2, how);
    }
    page.line(2, Text::of("give it back: ").strong(format!("jitctl drop {}", grant.role)));
    page
}

/// The same for `-- COMMAND`, which gives it back by itself.
pub(crate) fn for_command(grant: &GrantView, clock: &Clock) -> Page {
    let mut page = given(grant, clock);
    page.line(2, Text::of("it is given back when the command ends"));
    page
}

/// The answer to `approve`, when it was the last vote that was needed.
pub(crate) fn approved(grant: &GrantView, clock: &Clock) -> Page {
    let mut page = Page::default();
    let what = format!("; {} has {} ", grant.person.name, grant.role);
    let until = pieces::until(clock, grant.until, grant.left);
    page.split(
        2,
        Text::default().then(Ink::Good, "approved").plain(what).plain(until),
        Text::default().strong(grant.id),
    );
    page
}

fn given(grant: &GrantView, clock: &Clock) -> Page {
    let mut page = Page::default();
    let word = if grant.replaces.is_some() { "extended" } else { "granted" };
    let rule = pieces::rule(Text::default().then(Ink::Good, word).plain(" by rule "), &grant.rule);
    page.split(2, rule, Text::default().strong(grant.id));
    let mut until = Some(pieces::until(clock, grant.until, grant.left));
    for line in pieces::gives(&grant.gives) {
        match until.take() {
            Some(until) => page.split(2, Text::of(line), Text::of(until)),
            None => page.line(2, Text::of(line)),
        }
    }
    if let Some(refused) = pieces::refused_commands(&grant.gives) {
        page.line(2, refused);
    }
    if !grant.approved_by.is_empty() {
        let names: Vec<String> = grant.approved_by.iter().map(|vote| vote.person.name.clone()).collect();
        page.line(2, Text::of(format!("approved by {}", pieces::listed(&names, "and"))));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    #[test]
    fn it_says_which_rule_what_until_when_and_how_to_give_it_back() {
        let shown = page(&samples::grant(), &samples::clock()).render(Terminal::plain());
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "  granted by rule \"on-call restarts web at once\" (10-web.toml:12)                       7k2m9xqa",
                "  sudo /usr/bin/systemctl restart nginx, /usr/bin/journalctl -u nginx    until 14:32 (in 30 min)",
                "  give it back: jitctl drop web-restart",
            ]
        );
    }

    #[test]
    fn a_group_comes_with_how_to_use_it_at_once() {
        let shown = page(&samples::docker(), &samples::clock()).render(Terminal::plain());
        let lines: Vec<&str> = shown.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "  membership in docker                                                   until 14:32 (in 30 min)",
                "  approved by bert and sara",
                "  membership reaches new logins only; at once: sudo -g docker COMMAND",
                "  give it back: jitctl drop docker",
            ]
        );
    }

    #[test]
    fn an_approver_is_told_who_has_what_until_when() {
        let shown = approved(&samples::docker(), &samples::clock()).render(Terminal::plain());
        assert!(shown.starts_with("  approved; alice has docker until 14:32 (in 30 min)  "), "{shown}");
        let mut longer = samples::docker();
        longer.replaces = Some("4h1kz0ab".parse().unwrap_or(longer.id));
        let shown = page(&longer, &samples::clock()).render(Terminal::plain());
        assert!(shown.starts_with("  extended by rule "), "{shown}");
    }

    #[test]
    fn what_sudo_refuses_all_the_same_is_said() {
        let mut grant = samples::grant();
        let mut sudo = samples::sudo();
        sudo.refused = vec!["/usr/bin/journalctl -u nginx".to_owned()];
        sudo.run_as = "web".to_owned();
        grant.gives.sudo = Some(sudo);
        let shown = page(&grant, &samples::clock()).render(Terminal::plain());
        assert!(shown.contains("sudo -u web /usr/bin/systemctl"), "{shown}");
        assert!(shown.contains("not /usr/bin/journalctl -u nginx: sudo refuses it"), "{shown}");
    }
}
