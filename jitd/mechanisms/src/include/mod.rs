//! `/etc/sudoers.d/00-jit`, placed once at installation: the line that makes sudo read what jitd writes under `/run`.

use std::path::PathBuf;
use std::time::Duration;

use jit_common::paths::SUDOERS_DIR;
use jit_common::visudo::{Flavour, Verdict, Visudo, VisudoError};

use crate::dir::{Dir, DirError, Durability, Entry};
use crate::paths::{HostPaths, make_directories, name_of};
use crate::sudoers_file::FILE_MODE;

/// More than this is no file of ours, and no sudoers file to look through.
const SIZE_MAX: u64 = 4 * 1024 * 1024;

/// What the file holds: the same as the package places.
pub const TEXT: &str = include_str!("../../../../systemd/sudoers.d/00-jit");

/// How the file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// As it was placed.
    InPlace,
    /// Not there.
    Missing,
    /// Something else, in words.
    Changed(String),
}

/// Whether sudo reads the directory that the file is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadBySudo {
    /// The host's sudoers file includes it.
    Yes,
    /// It does not: nothing that jitd writes would ever count.
    No {
        /// The sudoers file that this sudo reads.
        sudoers: PathBuf,
    },
}

/// Both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncludeState {
    /// The file itself.
    pub file: FileState,
    /// The way to it.
    pub read: ReadBySudo,
}

impl IncludeState {
    /// What is wrong and what to do, as a sentence; `None` when sudo reads our rules.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let file = jit_common::paths::INCLUDE_FILE;
        match (&self.read, &self.file) {
            (ReadBySudo::No { sudoers }, _) => Some(format!(
                "{} does not include /etc/sudoers.d, so sudo reads no grant; add the line \"@includedir /etc/sudoers.d\" with visudo",
                sudoers.display()
            )),
            (ReadBySudo::Yes, FileState::InPlace) => None,
            (ReadBySudo::Yes, FileState::Missing) => {
                Some(format!("{file} is missing, so sudo reads no grant; run jitd --place-include"))
            }
            (ReadBySudo::Yes, FileState::Changed(how)) => Some(format!(
                "{file} is not as jitd placed it ({how}); move it away and run jitd --place-include"
            )),
        }
    }
}

/// What came of placing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It was there already.
    AlreadySo,
    /// It was written, and visudo accepts the host's sudoers with it.
    Written,
}

/// What came of removing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenAway {
    /// It is gone.
    Removed,
    /// It was not there.
    WasMissing,
    /// It is not as jitd placed it, so it was left: somebody made it theirs. How, in words.
    Left(String),
}

/// Why the include could not be placed, looked at or removed.
#[derive(Debug, thiserror::Error)]
pub enum IncludeError {
    /// A directory or file could not be used.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// visudo does not accept it.
    #[error("visudo does not accept the host's sudoers with {path}, so it was not placed: {complaint}")]
    Rejected {
        /// The file.
        path: PathBuf,
        /// visudo's complaint.
        complaint: String,
    },
    /// visudo did not answer.
    #[error("visudo could not be asked, so {path} was not placed")]
    Visudo {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VisudoError,
    },
    /// Somebody else's file is there.
    #[error("{path} holds something else ({how}); move it away and try again")]
    Occupied {
        /// The file.
        path: PathBuf,
        /// How it is.
        how: String,
    },
}

/// Looks at the include and the way to it, for a sudo of this flavour.
///
/// # Errors
/// Something cannot be read.
pub fn state(paths: &HostPaths, flavour: Flavour) -> Result<IncludeState, IncludeError> {
    let etc = open_etc(paths, &paths.etc_sudoers)?;
    // sudo-rs reads /etc/sudoers-rs instead when it is there.
    let own = flavour == Flavour::SudoRs && etc.identity(name_of(&paths.etc_sudoers_rs)).is_some();
    let sudoers = if own { &paths.etc_sudoers_rs } else { &paths.etc_sudoers };
    let includes = match etc.read(name_of(sudoers), SIZE_MAX)? {
        Entry::File(content) => includes_dropins(&String::from_utf8_lossy(&content.bytes)),
        Entry::Missing | Entry::Strange(_) => false,
    };
    let read = if includes { ReadBySudo::Yes } else { ReadBySudo::No { sudoers: sudoers.clone() } };
    let file = match Dir::open(&paths.etc_sudoers_dir, paths.owner) {
        Ok(dir) => file_state(&dir, paths)?,
        Err(DirError::Missing { .. }) => FileState::Missing,
        Err(why) => return Err(why.into()),
    };
    Ok(IncludeState { file, read })
}

/// Places the file, synced, if visudo accepts it by itself and does not complain about the host's sudoers with it
/// when it did not without it.
///
/// # Errors
/// It was not placed.
pub fn place(paths: &HostPaths, visudo: &Visudo, limit: Duration) -> Result<Placed, IncludeError> {
    let path = || paths.include_file.clone();
    let no_answer = |source| IncludeError::Visudo { path: path(), source };
    let dir = Dir::open(&paths.etc_sudoers_dir, paths.owner)?;
    let name = name_of(&paths.include_file);
    match file_state(&dir, paths)? {
        FileState::InPlace => return Ok(Placed::AlreadySo),
        FileState::Missing => {}
        FileState::Changed(how) => return Err(IncludeError::Occupied { path: path(), how }),
    }
    // A missing directory is silent in classic sudo, but sudo-rs 0.2.5 tells every caller and its visudo refuses.
    make_directories(paths)?;
    let before = visudo.check_host(limit).map_err(no_answer)?;
    let staged = dir.stage(name, TEXT.as_bytes(), FILE_MODE, Durability::AcrossReboot)?;
    // By itself, under a name that sudo does not read.
    if let Verdict::Rejected { complaint } = visudo.check_file(&staged.path(), limit).map_err(no_answer)? {
        return Err(IncludeError::Rejected { path: path(), complaint });
    }
    staged.publish()?;
    let broken = match (before, visudo.check_host(limit)) {
        // An admin's own file was broken before: that is not ours to judge, and sudo passes it over.
        (Verdict::Rejected { .. }, _) | (Verdict::Accepted, Ok(Verdict::Accepted)) => None,
        (Verdict::Accepted, Ok(Verdict::Rejected { complaint })) => {
            Some(IncludeError::Rejected { path: path(), complaint })
        }
        (Verdict::Accepted, Err(why)) => Some(no_answer(why)),
    };
    if let Some(why) = broken {
        dir.unlink(name)?;
        return Err(why);
    }
    dir.sync()?;
    Ok(Placed::Written)
}

/// Removes the file, if it is as it was placed.
///
/// # Errors
/// It cannot be removed.
pub fn remove(paths: &HostPaths) -> Result<TakenAway, IncludeError> {
    let dir = match Dir::open(&paths.etc_sudoers_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(TakenAway::WasMissing),
        Err(why) => return Err(why.into()),
    };
    match file_state(&dir, paths)? {
        FileState::Missing => Ok(TakenAway::WasMissing),
        FileState::Changed(how) => Ok(TakenAway::Left(how)),
        FileState::InPlace => {
            dir.unlink(name_of(&paths.include_file))?;
            dir.sync()?;
            Ok(TakenAway::Removed)
        }
    }
}

fn open_etc(paths: &HostPaths, file: &std::path::Path) -> Result<Dir, DirError> {
    Dir::open(file.parent().unwrap_or(&paths.root), paths.owner)
}

fn file_state(dir: &Dir, paths: &HostPaths) -> Result<FileState, DirError> {
    Ok(match dir.read(name_of(&paths.include_file), SIZE_MAX)? {
        Entry::Missing => FileState::Missing,
        Entry::Strange(how) => FileState::Changed(how),
        Entry::File(content) if content.uid != paths.owner.as_raw() => {
            FileState::Changed(format!("it belongs to uid {}", content.uid))
        }
        Entry::File(content) if content.mode & 0o022 != 0 => {
            FileState::Changed(format!("its mode is {:04o}", content.mode))
        }
        // Comments are an admin's to change; what counts is the one line that sudo reads.
        Entry::File(content) => {
            let text = String::from_utf8_lossy(&content.bytes);
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| says_something(line)).collect();
            match lines.as_slice() {
                [line] if included_dir(line) == Some(SUDOERS_DIR) => FileState::InPlace,
                [] => FileState::Changed(format!("it does not include {SUDOERS_DIR}")),
                _ => FileState::Changed("it holds other rules".to_owned()),
            }
        }
    })
}

fn says_something(line: &str) -> bool {
    // `#1000 ALL=…` is a rule and `#include` a directive (sudoers(5)): only a blank after the sign, or nothing, is
    // taken for a comment here.
    !(line.is_empty() || line == "#" || line.starts_with("# ") || line.starts_with("##"))
}

/// Whether a sudoers file includes the host's directory of drop-ins.
fn includes_dropins(text: &str) -> bool {
    text.lines().any(|line| included_dir(line.trim()) == Some(jit_common::paths::ETC_SUDOERS_DIR))
}

/// The directory of an `@includedir` line, old spelling (`#includedir`) as well.
fn included_dir(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("@includedir").or_else(|| line.strip_prefix("#includedir"))?;
    let dir = rest.strip_prefix([' ', '\t'])?.trim().trim_matches('"');
    Some(dir.strip_suffix('/').unwrap_or(dir))
}

#[cfg(test)]
mod tests;
