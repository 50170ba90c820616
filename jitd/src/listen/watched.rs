//! The process that a session began with, held until it has ended.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use jit_mechanisms::control_groups;
use nix::sys::socket::{getsockopt, sockopt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::engine::{Handle, Message};
use crate::peer::Peer;

/// How long its client has to say how it ended, before nobody knows.
const TO_SAY: Duration = Duration::from_secs(1);

/// A process, and its number for the record.
pub(super) struct Watched {
    pid: i32,
    process: AsyncFd<OwnedFd>,
}

/// The process at the other end of a connection: as the kernel has it, or by its number where the kernel does not say (before Linux 6.5).
/// `None` when it is gone.
pub(super) fn process_of<S: AsFd>(peer: &Peer, socket: &S) -> Option<OwnedFd> {
    let by_number = || control_groups::hold(u32::try_from(peer.origin.pid?).ok()?);
    getsockopt(socket, sockopt::PeerPidfd).ok().or_else(by_number)
}

impl Watched {
    /// Holds the other end of a connection. `None` where the kernel gives no such hold: its end is learnt when nothing of
    /// its grant runs any more.
    #[expect(
        deprecated,
        reason = "sound for an OwnedFd, which stays open; its successor is an unsafe function"
    )]
    pub(super) fn hold<S: AsFd>(peer: &Peer, socket: &S) -> Option<Self> {
        let pid = peer.origin.pid?;
        let process = process_of(peer, socket)?;
        Some(Self { pid, process: AsyncFd::with_interest(process, Interest::READABLE).ok()? })
    }

    /// Waits until it has ended (pidfd_open(2): readable), and then for its client to say how.
    pub(super) async fn tell_the_end(self, engine: Handle) {
        if self.process.readable().await.is_ok() {
            tokio::time::sleep(TO_SAY).await;
            let _ = engine.tell(Message::SessionOver { pid: self.pid }).await;
        }
    }
}
