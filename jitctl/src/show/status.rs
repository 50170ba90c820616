//! The state of things: what is wrong first, then one's grants, then jitd itself.

use jit_common::response::{GrantView, SinkView, StateView, StatusView, WaitingView};

use super::page::Ink;
use super::{Page, Text, pending, pieces};
use crate::time::Clock;

/// Characters of a hash that are shown.
const SHORT_HASH: usize = 12;

/// The answer to `status`.
pub(crate) fn page(status: &StatusView, me: u32, clock: &Clock) -> Page {
    let mut page = Page::default();
    for why in &status.not_granting {
        page.line(0, Text::default().then(Ink::Bad, "NOTHING IS GRANTED: ").plain(why));
    }
    for what in &status.attention {
        page.line(0, Text::default().then(Ink::Warn, "look at this: ").plain(what));
    }
    page.blank();
    page.append(pending::lists(&status.open, me, clock));
    page.blank();
    if status.mine.is_empty() {
        page.line(0, Text::of("you have nothing live; `jitctl roles` shows what you can ask for"));
    }
    for grant in &status.mine {
        mine(&mut page, grant, clock);
    }
    if let Some(all) = &status.all {
        page.blank();
        everybody(&mut page, all, clock);
    }
    if let Some(waiting) = &status.waiting {
        open_requests(&mut page, waiting);
    }
    page.blank();
    daemon(&mut page, status);
    page
}

fn mine(page: &mut Page, grant: &GrantView, clock: &Clock) {
    head(page, Text::default().strong(&grant.role), grant, clock);
    for line in pieces::gives(&grant.gives) {
        page.line(2, Text::of(line));
    }
    if let Some(refused) = pieces::refused_commands(&grant.gives) {
        page.line(2, refused);
    }
    if let Some(how) = pieces::use_of_groups(&grant.gives) {
        page.line(2, how);
    }
    page.line(2, Text::of("give it back: ").strong(format!("jitctl drop {}", grant.role)));
}

fn head(page: &mut Page, left: Text, grant: &GrantView, clock: &Clock) {
    let mut left = left.plain("  ").faint(grant.id);
    if grant.state != StateView::Active {
        let (ink, word) = pieces::state(grant.state);
        left = left.plain("  ").then(ink, word);
    }
    page.split(0, left, Text::of(pieces::until(clock, grant.until, grant.left)));
}

fn everybody(page: &mut Page, all: &[GrantView], clock: &Clock) {
    let live = pieces::count(all.len(), "grant", "grants");
    page.line(0, Text::of(format!("on this host, everybody's: {live}")));
    for grant in all {
        let who = Text::of(&grant.person.name).plain("  ").strong(&grant.role);
        head(page, who, grant, clock);
        if let Some(reason) = &grant.reason {
            page.line(2, Text::of("because: ").plain(reason));
        }
    }
}

/// What may yet be granted.
fn open_requests(page: &mut Page, waiting: &WaitingView) {
    let WaitingView { people, approved, scheduled } = *waiting;
    let parts = [
        (people, "waiting for people"),
        (approved, "approved and about to begin"),
        (scheduled, "with a start to come"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, which)| format!("{count} {which}"))
        .collect();
    if !parts.is_empty() {
        let text = format!("open requests, everybody's: {}; ", parts.join(", "));
        page.line(0, Text::of(text).strong("jitctl pending").plain(" shows them"));
    }
}

fn daemon(page: &mut Page, status: &StatusView) {
    let policy = match &status.policy {
        Some(hash) => format!("policy {}", hash.chars().take(SHORT_HASH).collect::<String>()),
        None => "no policy".to_owned(),
    };
    let line = format!(
        "jitd {}, {}, {policy}; {} live on this host, {} entries on record",
        status.daemon, status.sudo, status.live, status.entries
    );
    page.line(0, Text::default().faint(line));
    for sink in status.sinks.iter().filter(|sink| sink.behind > 0 || sink.trouble.is_some()) {
        page.line(0, Text::default().then(Ink::Warn, sink_line(sink)));
    }
}

fn sink_line(sink: &SinkView) -> String {
    let trouble = sink.trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
    let entries = if sink.behind == 1 { "entry" } else { "entries" };
    format!("the sink {} is {} {entries} behind{trouble}", sink.name, sink.behind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn shown(status: &StatusView) -> String {
        page(status, 1000, &samples::clock()).render(Terminal::plain())
    }

    #[test]
    fn nothing_live_says_what_to_do() {
        assert_eq!(
            shown(&samples::status()),
            "you have nothing live; `jitctl roles` shows what you can ask for\n\n\
             jitd 0.1.0, classic 1.9.16p2, policy abababababab; 0 live on this host, 17 entries on record\n"
        );
    }

    #[test]
    fn what_is_wrong_comes_first() {
        let mut status = samples::status();
        status.not_granting = vec!["the ledger cannot be written (disk full)".to_owned()];
        status.attention = vec!["role db is disabled".to_owned()];
        status.mine = vec![samples::grant()];
        let shown = shown(&status);
        assert!(shown.starts_with("NOTHING IS GRANTED: the ledger cannot"), "{shown}");
        assert!(shown.contains("\nlook at this: role db is disabled\n\nweb-restart  7k2m9xqa  "), "{shown}");
        assert!(shown.contains("until 14:32 (in 30 min)\n  sudo /usr/bin/systemctl"), "{shown}");
    }

    #[test]
    fn what_may_yet_be_granted_is_counted() {
        let mut status = samples::status();
        status.waiting = Some(WaitingView::default());
        assert!(!shown(&status).contains("open requests"));
        status.waiting = Some(WaitingView { people: 3, approved: 0, scheduled: 1 });
        let expected = "\nopen requests, everybody's: 3 waiting for people, 1 with a start to come; \
                        jitctl pending shows them\n";
        assert!(shown(&status).contains(expected), "{}", shown(&status));
    }

    #[test]
    fn what_waits_for_me_stands_before_what_i_have() {
        let mut status = samples::status();
        let mut open = samples::open();
        open.person.uid = 1001;
        status.open = vec![open];
        status.mine = vec![samples::docker()];
        let shown = shown(&status);
        assert!(shown.starts_with("waits for you\n  7k2m9xqa  alice wants docker for 20m"), "{shown}");
        assert!(shown.contains("--note TEXT\n\ndocker  "), "{shown}");
        assert!(shown.contains("  membership reaches new logins only; at once: sudo -g docker"), "{shown}");
    }

    #[test]
    fn operators_see_everybody_and_a_stuck_grant_is_loud() {
        let mut status = samples::status();
        let mut grant = samples::grant();
        grant.state = StateView::Stuck;
        grant.left = 0;
        status.all = Some(vec![grant]);
        status.sinks =
            vec![SinkView { name: "syslog".to_owned(), behind: 4, trouble: Some("refused".to_owned()) }];
        let shown = shown(&status);
        assert!(
            shown.contains("alice  web-restart  7k2m9xqa  STUCK: it could not be taken off yet"),
            "{shown}"
        );
        assert!(shown.contains("  because: INC-42 nginx stuck\n"), "{shown}");
        assert!(shown.contains("the sink syslog is 4 entries behind: refused\n"), "{shown}");
    }
}
