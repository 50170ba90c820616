//! The blocking client of jitd's socket, for jitctl and the PAM module.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::codec::{self, CodecError};
use crate::connection::Connection;
use crate::frame::{self, FrameError};
use crate::request::{Hello, Request, WIRE_VERSION};
use crate::response::Response;

/// How long a call may wait for jitd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// At most this long until the first answer, and from there to each further one. Connecting, sending and every
    /// byte of the answer count together, so neither a full queue nor a jitd that dribbles makes it longer.
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
    #[error("the connection to jitd broke; try: systemctl status jitd")]
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
    connection: Connection,
    turn: Turn,
}

/// How far a conversation has come.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The question is out.
    Asked,
    /// At least one answer was read.
    Answered,
}

impl Client {
    /// Connects and asks, in one write; the first answer is read by [`Client::answer`].
    ///
    /// # Errors
    /// When nothing listens at `socket`, time is up, or the two versions differ.
    pub fn ask(socket: &Path, request: &Request, patience: Patience) -> Result<Self, ClientError> {
        let limit = match patience {
            Patience::Bounded(limit) => Some(limit),
            Patience::Endless => None,
        };
        let connection = Connection::open(socket, limit).map_err(|source| match source.kind() {
            io::ErrorKind::TimedOut => ClientError::TimedOut,
            _ => ClientError::Unreachable { path: socket.display().to_string(), source },
        })?;
        let mut client = Self { connection, turn: Turn::Asked };
        let hello = Hello { wire: WIRE_VERSION, client: env!("CARGO_PKG_VERSION").to_owned() };
        let mut bytes = frame::wrap(&codec::encode(&hello)?, frame::MAX_REQUEST)?;
        bytes.extend(frame::wrap(&codec::encode(request)?, frame::MAX_REQUEST)?);
        match client.connection.send(&bytes) {
            // jitd may refuse a connection and hang up before it has heard us: the refusal is there to be read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            sent => sent.map_err(broken)?,
        }
        match client.read()? {
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
    pub fn answer(&mut self) -> Result<Response, ClientError> {
        match self.turn {
            // The welcome was no answer: its time counts.
            Turn::Asked => self.turn = Turn::Answered,
            Turn::Answered => self.connection.renew().map_err(broken)?,
        }
        self.read()
    }

    fn read(&mut self) -> Result<Response, ClientError> {
        let mut header = [0; frame::HEADER_LEN];
        self.connection.receive(&mut header).map_err(broken)?;
        let mut body = vec![0; frame::body_len(header, frame::MAX_RESPONSE)?];
        self.connection.receive(&mut body).map_err(broken)?;
        Ok(codec::decode(&body)?)
    }
}

/// Connects, asks and reads the one answer.
///
/// # Errors
/// As [`Client::ask`] and [`Client::answer`].
pub fn call(socket: &Path, request: &Request, patience: Patience) -> Result<Response, ClientError> {
    Client::ask(socket, request, patience)?.answer()
}

fn broken(error: io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::TimedOut => ClientError::TimedOut,
        _ => ClientError::Broken(error),
    }
}
