//! Those who wait to hear what becomes of their open requests.

use std::mem;

use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jit_common::response::Response;
use jitd_core::lifecycle::state::State;
use jitd_core::now::Now;
use jitd_core::record::Person;
use tokio::sync::oneshot;

use super::calls::caller;
use super::elevate::answer;
use super::message::Call;
use super::past::Past;
use super::{Engine, admission, views};

/// Somebody who waits for a request to change.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) id: RequestId,
    /// The version of it that they have seen.
    pub(super) seen: u64,
    pub(super) to: WaitsBy,
}

/// What somebody waits by.
#[derive(Debug)]
pub(super) enum WaitsBy {
    /// Their request.
    Asking(Box<Call>),
    /// Their approval, with which nothing is missing any more.
    Approving(oneshot::Sender<Response>),
}

impl WaitsBy {
    fn is_closed(&self) -> bool {
        match self {
            Self::Asking(call) => call.reply.is_closed(),
            Self::Approving(reply) => reply.is_closed(),
        }
    }
}

impl Engine {
    /// Answers as soon as a request of the caller is not as they have seen it.
    pub(super) fn wait_for(&mut self, call: Call, id: RequestId, seen: u64, now: &Now) {
        self.flush(now);
        let theirs =
            admission::caller_is_the_person(&call.peer).and_then(|()| self.is_theirs(id, &caller(&call)));
        match theirs {
            Ok(()) => {
                self.waiters.push(Waiter { id, seen, to: WaitsBy::Asking(Box::new(call)) });
                self.tell_waiters(now);
            }
            Err(refusal) => self.refuse_call(call, refusal, now),
        }
    }

    fn is_theirs(&mut self, id: RequestId, caller: &Person) -> Result<(), Refusal> {
        let nothing = || Refusal::NoSuchThing { what: "request".into(), id: id.to_string() };
        let open = self.registry.open_request(id).map(|open| open.by.clone());
        let person = match open.or_else(|| self.registry.get(id).map(|grant| grant.by.clone())) {
            Some(person) => Some(person),
            None => {
                let rows = self.book.rows_of(id).map_err(|why| Refusal::LedgerUnavailable { why })?;
                Past::of(id, &rows).person
            }
        };
        if person.as_ref() == Some(caller) { Ok(()) } else { Err(nothing()) }
    }

    /// Whether the requester sits and waits: then they hear of it there, and not on their terminals as well.
    pub(super) fn is_waited_for(&self, id: RequestId) -> bool {
        let asks = |to: &WaitsBy| match to {
            WaitsBy::Asking(call) => !call.reply.is_closed(),
            WaitsBy::Approving(_) => false,
        };
        self.waiters.iter().any(|waiter| waiter.id == id && asks(&waiter.to))
    }

    /// A grant that people decided about is in force, perhaps long after it was asked for.
    pub(super) fn tell_of_the_grant(&mut self, id: RequestId) {
        let waited_for = self.is_waited_for(id);
        if let Some(grant) = self.registry.get(id).filter(|grant| !grant.votes.is_empty() && !waited_for) {
            self.notices.granted(grant);
        }
    }

    /// Tells everybody whose request has changed.
    pub(super) fn tell_waiters(&mut self, now: &Now) {
        for waiter in mem::take(&mut self.waiters) {
            if waiter.to.is_closed() {
                continue;
            }
            match (self.has_changed(&waiter), waiter) {
                (true, Waiter { id, to: WaitsBy::Asking(call), .. }) => {
                    let response = self.how_it_is(id, Some(&call), now);
                    answer(call.reply, response);
                }
                (true, Waiter { id, to: WaitsBy::Approving(reply), .. }) => {
                    let response = self.how_it_is(id, None, now);
                    answer(reply, response);
                }
                (false, waiter) => self.waiters.push(waiter),
            }
        }
    }

    /// A grant that is not in force yet is nothing to tell of.
    fn has_changed(&self, waiter: &Waiter) -> bool {
        if let Some(open) = self.registry.open_request(waiter.id) {
            return self.version(open) != waiter.seen;
        }
        self.registry.get(waiter.id).is_none_or(|grant| grant.state != State::Applying)
    }

    /// What has become of a request, for whoever waits for it.
    pub(super) fn how_it_is(&mut self, id: RequestId, call: Option<&Call>, now: &Now) -> Response {
        if let Some(open) = self.registry.open_request(id) {
            return Response::Open(Box::new(self.open_view(open, call, now)));
        }
        if let Some(grant) = self.registry.get(id).filter(|grant| grant.state.is_wanted()) {
            return Response::Granted(Box::new(views::grant(grant, now, None)));
        }
        self.book.settle(now);
        let refusal = match self.book.rows_of(id) {
            Ok(rows) => Past::of(id, &rows).refusal(id),
            Err(why) => Refusal::LedgerUnavailable { why },
        };
        Response::Refused { refusal, explanation: None }
    }
}
