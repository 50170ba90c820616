//! How far a sink has come, kept in a file.
//!
//! It is replaced by renaming and never synced: when the machine loses power, some entries are told again.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jitd_core::record::chain::{self, Hash};

/// The first line of the file.
const HEADER: &str = "jit-cursor 1";

/// A place in one certain ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The last entry that was told, or zero.
    pub(super) seq: u64,
    /// The hash of the ledger's first entry: a ledger that was begun anew is another one.
    pub(super) ledger: Hash,
}

/// The file of one sink.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    path: PathBuf,
}

impl Cursor {
    /// The cursor of sink `name` in the folder `dir`.
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        Self { path: dir.join(format!("{name}.cursor")) }
    }

    /// Where the sink stands. `None` when there is no file yet, or it holds nothing usable.
    pub(super) fn load(&self) -> io::Result<Option<Position>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(parse(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Remembers where the sink stands.
    pub(super) fn save(&self, position: Position) -> io::Result<()> {
        let beside = self.path.with_extension("cursor.new");
        if let Some(dir) = self.path.parent() {
            match DirBuilder::new().mode(0o700).create(dir) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        writeln!(file, "{HEADER}\n{} {}", position.seq, chain::hex(&position.ledger))?;
        std::fs::rename(&beside, &self.path)
    }
}

fn parse(text: &str) -> Option<Position> {
    let (header, line) = text.strip_suffix('\n')?.split_once('\n')?;
    let (seq, ledger) = line.split_once(' ')?;
    let position = Position { seq: seq.parse().ok()?, ledger: chain::unhex(ledger)? };
    (header == HEADER).then_some(position)
}
