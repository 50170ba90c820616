//! Requests that wait for people or for their start, and what becomes of them: the entries of the fixture.

use jit_common::ids::RequestId;
use jitd_core::record::export::{ExportLine, ExportText};
use jitd_core::record::{Draft, TypedText, chain};

/// An export of them. Two of its entries hold the note of somebody who approved or denied.
pub(crate) const WAITING: &str = include_str!("../../../core/src/record/ledger-1-waiting.jsonl");

/// The request that two people approved.
pub(crate) fn approved() -> RequestId {
    "3c8d0fgh".parse().unwrap()
}

/// Its entries, on their way into a ledger.
pub(crate) fn waiting() -> Vec<Draft> {
    WAITING.lines().map(|line| draft(&serde_json::from_str(line).unwrap())).collect()
}

fn draft(line: &ExportLine) -> Draft {
    Draft {
        at: line.at,
        request: line.request.parse().ok(),
        entry: serde_json::from_str(&line.body).unwrap(),
        texts: line.texts.iter().map(|(field, text)| typed(field, text)).collect(),
    }
}

fn typed(field: &str, text: &ExportText) -> TypedText {
    let field = ["reason", "ticket", "note", "command"].into_iter().find(|known| *known == field).unwrap();
    TypedText { field, salt: chain::unhex(&text.salt).unwrap(), text: text.text.clone() }
}
