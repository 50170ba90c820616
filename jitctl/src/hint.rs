//! What to type instead, where jitd's refusal cannot know it: said below the refusal, for the eye.

use jit_common::ids::{IdPrefix, RequestId};
use jit_common::refusal::Refusal;
use jit_common::request::{DropTarget, Request};
use jit_common::response::{OpenView, Response, StateView, StatusView};

use crate::call::Daemon;
use crate::me;
use crate::show::{Page, Text};
use crate::time::Clock;

/// What may help after `refusal` of `request`. Empty when nothing is known; a jitd that does not say is no failure here.
pub(crate) fn after(request: &Request, refusal: &Refusal, daemon: &Daemon, clock: &Clock) -> Page {
    let mut page = Page::default();
    if let Some(text) = text(request, refusal, daemon, clock) {
        page.line(2, text);
    }
    page
}

fn text(request: &Request, refusal: &Refusal, daemon: &Daemon, clock: &Clock) -> Option<Text> {
    match (request, refusal) {
        (Request::Elevate(_), Refusal::AlreadyOpen { id, .. }) => scheduled(id, &status(daemon)?, clock),
        (Request::Cancel(id), Refusal::NoSuchThing { .. } | Refusal::NotNow { .. }) => {
            live(id, &status(daemon)?)
        }
        (Request::Drop(target), Refusal::NoSuchThing { .. } | Refusal::NotNow { .. }) => {
            asked_for(target, &status(daemon)?, me::uid())
        }
        (Request::Approve { .. } | Request::Deny { .. }, Refusal::NoSuchThing { .. }) => {
            Some(Text::default().strong("jitctl pending").plain(" shows what waits for you"))
        }
        _ => None,
    }
}

fn status(daemon: &Daemon) -> Option<StatusView> {
    match daemon.ask(&Request::Status) {
        Ok(Response::Status(status)) => Some(*status),
        Ok(_) | Err(_) => None,
    }
}

/// That the open request in the way only waits for its start.
fn scheduled(id: &str, status: &StatusView, clock: &Clock) -> Option<Text> {
    let waits = |open: &&OpenView| open.id.as_str() == id && open.state == StateView::Scheduled;
    let start = status.open.iter().find(waits)?.start?;
    let text = Text::of(format!("it is scheduled for {}: ", clock.short(start)));
    Some(text.strong(format!("jitctl cancel {id}")).plain(" first to have it now"))
}

/// That what was to be cancelled is live.
fn live(prefix: &IdPrefix, status: &StatusView) -> Option<Text> {
    let grant = only(status.mine.iter().filter(|grant| prefix.matches(grant.id)))?;
    let text =
        Text::default().strong(&grant.role).plain(format!(" ({}) is granted; give it back: ", grant.id));
    Some(text.strong(format!("jitctl drop {}", grant.id)))
}

/// That what was to be given back is only asked for.
fn asked_for(target: &DropTarget, status: &StatusView, me: u32) -> Option<Text> {
    let meant = |id: RequestId, role: &str| match target {
        DropTarget::Named(which) => {
            role == which || which.parse().is_ok_and(|prefix: IdPrefix| prefix.matches(id))
        }
        DropTarget::Only | DropTarget::All => true,
    };
    let open = status.open.iter().filter(|open| open.person.uid == me && meant(open.id, &open.role));
    let open = only(open)?;
    let text =
        Text::default().strong(&open.role).plain(format!(" ({}) is only asked for; take it back: ", open.id));
    Some(text.strong(format!("jitctl cancel {}", open.id)))
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let one = all.next()?;
    all.next().is_none().then_some(one)
}

/// The request with the whole id instead of its beginning, for saying what was done; as it was when jitd does not tell.
pub(crate) fn in_full(request: Request, daemon: &Daemon) -> Request {
    let full = |id: &IdPrefix| -> Option<IdPrefix> {
        match daemon.ask(&Request::Show(id.clone())) {
            Ok(Response::Story(story)) => story.open?.id.as_str().parse().ok(),
            Ok(_) | Err(_) => None,
        }
    };
    match request {
        Request::Deny { id, note } => Request::Deny { id: full(&id).unwrap_or(id), note },
        Request::Cancel(id) => Request::Cancel(full(&id).unwrap_or(id)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples;
    use crate::terminal::Terminal;

    fn shown(text: Option<Text>) -> String {
        let mut page = Page::default();
        text.into_iter().for_each(|text| page.line(0, text));
        page.render(Terminal::plain())
    }

    #[test]
    fn a_schedule_in_the_way_is_cancelled_first() {
        let mut status = StatusView { open: vec![samples::scheduled()], ..samples::status() };
        let said = |status: &StatusView| shown(scheduled("7k2m9xqa", status, &samples::clock()));
        assert_eq!(said(&status), "it is scheduled for 14:30: jitctl cancel 7k2m9xqa first to have it now\n");
        status.open = vec![samples::open()];
        assert_eq!(said(&status), "", "it waits for people");
    }

    #[test]
    fn cancel_and_drop_are_told_apart() -> Result<(), jit_common::ids::IdError> {
        let mut status = StatusView { mine: vec![samples::grant()], ..samples::status() };
        let said = shown(live(&"7k2m".parse()?, &status));
        assert_eq!(said, "web-restart (7k2m9xqa) is granted; give it back: jitctl drop 7k2m9xqa\n");
        assert_eq!(shown(live(&"4h1k".parse()?, &status)), "");
        status.open.push(samples::open());
        let me = samples::person().uid;
        for target in [DropTarget::Named("docker".into()), DropTarget::Named("7k".into()), DropTarget::Only] {
            let said = shown(asked_for(&target, &status, me));
            assert_eq!(said, "docker (7k2m9xqa) is only asked for; take it back: jitctl cancel 7k2m9xqa\n");
        }
        assert_eq!(shown(asked_for(&DropTarget::Only, &status, me + 1)), "", "not somebody else's");
        Ok(())
    }
}
