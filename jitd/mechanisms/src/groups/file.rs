//! One of the files, held open while it is looked at, and replaced in one step.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::attributes;
use crate::dir::{Dir, DirError, Identity, OpenEntry, Staged};

/// More than this is no such file.
const SIZE_MAX: u64 = 256 * 1024 * 1024;

/// How much is read back at a time.
const PIECE: usize = 16 * 1024;

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) bytes: Vec<u8>,
    pub(super) identity: Identity,
    file: File,
}

/// What was found instead of a file that can be changed.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Missing,
    /// A file that can be replaced.
    File(Read),
    /// Something that cannot, in words.
    Fixed(String),
}

/// Looks at `name` in `dir`.
pub(super) fn read(dir: &Dir, name: &OsStr) -> Result<Found, DirError> {
    let (file, meta, bytes) = match dir.read_open(name, SIZE_MAX)? {
        OpenEntry::Missing => return Ok(Found::Missing),
        OpenEntry::Strange(why) => return Ok(Found::Fixed(why)),
        OpenEntry::File { file, meta, bytes } => (file, meta, bytes),
    };
    let identity = Identity::of(&meta);
    match attributes::obstacle(&file).map_err(|why| dir.failed("look at", name, why))? {
        Some(why) => Ok(Found::Fixed(why.into())),
        None => Ok(Found::File(Read { bytes, identity, file })),
    }
}

/// The bytes of `name` in `dir`, and which file they are of; nothing when it is missing.
pub(super) fn bytes(dir: &Dir, name: &OsStr) -> Result<(Vec<u8>, Option<Identity>), DirError> {
    match dir.read_open(name, SIZE_MAX)? {
        OpenEntry::Missing => Ok((Vec::new(), None)),
        OpenEntry::File { bytes, meta, .. } => Ok((bytes, Some(Identity::of(&meta)))),
        OpenEntry::Strange(why) => Err(dir.failed("read", name, io::Error::other(why))),
    }
}

/// Whether `name` in `dir` holds `text` and nothing else: read piece by piece, for it may be long.
pub(super) fn holds(dir: &Dir, name: &OsStr, text: &[u8]) -> Result<bool, DirError> {
    let fail = |why| dir.failed("read", name, why);
    let mut file = match dir.open_file(name, OFlag::O_RDONLY, 0) {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(false),
        Err(why) => return Err(fail(why.into())),
    };
    let mut piece = [0; PIECE];
    let mut left = text;
    loop {
        let count = match file.read(&mut piece) {
            Ok(count) => count,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => return Err(fail(why)),
        };
        if count == 0 {
            return Ok(left.is_empty());
        }
        match left.split_at_checked(count) {
            Some((expected, rest)) if piece.get(..count) == Some(expected) => left = rest,
            Some(_) | None => return Ok(false),
        }
    }
}

impl Read {
    /// Writes `bytes` beside `name`, like this file in everything else, not synced yet. What somebody left there before has been
    /// swept.
    pub(super) fn stage<'dir>(
        &self,
        dir: &'dir Dir,
        name: &OsStr,
        bytes: &[u8],
    ) -> Result<Staged<'dir>, DirError> {
        dir.stage_as(name, bytes, |new| attributes::copy(&self.file, new))
    }

    /// The file itself, which may have lost its name.
    pub(super) fn into_file(self) -> File {
        self.file
    }

    /// Whether it still is what stands under `name`, unchanged.
    pub(super) fn is_current(&self, dir: &Dir, name: &OsStr) -> bool {
        dir.identity(name) == Some(self.identity)
    }
}

/// Where it is, for people.
pub(super) fn path(dir: &Dir, name: &OsStr) -> PathBuf {
    dir.path().join(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::fs;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_file_holds_a_text_when_every_byte_is_there_and_no_other() {
        let scratch = Scratch::new();
        let dir = Dir::open(&scratch.paths().etc_dir, scratch.paths().owner).unwrap();
        let name = OsStr::new("group");
        let text = "docker:x:999:alice\n".repeat(5000).into_bytes();
        let holds = |written: &[u8], expected: &[u8]| {
            fs::write(scratch.paths().etc_group, written).unwrap();
            holds(&dir, name, expected).unwrap()
        };
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, text.len()] {
            let (text, longer) = (text.get(..length).unwrap(), [text.get(..length).unwrap(), b"\n"].concat());
            assert!(holds(text, text));
            assert!(!holds(&longer, text) && !holds(text, &longer), "{length}");
        }
        let mut other = text.clone();
        *other.last_mut().unwrap() = b' ';
        assert!(!holds(&other, &text));
        fs::remove_file(scratch.paths().etc_group).unwrap();
        assert!(!super::holds(&dir, name, &text).unwrap());
    }
}
