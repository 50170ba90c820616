//! The blocking client of jitd's socket, for jitctl and the PAM module.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::codec::{self, CodecError};
use crate::frame::{self, FrameError};
use crate::request::{Hello, Request, WIRE_VERSION};
use crate::response::Response;

/// How long a call may wait for jitd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// At most this long for each read and write.
    Bounded(Duration),
    /// As long as it takes, for following the log.
    Endless,
}

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens.
    #[error("jitd does not answer at {path}; is it running? Try: systemctl status jitd")]
    Unreachable {
        /// The socket.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It listened, but said nothing in time.
    #[error("jitd did not answer in time; try: systemctl status jitd")]
    TimedOut,
    /// The connection broke.
    #[error("the connection to jitd broke")]
    Broken(#[source] io::Error),
    /// jitd is of another version.
    #[error(
        "this client speaks version {ours} and jitd {daemon} speaks version {theirs}; install the same release"
    )]
    WrongVersion {
        /// Our wire version.
        ours: u32,
        /// jitd's.
        theirs: u32,
        /// jitd's release.
        daemon: String,
    },
    /// A frame that is none.
    #[error("jitd's answer is not one")]
    Frame(#[from] FrameError),
    /// A frame that cannot be read.
    #[error("jitd's answer cannot be understood")]
    Codec(#[from] CodecError),
    /// An answer out of turn.
    #[error("jitd answered something else than was asked")]
    OutOfTurn,
}

/// A connection to jitd.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects and asks, in one write; the first answer is read by [`Client::next`].
    ///
    /// # Errors
    /// When nothing listens at `socket`, or the two versions differ.
    pub fn ask(socket: &Path, request: &Request, patience: Patience) -> Result<Self, ClientError> {
        let unreachable = |source| ClientError::Unreachable { path: socket.display().to_string(), source };
        let stream = UnixStream::connect(socket).map_err(unreachable)?;
        let limit = match patience {
            Patience::Bounded(limit) => Some(limit),
            Patience::Endless => None,
        };
        stream.set_read_timeout(limit).map_err(unreachable)?;
        stream.set_write_timeout(limit).map_err(unreachable)?;
        let mut client = Self { stream };
        let hello = Hello { wire: WIRE_VERSION, client: env!("CARGO_PKG_VERSION").to_owned() };
        let mut bytes = frame::wrap(&codec::encode(&hello)?, frame::MAX_REQUEST)?;
        bytes.extend(frame::wrap(&codec::encode(request)?, frame::MAX_REQUEST)?);
        client.stream.write_all(&bytes).map_err(broken)?;
        match client.next()? {
            Response::Welcome { .. } => Ok(client),
            Response::WrongVersion { wire, daemon } => {
                Err(ClientError::WrongVersion { ours: WIRE_VERSION, theirs: wire, daemon })
            }
            _ => Err(ClientError::OutOfTurn),
        }
    }

    /// Reads the next frame of the answer.
    ///
    /// # Errors
    /// When the connection breaks, time is up, or the bytes are no answer.
    pub fn next(&mut self) -> Result<Response, ClientError> {
        let mut header = [0; frame::HEADER_LEN];
        self.stream.read_exact(&mut header).map_err(broken)?;
        let mut body = vec![0; frame::body_len(header, frame::MAX_RESPONSE)?];
        self.stream.read_exact(&mut body).map_err(broken)?;
        Ok(codec::decode(&body)?)
    }
}

/// Connects, asks and reads the one answer.
///
/// # Errors
/// As [`Client::ask`] and [`Client::next`].
pub fn call(socket: &Path, request: &Request, patience: Patience) -> Result<Response, ClientError> {
    Client::ask(socket, request, patience)?.next()
}

fn broken(error: io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::TimedOut,
        _ => ClientError::Broken(error),
    }
}
