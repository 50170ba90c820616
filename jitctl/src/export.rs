//! `log export`: the whole record as JSON lines, exactly as stored, for `log verify` and for keeping elsewhere.

use jit_common::refusal::Refusal;
use jit_common::response::{LogEntry, Response};
use jitd_core::record::chain::Stored;
use jitd_core::record::export::ExportLine;
use jitd_core::record::verify::TextRef;

use crate::call::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::intent::whole_record;
use crate::output::{self, Output};
use crate::{json, show};

/// Writes the record to standard output.
pub(crate) fn export(daemon: &Daemon, output: &Output) -> Result<Exit, Failure> {
    let mut next = 1;
    let mut part = false;
    let refused = daemon.log(whole_record(), |entries| {
        for entry in &entries {
            // A record with holes is what a person without a duty sees. It would never verify.
            part |= entry.seq != next || entry.hash == LogEntry::NO_HASH;
            if part {
                return Ok(());
            }
            next = entry.seq.saturating_add(1);
            output::raw(&json::line(&line(entry)))?;
        }
        Ok(())
    })?;
    let refusal = match refused {
        Some(Response::Refused { refusal, .. }) => refusal,
        _ if part => Refusal::NotPermitted {
            action: "export the record".to_owned(),
            need: "an auditor or root, for you see only a part of it".to_owned(),
        },
        _ => return Ok(Exit::Done),
    };
    let page = show::refused::page(&refusal, None, &output.clock);
    output.refusal(&page, &json::AnswerJson::refused(&refusal, None))?;
    Ok(Exit::of(&refusal))
}

fn line(entry: &LogEntry) -> ExportLine {
    let request = entry.request.map(|id| id.to_string()).unwrap_or_default();
    let stored =
        Stored { seq: entry.seq, at: entry.at, kind: &entry.kind, request: &request, body: &entry.body };
    let texts: Vec<TextRef<'_>> = entry
        .texts
        .iter()
        .map(|text| TextRef { field: &text.field, salt: text.salt, text: &text.text })
        .collect();
    ExportLine::new(&stored, &entry.hash, &texts, None)
}
