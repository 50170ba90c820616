//! The one way to jitd: asked once, and not waited for longer than a fifth of a second.

use std::path::Path;
use std::time::Duration;

use jit_common::client::{self, ClientError, Patience};
use jit_common::paths;
use jit_common::refusal::Refusal;
use jit_common::request::{PamAsk, Request};
use jit_common::response::{GrantView, PamSays, Response};

/// How long jitd may hold up a login, with all it does.
const LIMIT: Duration = Duration::from_millis(200);

/// Why jitd did not say it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsaid {
    /// It gave no answer.
    #[error(transparent)]
    Call(#[from] ClientError),
    /// It said no.
    #[error("jitd refuses: {0}")]
    Refused(Refusal),
    /// It answered something else.
    #[error("jitd answered something else than was asked; see: journalctl -u jitd")]
    Answer,
}

impl Unsaid {
    /// Whether jitd simply does not run, which is nothing to write to syslog where nobody needs it.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Call(ClientError::Unreachable { .. }))
    }
}

/// The grants this process may see: everybody's for root, else those of the user it runs as. Whose they are is told by name,
/// so no account database, which may be slow or far away, is asked.
pub(crate) fn grants() -> Result<Vec<GrantView>, Unsaid> {
    match ask(&Request::Status)? {
        Response::Status(status) => Ok(status.all.unwrap_or(status.mine)),
        other => Err(unexpected(other)),
    }
}

/// What grants have to do with somebody.
pub(crate) fn says(ask_for: PamAsk) -> Result<PamSays, Unsaid> {
    match ask(&Request::Pam(ask_for))? {
        Response::Pam(says) => Ok(says),
        other => Err(unexpected(other)),
    }
}

/// Says that the session of this process is over.
pub(crate) fn close() -> Result<(), Unsaid> {
    match ask(&Request::Pam(PamAsk::Close))? {
        Response::Done => Ok(()),
        other => Err(unexpected(other)),
    }
}

fn ask(request: &Request) -> Result<Response, ClientError> {
    client::call(Path::new(paths::SOCKET), request, Patience::Bounded(LIMIT))
}

fn unexpected(response: Response) -> Unsaid {
    match response {
        Response::Refused { refusal, .. } => Unsaid::Refused(refusal),
        _ => Unsaid::Answer,
    }
}
