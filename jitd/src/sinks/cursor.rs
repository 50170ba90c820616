//! How far a sink has come, kept in a file.
//!
//! It is replaced by renaming and never synced: when the machine loses power, some entries are told again.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use jit_mechanisms::dir::{Dir, DirError, Durability, Entry};
use jitd_core::record::chain::{self, Hash};
use nix::unistd::Uid;

/// The first line of the file.
const HEADER: &str = "jit-cursor 1";

/// Longer than this is no cursor.
const MOST_BYTES: u64 = 4096;

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
    dir: PathBuf,
    name: OsString,
}

impl Cursor {
    /// The cursor of sink `name` in the folder `dir`.
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        Self { dir: dir.to_owned(), name: format!("{name}.cursor").into() }
    }

    /// Where the sink stands. `None` when there is no file yet, or it holds nothing usable.
    pub(super) fn load(&self) -> io::Result<Option<Position>> {
        let dir = match Dir::open(&self.dir, Uid::effective()) {
            Err(DirError::Missing { .. }) => return Ok(None),
            opened => opened.map_err(io::Error::other)?,
        };
        // A jitd that was killed while it saved has left a file, and only one at a time runs. One that cannot be taken away does
        // no harm, and is no reason to tell everything again.
        let _ = dir.sweep(&self.name);
        Ok(match dir.read(&self.name, MOST_BYTES).map_err(io::Error::other)? {
            Entry::File(content) => std::str::from_utf8(&content.bytes).ok().and_then(parse),
            Entry::Missing | Entry::Strange(_) => None,
        })
    }

    /// Remembers where the sink stands.
    pub(super) fn save(&self, position: Position) -> io::Result<()> {
        let dir = Dir::open_or_make(&self.dir, Uid::effective(), 0o700).map_err(io::Error::other)?;
        let text = format!("{HEADER}\n{} {}\n", position.seq, chain::hex(&position.ledger));
        dir.replace(&self.name, text.as_bytes(), 0o600, Durability::ThisBoot).map_err(io::Error::other)
    }
}

fn parse(text: &str) -> Option<Position> {
    let (header, line) = text.strip_suffix('\n')?.split_once('\n')?;
    let (seq, ledger) = line.split_once(' ')?;
    let position = Position { seq: seq.parse().ok()?, ledger: chain::unhex(ledger)? };
    (header == HEADER).then_some(position)
}
