//! Who is at the other end of a connection, taken once, at accept.
//!
//! The uid comes from the kernel (`SO_PEERCRED`, unix(7)) and decides. Everything else is read from /proc for
//! the record, but for the login uid, which restricts: whoever came by `su` or `sudo -u` is not that person.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use jit_mechanisms::control_groups::is_there;
use jit_mechanisms::process_stat::Stat;
use jitd_core::record::Origin;
use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};

/// The kernel's word for a login uid that nothing has set (`/proc/PID/loginuid`).
const LOGIN_UID_UNSET: u32 = u32::MAX;

/// Bytes of a path or host name that are kept for the record.
const MAX_SHOWN: usize = 256;

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its uid. Never guessed: a peer that cannot be known is an error, not uid 0 (CVE-2021-3560).
    pub uid: u32,
    /// From where it calls, for the record.
    pub origin: Origin,
}

impl Peer {
    /// Whether the one who logged in is somebody else: `su carol`, `sudo -u carol`.
    #[must_use]
    pub fn is_somebody_else(&self) -> bool {
        self.origin.login_uid.is_some_and(|login| login != self.uid)
    }
}

/// Why a peer is not known.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The kernel does not say.
    #[error("the kernel does not say who is at the other end")]
    Credentials(#[source] Errno),
    /// The process that connected is gone.
    #[error("the process that connected is gone")]
    Gone,
    /// /proc does not say.
    #[error("cannot read {path} of the process that connected")]
    Proc {
        /// Which file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The uid that connected `socket`: the kernel's word, which opens nothing and reads nothing.
///
/// # Errors
/// When the kernel does not say.
pub fn uid<S: AsFd>(socket: &S) -> Result<u32, PeerError> {
    getsockopt(socket, sockopt::PeerCredentials).map(|who| who.uid()).map_err(PeerError::Credentials)
}

/// Asks the kernel who connected `socket`.
///
/// The pid is pinned by `SO_PEERPIDFD` where the kernel has it (6.5): /proc is read, and then the process must
/// still be there, so a recycled pid is never taken for the peer. Older kernels leave a race, and there the login
/// uid is a hint; see `docs/threat-model.md`.
///
/// # Errors
/// When the peer cannot be known. Then nothing may be done for it.
pub fn of<S: AsFd>(socket: &S) -> Result<Peer, PeerError> {
    let credentials = getsockopt(socket, sockopt::PeerCredentials).map_err(PeerError::Credentials)?;
    let pinned = match getsockopt(socket, sockopt::PeerPidfd) {
        Ok(pidfd) => Some(pidfd),
        Err(Errno::ENOPROTOOPT) => None,
        Err(Errno::ESRCH | Errno::EINVAL) => return Err(PeerError::Gone),
        Err(errno) => return Err(PeerError::Credentials(errno)),
    };
    let pid = credentials.pid();
    let proc = Path::new("/proc").join(pid.to_string());
    let login_uid = login_uid(&proc.join("loginuid"))?;
    let origin = Origin {
        pid: Some(pid),
        exe: fs::read_link(proc.join("exe")).ok().map(|exe| shortened(&exe.to_string_lossy())),
        tty: u32::try_from(pid).ok().and_then(|pid| Stat::of(Path::new("/proc"), pid)?.terminal_name()),
        remote: remote_host(&proc.join("sessionid")),
        login_uid,
    };
    match pinned.as_ref().map(is_there) {
        Some(false) => Err(PeerError::Gone),
        Some(true) | None => Ok(Peer { uid: credentials.uid(), origin }),
    }
}

/// Reads the login uid. A kernel without audit has no such file, and then nobody has one.
fn login_uid(path: &Path) -> Result<Option<u32>, PeerError> {
    let failed = |source| PeerError::Proc { path: path.display().to_string(), source };
    match fs::read_to_string(path) {
        Ok(text) => match text.trim().parse() {
            Ok(LOGIN_UID_UNSET) => Ok(None),
            Ok(uid) => Ok(Some(uid)),
            Err(error) => Err(failed(io::Error::new(io::ErrorKind::InvalidData, error))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match path.parent().is_some_and(Path::exists) {
                true => Ok(None),
                false => Err(PeerError::Gone),
            }
        }
        Err(source) => Err(failed(source)),
    }
}

/// The remote address of the login session, from logind's own files: the caller cannot write those, as it can
/// write `SSH_CONNECTION`.
fn remote_host(session_id: &Path) -> Option<String> {
    let id: u32 = fs::read_to_string(session_id).ok()?.trim().parse().ok()?;
    let session = fs::read_to_string(format!("/run/systemd/sessions/{id}")).ok()?;
    let host = session.lines().find_map(|line| line.strip_prefix("REMOTE_HOST="))?;
    Some(shortened(host))
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn one_who_connects_is_known_by_the_kernel() {
        let (here, _there) = UnixStream::pair().unwrap();
        let peer = of(&here).unwrap();
        assert_eq!(peer.uid, nix::unistd::getuid().as_raw());
        assert_eq!(uid(&here).unwrap(), peer.uid);
        assert_eq!(peer.origin.pid, Some(std::process::id() as i32));
    }

    #[test]
    fn a_login_as_somebody_else_is_seen() {
        let with = |login_uid| Peer { uid: 7, origin: Origin { login_uid, ..Origin::default() } };
        assert!(with(Some(8)).is_somebody_else());
        assert!(!with(Some(7)).is_somebody_else());
        assert!(!with(None).is_somebody_else());
    }
}
