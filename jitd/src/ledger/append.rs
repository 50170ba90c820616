//! Appending: all entries of one call in one transaction, durable when it returns, or none of them.

use std::sync::Arc;

use jitd_core::record::chain::{self, Stored};
use jitd_core::record::verify::{self, Fault, TextRef};
use jitd_core::record::{Draft, Entry};
use rusqlite::{Transaction, TransactionBehavior, params};

use super::{AppendError, Head, Ledger, Row, Standing, Text};

/// What entries are written for. Raising privilege waits for the record and may not eat what lowering needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Something is raised once they are written. Never touches the reserve, and fails while it cannot be held.
    Raise,
    /// Something was lowered, or they only say what happened. Uses the reserve when the disk is full.
    Lower,
}

impl Ledger {
    /// Appends `drafts` in their order and returns them as stored, once they are on stable storage.
    ///
    /// That takes one sync of one file. When the disk is full, [`Purpose::Lower`] gives up the reserve and tries once more.
    ///
    /// # Errors
    /// When they are not all durable: then none counts as written, and the ledger can be used again.
    pub fn append(&mut self, drafts: &[Draft], purpose: Purpose) -> Result<Vec<Row>, AppendError> {
        match purpose {
            Purpose::Raise => {
                self.reserve.refill().map_err(AppendError::OnlyReserve)?;
                self.append_once(drafts)
            }
            Purpose::Lower => match self.append_once(drafts) {
                Err(error) if error.may_need_room() && self.reserve.release() => self.append_once(drafts),
                result => result,
            },
        }
    }

    fn append_once(&mut self, drafts: &[Draft]) -> Result<Vec<Row>, AppendError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        if self.connection == Standing::Doubtful {
            self.reopen().map_err(|error| AppendError::Reopen(Box::new(error)))?;
        }
        let rows = self.rows(drafts)?;
        match self.commit(&rows) {
            Ok(()) => {
                for row in &rows {
                    self.head = Head { seq: row.seq, hash: row.hash };
                    self.signed.saw(row.seq, row.at, &row.kind);
                }
                Ok(rows)
            }
            Err(error) => {
                // SQLite has rolled back. Whether it agrees with us again decides on using this connection further.
                if self.stored_head().ok() != Some(self.head) {
                    self.connection = Standing::Doubtful;
                }
                Err(error.into())
            }
        }
    }

    /// The rows that `drafts` become, chained to the newest entry.
    fn rows(&self, drafts: &[Draft]) -> Result<Vec<Row>, AppendError> {
        let mut head = self.head;
        let mut rows = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.iter().enumerate() {
            let row =
                self.row(head, draft).map_err(|fault| AppendError::Unfit { place: index + 1, fault })?;
            head = Head { seq: row.seq, hash: row.hash };
            rows.push(row);
        }
        Ok(rows)
    }

    fn row(&self, head: Head, draft: &Draft) -> Result<Row, Fault> {
        let seq = head.seq.saturating_add(1);
        // A checkpoint signs the entry before it, and only here is it certain which one that is.
        let signed = match &draft.entry {
            Entry::Checkpoint { .. } => Some(self.key.checkpoint(head.seq, &head.hash)),
            _ => None,
        };
        let entry = signed.as_ref().unwrap_or(&draft.entry);
        let texts: Vec<Text> = draft
            .texts
            .iter()
            .map(|text| Text { field: text.field.to_owned(), salt: text.salt, text: text.text.clone() })
            .collect();
        let borrowed: Vec<TextRef<'_>> = texts.iter().map(Text::as_ref).collect();
        verify::check_texts(entry, &borrowed)?;
        let body: Arc<str> =
            serde_json::to_string(entry).map_err(|error| Fault::Body(error.to_string()))?.into();
        let mut row = Row {
            seq,
            at: draft.at,
            kind: entry.kind().to_owned(),
            request: draft.request,
            body,
            hash: chain::GENESIS,
            texts,
            asked: Vec::new(),
        };
        row.hash = chain::link(&head.hash, &row.stored());
        Ok(row)
    }

    fn commit(&mut self, rows: &[Row]) -> rusqlite::Result<()> {
        let change = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        insert(&change, rows)?;
        change.commit()
    }
}

fn insert(change: &Transaction<'_>, rows: &[Row]) -> rusqlite::Result<()> {
    let mut record = change.prepare(
        "INSERT INTO records (seq, at, kind, request, body, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut typed = change.prepare("INSERT INTO texts (seq, field, salt, text) VALUES (?1, ?2, ?3, ?4)")?;
    for row in rows {
        let Stored { at, kind, request, body, .. } = row.stored();
        let seq = super::read::column(row.seq)?;
        record.execute(params![seq, at, kind, request, body, row.hash])?;
        for text in &row.texts {
            typed.execute(params![seq, text.field, text.salt, text.text])?;
        }
    }
    Ok(())
}
