//! Datagrams to a socket of the log service, never waiting for it.
//!
//! The socket is not connected: each message is addressed by path, so a service that was restarted, and has a new socket
//! under the same path, is found again by itself.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};

/// Our end, and where to send.
#[derive(Debug)]
pub(super) struct Datagrams {
    to: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Datagrams {
    pub(super) fn new(to: &Path) -> Self {
        Self { to: to.to_owned(), socket: None }
    }

    /// Where they go.
    pub(super) fn to(&self) -> String {
        self.to.display().to_string()
    }

    /// Sends one datagram, or says at once that it cannot be sent.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = open(&mut self.socket)?.send_to(bytes, &self.to)?;
        if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    /// Sends an open file instead of bytes.
    pub(super) fn send_file(&mut self, file: impl AsFd) -> io::Result<()> {
        let address = UnixAddr::new(&self.to)?;
        let socket = open(&mut self.socket)?;
        let files = [file.as_fd().as_raw_fd()];
        let control = [ControlMessage::ScmRights(&files)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(&[])], &control, flags, Some(&address))?;
        Ok(())
    }
}

fn open(slot: &mut Option<UnixDatagram>) -> io::Result<&UnixDatagram> {
    let socket = match slot.take() {
        Some(socket) => socket,
        None => {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket
        }
    };
    Ok(slot.insert(socket))
}
