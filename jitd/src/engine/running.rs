//! What runs with a grant, looked at when somebody asks for its story: on a thread of its own, for it takes a look at all processes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jit_common::ids::{IdPrefix, RequestId};
use jit_common::response::{Response, StoryView};
use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::Given;
use jit_mechanisms::running::running;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::{NANOS, Now};
use tokio::sync::oneshot;

use super::calls::caller;
use super::message::Call;
use super::{Engine, admission};
use crate::clock;
use crate::worker::Worker;

/// Stories that may wait, and how many of them one uid may have asked for.
const ROOM: (usize, usize) = (64, 4);

/// Nanoseconds for a look at all processes.
const LONGEST: i64 = NANOS / 2;

/// A story that lacks what runs.
#[derive(Debug)]
struct Unfinished {
    story: Box<StoryView>,
    paths: HostPaths,
    control_groups: Vec<RequestId>,
    memberships: Given,
    told: Told,
    asks: Option<u32>,
    to: oneshot::Sender<Response>,
    /// One of those that its uid has asked for.
    _place: Arc<()>,
}

/// How much somebody is told of the processes of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Each by name.
    Names,
    /// That there are any: it is theirs to decide about requests, and not to watch what others run.
    Number,
}

/// Whoever looks.
#[derive(Debug)]
pub(super) struct Running {
    worker: Worker<Box<Unfinished>>,
    places: BTreeMap<u32, Arc<()>>,
}

impl Running {
    /// Nobody has asked yet.
    pub(super) fn new() -> Self {
        Self { worker: Worker::new("running", ROOM.0, finish), places: BTreeMap::new() }
    }

    /// A place for one more that this uid asks for, unless too many of theirs wait.
    fn place(&mut self, uid: u32) -> Option<Arc<()>> {
        self.places.retain(|_, place| Arc::strong_count(place) > 1);
        let place = self.places.entry(uid).or_default();
        (Arc::strong_count(place) <= ROOM.1).then(|| place.clone())
    }
}

impl Engine {
    /// Answers with the story of a request, and with what runs with it now.
    pub(super) fn tell_story(&mut self, call: Call, prefix: &IdPrefix, now: &Now) {
        self.flush(now);
        let story = admission::caller_is_the_person(&call.peer).and_then(|()| self.show(&call, prefix, now));
        let (id, past, mut story) = match story {
            Ok(story) => story,
            Err(refusal) => return self.refuse_call(call, refusal, now),
        };
        let grant = self.registry.get(id).or(past.as_ref());
        let is_theirs = grant.is_some_and(|grant| grant.by == caller(&call));
        let told = match is_theirs || admission::sees_all(&self.live.policy, call.peer.uid, &call.person) {
            true => Told::Names,
            false => Told::Number,
        };
        let control_groups = self.sessions.keeper.of(id);
        let memberships = self.lent_with(id, past.as_ref(), now);
        if control_groups.is_empty() && memberships.is_empty() {
            return Self::answer(call.reply, Response::Story(story));
        }
        let Some(place) = self.running.place(call.peer.uid) else {
            story.running = vec!["nobody looked: too many of your questions wait".to_owned()];
            return Self::answer(call.reply, Response::Story(story));
        };
        let (paths, to) = (self.host.paths.clone(), call.reply);
        let asks = call.peer.origin.pid.and_then(|pid| u32::try_from(pid).ok());
        let unfinished =
            Unfinished { story, paths, control_groups, memberships, told, asks, to, _place: place };
        if let Err((why, unfinished)) = self.running.worker.offer(Box::new(unfinished)) {
            let Unfinished { mut story, to, .. } = *unfinished;
            story.running = vec![format!("nobody looked: {}", crate::chain(&why))];
            Self::answer(to, Response::Story(story));
        }
    }

    /// The memberships by which something may run with a grant: those that it gives, or, when it is over, those that nobody has
    /// by now. What runs by them does not outlast a boot.
    fn lent_with(&self, id: RequestId, ended: Option<&Grant>, now: &Now) -> Given {
        match (self.registry.get(id), ended) {
            (Some(grant), _) => self.host.given_by(grant),
            (None, Some(grant)) if grant.deadline.boot_id == now.boot_id => {
                self.host.nobodys(&self.host.were_put_in(grant))
            }
            (None, _) => Given::new(),
        }
    }
}

/// Looks, and answers.
fn finish(unfinished: Box<Unfinished>) {
    let Unfinished { mut story, paths, control_groups, memberships, told, asks, to, _place } = *unfinished;
    if to.is_closed() {
        return;
    }
    let lines = running(&paths, &control_groups, &memberships, asks, clock::time_for(LONGEST));
    story.running = match (told, lines.len()) {
        (Told::Names, _) | (Told::Number, 0) => lines,
        (Told::Number, 1) => vec!["something: its holder, auditors, operators and root see what".to_owned()],
        (Told::Number, _) => {
            vec!["several processes: its holder, auditors, operators and root see which".to_owned()]
        }
    };
    Engine::answer(to, Response::Story(story));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_uid_has_four_places_and_gets_them_back() {
        let mut running = Running::new();
        let places: Vec<Option<Arc<()>>> = (0..5).map(|_| running.place(1000)).collect();
        assert_eq!(places.iter().flatten().count(), ROOM.1);
        assert!(running.place(1001).is_some(), "others have theirs");
        drop(places);
        assert!(running.place(1000).is_some());
    }
}
