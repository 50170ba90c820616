//! What runs with a grant, looked at when somebody asks for its story: on a thread of its own, for it takes a look at all processes.

use jit_common::ids::{IdPrefix, RequestId};
use jit_common::response::{Response, StoryView};
use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::Given;
use jit_mechanisms::running::running;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::{NANOS, Now};
use tokio::sync::oneshot;

use super::message::Call;
use super::{Engine, admission};
use crate::clock;
use crate::worker::Worker;

/// Stories that may wait.
const ROOM: usize = 64;

/// Nanoseconds for a look at all processes.
const LONGEST: i64 = NANOS / 2;

/// A story that lacks what runs.
#[derive(Debug)]
struct Unfinished {
    story: Box<StoryView>,
    paths: HostPaths,
    control_groups: Vec<RequestId>,
    memberships: Given,
    to: oneshot::Sender<Response>,
}

/// Whoever looks.
#[derive(Debug)]
pub(super) struct Running(Worker<Box<Unfinished>>);

impl Running {
    /// Nobody has asked yet.
    pub(super) fn new() -> Self {
        Self(Worker::new("running", ROOM, finish))
    }
}

impl Engine {
    /// Answers with the story of a request, and with what runs with it now.
    pub(super) fn tell_story(&mut self, call: Call, prefix: &IdPrefix, now: &Now) {
        self.flush(now);
        let story = admission::caller_is_the_person(&call.peer).and_then(|()| self.show(&call, prefix, now));
        let (id, past, story) = match story {
            Ok(story) => story,
            Err(refusal) => return self.refuse_call(call, refusal, now),
        };
        let control_groups = self.sessions.keeper.of(id);
        let memberships = self.lent_with(id, past.as_ref());
        if control_groups.is_empty() && memberships.is_empty() {
            return Self::answer(call.reply, Response::Story(story));
        }
        let (paths, to) = (self.host.paths.clone(), call.reply);
        let unfinished = Box::new(Unfinished { story, paths, control_groups, memberships, to });
        if let Err((why, unfinished)) = self.running.0.offer(unfinished) {
            let Unfinished { mut story, to, .. } = *unfinished;
            story.running = vec![format!("nobody looked: {}", crate::chain(&why))];
            Self::answer(to, Response::Story(story));
        }
    }

    /// The memberships by which something may run with a grant: those that it gives, or, when it is over, that nobody has by now.
    fn lent_with(&self, id: RequestId, ended: Option<&Grant>) -> Given {
        match (self.registry.get(id), ended) {
            (Some(grant), _) => self.host.given_by(grant),
            (None, Some(grant)) => self.host.nobodys(&self.host.were_put_in(grant)),
            (None, None) => Given::new(),
        }
    }
}

/// Looks, and answers.
fn finish(unfinished: Box<Unfinished>) {
    let Unfinished { mut story, paths, control_groups, memberships, to } = *unfinished;
    if to.is_closed() {
        return;
    }
    story.running = running(&paths, &control_groups, &memberships, clock::time_for(LONGEST));
    Engine::answer(to, Response::Story(story));
}
