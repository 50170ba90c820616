//! `/var/lib/jit/applied`: what is raised on this host and until when. jitd writes it before it raises anything, the
//! guard reads it, so the guard knows how to take off whatever can be there.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use jit_common::ids::RequestId;
use jitd_core::now::{BootId, Deadline};

use crate::dir::{Dir, DirError, Durability, Entry};
use crate::paths::{HostPaths, STATE_DIR_MODE, name_of};

/// The first line: what this is, and in which version of the format.
const HEADER: &str = "jit-applied 1";

/// More than this is not one of ours (some 50 000 grants).
const SIZE_MAX: u64 = 8 * 1024 * 1024;

/// What has to be undone when a grant ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undo {
    /// Its block in the sudoers file.
    Sudoers,
}

impl Undo {
    fn word(self) -> &'static str {
        match self {
            Self::Sudoers => "sudoers",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Sudoers].into_iter().find(|undo| undo.word() == word)
    }
}

/// One grant that may be on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedGrant {
    /// Its id.
    pub id: RequestId,
    /// Whose it is.
    pub uid: u32,
    /// When it ends.
    pub deadline: Deadline,
    /// What to undo then.
    pub undo: Vec<Undo>,
}

/// Everything that may be on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The grants; each id once.
    pub grants: Vec<AppliedGrant>,
}

/// Why a text is not a whole `applied` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Damage {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Why `applied` could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AppliedError {
    /// It is there and says nothing that can be trusted.
    #[error("{path} is damaged ({damage}); whatever is raised on this host has to be taken off")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        damage: Damage,
    },
    /// It could not be reached.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// A boot id that cannot stand in the file.
    #[error(
        "the boot id {boot_id:?} of grant {id} cannot be written: it may hold letters, digits and dashes"
    )]
    BootId {
        /// The grant.
        id: RequestId,
        /// The boot id.
        boot_id: String,
    },
}

impl AppliedError {
    /// Whether reading again may help: the system gave no memory, no descriptor or no data. What was read and is wrong,
    /// or is no file or directory at all, stays so.
    #[must_use]
    pub fn is_fleeting(&self) -> bool {
        match self {
            Self::Dir(DirError::Open { .. } | DirError::File { .. }) => true,
            Self::Dir(
                DirError::Missing { .. }
                | DirError::NotADirectory { .. }
                | DirError::Owner { .. }
                | DirError::Writable { .. }
                | DirError::Make { .. }
                | DirError::Interrupted { .. },
            )
            | Self::Damaged { .. }
            | Self::BootId { .. } => false,
        }
    }
}

/// Writes it in one step; synced when the change it speaks of outlives a reboot.
///
/// # Errors
/// It could not be written: nothing may be raised then.
pub fn write(paths: &HostPaths, applied: &Applied, durability: Durability) -> Result<(), AppliedError> {
    let text = render(applied)?;
    let dir = Dir::open_or_make(&paths.state_dir, paths.owner, STATE_DIR_MODE)?;
    let name = name_of(&paths.applied);
    // Only jitd writes here, and there is one: any temporary file is from one that died.
    dir.sweep(name)?;
    Ok(dir.replace(name, text.as_bytes(), 0o600, durability)?)
}

/// Reads it; `None` when there is none, which means that nothing is raised.
///
/// # Errors
/// It is damaged: everything has to be taken off then. Or it cannot be read, which [`AppliedError::is_fleeting`] tells
/// apart: everything has to be taken off when that stays so.
pub fn read(paths: &HostPaths) -> Result<Option<Applied>, AppliedError> {
    let damaged = |damage| AppliedError::Damaged { path: paths.applied.display().to_string(), damage };
    // As it is: a state directory with a wrong mode is no reason to leave anything raised.
    let dir = match Dir::open_as_it_is(&paths.state_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(None),
        Err(why) => return Err(why.into()),
    };
    let content = match dir.read(name_of(&paths.applied), SIZE_MAX)? {
        Entry::Missing => return Ok(None),
        Entry::Strange(why) => return Err(damaged(Damage { line: 1, why })),
        Entry::File(content) => content,
    };
    if !content.is_only_of(paths.owner) {
        let why = format!("it belongs to uid {} with mode {:04o}", content.uid, content.mode);
        return Err(damaged(Damage { line: 1, why }));
    }
    let text = String::from_utf8(content.bytes)
        .map_err(|_| damaged(Damage { line: 1, why: "it is not UTF-8".into() }))?;
    parse(&text).map(Some).map_err(damaged)
}

/// The text of the file.
///
/// # Errors
/// A boot id that the format cannot hold.
pub fn render(applied: &Applied) -> Result<String, AppliedError> {
    let mut text = format!("{HEADER}\n");
    for grant in &applied.grants {
        let AppliedGrant { id, uid, deadline: Deadline { wall, boot, boot_id }, undo } = grant;
        if !is_boot_id(&boot_id.0) {
            return Err(AppliedError::BootId { id: *id, boot_id: boot_id.0.clone() });
        }
        let undo: Vec<_> = undo.iter().map(|undo| undo.word()).collect();
        let undo = undo.join(",");
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "grant {id} uid={uid} boot={boot_id} until_boot={boot} until_wall={wall} undo={undo}"
        );
    }
    let _ = writeln!(text, "end {}", applied.grants.len());
    Ok(text)
}

/// Reads a text: all of it or nothing.
///
/// # Errors
/// The first line that is wrong, and why. A text that was cut off anywhere is wrong.
pub fn parse(text: &str) -> Result<Applied, Damage> {
    let lines: Vec<&str> = text.split('\n').collect();
    let at = |index: usize, why: &dyn fmt::Display| Damage { line: index + 1, why: why.to_string() };
    if lines.first() != Some(&HEADER) {
        return Err(at(0, &format_args!("it does not begin with {HEADER:?}")));
    }
    let mut grants = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in lines.iter().enumerate().skip(1) {
        if let Some(count) = line.strip_prefix("end ") {
            if count.parse() != Ok(grants.len()) || count != grants.len().to_string() {
                return Err(at(
                    index,
                    &format_args!("it counts {count:?} grants, {} are here", grants.len()),
                ));
            }
            return match lines.get(index + 1..) {
                Some([""]) => Ok(Applied { grants }),
                Some([]) => Err(at(index, &"the line has no end")),
                _ => Err(at(index + 1, &"something follows the last line")),
            };
        }
        if line.is_empty() && index + 1 == lines.len() {
            break;
        }
        let grant = parse_grant(line).map_err(|why| at(index, &why))?;
        if !seen.insert(grant.id) {
            return Err(at(index, &format_args!("grant {} is here twice", grant.id)));
        }
        grants.push(grant);
    }
    Err(at(lines.len().saturating_sub(1), &"it ends before its \"end\" line"))
}

fn parse_grant(line: &str) -> Result<AppliedGrant, String> {
    let mut words = line.split(' ');
    if words.next() != Some("grant") {
        return Err(format!(
            "{:?} is neither \"grant\" nor \"end\"",
            line.chars().take(40).collect::<String>()
        ));
    }
    let id = words.next().unwrap_or_default();
    let id = id.parse().map_err(|why| format!("the id {id:?}: {why}"))?;
    let uid = number(value(words.next(), "uid")?)?;
    let boot_id = value(words.next(), "boot")?;
    if !is_boot_id(boot_id) {
        return Err(format!("{boot_id:?} is no boot id"));
    }
    let boot_id = BootId(boot_id.to_owned());
    let boot = number(value(words.next(), "until_boot")?)?;
    let wall = number(value(words.next(), "until_wall")?)?;
    let undo = value(words.next(), "undo")?;
    let undo = undo
        .split(',')
        .map(|word| Undo::parse(word).ok_or_else(|| format!("this version cannot undo {word:?}")))
        .collect::<Result<_, _>>()?;
    match words.next() {
        None => Ok(AppliedGrant { id, uid, deadline: Deadline { wall, boot, boot_id }, undo }),
        Some(word) => Err(format!("{word:?} is too much")),
    }
}

fn value<'a>(word: Option<&'a str>, key: &str) -> Result<&'a str, String> {
    let word = word.unwrap_or_default();
    word.strip_prefix(key)
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or_else(|| format!("{word:?} is not {key}=…"))
}

fn number<N: std::str::FromStr + fmt::Display>(text: &str) -> Result<N, String> {
    match text.parse::<N>() {
        // Only as we write it: no plus sign, no leading zeros.
        Ok(number) if number.to_string() == text => Ok(number),
        _ => Err(format!("{text:?} is not a number")),
    }
}

fn is_boot_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests;
