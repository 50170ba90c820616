//! Calls of jitd. One question, one answer, and the answer must belong to the question.

use std::path::PathBuf;
use std::time::Duration;

use jit_common::client::{self, Client, Patience};
use jit_common::request::{LiveGrants, LogQuery, LogUntil, Request};
use jit_common::response::{LogEntry, Response};

use crate::failure::Failure;

/// Where jitd listens, and how long it may take to answer.
#[derive(Clone, Debug)]
pub(crate) struct Daemon {
    /// Its socket.
    pub(crate) socket: PathBuf,
    /// The longest wait for one answer.
    pub(crate) timeout: Duration,
}

impl Daemon {
    /// Asks, and returns the answer. A refusal is an answer.
    pub(crate) fn ask(&self, request: &Request) -> Result<Response, Failure> {
        self.ask_within(request, self.timeout)
    }

    /// The same with another limit.
    pub(crate) fn ask_within(&self, request: &Request, limit: Duration) -> Result<Response, Failure> {
        let answer = client::call(&self.socket, request, Patience::Bounded(limit))?;
        if belongs(request, &answer) { Ok(answer) } else { Err(Failure::OutOfTurn) }
    }

    /// Reads the record, and hands on the entries as they come. Returns a refusal, if it was one.
    pub(crate) fn log(
        &self,
        query: LogQuery,
        mut each: impl FnMut(Vec<LogEntry>) -> Result<(), Failure>,
    ) -> Result<Option<Response>, Failure> {
        let patience = match query.until {
            LogUntil::Now => Patience::Bounded(self.timeout),
            LogUntil::HangUp => Patience::Endless,
        };
        let mut client = Client::ask(&self.socket, &Request::Log(query), patience)?;
        loop {
            match client.answer()? {
                Response::Log(entries) => each(entries)?,
                Response::LogEnd => return Ok(None),
                refused @ Response::Refused { .. } => return Ok(Some(refused)),
                Response::Welcome { .. }
                | Response::WrongVersion { .. }
                | Response::Granted(_)
                | Response::Open(_)
                | Response::Pending(_)
                | Response::Explained(_)
                | Response::Status(_)
                | Response::Roles(_)
                | Response::Story(_)
                | Response::Ended(_)
                | Response::Entered { .. }
                | Response::Pam(_)
                | Response::Drift(_)
                | Response::Done
                | Response::Unlocked { .. } => return Err(Failure::OutOfTurn),
            }
        }
    }
}

/// Whether an answer is one to this request.
fn belongs(request: &Request, answer: &Response) -> bool {
    if matches!(answer, Response::Refused { .. }) {
        return true;
    }
    match request {
        Request::Elevate(_) | Request::Extend { .. } | Request::Approve { .. } => {
            matches!(answer, Response::Granted(_) | Response::Open(_))
        }
        Request::Await { id, .. } => match answer {
            Response::Granted(grant) => grant.id == *id,
            Response::Open(open) => open.id == *id,
            _ => false,
        },
        Request::Pending => matches!(answer, Response::Pending(_)),
        Request::Explain { .. } => matches!(answer, Response::Explained(_)),
        Request::Status => matches!(answer, Response::Status(_)),
        Request::Drift => matches!(answer, Response::Drift(_)),
        Request::Roles => matches!(answer, Response::Roles(_)),
        Request::Show(_) => matches!(answer, Response::Story(_)),
        Request::Drop(_) | Request::Revoke { .. } => matches!(answer, Response::Ended(_)),
        // Without --revoke there is nothing to list, and jitd may simply say that it is done.
        Request::Lock { live: LiveGrants::Keep, .. } => matches!(answer, Response::Ended(_) | Response::Done),
        Request::Lock { live: LiveGrants::Revoke, .. } => matches!(answer, Response::Ended(_)),
        Request::Enter { .. } => matches!(answer, Response::Entered { .. }),
        Request::Deny { .. } | Request::Cancel(_) | Request::Erase(_) | Request::Leave { .. } => {
            matches!(answer, Response::Done)
        }
        Request::Unlock { .. } => matches!(answer, Response::Unlocked { .. }),
        // The PAM module's, not ours.
        Request::Pam(_) => false,
        Request::Log(_) => matches!(answer, Response::Log(_) | Response::LogEnd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_to_another_question_is_no_answer() {
        let elevate = Request::Elevate(jit_common::request::Ask::default());
        assert!(!belongs(&elevate, &Response::Done));
        assert!(!belongs(&Request::Status, &Response::Ended(vec![])));
        assert!(belongs(&Request::Unlock { note: None }, &Response::Unlocked { begin: 0 }));
    }
}
