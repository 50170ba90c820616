//! One of the files, held open while it is looked at, and replaced in one step.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::attributes;
use crate::dir::{Dir, DirError, Identity, OpenEntry, Staged};

/// More than this is no such file.
const SIZE_MAX: u64 = 256 * 1024 * 1024;

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

impl Read {
    /// Writes `bytes` beside `name`, like this file in everything else, not synced yet.
    pub(super) fn stage<'dir>(
        &self,
        dir: &'dir Dir,
        name: &OsStr,
        bytes: &[u8],
    ) -> Result<Staged<'dir>, DirError> {
        dir.sweep(name)?;
        dir.stage_as(name, bytes, |new| attributes::copy(&self.file, new))
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
