//! The text of `/etc/group` or `/etc/gshadow`: members put in and taken out, every other byte kept.
//!
//! Only the lines of groups that somebody asks for are looked into. All others, and whatever else stands in such a
//! file (NIS lines, comments, lines that nobody can read), are carried over unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::ops::Range;

use super::refusal::{Kind, Odd, Refusal, writable};

mod line;
#[cfg(any(test, feature = "scratch"))]
pub mod plainest;
mod untouched;

pub use untouched::only_members_differ;

use line::{Entry, Line, WHITE, gid_of, members_of, trimmed};

/// What came of a change to the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// It is done.
    Done,
    /// It was so before.
    AlreadySo,
}

/// A text with the changes made to it so far.
#[derive(Debug)]
pub struct GroupFile<'b> {
    bytes: &'b [u8],
    kind: Kind,
    lines: BTreeMap<String, Vec<Line<'b>>>,
}

/// A group as it is called, and who is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<'b> {
    /// Its name.
    pub name: &'b str,
    /// Its members.
    pub members: BTreeSet<&'b [u8]>,
}

impl<'b> GroupFile<'b> {
    /// Reads `bytes` and finds the lines of the groups `names`; the others cannot be changed through this value.
    #[must_use]
    pub fn parse(bytes: &'b [u8], kind: Kind, names: &BTreeSet<&str>) -> Self {
        let wanted: BTreeMap<&[u8], &str> = names.iter().map(|name| (name.as_bytes(), *name)).collect();
        let firsts = Firsts::of(names);
        let mut lines: BTreeMap<String, Vec<Line<'b>>> = BTreeMap::new();
        for (number, range) in ranges(bytes) {
            let text = bytes.get(range.clone()).unwrap_or_default();
            if !firsts.may_begin(text) {
                continue;
            }
            if let Some(name) = name_of(text).and_then(|name| wanted.get(name)) {
                let line = Line::read(text, number, range, name, kind);
                lines.entry((*name).to_owned()).or_default().push(line);
            }
        }
        Self { bytes, kind, lines }
    }

    /// The members of a group, with the changes made so far.
    ///
    /// # Errors
    /// As [`GroupFile::add_member`].
    pub fn members(&self, group: &str, gid: u32) -> Result<Vec<&[u8]>, Refusal> {
        Ok(self.one(group, gid)?.members().collect())
    }

    /// Whether there is any line of this name.
    #[must_use]
    pub fn names(&self, group: &str) -> bool {
        self.lines.contains_key(group)
    }

    /// Whether the user is in the group, with the changes made so far.
    ///
    /// # Errors
    /// As [`GroupFile::add_member`].
    pub fn is_member(&self, group: &str, gid: u32, user: &str) -> Result<bool, Refusal> {
        Ok(self.one(group, gid)?.has(user))
    }

    /// Whether any line of this name holds the user, however odd the line.
    #[must_use]
    pub fn holds(&self, group: &str, user: &str) -> bool {
        self.lines.get(group).is_some_and(|lines| lines.iter().any(|line| line.has(user)))
    }

    /// Puts the user behind the group's last member. `/etc/gshadow` knows no gids: there it is not looked at.
    ///
    /// # Errors
    /// There is not exactly one good line of this name with this gid, or the user's name cannot stand in it.
    pub fn add_member(&mut self, group: &str, gid: u32, user: &str) -> Result<Change, Refusal> {
        writable(user)?;
        if self.one(group, gid)?.has(user) {
            return Ok(Change::AlreadySo);
        }
        for line in self.lines.get_mut(group).into_iter().flatten() {
            if let Ok(entry) = &mut line.entry {
                entry.add(user);
            }
        }
        Ok(Change::Done)
    }

    /// Takes the user out of the group. Where several lines have its name he goes from each of them: the C library
    /// counts them all.
    ///
    /// # Errors
    /// He is in a line that has another gid or cannot be read; nothing was changed then.
    pub fn remove_member(&mut self, group: &str, gid: u32, user: &str) -> Result<Change, Refusal> {
        if !self.holds(group, user) {
            return Ok(Change::AlreadySo);
        }
        let kind = self.kind;
        let lines = self.lines.get_mut(group).map(Vec::as_mut_slice).unwrap_or_default();
        for line in lines.iter().filter(|line| line.has(user)) {
            match &line.entry {
                Ok(entry) => agree(entry, group, gid)?,
                Err(why) => return Err(malformed(group, kind, line.number, *why)),
            }
        }
        for line in lines.iter_mut().filter(|line| line.has(user)) {
            if let Ok(entry) = &mut line.entry {
                entry.remove(user);
            }
        }
        Ok(Change::Done)
    }

    /// The groups that have one of these gids, with their members: where a renamed group went. One pass over the text.
    #[must_use]
    pub fn names_of_gids(&self, gids: &BTreeSet<u32>) -> BTreeMap<u32, Vec<Named<'b>>> {
        let mut found: BTreeMap<u32, Vec<Named<'b>>> = BTreeMap::new();
        for (number, range) in ranges(self.bytes) {
            let text = self.bytes.get(range.clone()).unwrap_or_default();
            // Nearly every line goes here, so no more than its gid is looked at.
            let Some(gid) = gid_of(text).filter(|gid| gids.contains(gid)) else { continue };
            let Some(name) = name_of(text).and_then(|name| std::str::from_utf8(name).ok()) else { continue };
            let line = Line::read(text, number, range, name, self.kind);
            if line.entry.is_ok_and(|entry| entry.gid == Some(gid)) {
                found.entry(gid).or_default().push(Named { name, members: members_of(text).collect() });
            }
        }
        found
    }

    /// The text with all changes; `None` when there are none.
    #[must_use]
    pub fn rendered(&self) -> Option<Vec<u8>> {
        let changed = |line: &Line<'b>| Some((line.range.clone(), line.entry.as_ref().ok()?.rendered()?));
        let mut changes: Vec<_> = self.lines.values().flatten().filter_map(changed).collect();
        if changes.is_empty() {
            return None;
        }
        changes.sort_by_key(|(range, _)| range.start);
        let mut text = Vec::with_capacity(self.bytes.len().saturating_add(4096));
        let mut copied = 0;
        for (range, line) in changes {
            text.extend_from_slice(self.bytes.get(copied..range.start).unwrap_or_default());
            text.extend(line);
            copied = range.end;
        }
        text.extend_from_slice(self.bytes.get(copied..).unwrap_or_default());
        Some(text)
    }

    /// The one good line of a group.
    fn one(&self, group: &str, gid: u32) -> Result<&Entry<'b>, Refusal> {
        let lines = self.lines.get(group).map(Vec::as_slice).unwrap_or_default();
        match lines {
            [] => Err(Refusal::NoSuchGroup { group: group.to_owned() }),
            [line] => {
                let odd = |why| malformed(group, self.kind, line.number, why);
                let entry = line.entry.as_ref().map_err(|why| odd(*why))?;
                entry.takes_members().map_err(odd)?;
                agree(entry, group, gid)?;
                Ok(entry)
            }
            [_, _, ..] => {
                let lines = lines.iter().map(|line| line.number).collect();
                Err(Refusal::Duplicate { group: group.to_owned(), file: self.kind, lines })
            }
        }
    }
}

fn agree(entry: &Entry<'_>, group: &str, wanted: u32) -> Result<(), Refusal> {
    match entry.gid {
        Some(found) if found != wanted => Err(Refusal::GidDiffers { group: group.to_owned(), wanted, found }),
        Some(_) | None => Ok(()),
    }
}

fn malformed(group: &str, file: Kind, line: usize, why: Odd) -> Refusal {
    Refusal::Malformed { group: group.to_owned(), file, line, why }
}

/// With which byte a line begins that may be of one of some names: most lines of a long file are passed over by it.
pub(super) struct Firsts([bool; 256]);

impl Firsts {
    /// For lines of these names.
    pub(super) fn of(names: &BTreeSet<&str>) -> Self {
        let mut may = [false; 256];
        let first = names.iter().filter_map(|name| name.bytes().next());
        for byte in first.chain(WHITE) {
            if let Some(may) = may.get_mut(usize::from(byte)) {
                *may = true;
            }
        }
        Self(may)
    }

    /// Whether it may be: white space stands before a name, too.
    pub(super) fn may_begin(&self, line: &[u8]) -> bool {
        line.first().and_then(|byte| self.0.get(usize::from(*byte))).is_some_and(|may| *may)
    }
}

/// The name at the beginning of a line; `None` for what is no group: NIS lines and comments. The C library passes
/// over white space before it.
pub(super) fn name_of(line: &[u8]) -> Option<&[u8]> {
    let line = trimmed(line);
    match line.first()? {
        b'+' | b'-' | b'#' => None,
        _ => line.split(|&byte| byte == b':').next(),
    }
}

/// Every line with its number, counted from 1, and where it stands without its newline.
pub(super) fn ranges(bytes: &[u8]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut start = 0;
    let next = move || {
        let mut rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        // The standard library's only public search for a byte that takes a machine word at a time.
        let length = rest.skip_until(b'\n').ok()?;
        let end = start + length;
        let newline = usize::from(bytes.get(end - 1) == Some(&b'\n'));
        let range = start..end - newline;
        start = end;
        Some(range)
    };
    std::iter::from_fn(next).enumerate().map(|(index, range)| (index + 1, range))
}

#[cfg(test)]
mod tests;
