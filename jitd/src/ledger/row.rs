//! One row of the ledger as it is stored, with the typed texts beside it.

use std::sync::Arc;

use jit_common::ids::RequestId;
use jitd_core::record::Entry;
use jitd_core::record::chain::{Hash, Stored};
use jitd_core::record::export::ExportLine;
use jitd_core::record::sentence::Typed;
use jitd_core::record::verify::{self, TextRef};

use super::ReadError;

/// One committed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When it happened, nanoseconds of the wall clock.
    pub at: i64,
    /// Its kind.
    pub kind: String,
    /// The request it belongs to.
    pub request: Option<RequestId>,
    /// The JSON text, byte for byte as stored.
    pub body: Arc<str>,
    /// Its hash.
    pub hash: Hash,
    /// The typed texts whose hashes it holds, as far as they have not been erased.
    pub texts: Vec<Text>,
    /// Reason and ticket of the request it belongs to, for an entry that holds no texts itself. Filled where rows are
    /// read for a sink; not part of the entry, and not in its hash.
    pub asked: Vec<Text>,
}

/// A text that somebody typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// `reason`, `ticket`, `note`, `command` or `commands`.
    pub field: String,
    /// The salt of its hash.
    pub salt: [u8; 16],
    /// The text as typed. It must be escaped before it reaches a terminal or a line of a log.
    pub text: String,
}

impl Text {
    /// The text, borrowed, as the verifier takes it.
    #[must_use]
    pub fn as_ref(&self) -> TextRef<'_> {
        TextRef { field: &self.field, salt: self.salt, text: &self.text }
    }
}

impl Row {
    /// The columns that the hash covers.
    #[must_use]
    pub fn stored(&self) -> Stored<'_> {
        let request = self.request.as_ref().map_or("", RequestId::as_str);
        Stored { seq: self.seq, at: self.at, kind: &self.kind, request, body: &self.body }
    }

    /// What the entry says.
    ///
    /// # Errors
    /// When the body is not an entry, which opening the ledger has ruled out.
    pub fn entry(&self) -> Result<Entry, ReadError> {
        verify::read(&self.stored()).map_err(|fault| ReadError::Entry { seq: self.seq, fault })
    }

    /// What people typed for it: its own texts, else those of its request.
    #[must_use]
    pub fn typed(&self) -> Typed<'_> {
        let find = |field: &str| {
            let all = self.texts.iter().chain(&self.asked);
            all.into_iter().find(|text| text.field == field).map(|text| text.text.as_str())
        };
        Typed {
            reason: find("reason"),
            ticket: find("ticket"),
            note: find("note"),
            command: find("command"),
            commands: find("commands"),
        }
    }

    /// Its line in an export; `previous` only on a first line that is not entry 1.
    #[must_use]
    pub fn export(&self, previous: Option<&Hash>) -> ExportLine {
        let texts: Vec<_> = self.texts.iter().map(Text::as_ref).collect();
        ExportLine::new(&self.stored(), &self.hash, &texts, previous)
    }
}
