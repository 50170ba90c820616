//! Grants that were to end: off the host, or stuck on their way.

use jit_common::response::{EndedView, WasView};

use super::page::Ink;
use super::{Page, Text, pieces};

/// The answer to `drop`, `revoke` and `lock --revoke`.
pub(crate) fn page(ended: &[EndedView]) -> Page {
    let mut page = Page::default();
    if ended.is_empty() {
        page.line(2, Text::of("there was nothing live to end"));
    }
    for one in ended {
        page.line(2, line(one));
        if let Some(residue) = pieces::residue_now(&one.residue) {
            page.line(4, residue);
        }
    }
    page
}

fn line(one: &EndedView) -> Text {
    let grant = Text::default().strong(&one.role).plain(format!(" of {} ", one.person.name)).faint(one.id);
    if one.was == WasView::Open {
        return grant.plain(" was only asked for, and is ").then(Ink::Good, "closed");
    }
    match &one.stuck {
        None => grant.plain(" is ").then(Ink::Good, "off the host"),
        Some(why) => grant
            .plain(" is ")
            .then(Ink::Bad, "STUCK")
            .plain(format!(": {why}. jitd goes on trying; `jitctl show {}` tells how it stands", one.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    #[test]
    fn off_and_stuck_are_told_apart() {
        let off = EndedView {
            id: samples::grant().id,
            was: WasView::Live,
            person: samples::person(),
            role: "web-restart".to_owned(),
            stuck: None,
            residue: vec![],
        };
        let stuck = EndedView { stuck: Some("/run/jit is read-only".to_owned()), ..off.clone() };
        assert_eq!(
            page(&[off.clone(), stuck]).render(Terminal::plain()),
            "  web-restart of alice 7k2m9xqa is off the host\n\
             \x20 web-restart of alice 7k2m9xqa is STUCK: /run/jit is read-only. jitd goes on trying; `jitctl show \
             7k2m9xqa` tells how it stands\n"
        );
        let shell =
            EndedView { residue: vec!["bash (1234) on pts/3 still holds docker".to_owned()], ..off.clone() };
        assert_eq!(
            page(&[shell]).render(Terminal::plain()),
            "  web-restart of alice 7k2m9xqa is off the host\n\
             \x20   bash (1234) on pts/3 still holds docker; jitd ends what is no login, and a login keeps it until you log out\n"
        );
        let asked = EndedView { was: WasView::Open, ..off };
        assert_eq!(
            page(&[asked]).render(Terminal::plain()),
            "  web-restart of alice 7k2m9xqa was only asked for, and is closed\n"
        );
        assert_eq!(page(&[]).render(Terminal::plain()), "  there was nothing live to end\n");
    }
}
