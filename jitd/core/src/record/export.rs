//! One line of an export of the ledger, as JSON: what `jitctl log export` writes and `jitctl log verify` reads.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::chain::{self, Hash, Stored};
use super::verify::{Fault, TextRef};

/// One entry with everything that is stored of it. Unknown fields are refused: an export is evidence, and nothing
/// may ride along in it unverified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportLine {
    /// Its number.
    pub seq: u64,
    /// Nanoseconds of the wall clock.
    pub at: i64,
    /// Its kind.
    pub kind: String,
    /// The request's id, or empty.
    pub request: String,
    /// The JSON text exactly as stored, as a string.
    pub body: String,
    /// Its hash, in hex.
    pub hash: String,
    /// The typed texts that have not been erased, by field.
    #[serde(default)]
    pub texts: BTreeMap<String, ExportText>,
    /// The hash of the entry before, in hex. Only on the first line of an export that does not begin with entry 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
}

/// A typed text in an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportText {
    /// The salt of its hash, in hex.
    pub salt: String,
    /// The text as typed.
    pub text: String,
}

/// A line with its hex read.
pub(super) struct Parts<'a> {
    pub(super) stored: Stored<'a>,
    pub(super) hash: Hash,
    pub(super) prev: Option<Hash>,
    pub(super) texts: Vec<TextRef<'a>>,
}

impl ExportLine {
    /// The line of one entry; `prev` only for the first line of an export that begins in the middle.
    #[must_use]
    pub fn new(stored: &Stored<'_>, hash: &Hash, texts: &[TextRef<'_>], prev: Option<&Hash>) -> Self {
        let text = |text: &TextRef<'_>| {
            let value = ExportText { salt: chain::hex(&text.salt), text: text.text.to_string() };
            (text.field.to_string(), value)
        };
        Self {
            seq: stored.seq,
            at: stored.at,
            kind: stored.kind.to_string(),
            request: stored.request.to_string(),
            body: stored.body.to_string(),
            hash: chain::hex(hash),
            texts: texts.iter().map(text).collect(),
            prev: prev.map(|prev| chain::hex(prev.as_slice())),
        }
    }

    /// The columns, borrowed.
    #[must_use]
    pub fn stored(&self) -> Stored<'_> {
        Stored { seq: self.seq, at: self.at, kind: &self.kind, request: &self.request, body: &self.body }
    }

    pub(super) fn parts(&self) -> Result<Parts<'_>, Fault> {
        let hash = unhex(&self.hash)?;
        let prev = self.prev.as_deref().map(unhex).transpose()?;
        let texts = self.texts.iter().map(|(field, text)| text.as_ref(field)).collect::<Result<_, _>>()?;
        Ok(Parts { stored: self.stored(), hash, prev, texts })
    }
}

impl ExportText {
    fn as_ref<'a>(&'a self, field: &'a str) -> Result<TextRef<'a>, Fault> {
        Ok(TextRef { field, salt: unhex(&self.salt)?, text: &self.text })
    }
}

fn unhex<const N: usize>(text: &str) -> Result<[u8; N], Fault> {
    chain::unhex(text).ok_or_else(|| Fault::Line(format!("{text:?} is not {N} bytes in hex")))
}
