//! The journal, by its native protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>): every fact in a field of its own.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use jitd_core::record::sentence::sentence;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::datagram::Datagrams;
use super::fields::fields;
use super::{Sink, SinkError, message};
use crate::ledger::Row;

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// `LOG_AUTHPRIV` of syslog(3).
pub(super) const FACILITY: u8 = 10;

/// The sink `journald`.
#[derive(Debug)]
pub struct Journald {
    socket: Datagrams,
}

impl Journald {
    /// Sends to the journal's socket at this path.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Self { socket: Datagrams::new(socket) }
    }
}

impl Sink for Journald {
    fn name(&self) -> &'static str {
        "journald"
    }

    fn send(&mut self, row: &Row) -> Result<(), SinkError> {
        let bytes = serialize(row)?;
        let sent = match self.socket.send(&bytes) {
            Err(error) if is_too_long(&error) => sealed(&bytes).and_then(|file| self.socket.send_file(file)),
            result => result,
        };
        sent.map_err(|source| SinkError::NotNow { target: self.socket.to(), source })
    }
}

/// The message as the journal takes it.
pub(super) fn serialize(row: &Row) -> Result<Vec<u8>, SinkError> {
    let entry = row.entry().map_err(|source| SinkError::Never { seq: row.seq, source })?;
    let kind = message(&entry);
    let mut bytes = Vec::new();
    let mut field = |name: &str, value: &str| append(&mut bytes, name, value);
    field("MESSAGE", &sentence(&entry, row.request, row.typed()));
    field("MESSAGE_ID", kind.id);
    field("PRIORITY", &kind.severity.number().to_string());
    field("SYSLOG_IDENTIFIER", "jitd");
    field("SYSLOG_FACILITY", &FACILITY.to_string());
    for (name, value) in fields(row, &entry) {
        field(name, &value);
    }
    Ok(bytes)
}

/// One field. A value with a newline is given with its length, so that no text can end its field and begin another.
fn append(bytes: &mut Vec<u8>, name: &str, value: &str) {
    bytes.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        bytes.push(b'\n');
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        bytes.push(b'=');
    }
    bytes.extend_from_slice(value.as_bytes());
    bytes.push(b'\n');
}

/// Whether the message does not fit into a datagram, so that it has to go as a file.
fn is_too_long(error: &io::Error) -> bool {
    use nix::errno::Errno;

    error
        .raw_os_error()
        .map(Errno::from_raw)
        .is_some_and(|error| matches!(error, Errno::EMSGSIZE | Errno::ENOBUFS))
}

/// A file in memory that nobody can change any more, as the journal demands it.
fn sealed(bytes: &[u8]) -> io::Result<File> {
    let mut file: File =
        memfd_create("jitd-journal", MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC)?.into();
    file.write_all(bytes)?;
    let seals =
        SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}
