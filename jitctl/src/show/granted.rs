//! A grant that has just become live.

use jit_common::response::GrantView;

use super::page::Ink;
use super::{Page, Text, pieces};
use crate::time::Clock;

/// The answer to `elevate`.
pub(crate) fn page(grant: &GrantView, clock: &Clock) -> Page {
    let mut page = given(grant, clock);
    page.line(2, Text::of("give it back: ").strong(format!("jitctl drop {}", grant.role)));
    page
}

/// The same for `-- COMMAND`, which gives it back by itself.
pub(crate) fn for_command(grant: &GrantView, clock: &Clock) -> Page {
    let mut page = given(grant, clock);
    page.line(2, Text::of("it is given back when the command ends"));
    page
}

fn given(grant: &GrantView, clock: &Clock) -> Page {
    let mut page = Page::default();
    let rule = pieces::rule(Text::default().then(Ink::Good, "granted").plain(" by rule "), &grant.rule);
    page.split(2, rule, Text::default().strong(grant.id));
    let until = pieces::until(clock, grant.until, grant.left);
    page.split(2, Text::of(pieces::commands(&grant.sudo)), Text::of(until));
    if let Some(refused) = pieces::refused_commands(&grant.sudo) {
        page.line(2, refused);
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
    fn what_sudo_refuses_all_the_same_is_said() {
        let mut grant = samples::grant();
        grant.sudo.refused = vec!["/usr/bin/journalctl -u nginx".to_owned()];
        grant.sudo.run_as = "web".to_owned();
        let shown = page(&grant, &samples::clock()).render(Terminal::plain());
        assert!(shown.contains("sudo -u web /usr/bin/systemctl"), "{shown}");
        assert!(shown.contains("not /usr/bin/journalctl -u nginx: sudo refuses it"), "{shown}");
    }
}
