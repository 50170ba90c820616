//! A file of JSON lines that is at the same time an export: `jitctl log verify` reads it as it is.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jit_mechanisms::dir::{Dir, DirError};
use jit_mechanisms::sudo::folder_at;
use jitd_core::record::chain::{self, Hash};
use jitd_core::record::export::ExportLine;
use nix::unistd::Uid;

use super::{Sink, SinkError};
use crate::ledger::Row;

/// Where the file is.
pub(super) const FILE: &str = "/var/log/jit/events.jsonl";

/// How much of the end of the file is searched for entries that a crash would have us write again, in bytes.
const LOOK_BACK: u64 = 1 << 20;

/// The sink `json`.
#[derive(Debug)]
pub struct JsonFile {
    path: PathBuf,
    open: Option<Open>,
    /// The hash of the entry told last, for the first line of a file that begins in the middle.
    last: Option<(u64, Hash)>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Entries at the end of the file when it was opened.
    written: HashSet<Hash>,
}

impl JsonFile {
    /// Appends to the file at this path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None, last: None }
    }

    fn write(&mut self, row: &Row) -> io::Result<()> {
        let open = match self.open.take().filter(|open| is_at(&open.file, &self.path)) {
            Some(open) => open,
            // The first time, or after somebody has moved the file away to keep it.
            None => Open::at(&self.path)?,
        };
        let open = self.open.insert(open);
        if open.written.contains(&row.hash) {
            return Ok(());
        }
        let length = open.file.metadata()?.len();
        let before = self.last.filter(|(seq, _)| length == 0 && seq.saturating_add(1) == row.seq);
        let mut line = serde_json::to_vec(&row.export(before.as_ref().map(|(_, hash)| hash)))
            .map_err(io::Error::other)?;
        line.push(b'\n');
        if let Err(error) = open.file.write_all(&line) {
            // Half a line would spoil the next one.
            let _ = open.file.set_len(length);
            return Err(error);
        }
        Ok(())
    }
}

impl Sink for JsonFile {
    fn name(&self) -> &'static str {
        "json"
    }

    fn send(&mut self, row: &Row) -> Result<(), SinkError> {
        self.write(row)
            .map_err(|source| SinkError::NotNow { target: self.path.display().to_string(), source })?;
        self.last = Some((row.seq, row.hash));
        Ok(())
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        let dir = folder(dir)?;
        let mut file = dir.append_to(name, 0o600).map_err(io::Error::other)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOOK_BACK)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        // What stands behind the last newline is half a line, from a crash in the middle of it.
        let half = end.iter().rev().take_while(|byte| **byte != b'\n').count();
        file.set_len(length.saturating_sub(half as u64))?;
        Ok(Self { file, written: hashes(&end) })
    }
}

/// The folder, made where there is none. Some hosts let others write in /var/log, and whoever can write in the folder itself can
/// put a file of the host in the place of ours: it has to be root's alone. A link that leads to a volume for logs is followed where
/// nobody but root could have made it or could change where it leads.
fn folder(path: &Path) -> io::Result<Dir> {
    let owner = Uid::effective();
    match Dir::open_or_make(path, owner, 0o700) {
        Err(DirError::NotADirectory { .. }) if path.is_symlink() => {
            let behind = folder_at(path, owner.as_raw()).map_err(|why| {
                let (link, to_do) = (path.display(), "make it root's alone, or take the link away");
                io::Error::other(format!("{link} is a link and is not followed: {why}; {to_do}"))
            })?;
            Dir::open(&behind, owner)
        }
        opened => opened,
    }
    .map_err(io::Error::other)
}

/// The hashes of the lines that can be read.
fn hashes(lines: &[u8]) -> HashSet<Hash> {
    lines
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter_map(|line| serde_json::from_slice::<ExportLine>(line).ok())
        .filter_map(|line| chain::unhex(&line.hash))
        .collect()
}

/// Whether the open file is the one that stands at the path.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
