//! Entries of the record in JSON, one object a line, the body parsed.

use std::collections::BTreeMap;

use jit_common::response::LogEntry;
use jitd_core::record::chain;
use serde::Serialize;
use serde_json::Value;

use crate::time;

/// One entry of the record.
#[derive(Debug, Serialize)]
pub(crate) struct EntryJson<'a> {
    seq: u64,
    at: String,
    kind: &'a str,
    id: Option<String>,
    body: Value,
    hash: Option<String>,
    texts: BTreeMap<&'a str, &'a str>,
}

impl<'a> EntryJson<'a> {
    /// The entry as it is documented. To verify a record use an export: this form parses the body.
    pub(crate) fn of(entry: &'a LogEntry) -> Self {
        Self {
            seq: entry.seq,
            at: time::rfc3339(entry.at),
            kind: &entry.kind,
            id: entry.request.map(|id| id.to_string()),
            // A body that is no JSON cannot come from jitd, but it is shown rather than lost.
            body: serde_json::from_str(&entry.body).unwrap_or_else(|_| Value::String(entry.body.clone())),
            hash: (entry.hash != LogEntry::NO_HASH).then(|| chain::hex(&entry.hash)),
            texts: entry.texts.iter().map(|text| (text.field.as_str(), text.text.as_str())).collect(),
        }
    }
}
