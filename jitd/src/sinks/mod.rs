//! Sinks: they tail the committed ledger and tell others what it says. None of them ever blocks the engine.
//!
//! Each remembers how far it has come, so a log service that is away or stuck loses nothing. After a crash a few entries
//! may be told again: each message carries its number, so that a gap or a repeat shows.

mod cursor;
mod datagram;
mod fields;
mod health;
mod journald;
mod json;
mod kinds;
mod start;
mod syslog;
mod tail;
#[cfg(test)]
mod tests;

use std::io;

use serde::Deserialize;

pub use self::health::SinkHealth;
pub use self::journald::Journald;
pub use self::json::JsonFile;
pub use self::kinds::{Message, Severity, catalog, message};
pub use self::start::start;
pub use self::syslog::Syslog;
pub use self::tail::{Source, Tail};

use crate::ledger::Row;

/// Whether a sink is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkChoice {
    /// The journal when its socket is there, else syslog when its socket is; never both, for where there is a journal
    /// it also listens for syslog. The JSON file is off.
    #[default]
    Auto,
    /// Always; what cannot be told yet waits.
    On,
    /// Never.
    Off,
}

/// Something that is told what the ledger says.
pub trait Sink: Send {
    /// Its name, as status and the name of its cursor show it.
    fn name(&self) -> &'static str;

    /// Tells one entry. It must not wait for a reader that does not read.
    ///
    /// # Errors
    /// [`SinkError::NotNow`] when it has to be tried again, [`SinkError::Never`] when this entry cannot be told at all.
    fn send(&mut self, row: &Row) -> Result<(), SinkError>;
}

/// Why an entry was not told.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Nobody listens, or who listens does not read. It is tried again, and nothing is skipped.
    #[error("{target} does not take it now")]
    NotNow {
        /// Who.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// The entry cannot be read. It is skipped, which its missing number shows.
    #[error("entry {seq} cannot be told")]
    Never {
        /// Its number.
        seq: u64,
        /// Why.
        source: crate::ledger::ReadError,
    },
}
