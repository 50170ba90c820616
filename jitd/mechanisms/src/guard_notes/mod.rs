//! `/var/lib/jit/guard-notes`: what the guard did, one line each. The guard adds to it, jitd takes it away, records it
//! and never brings back what a note says was removed.
//!
//! The guard never writes `applied`, so after it took somebody out of a group, `applied` still says that jitd gave it.
//! [`Note::Member`] says that this is over: until jitd has taken the note, the guard leaves that membership alone, so
//! that whoever an admin puts into the group by hand after a removal stays there, even if jitd never comes back. The
//! note is written after the removal and before the group's lock is let go. Should the guard die between the two, or
//! the disk be full until the guard ends, the next one takes that person out once more: what it does not know to be
//! over may still be a privilege.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use jit_common::ids::RequestId;
use nix::fcntl::OFlag;

use crate::dir::{Dir, DirError, Entry, Identity};
use crate::paths::{HostPaths, STATE_DIR_MODE, name_of};

mod line;
mod noted;

pub use line::{Note, Off, Why};
pub use noted::Noted;

/// Longer than this is not read as notes.
const SIZE_MAX: u64 = 4 * 1024 * 1024;

/// How long a writer waits for jitd's taking, and the other way round.
const WAIT: Duration = Duration::from_millis(200);

/// How often a file is opened again because jitd took it between opening and locking.
const OPEN_TRIES: u32 = 8;

/// Why notes could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum NotesError {
    /// The directory or a file could not be used.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// Not written, and nothing half-written is left.
    #[error("the guard's notes could not be written to {path}")]
    Write {
        /// The file.
        path: String,
        /// Why: a full disk, for one.
        source: io::Error,
    },
    /// Somebody else is at them.
    #[error("{path} is in use; try again")]
    Busy {
        /// The file.
        path: String,
    },
}

/// Adds notes, all or none, and syncs them to the disk.
///
/// # Errors
/// They could not be written; whoever took something away keeps them and tries again.
pub fn append(paths: &HostPaths, notes: &[Note]) -> Result<(), NotesError> {
    if notes.is_empty() {
        return Ok(());
    }
    let dir = Dir::open_or_make(&paths.state_dir, paths.owner, STATE_DIR_MODE)?;
    let fail = |source| NotesError::Write { path: paths.guard_notes.display().to_string(), source };
    let mut file = open_locked(&dir, paths)?;
    let before = file.metadata().map_err(fail)?.len();
    let mut text = String::new();
    // A line that a power cut tore must not swallow the next one.
    if before > 0 && last_byte(&mut file).map_err(fail)? != b'\n' {
        text.push('\n');
    }
    for note in notes {
        text.push_str(&note.to_string());
        text.push('\n');
    }
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(why) = written {
        // The first error is the one to tell; a torn line that stays is skipped by the reader.
        let _ = file.set_len(before);
        return Err(fail(why));
    }
    if before == 0 {
        dir.sync()?;
    }
    Ok(())
}

/// Takes the notes away from the guard and reads them; `None` when there are none.
///
/// What an earlier call took and nobody [`finish`]ed comes first. So: take, record, finish, until there are none.
///
/// # Errors
/// They cannot be reached. Nothing is lost: the next call finds them.
pub fn take(paths: &HostPaths) -> Result<Option<Vec<Note>>, NotesError> {
    let Some(dir) = open_state_dir(paths)? else { return Ok(None) };
    let (name, taken) = (name_of(&paths.guard_notes), taken_name(paths));
    if dir.identity(&taken).is_none() {
        match dir.rename(name, &taken) {
            Ok(()) => {}
            Err(DirError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(why) => return Err(why.into()),
        }
    }
    // A guard that had opened it before the rename and is writing now holds the lock: wait for its last line.
    if let Ok(file) = dir.open_file(&taken, OFlag::O_RDONLY, 0) {
        wait_for(&file, paths)?;
    }
    Ok(Some(read(&dir, &taken)?))
}

/// Deletes what [`take`] took, once it is on the record.
///
/// Before this, `applied` has to be written without the memberships that [`Note::Member`] names, and to last
/// ([`Durability::AcrossReboot`](crate::dir::Durability)): with the note gone and the membership still given, the
/// guard would take out whoever was put in by hand meanwhile.
///
/// # Errors
/// It cannot be deleted; taking it again is harmless, a grant that has ended stays so.
pub fn finish(paths: &HostPaths) -> Result<(), NotesError> {
    let Some(dir) = open_state_dir(paths)? else { return Ok(()) };
    if dir.unlink(&taken_name(paths))? {
        dir.sync()?;
    }
    Ok(())
}

/// The grants that a note says were removed and that jitd has not yet recorded.
///
/// # Errors
/// The notes cannot be read, so nobody knows.
pub fn pending(paths: &HostPaths) -> Result<BTreeSet<RequestId>, NotesError> {
    Ok(noted(paths)?.ids())
}

/// All that the notes say that jitd has not yet recorded.
///
/// # Errors
/// The notes cannot be read, so nobody knows.
pub fn noted(paths: &HostPaths) -> Result<Noted, NotesError> {
    let mut noted = Noted::default();
    let Some(dir) = open_state_dir(paths)? else { return Ok(noted) };
    // In this order: what jitd takes in between is then seen at least once.
    for name in [name_of(&paths.guard_notes), &taken_name(paths)] {
        noted.extend(&read(&dir, name)?);
    }
    Ok(noted)
}

fn open_state_dir(paths: &HostPaths) -> Result<Option<Dir>, NotesError> {
    match Dir::open(&paths.state_dir, paths.owner) {
        Ok(dir) => Ok(Some(dir)),
        Err(DirError::Missing { .. }) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

fn taken_name(paths: &HostPaths) -> OsString {
    let mut name = name_of(&paths.guard_notes).to_owned();
    name.push(".taken");
    name
}

fn read(dir: &Dir, name: &OsStr) -> Result<Vec<Note>, NotesError> {
    match dir.read(name, SIZE_MAX)? {
        Entry::Missing => Ok(Vec::new()),
        Entry::Strange(why) => Ok(vec![Note::Unreadable { line: why }]),
        Entry::File(content) => Ok(Note::parse_all(&String::from_utf8_lossy(&content.bytes))),
    }
}

/// Opens the notes for adding, locked, and still under their name.
fn open_locked(dir: &Dir, paths: &HostPaths) -> Result<File, NotesError> {
    let name = name_of(&paths.guard_notes);
    let fail = |source| NotesError::Write { path: paths.guard_notes.display().to_string(), source };
    for _ in 0..OPEN_TRIES {
        let flags = OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_CREAT;
        let file = dir.open_file(name, flags, 0o600).map_err(|why| fail(why.into()))?;
        wait_for(&file, paths)?;
        let meta = file.metadata().map_err(fail)?;
        if !meta.is_file() {
            return Err(fail(io::Error::other("it is not a regular file; take it away")));
        }
        // Taken between opening and locking: what we wrote there might be deleted unread.
        if dir.identity(name).is_some_and(|now| now.same_file(Identity::of(&meta))) {
            return Ok(file);
        }
    }
    Err(NotesError::Busy { path: paths.guard_notes.display().to_string() })
}

fn wait_for(file: &File, paths: &HostPaths) -> Result<(), NotesError> {
    crate::lock::wait(file, WAIT)
        .map_err(|source| NotesError::Write { path: paths.guard_notes.display().to_string(), source })?
        .then_some(())
        .ok_or_else(|| NotesError::Busy { path: paths.guard_notes.display().to_string() })
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests;
