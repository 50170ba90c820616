//! The opening of a session: asks jitd what the person holds and tells them.

use std::ffi::CStr;
use std::path::Path;
use std::time::Duration;

use jit_common::causes::chain;
use jit_common::client::{self, ClientError, Patience};
use jit_common::paths;
use jit_common::request::Request;
use jit_common::response::{GrantView, Response};
use pam::constants::{PAM_SILENT, PAM_TEXT_INFO, PamFlag};
use pam::conv::Conv;
use pam::items::{Service, User};
use pam::module::PamHandle;

use crate::arguments::{Arguments, Voice};
use crate::clock::Clock;
use crate::lines::lines;
use crate::syslog::Syslog;

/// How long jitd may hold up a login, with all it does.
const LIMIT: Duration = Duration::from_millis(200);

/// The longest user name, in bytes (`LOGIN_NAME_MAX` of limits.h).
const LONGEST_NAME: usize = 256;

/// Tells the person of the session which grants they hold. Whatever goes wrong is at most a line in syslog.
pub(crate) fn opened(handle: &PamHandle, arguments: &[&CStr], flags: PamFlag) {
    let arguments = Arguments::read(arguments);
    let log = Syslog { service: service(handle), detail: arguments.detail };
    for unknown in &arguments.unknown {
        log.trouble(&format!("the argument {unknown:?} is unknown and ignored; known are quiet and debug"));
    }
    match arguments.voice {
        Voice::Shown if flags & PAM_SILENT == 0 => tell(handle, &log),
        Voice::Shown | Voice::Quiet => log.detail("asked to be silent"),
    }
}

fn tell(handle: &PamHandle, log: &Syslog) {
    let Some(user) = user(handle) else {
        return log.detail("the session is of nobody who could hold a grant");
    };
    let grants = match grants() {
        Ok(grants) => grants,
        Err(Failure::Call(error @ ClientError::Unreachable { .. })) => return log.detail(&chain(&error)),
        Err(error) => return log.trouble(&chain(&error)),
    };
    let lines = lines(&grants, &user, &Clock::read());
    log.detail(&format!("lines to tell {user}: {}", lines.len()));
    let Ok(Some(person)) = handle.get_item::<Conv<'_>>() else { return };
    for line in lines {
        if let Err(code) = person.send(PAM_TEXT_INFO, &line) {
            return log.detail(&format!("the program does not show them: {code:?}"));
        }
    }
}

/// The person whose session it is. `None` for what cannot be the name of an account that jitd knows.
fn user(handle: &PamHandle) -> Option<String> {
    let user = handle.get_item::<User<'_>>().ok()??;
    let name = user.0.to_str().ok()?;
    (!name.is_empty() && name.len() <= LONGEST_NAME).then(|| name.to_owned())
}

fn service(handle: &PamHandle) -> String {
    let service = handle.get_item::<Service<'_>>().ok().flatten();
    service.map(|service| service.0.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Why there is nothing to tell.
#[derive(Debug)]
enum Failure {
    /// jitd gave no answer.
    Call(ClientError),
    /// jitd answered something else.
    Answer,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Answer => f.write_str("jitd does not say who holds what; see: journalctl -u jitd"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            Self::Answer => None,
        }
    }
}

/// The grants this process may see: everybody's for root, else those of the user it runs as. Whose they are is told by name,
/// so no account database, which may be slow or far away, is asked.
fn grants() -> Result<Vec<GrantView>, Failure> {
    match client::call(Path::new(paths::SOCKET), &Request::Status, Patience::Bounded(LIMIT)) {
        Ok(Response::Status(status)) => Ok(status.all.unwrap_or(status.mine)),
        Ok(_) => Err(Failure::Answer),
        Err(error) => Err(Failure::Call(error)),
    }
}
