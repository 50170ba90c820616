//! Waiting for people: asks jitd again and again what has become of an open request, and says what has changed.
//!
//! The request lives in jitd, not here. A jitd that restarts, a connection that breaks and a person who stops waiting
//! leave it as it is.

use std::io;
use std::sync::mpsc::{TryRecvError, channel};
use std::thread;
use std::time::Duration;

use jit_common::client::ClientError;
use jit_common::refusal::Refusal;
use jit_common::request::Request;
use jit_common::response::{OpenView, Response, StateView};

use crate::call::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::AnswerJson;
use crate::output::Output;
use crate::show;
use crate::show::page::Ink;
use crate::signals::{self, Signals};
use crate::time;

/// Longer than the request stays open: jitd says itself that it has lapsed.
const MARGIN: Duration = Duration::from_secs(30);
/// How long jitd may take to say how things stand, when the person has stopped waiting.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// Between two questions when the first was answered with nothing new.
const UNCHANGED: Duration = Duration::from_secs(1);
/// Between two tries to reach a jitd that is away: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// A jitd that restarts may stay away for so many times the limit of one answer.
const AWAY: u32 = 4;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The decision: a request that waits for its start only is decided.
    Decided,
    /// The grant.
    Live,
}

/// How the waiting ended.
#[derive(Debug)]
pub(crate) enum Waited {
    /// With jitd's last word.
    Over(Response),
    /// By this signal, with things as they stood then.
    Interrupted(i32, Response),
}

/// Waits until `open` is decided. What happens meanwhile is said on standard error.
pub(crate) fn wait(
    open: OpenView,
    until: Until,
    daemon: &Daemon,
    signals: &mut Signals,
    output: &Output,
) -> Result<Waited, Failure> {
    let id = open.id;
    let mut waiting =
        Waiting { open, known: Known::Seen, absence: Absence::default(), pause: Duration::ZERO };
    let page = show::open::waiting(&waiting.open, &output.at_present().clock);
    output.aside(&page, &AnswerJson::open(&waiting.open, Exit::Pending));
    loop {
        let heard = waiting.ask(daemon, signals).map_err(Failure::CannotWait);
        let answer = match heard.map_err(|failure| gave_up(id, failure))? {
            Heard::Signal(signal) => return Ok(Waited::Interrupted(signal, waiting.last_look(daemon))),
            Heard::Answer(answer) => *answer,
        };
        if let Some(last) = waiting.heard(answer, until, daemon, output).map_err(|why| gave_up(id, why))? {
            return Ok(Waited::Over(last));
        }
    }
}

fn gave_up(id: jit_common::ids::RequestId, failure: Failure) -> Failure {
    Failure::GaveUp { id, source: Box::new(failure) }
}

/// What one question ended with.
enum Heard {
    /// The person was told to stop waiting.
    Signal(i32),
    /// An answer or none.
    Answer(Box<Result<Response, Failure>>),
}

/// Whether the last version that was seen is still worth naming.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// jitd shall answer when it has another one.
    Seen,
    /// jitd was away: it shall answer at once, for its numbers may have begun anew.
    Nothing,
}

/// How long jitd has been away.
#[derive(Clone, Copy, Debug, Default)]
struct Absence {
    spent: Duration,
    pause: Duration,
}

struct Waiting {
    open: OpenView,
    known: Known,
    absence: Absence,
    pause: Duration,
}

impl Waiting {
    fn question(&self) -> Request {
        let seen = match self.known {
            Known::Seen => self.open.version,
            Known::Nothing => self.open.version.wrapping_add(1),
        };
        Request::Await { id: self.open.id, seen }
    }

    /// Asks on a thread, so that a signal is heard meanwhile.
    fn ask(&self, daemon: &Daemon, signals: &mut Signals) -> io::Result<Heard> {
        let (sender, receiver) = channel();
        let (question, pause, daemon) = (self.question(), self.pause, daemon.clone());
        let limit = time::span(self.open.left).saturating_add(MARGIN).max(daemon.timeout);
        // Not joined: whoever stops waiting ends the process soon after.
        thread::Builder::new().spawn(move || {
            thread::sleep(pause);
            // Nobody hears it when the person has stopped waiting.
            let _ = sender.send(daemon.ask_within(&question, limit));
            signals::wake();
        })?;
        loop {
            if let Some(signal) = signals.sleep() {
                return Ok(Heard::Signal(signal));
            }
            match receiver.try_recv() {
                Ok(answer) => return Ok(Heard::Answer(Box::new(answer))),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Err(io::Error::other("the waiting thread ended")),
            }
        }
    }

    /// Takes an answer in. Returns it when it is the last.
    fn heard(
        &mut self,
        answer: Result<Response, Failure>,
        until: Until,
        daemon: &Daemon,
        output: &Output,
    ) -> Result<Option<Response>, Failure> {
        let answer = match answer {
            Ok(Response::Refused { refusal: Refusal::RateLimited { wait_secs }, .. }) => {
                self.pause = Duration::from_secs(u64::from(wait_secs)).max(UNCHANGED);
                return Ok(None);
            }
            Ok(Response::Refused { refusal, .. }) if passes(&refusal) => {
                return self.away(&said_by(&refusal), None, daemon, output);
            }
            Err(Failure::Client(error @ (ClientError::Unreachable { .. } | ClientError::Broken(_)))) => {
                return self.away("jitd went away", Some(Failure::Client(error)), daemon, output);
            }
            Err(other) => return Err(other),
            Ok(answer) => answer,
        };
        if self.absence.spent > Duration::ZERO {
            output.remark(Ink::Good, "jitd is back");
        }
        (self.absence, self.known) = (Absence::default(), Known::Seen);
        match answer {
            Response::Open(open) if goes_on(open.state, until) => {
                self.changed(*open, output);
                Ok(None)
            }
            last => Ok(Some(last)),
        }
    }

    fn changed(&mut self, open: OpenView, output: &Output) {
        self.pause = if open.version == self.open.version { UNCHANGED } else { Duration::ZERO };
        let page = show::changed::page(&self.open, &open, &output.at_present().clock);
        if !page.is_empty() {
            output.aside(&page, &AnswerJson::open(&open, Exit::Pending));
        }
        self.open = open;
    }

    /// Tries again in a while, and gives up when that has gone on for too long.
    fn away(
        &mut self,
        said: &str,
        failure: Option<Failure>,
        daemon: &Daemon,
        output: &Output,
    ) -> Result<Option<Response>, Failure> {
        let most = daemon.timeout.saturating_mul(AWAY);
        if self.absence.spent >= most {
            return Err(failure.unwrap_or_else(|| Failure::Away(said.to_owned())));
        }
        if self.absence.spent.is_zero() {
            let id = self.open.id;
            let most = most.as_secs();
            output.remark(
                Ink::Warn,
                &format!("{said}. The request {id} stays open; trying to reach jitd again for {most} s"),
            );
        }
        let (first, longest) = RETRY;
        self.absence.pause = self.absence.pause.saturating_mul(2).clamp(first, longest);
        self.absence.spent = self.absence.spent.saturating_add(self.absence.pause);
        (self.pause, self.known) = (self.absence.pause, Known::Nothing);
        Ok(None)
    }

    /// How it stands at this moment; as it was seen last when jitd does not say.
    fn last_look(&mut self, daemon: &Daemon) -> Response {
        self.known = Known::Nothing;
        match daemon.ask_within(&self.question(), LAST_LOOK.min(daemon.timeout)) {
            Ok(Response::Refused { refusal, .. }) if passes(&refusal) => {}
            Ok(Response::Refused { refusal: Refusal::RateLimited { .. }, .. }) | Err(_) => {}
            Ok(answer) => return answer,
        }
        Response::Open(Box::new(self.open.clone()))
    }
}

/// Whether a refusal is about jitd and this moment, not about the request.
fn passes(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Stopping | Refusal::Busy | Refusal::TooManyOpen { .. } | Refusal::LedgerUnavailable { .. }
    )
}

/// What it says in the middle of a wait, where "try again" is what we do.
fn said_by(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Stopping => "jitd is stopping".to_owned(),
        other => other.to_string(),
    }
}

/// Whether there is more to wait for.
fn goes_on(state: StateView, until: Until) -> bool {
    match (state, until) {
        (StateView::Pending, _)
        | (StateView::Scheduled | StateView::Applying | StateView::Active, Until::Live) => true,
        (StateView::Scheduled | StateView::Applying | StateView::Active, Until::Decided)
        | (
            StateView::Closed | StateView::Ending | StateView::Stuck | StateView::Ended | StateView::Refused,
            _,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use jit_common::refusal::HowClosed;

    use super::*;

    #[test]
    fn a_schedule_is_a_decision_and_no_grant() {
        assert!(goes_on(StateView::Pending, Until::Decided));
        assert!(!goes_on(StateView::Scheduled, Until::Decided));
        assert!(goes_on(StateView::Scheduled, Until::Live));
        assert!(!goes_on(StateView::Closed, Until::Live));
    }

    #[test]
    fn what_is_about_the_request_is_its_end() {
        assert!(passes(&Refusal::Stopping));
        let how = HowClosed::Denied { by: "bert".to_owned(), note: String::new() };
        let denied = Refusal::RequestClosed { id: "7k2m9xqa".to_owned(), how };
        assert!(!passes(&denied));
    }
}
