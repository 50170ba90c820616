//! The socket: given by systemd, or bound here.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;

use super::{Reception, conversation};

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
            Ok((stream, _)) => {
                tokio::spawn(conversation::hold(stream, reception.clone()));
            }
            Err(error) => {
                crate::log::error(&format!("a connection could not be taken: {error}"));
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}
