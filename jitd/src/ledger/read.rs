//! Reading what is committed.

use jit_common::ids::RequestId;
use jit_common::response::StoryView;
use jitd_core::record::Person;
use jitd_core::record::chain::{GENESIS, Hash};
use jitd_core::record::verify::Fault;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Head, Ledger, ReadError, Row, Text};

/// Entries that one call of [`Ledger::rows_about`] looks through.
const LOOKED_THROUGH: u64 = 2000;

/// Entries that one call of [`Ledger::grants_of`] looks back over.
const LOOKED_BACK: u64 = 20_000;

/// The kinds of entries of which one grant may have any number.
const SESSIONS: &str = "('session-began', 'session-ended')";

/// Another, of which one session may have any number.
const STARTS: &str = "'session-commands'";

/// Requests that a prefix may fit. One that fits more names nothing.
pub const REQUESTS_LIKE: usize = 8;

/// The columns of [`row`], in its order.
pub(super) const COLUMNS: &str = "seq, at, kind, request, body, hash";

impl Ledger {
    /// Entries after number `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_after(&self, after: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        self.rows_by(&sql, params![after, limit])
    }

    /// As [`Ledger::rows_after`], with reason and ticket of the request on every entry that belongs to one: a message in
    /// the journal has to say alone why somebody was given something.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_for_sinks(&self, after: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
        let mut rows = self.rows_after(after, limit)?;
        let mut statement = self.db.prepare(
            "SELECT field, salt, text FROM records JOIN texts USING (seq) \
             WHERE request = ?1 AND request <> '' AND kind IN ('requested', 'refused')",
        )?;
        for row in &mut rows {
            if let Some(request) = row.request.filter(|_| row.kind != "requested" && row.kind != "refused") {
                row.asked = statement.query_map([request.as_str()], text)?.collect::<Result<_, _>>()?;
            }
        }
        Ok(rows)
    }

    /// Entries about a person, and of what they decided for others, after number `after`, oldest first, at most `limit`, and up to which number was looked: one
    /// call looks through a bounded stretch of the record, whether it finds anything or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_about(
        &self,
        person: &Person,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<Row>, u64), ReadError> {
        let end = after.saturating_add(LOOKED_THROUGH).min(self.head_seq()).max(after);
        // No typed text can look like this inside a body: JSON escapes the quotes in it.
        let Ok(person) = serde_json::to_string(person) else { return Ok((Vec::new(), end)) };
        let [about, approver, closed_by] =
            ["by", "approver", "closed-by"].map(|key| format!("\"{key}\":{person}"));
        let sql = format!(
            "SELECT {COLUMNS} FROM records WHERE seq > ?1 AND seq <= ?2 AND (instr(body, ?3) > 0 \
             OR (kind = 'approved' AND instr(body, ?4) > 0) OR (kind = 'closed' AND instr(body, ?5) > 0)) \
             ORDER BY seq LIMIT ?6"
        );
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            self.rows_by(&sql, params![column(after)?, column(end)?, about, approver, closed_by, most])?;
        let to = rows.last().filter(|_| rows.len() >= limit).map_or(end, |row| row.seq);
        Ok((rows, to))
    }

    /// The newest grants of a role to a person, the newest first, at most `limit`: one call looks back over a bounded
    /// stretch of the record.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn grants_of(&self, person: &Person, role: &str, limit: usize) -> Result<Vec<RequestId>, ReadError> {
        let text = |value: serde_json::Result<String>| value.unwrap_or_default();
        let by = format!("\"by\":{}", text(serde_json::to_string(person)));
        let role = format!("\"role\":{}", text(serde_json::to_string(role)));
        let from = self.head_seq().saturating_sub(LOOKED_BACK);
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT request FROM records WHERE seq > ?1 AND kind = 'intent' AND instr(body, ?2) > 0 \
             AND instr(body, ?3) > 0 ORDER BY seq DESC LIMIT ?4";
        self.ids_by(sql, params![column(from)?, by, role, most])
    }

    /// The newest grants that have ended and have no closing report, the newest first, at most `limit`, as far as one look back reaches.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unreported(&self, limit: usize) -> Result<Vec<RequestId>, ReadError> {
        let from = self.head_seq().saturating_sub(LOOKED_BACK);
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT request FROM records AS ended WHERE seq > ?1 AND kind = 'ended' AND request <> '' \
             AND NOT EXISTS (SELECT 1 FROM records WHERE request = ended.request AND request <> '' AND kind = 'report') \
             ORDER BY seq DESC LIMIT ?2";
        self.ids_by(sql, params![column(from)?, most])
    }

    /// The entries of one request, oldest first; of those about what ran with it only the newest [`StoryView::MOST_SESSIONS`],
    /// and of those about what that has started [`StoryView::MOST_STARTS`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_of(&self, request: RequestId) -> Result<Vec<Row>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM records WHERE request = ?1 AND request <> '' \
             AND kind NOT IN {SESSIONS} AND kind <> {STARTS} \
             UNION ALL SELECT * FROM (SELECT {COLUMNS} FROM records WHERE request = ?1 AND request <> '' \
             AND kind IN {SESSIONS} ORDER BY seq DESC LIMIT {}) \
             UNION ALL SELECT * FROM (SELECT {COLUMNS} FROM records WHERE request = ?1 AND request <> '' \
             AND kind = {STARTS} ORDER BY seq DESC LIMIT {}) ORDER BY seq",
            StoryView::MOST_SESSIONS,
            StoryView::MOST_STARTS
        );
        self.rows_by(&sql, params![request.as_str()])
    }

    /// How often something was run with a grant.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sessions_of(&self, request: RequestId) -> Result<usize, ReadError> {
        let sql =
            "SELECT count(*) FROM records WHERE request = ?1 AND request <> '' AND kind = 'session-began'";
        let count: i64 = self.db.query_row(sql, params![request.as_str()], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Requests on the record whose id begins with `prefix`; one more than [`REQUESTS_LIKE`] when there are more than those.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn requests_like(&self, prefix: &str) -> Result<Vec<RequestId>, ReadError> {
        // Ids are lowercase ASCII, so everything that begins with the prefix lies between it and it with a `~` behind.
        let most = i64::try_from(REQUESTS_LIKE).unwrap_or(i64::MAX).saturating_add(1);
        let sql = "SELECT DISTINCT request FROM records \
             WHERE request >= ?1 AND request < ?1 || '~' AND request <> '' ORDER BY request LIMIT ?2";
        self.ids_by(sql, params![prefix, most])
    }

    fn ids_by(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<RequestId>, ReadError> {
        let mut statement = self.db.prepare(sql)?;
        let found = statement.query_map(parameters, |row| row.get::<_, String>(0))?;
        let id = |id: rusqlite::Result<String>| {
            let id = id?;
            id.parse().map_err(|_| ReadError::Entry { seq: 0, fault: Fault::Request(id) })
        };
        found.map(id).collect()
    }

    fn rows_by(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Row>, ReadError> {
        let mut statement = self.db.prepare(sql)?;
        let mut rows: Vec<Row> = statement.query_map(parameters, row)?.collect::<Result<_, _>>()?;
        let mut texts = self.db.prepare(TEXTS)?;
        for row in &mut rows {
            row.texts = texts.query_map([column(row.seq)?], text)?.collect::<Result<_, _>>()?;
        }
        Ok(rows)
    }

    /// The newest entry as it stands in the database.
    pub(super) fn stored_head(&self) -> rusqlite::Result<Head> {
        stored_head(&self.db)
    }
}

/// The texts of one entry.
pub(super) const TEXTS: &str = "SELECT field, salt, text FROM texts WHERE seq = ?1 ORDER BY field";

pub(super) fn stored_head(db: &Connection) -> rusqlite::Result<Head> {
    let newest = db
        .query_row("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok(Head { seq: number(row, 0)?, hash: row.get::<_, Hash>(1)? })
        })
        .optional()?;
    Ok(newest.unwrap_or(Head { seq: 0, hash: GENESIS }))
}

/// A row without its texts.
pub(super) fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let request: String = row.get(3)?;
    let request = match request.as_str() {
        "" => None,
        id => Some(id.parse::<RequestId>().map_err(|error| unreadable(3, Type::Text, error))?),
    };
    Ok(Row {
        seq: number(row, 0)?,
        at: row.get(1)?,
        kind: row.get(2)?,
        request,
        body: row.get(4)?,
        hash: row.get(5)?,
        texts: Vec::new(),
        asked: Vec::new(),
    })
}

/// A typed text.
pub(super) fn text(row: &rusqlite::Row<'_>) -> rusqlite::Result<Text> {
    Ok(Text { field: row.get(0)?, salt: row.get(1)?, text: row.get(2)? })
}

fn number(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(index)?).map_err(|error| unreadable(index, Type::Integer, error))
}

/// A number as SQLite keeps it.
pub(super) fn column(seq: u64) -> rusqlite::Result<i64> {
    i64::try_from(seq).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn unreadable(
    index: usize,
    found: Type,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, found, Box::new(error))
}
