//! Syslog by `/dev/log`, in the shape of RFC 3164: rsyslog's parser for that socket takes no other.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use jit_common::escape::escaped;
use jitd_core::record::Entry;
use jitd_core::record::chain;
use jitd_core::record::sentence::sentence;

use super::datagram::Datagrams;
use super::journald::FACILITY;
use super::{Sink, SinkError, message};
use crate::ledger::Row;

/// Where syslog listens.
pub(super) const SOCKET: &str = "/dev/log";

/// The longest sentence, in bytes. What stands behind it must not be cut off, and rsyslog cuts at 8 KiB.
const LONGEST: usize = 4000;

/// The sink `syslog`.
#[derive(Debug)]
pub struct Syslog {
    socket: Datagrams,
    zone: TimeZone,
}

impl Syslog {
    /// Sends to the socket at this path. `zone` is the host's: a line of RFC 3164 has local time and does not say which.
    #[must_use]
    pub fn new(socket: &Path, zone: TimeZone) -> Self {
        Self { socket: Datagrams::new(socket), zone }
    }
}

impl Sink for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn send(&mut self, row: &Row) -> Result<(), SinkError> {
        let line = line(row, &self.zone)?;
        self.socket
            .send(line.as_bytes())
            .map_err(|source| SinkError::NotNow { target: self.socket.to(), source })
    }
}

/// `<86>Nov 22 15:32:00 jitd[4711]: alice was granted … seq=9 id=7k2m9xqa kind=applied user=alice hash=…`
///
/// What stands behind the sentence holds no text that a person typed, and the last `seq=` of the line is the true one.
pub(super) fn line(row: &Row, zone: &TimeZone) -> Result<String, SinkError> {
    let entry = row.entry().map_err(|source| SinkError::Never { seq: row.seq, source })?;
    let priority = FACILITY * 8 + message(&entry).severity.number();
    let said = cut(sentence(&entry, None, row.typed()));
    let pid = std::process::id();
    let mut line = format!("<{priority}>{} jitd[{pid}]: {said} seq={}", stamp(row.at, zone), row.seq);
    let mut add = |name: &str, value: &str| line.push_str(&format!(" {name}={}", escaped(value)));
    if let Some(id) = row.request {
        add("id", id.as_str());
    }
    add("kind", &row.kind);
    if let Some(person) = entry.person() {
        add("uid", &person.uid.to_string());
    }
    add("hash", &chain::hex(&row.hash));
    // With these a copy of the line is enough to hold the ledger to its history.
    if let Entry::Checkpoint { host_key, signature, .. } = &entry {
        add("host_key", host_key);
        add("signature", signature);
    }
    Ok(line)
}

/// `Nov 22 15:32:00` and `Dec  3 05:07:09`: month in English, day padded with a blank (RFC 3164, 4.1.2).
fn stamp(at: i64, zone: &TimeZone) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at =
        Timestamp::from_nanosecond(i128::from(at)).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    let month = usize::try_from(at.month() - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"Jan");
    format!("{month} {:>2} {:02}:{:02}:{:02}", at.day(), at.hour(), at.minute(), at.second())
}

/// The sentence, at most [`LONGEST`] bytes of it.
fn cut(mut sentence: String) -> String {
    if sentence.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| sentence.is_char_boundary(*end)).unwrap_or(0);
        sentence.truncate(end);
        sentence.push_str(" [...]");
    }
    sentence
}
