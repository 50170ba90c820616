//! Which request `wait` means, and how it stands. The wait itself is that of `elevate`.
//!
//! The request lives in jitd, so any jitctl of the same person may wait for it, also when another one has stopped.

use jit_common::ids::{IdPrefix, RequestId};
use jit_common::refusal::Refusal;
use jit_common::request::Request;
use jit_common::response::{OpenView, PersonView, Response, StateView, StatusView, StoryView};

use crate::call::Daemon;
use crate::failure::Failure;
use crate::me;

/// No request has this version ever (`docs/wire.md`), so jitd answers at once.
const NEVER_SEEN: u64 = 0;

/// Finds the request that `which` means, by the beginning of its id or by its role; without it, the only open one of the
/// caller. Returns the question and its answer: the request while it is open, else what has become of it.
pub(crate) fn take_up(which: Option<&str>, daemon: &Daemon) -> Result<(Request, Response), Failure> {
    let status = match daemon.ask(&Request::Status)? {
        Response::Status(status) => status,
        refused => return Ok((Request::Status, refused)),
    };
    match meant(which, &status, me::uid()) {
        Meant::Open(open) => {
            let question = Request::Await { id: open.id, seen: open.version };
            Ok((question, Response::Open(open)))
        }
        Meant::Decided(id) => outcome(id, daemon),
        Meant::OnRecord(prefix) => on_record(prefix, daemon),
        Meant::Nothing(refusal) => Ok((Request::Status, Response::Refused { refusal, explanation: None })),
    }
}

/// What has become of a request of the caller, now.
fn outcome(id: RequestId, daemon: &Daemon) -> Result<(Request, Response), Failure> {
    let question = Request::Await { id, seen: NEVER_SEEN };
    let answer = daemon.ask(&question)?;
    Ok((question, answer))
}

/// The same of a request that is neither open nor live.
fn on_record(prefix: IdPrefix, daemon: &Daemon) -> Result<(Request, Response), Failure> {
    let question = Request::Show(prefix);
    let story = match daemon.ask(&question)? {
        Response::Story(story) => story,
        refused => return Ok((question, refused)),
    };
    if let Some(other) = whose(&story).filter(|person| person.uid != me::uid()) {
        let action = format!("wait for a request of {}", other.name);
        let refusal = Refusal::NotPermitted { action, need: "whoever made it".to_owned() };
        return Ok((question, Response::Refused { refusal, explanation: None }));
    }
    match id_of(&story) {
        Some(id) => outcome(id, daemon),
        None => Err(Failure::OutOfTurn),
    }
}

fn whose(story: &StoryView) -> Option<&PersonView> {
    let granted = story.grant.as_ref().map(|grant| &grant.person);
    granted.or_else(|| story.open.as_ref().map(|open| &open.person))
}

/// A request that was refused at once is neither a grant nor open: only its entries name it.
fn id_of(story: &StoryView) -> Option<RequestId> {
    let granted = story.grant.as_ref().map(|grant| grant.id);
    let open = story.open.as_ref().map(|open| open.id);
    granted.or(open).or_else(|| story.entries.iter().find_map(|entry| entry.request))
}

/// Which request is meant, as far as open requests and live grants tell.
#[derive(Debug, PartialEq, Eq)]
enum Meant {
    /// This one, which is open.
    Open(Box<OpenView>),
    /// This one, which is live, or on its way.
    Decided(RequestId),
    /// One that is over, if there is any.
    OnRecord(IdPrefix),
    /// None, or not one.
    Nothing(Refusal),
}

/// An open request goes before a live grant: an extension has the role of the grant that it prolongs.
fn meant(which: Option<&str>, status: &StatusView, me: u32) -> Meant {
    let mine = status.open.iter().filter(|open| open.person.uid == me);
    let Some(which) = which else { return the_only(mine.collect()) };
    let prefix: Option<IdPrefix> = which.parse().ok();
    let fits = |id, role: &str| role == which || prefix.as_ref().is_some_and(|prefix| prefix.matches(id));
    let open: Vec<&OpenView> = mine.filter(|open| fits(open.id, &open.role)).collect();
    match open.as_slice() {
        [] => {}
        [open] => return Meant::Open(Box::new((*open).clone())),
        several => return ambiguous(which, several.iter().map(|open| (open.id, open.role.as_str()))),
    }
    let grants = status.mine.iter().filter(|grant| fits(grant.id, &grant.role));
    let grants: Vec<(RequestId, &str)> = grants.map(|grant| (grant.id, grant.role.as_str())).collect();
    match (grants.as_slice(), prefix) {
        ([(id, _)], _) => Meant::Decided(*id),
        ([], Some(prefix)) => Meant::OnRecord(prefix),
        ([], None) => Meant::Nothing(Refusal::NoSuchThing { what: "request".into(), id: which.to_owned() }),
        (several, _) => ambiguous(which, several.iter().copied()),
    }
}

/// The one that waits for people; one that waits for its start only when no other is open.
fn the_only(mine: Vec<&OpenView>) -> Meant {
    let (pending, decided): (Vec<_>, Vec<_>) =
        mine.into_iter().partition(|open| open.state == StateView::Pending);
    let open = if pending.is_empty() { decided } else { pending };
    match open.as_slice() {
        [] => {
            let (what, id) = ("open request of yours".to_owned(), String::new());
            Meant::Nothing(Refusal::NoSuchThing { what, id })
        }
        [open] => Meant::Open(Box::new((*open).clone())),
        several => ambiguous("", several.iter().map(|open| (open.id, open.role.as_str()))),
    }
}

fn ambiguous<'a>(which: &str, fits: impl Iterator<Item = (RequestId, &'a str)>) -> Meant {
    let fits = fits.map(|(id, role)| format!("{id} ({role})")).collect();
    Meant::Nothing(Refusal::AmbiguousId { prefix: which.to_owned(), fits })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::show::samples;

    /// The sample's open request (7k2m9xqa, docker), one for `web`, and somebody else's.
    fn status() -> StatusView {
        let mine = samples::open();
        let mut web = OpenView { id: "7kzzzzzz".parse().unwrap(), role: "web".to_owned(), ..mine.clone() };
        web.state = StateView::Scheduled;
        let mut other = OpenView { id: "4h1kz0ab".parse().unwrap(), ..mine.clone() };
        other.person.uid = 4711;
        StatusView { mine: vec![], open: vec![mine, web, other], ..samples::status() }
    }

    fn found(which: Option<&str>, status: &StatusView) -> Meant {
        meant(which, status, samples::open().person.uid)
    }

    fn open_id(which: Option<&str>, status: &StatusView) -> String {
        match found(which, status) {
            Meant::Open(open) => open.id.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_open_request_is_found_by_id_and_by_role() {
        assert_eq!(open_id(Some("7k2m"), &status()), "7k2m9xqa");
        assert_eq!(open_id(Some("docker"), &status()), "7k2m9xqa", "not somebody else's");
        assert_eq!(open_id(Some("web"), &status()), "7kzzzzzz", "a role that could be an id");
        let Meant::Nothing(Refusal::AmbiguousId { fits, .. }) = found(Some("7k"), &status()) else {
            panic!("7k fits two")
        };
        assert_eq!(fits, ["7k2m9xqa (docker)", "7kzzzzzz (web)"]);
    }

    #[test]
    fn without_a_word_the_one_that_people_have_to_decide_is_meant() {
        let mut status = status();
        assert_eq!(open_id(None, &status), "7k2m9xqa");
        let docker = status.open.remove(0);
        assert_eq!(open_id(None, &status), "7kzzzzzz", "a schedule when nothing else is open");
        let another = OpenView { id: "9kzzzzzz".parse().unwrap(), ..docker.clone() };
        status.open.extend([docker, another]);
        assert!(matches!(found(None, &status), Meant::Nothing(Refusal::AmbiguousId { .. })));
        status.open.clear();
        assert!(matches!(found(None, &status), Meant::Nothing(Refusal::NoSuchThing { .. })));
    }

    #[test]
    fn what_is_live_by_now_is_decided_and_an_extension_of_it_is_not() {
        let mut status = status();
        status.mine = vec![jit_common::response::GrantView { role: "docker".to_owned(), ..samples::grant() }];
        assert_eq!(open_id(Some("docker"), &status), "7k2m9xqa");
        status.open.clear();
        assert_eq!(found(Some("docker"), &status), Meant::Decided(samples::grant().id));
    }

    #[test]
    fn what_is_neither_may_be_on_record_when_it_is_an_id() {
        assert_eq!(found(Some("4h1k"), &status()), Meant::OnRecord("4h1k".parse().unwrap()));
        assert!(matches!(found(Some("vault"), &status()), Meant::Nothing(Refusal::NoSuchThing { .. })));
    }
}
