//! Verifies a ledger, entry by entry: the numbers, the chain, what the entries say, the typed texts, the signatures.
//!
//! jitd reads its own ledger through this at every start, and `jitctl log verify` reads an export through it, so
//! there is one opinion on what an unbroken ledger is. The format is described in `docs/ledger-format.md`.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use jit_common::escape::escaped;
use jit_common::ids::RequestId;

use super::chain::{self, GENESIS, Hash, Stored};
use super::export::ExportLine;
use super::{Approval, Entry, TypedHash};

/// What is wrong with one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A gap, a repeat, or a wrong order.
    #[error("its number should be {expected}, so entries are missing, repeated or out of order")]
    Number {
        /// The number that belongs here.
        expected: u64,
    },
    /// The first line of an export is not entry 1 and does not give the hash before it.
    #[error("the export begins in the middle and does not give the hash before its first entry in \"prev\"")]
    NoBeginning,
    /// The hash is not that of the entry behind the one before.
    #[error("its hash does not follow from its columns and the entry before it: one of them was changed")]
    Hash,
    /// The body cannot be read.
    #[error("its body is not an entry that this version of jit can read: {0}")]
    Body(String),
    /// Column and body disagree on the kind.
    #[error("its column says kind {column:?} and its body says {body:?}")]
    Kind {
        /// The column.
        column: String,
        /// The body's.
        body: String,
    },
    /// The request's id is none.
    #[error("{0:?} is not the id of a request")]
    Request(String),
    /// A typed text is not the one whose hash was recorded.
    #[error("the text of its {0:?} is not the one that was recorded: only erasing it leaves the entry whole")]
    Text(String),
    /// A text for a field that holds no hash.
    #[error("it comes with a text for {0:?}, of which the entry knows nothing")]
    StrayText(String),
    /// A checkpoint that signs something else than the entry before it.
    #[error("it is a checkpoint, but not of the entry before it")]
    Checkpoint,
    /// A checkpoint whose signature does not hold.
    #[error("it is a checkpoint, but its signature does not hold")]
    Signature,
    /// A line of an export that cannot be read.
    #[error("the line is not one of an export: {0}")]
    Line(String),
}

/// A typed text as it stands beside an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextRef<'a> {
    /// The field of the entry that holds its hash.
    pub field: &'a str,
    /// The salt of that hash.
    pub salt: [u8; 16],
    /// The text.
    pub text: &'a str,
}

/// The first thing that is wrong in an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The entry, by the number it claims; for a line that cannot be read, the number that belongs there.
    pub seq: u64,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is quoted from a damaged ledger may hold anything.
        write!(f, "entry {}: {}", self.seq, escaped(&self.fault.to_string()))
    }
}

/// What was found, up to the first problem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first entry's number, when there is one.
    pub first: Option<u64>,
    /// The hash that stood before the first entry: the [`GENESIS`] unless the export begins in the middle.
    pub before: Hash,
    /// How many entries are whole.
    pub entries: u64,
    /// The number of the last whole entry.
    pub last: u64,
    /// The hash of the last whole entry.
    pub head: Hash,
    /// Typed texts that are there and match.
    pub texts: u64,
    /// Typed texts that have been erased.
    pub erased: u64,
    /// Checkpoints whose signature holds.
    pub checkpoints: u64,
    /// The entry up to which the last of them signs.
    pub signed_up_to: Option<u64>,
    /// The host keys, in hex, that signed them. Whether they are the right ones is for the reader to compare.
    pub host_keys: BTreeSet<String>,
    /// What is wrong, when something is. Nothing behind it was looked at.
    pub problem: Option<Problem>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            None => f.write_str("no entry")?,
            Some(first) => {
                write!(
                    f,
                    "entries {first} to {} are unbroken; the last hash is {}",
                    self.last,
                    chain::hex(&self.head)
                )?;
            }
        }
        if self.first.is_some_and(|first| first > 1) {
            let before = chain::hex(&self.before);
            write!(
                f,
                "\nthey follow an entry with hash {before}, which is not in this export: compare it elsewhere"
            )?;
        }
        write!(f, "\n{} typed texts match, {} have been erased", self.texts, self.erased)?;
        match self.signed_up_to {
            None => f.write_str("\nno checkpoint, so no signature")?,
            Some(of) => {
                write!(f, "\n{} checkpoints hold, the last signs up to entry {of}", self.checkpoints)?
            }
        }
        self.host_keys.iter().try_for_each(|key| write!(f, "\nsigned by host key {key}"))?;
        self.problem.as_ref().map_or(Ok(()), |problem| write!(f, "\nBROKEN at {problem}"))
    }
}

/// Takes a ledger entry by entry, oldest first.
///
/// `S` checks an Ed25519 signature, given the public key, the text and the signature: this crate has no
/// cryptography of its own beyond the hash.
#[derive(Debug)]
pub struct Verifier<S> {
    signature: S,
    report: Report,
}

impl<S: Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool> Verifier<S> {
    /// Begins before the first entry.
    #[must_use]
    pub fn new(signature: S) -> Self {
        Self { signature, report: Report::default() }
    }

    /// Begins behind an entry that was verified before.
    #[must_use]
    pub fn after(signature: S, seq: u64, hash: Hash) -> Self {
        let mut verifier = Self::new(signature);
        verifier.begin_after(seq, hash);
        verifier
    }

    /// Takes one line of an export. After the first problem every further line is ignored.
    pub fn line(&mut self, line: &str) {
        if self.report.problem.is_some() || line.trim().is_empty() {
            return;
        }
        let (seq, fault) = match serde_json::from_str::<ExportLine>(line) {
            Ok(line) => (line.seq, self.export_line(&line).err()),
            Err(error) => (self.report.last.saturating_add(1), Some(Fault::Line(error.to_string()))),
        };
        self.report.problem = fault.map(|fault| Problem { seq, fault });
    }

    fn export_line(&mut self, line: &ExportLine) -> Result<(), Fault> {
        let parts = line.parts()?;
        match (self.report.first, parts.prev) {
            (None, Some(prev)) => self.begin_after(line.seq.saturating_sub(1), prev),
            (None, None) if line.seq != 1 => return Err(Fault::NoBeginning),
            (Some(_), Some(prev)) if prev != self.report.head => return Err(Fault::Hash),
            (_, None) | (Some(_), Some(_)) => {}
        }
        self.entry(&parts.stored, &parts.hash, &parts.texts).map(drop)
    }

    /// Begins behind an entry that is not at hand. Entry 1 has nothing before it but the [`GENESIS`].
    fn begin_after(&mut self, seq: u64, hash: Hash) {
        let before = if seq == 0 { GENESIS } else { hash };
        self.report = Report { last: seq, head: before, before, ..Report::default() };
    }

    /// Takes one entry with the texts that stand beside it, and gives back what it says.
    ///
    /// # Errors
    /// What is wrong with it. The report is then as it was before.
    pub fn entry(&mut self, stored: &Stored<'_>, hash: &Hash, texts: &[TextRef<'_>]) -> Result<Entry, Fault> {
        let expected = self.report.last.saturating_add(1);
        if stored.seq != expected {
            return Err(Fault::Number { expected });
        }
        if chain::link(&self.report.head, stored) != *hash {
            return Err(Fault::Hash);
        }
        let entry = read(stored)?;
        let erased = check_texts(&entry, texts)?;
        if let Entry::Checkpoint { of, hash, host_key, signature } = &entry {
            self.checkpoint(*of, hash, host_key, signature)?;
            self.report.checkpoints += 1;
            self.report.signed_up_to = Some(*of);
            self.report.host_keys.insert(host_key.clone());
        }
        self.report.first.get_or_insert(stored.seq);
        self.report.entries += 1;
        self.report.last = stored.seq;
        self.report.head = *hash;
        self.report.texts += texts.len() as u64;
        self.report.erased += erased;
        Ok(entry)
    }

    fn checkpoint(&self, of: u64, hash: &str, host_key: &str, signature: &str) -> Result<(), Fault> {
        if of != self.report.last || hash != chain::hex(&self.report.head) {
            return Err(Fault::Checkpoint);
        }
        let key = chain::unhex::<32>(host_key).ok_or(Fault::Signature)?;
        let signature = chain::unhex::<64>(signature).ok_or(Fault::Signature)?;
        let text = chain::checkpoint_text(host_key, of, hash);
        if (self.signature)(&key, text.as_bytes(), &signature) { Ok(()) } else { Err(Fault::Signature) }
    }

    /// What was found so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// The hashes of typed texts that an entry holds, each with the name of its field.
#[must_use]
pub fn typed_hashes(entry: &Entry) -> Vec<(&'static str, &TypedHash)> {
    let fields = match entry {
        Entry::Requested { asked } | Entry::Refused { asked, .. } => {
            [("reason", asked.reason.as_ref()), ("ticket", asked.ticket.as_ref())]
        }
        Entry::Ending { note, .. }
        | Entry::Locked { note, .. }
        | Entry::Unlocked { note, .. }
        | Entry::Closed { note, .. }
        | Entry::Approved { approval: Approval { note, .. }, .. } => [("note", note.as_ref()), ("", None)],
        Entry::SessionBegan { command, .. } => [("command", Some(command)), ("", None)],
        Entry::SessionCommands { commands, .. } => [("commands", Some(commands)), ("", None)],
        Entry::Started { .. }
        | Entry::Stopped { .. }
        | Entry::PolicyLoaded { .. }
        | Entry::PolicyRejected { .. }
        | Entry::Decided { .. }
        | Entry::Pending { .. }
        | Entry::Scheduled { .. }
        | Entry::Intent { .. }
        | Entry::Applied { .. }
        | Entry::CallRefused { .. }
        | Entry::TextsErased { .. }
        | Entry::RefusalsCounted { .. }
        | Entry::Ended { .. }
        | Entry::SessionEnded { .. }
        | Entry::Swept { .. }
        | Entry::Report { .. }
        | Entry::Stuck { .. }
        | Entry::Drift { .. }
        | Entry::GuardActed { .. }
        | Entry::LedgerRestored { .. }
        | Entry::Checkpoint { .. } => [("", None), ("", None)],
    };
    fields.into_iter().filter_map(|(field, hash)| Some((field, hash?))).collect()
}

/// Checks the texts beside an entry and counts those that are gone.
///
/// # Errors
/// [`Fault::Text`] when a text is not the recorded one, [`Fault::StrayText`] when the entry holds no hash for it.
pub fn check_texts(entry: &Entry, texts: &[TextRef<'_>]) -> Result<u64, Fault> {
    let hashes = typed_hashes(entry);
    for text in texts {
        let recorded = hashes.iter().find(|(field, _)| *field == text.field);
        let (_, recorded) = recorded.ok_or_else(|| Fault::StrayText(text.field.to_string()))?;
        if recorded.0 != chain::typed(&text.salt, text.text) {
            return Err(Fault::Text(text.field.to_string()));
        }
    }
    let gone = |field: &str| texts.iter().all(|text| text.field != field);
    Ok(hashes.iter().filter(|(field, _)| gone(field)).count() as u64)
}

/// Reads what an entry says, and holds its columns against it.
///
/// # Errors
/// [`Fault::Body`], [`Fault::Kind`] or [`Fault::Request`].
pub fn read(stored: &Stored<'_>) -> Result<Entry, Fault> {
    let entry: Entry = serde_json::from_str(stored.body).map_err(|error| Fault::Body(error.to_string()))?;
    if entry.kind() != stored.kind {
        return Err(Fault::Kind { column: stored.kind.to_string(), body: entry.kind().to_string() });
    }
    if !stored.request.is_empty() && stored.request.parse::<RequestId>().is_err() {
        return Err(Fault::Request(stored.request.to_string()));
    }
    Ok(entry)
}
