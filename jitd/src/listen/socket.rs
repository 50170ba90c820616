//! The socket: given by systemd, or bound here.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jit_common::refusal::Refusal;
use jit_mechanisms::dir::Dir;
use nix::unistd::Uid;
use tokio::net::{UnixListener, UnixStream};

use super::seats::{Account, Kind};
use super::{Reception, conversation};
use crate::peer;

/// Pause after an accept that failed for want of descriptors or memory, so that it is not tried in a tight loop.
const BREATHER: Duration = Duration::from_millis(100);

/// The socket that systemd opened (sd_listen_fds(3)), or a new one at `path`.
///
/// # Errors
/// When neither is to be had. A socket that another jitd listens on is not taken from it: the ledger's lock has
/// already refused a second one.
pub fn open(path: &Path) -> io::Result<StdListener> {
    let given = listenfd::ListenFd::from_env().take_unix_listener(0)?;
    let listener = match given {
        Some(listener) => listener,
        None => bind(path)?,
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Bound under a name of its own and renamed, so that nobody ever meets a socket with the wrong mode.
fn bind(path: &Path) -> io::Result<StdListener> {
    if let Some(above) = path.parent() {
        // Held by nobody else, or somebody else could take the socket's place.
        Dir::open(above, Uid::effective()).map_err(io::Error::other)?;
    }
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = StdListener::bind(&beside)?;
    fs::set_permissions(&beside, Permissions::from_mode(0o666))?;
    fs::rename(&beside, path)?;
    Ok(listener)
}

/// Takes connections for as long as jitd runs.
///
/// # Errors
/// When the socket cannot be waited for.
pub async fn serve(listener: StdListener, reception: Arc<Reception>) -> io::Result<()> {
    let listener = UnixListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => admit(stream, &reception),
            Err(error) => {
                crate::log::error(&format!("a connection could not be taken: {error}"));
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

/// Gives a connection its place before anything else is opened or asked for it. One for which there is none is told so
/// and closed at once: until then it takes a descriptor that root may need.
fn admit(stream: UnixStream, reception: &Arc<Reception>) {
    let uid = peer::uid(&stream).map_err(|error| Refusal::PeerUnknown { why: crate::chain(&error) });
    let seat = uid.and_then(|uid| {
        recognise(uid, reception);
        reception.seats.take(uid, Kind::Call).map_err(conversation::too_many)
    });
    match seat {
        Ok(seat) => drop(tokio::spawn(conversation::hold(stream, seat, reception.clone()))),
        // Whoever does not listen is not told.
        Err(refusal) => drop(conversation::turn_away(stream, refusal)),
    }
}

/// Knows a newcomer whom this host's own file names, before a place is taken: newcomers of a directory that hangs may hold all
/// there are for newcomers.
fn recognise(uid: u32, reception: &Reception) {
    if reception.seats.account(uid).is_none() && reception.here.has(uid) {
        reception.seats.learn(uid, Account::Known);
    }
}
