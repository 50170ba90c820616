//! The walk through folders for files that run as somebody else: set-uid, set-gid, with capabilities.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use jitd_core::watched::{Seen, Thing, mark};
use rustix::buffer::spare_capacity;
use rustix::fs::{Dir, FileType, Statx, lgetxattr};
use rustix::io::Errno;

use super::budget::{LINES, TEXT, THINGS, TOO_MUCH, is_filled_by_others, nearest};
use super::shown::shown;
use super::tree::{Tree, changed, kind, stat_in, stat_of};
use super::{Finds, WatchList};

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const ANY_EXEC: u32 = 0o111;

/// What a file's capabilities stand in (capabilities(7)).
const CAPABILITY: &CStr = c"security.capability";

/// Bytes of the longest there is.
const LONGEST: usize = 64;

/// Why the walk ends before it is through.
const NO_ROOM: &str = "not walked: the limit of entries was reached";
const NO_TIME: &str = "not walked: there was no more time";

/// The part of all entries that a folder which others than root can fill may have where the walk comes to it, and the least that is.
/// One with more comes last, and shares what is left with others such.
const FIRST_PART: u64 = 64;
const LEAST: u64 = 256;

/// Bytes that the folders which are to be looked into may take, in a folder that others than root can fill.
const PENDING: usize = 8 * 1024 * 1024;

/// Walks the folders of the list, for as long as there is room and time.
pub(super) fn walk(tree: &Tree, list: &WatchList, finds: &mut Finds, has_time: &mut impl FnMut() -> bool) {
    let first_parts = list.entries / 2;
    let mut walk = Walk { tree, most: list.entries, finds, has_time, first_parts, large: Vec::new() };
    let mut start = Pending::default();
    list.folders.iter().rev().for_each(|folder| start.push(folder.as_os_str().as_bytes().to_vec()));
    if let Err(Stopped { why, rest }) = walk.through(start, &mut { Part::ALL }) {
        nearest(&rest).iter().for_each(|path| walk.finds.leave_out(shown(path), why));
    }
    let mut large = std::mem::take(&mut walk.large);
    let mut left_out: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    while let Some(path) = large.pop() {
        let left = list.entries.saturating_sub(walk.finds.found.entries);
        let others = u64::try_from(large.len()).unwrap_or(u64::MAX);
        if let Err(why) = walk.place(&path, left / others.saturating_add(1)) {
            left_out.entry(why).or_default().push(path);
        }
    }
    for (why, paths) in left_out {
        nearest(&paths).iter().for_each(|path| walk.finds.leave_out(shown(path), why));
    }
}

/// Folders that are to be looked into.
#[derive(Default)]
struct Pending {
    paths: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pending {
    fn push(&mut self, path: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(Self::size(&path));
        self.paths.push(path);
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let path = self.paths.pop()?;
        self.bytes = self.bytes.saturating_sub(Self::size(&path));
        Some(path)
    }

    fn size(path: &Vec<u8>) -> usize {
        size_of_val(path).saturating_add(path.capacity())
    }
}

/// What a part of the walk may cost.
#[derive(Clone, Copy)]
struct Part {
    /// Entries of folders.
    entries: u64,
    /// Files that are noted, but for set-uid files of root's.
    things: usize,
    /// Characters of their paths.
    text: usize,
    /// Places that are left out.
    lines: usize,
    /// Bytes of what is to be looked into.
    pending: usize,
    /// Whether folders that others than root can fill are looked into as parts of their own.
    whose: Whose,
    /// Something was not noted for want of room. The walk goes on, for set-uid files of root's.
    full: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Roots,
    Anybodys,
}

impl Part {
    /// The walk itself, in folders that root alone can fill.
    const ALL: Self = Self {
        entries: u64::MAX,
        things: usize::MAX,
        text: usize::MAX,
        lines: usize::MAX,
        pending: usize::MAX,
        whose: Whose::Roots,
        full: false,
    };

    /// A folder that others can fill.
    const fn of(entries: u64) -> Self {
        Self {
            entries,
            things: THINGS,
            text: TEXT,
            lines: LINES,
            pending: PENDING,
            whose: Whose::Anybodys,
            full: false,
        }
    }
}

/// A walk that has ended before it was through, and what it has not looked into.
struct Stopped {
    why: &'static str,
    rest: Vec<Vec<u8>>,
}

struct Walk<'a, T> {
    tree: &'a Tree,
    /// Entries of folders that the look may look at.
    most: u64,
    finds: &'a mut Finds,
    has_time: &'a mut T,
    /// Entries that are left for first parts: those of many large folders leave room for the rest of the host.
    first_parts: u64,
    /// Folders that others than root can fill and that have more in them than their first part.
    large: Vec<Vec<u8>>,
}

impl<T: FnMut() -> bool> Walk<'_, T> {
    fn through(&mut self, mut rest: Pending, part: &mut Part) -> Result<(), Stopped> {
        while let Some(path) = rest.pop() {
            if let Some(why) = self.tree.mounts.why_not(&path) {
                self.leave_out(&path, why, part);
                continue;
            }
            match self.folder(&path, &mut rest, part) {
                Ok(None) => {}
                Ok(Some(why)) => {
                    rest.push(path);
                    return Err(Stopped { why, rest: rest.paths });
                }
                // It is gone, or not a folder any more.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(why) => self.leave_out(&path, &format!("cannot be looked into: {why}"), part),
            }
        }
        if part.full { Err(Stopped { why: TOO_MUCH, rest: Vec::new() }) } else { Ok(()) }
    }

    /// Walks a folder that others than root can fill; why not to its end, if that is so. Nothing in it is left out by itself then.
    fn place(&mut self, path: &[u8], entries: u64) -> Result<(), &'static str> {
        let lines = self.finds.found.left_out.len();
        let mut start = Pending::default();
        start.push(path.to_vec());
        self.through(start, &mut Part::of(entries)).map_err(|stopped| {
            self.finds.found.left_out.truncate(lines);
            stopped.why
        })
    }

    /// Looks at everything in one folder; why not at everything, if that is so.
    fn folder(
        &mut self,
        path: &[u8],
        rest: &mut Pending,
        part: &mut Part,
    ) -> Result<Option<&'static str>, Errno> {
        let fd = self.tree.folder(path)?;
        if part.whose == Whose::Roots && is_filled_by_others(self.tree, &stat_of(&fd)?) {
            self.first_part(path);
            return Ok(None);
        }
        for entry in Dir::read_from(&fd)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if let Some(why) = self.stop(rest, part) {
                return Ok(Some(why));
            }
            let (kind, stat) = match entry.file_type() {
                FileType::Directory => (FileType::Directory, None),
                FileType::RegularFile | FileType::Unknown => match stat_in(&fd, name) {
                    Ok(stat) => (kind(&stat), Some(stat)),
                    Err(Errno::NOENT) => continue,
                    Err(why) => {
                        self.leave_out(&joined(path, name), &format!("cannot be looked at: {why}"), part);
                        continue;
                    }
                },
                FileType::Symlink
                | FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice => continue,
            };
            match (kind, stat) {
                (FileType::Directory, _) => rest.push(joined(path, name)),
                (FileType::RegularFile, Some(stat)) => {
                    for (thing, seen) in things(&fd, path, name, &stat) {
                        self.note(thing, seen, &stat, part);
                    }
                }
                (_, _) => {}
            }
        }
        Ok(None)
    }

    /// A folder that others than root can fill, where the walk comes to it. With more than the first part in it, it is as if it had not
    /// been looked into yet.
    fn first_part(&mut self, path: &[u8]) {
        let (things, entries) = (self.finds.found.things.len(), self.finds.found.entries);
        let part = (self.most / FIRST_PART).max(LEAST).min(self.first_parts);
        if self.place(path, part).is_err() {
            self.finds.found.things.truncate(things);
            self.large.push(path.to_vec());
        }
        let spent = self.finds.found.entries.saturating_sub(entries);
        self.first_parts = self.first_parts.saturating_sub(spent);
    }

    /// Counts an entry; why it is not to be looked at, if so.
    fn stop(&mut self, rest: &Pending, part: &mut Part) -> Option<&'static str> {
        if rest.bytes > part.pending {
            return Some(TOO_MUCH);
        }
        if self.finds.found.entries >= self.most || part.entries == 0 {
            return Some(NO_ROOM);
        }
        if !(self.has_time)() {
            return Some(NO_TIME);
        }
        part.entries = part.entries.saturating_sub(1);
        self.finds.found.entries = self.finds.found.entries.saturating_add(1);
        None
    }

    /// Notes a file, if the part has room for it.
    fn note(&mut self, thing: Thing, seen: Seen, stat: &Statx, part: &mut Part) {
        let is_roots = u32::from(stat.stx_mode) & SET_UID != 0 && stat.stx_uid == 0;
        if !is_roots {
            let text = thing.path().map_or(0, str::len);
            let (Some(things), Some(text)) = (part.things.checked_sub(1), part.text.checked_sub(text)) else {
                part.full = true;
                return;
            };
            (part.things, part.text) = (things, text);
        }
        self.finds.add(thing, seen);
    }

    fn leave_out(&mut self, path: &[u8], why: &str, part: &mut Part) {
        match part.lines.checked_sub(1) {
            Some(lines) => {
                part.lines = lines;
                self.finds.leave_out(shown(path), why);
            }
            None => part.full = true,
        }
    }
}

/// What a file is that runs as somebody else.
fn things(folder: &OwnedFd, path: &[u8], name: &CStr, stat: &Statx) -> Vec<(Thing, Seen)> {
    let mode = u32::from(stat.stx_mode) & 0o7777;
    let mut things = Vec::new();
    if mode & (SET_UID | SET_GID) != 0 {
        let uid = (mode & SET_UID != 0).then(|| format!("set-uid of uid {}", stat.stx_uid));
        let gid = (mode & SET_GID != 0).then(|| format!("set-gid of gid {}", stat.stx_gid));
        let says: Vec<String> = uid.into_iter().chain(gid).chain([format!("mode {mode:04o}")]).collect();
        let seen = Seen {
            mark: format!("{} {}", owned(stat), written(stat)),
            says: says.join(", "),
            changed: changed(stat),
            gid: (mode & SET_GID != 0).then_some(stat.stx_gid),
        };
        things.push((Thing::SetId(shown(&joined(path, name))), seen));
    }
    if mode & ANY_EXEC != 0
        && let Some(capabilities) = capabilities(folder, name)
    {
        let seen = Seen {
            mark: format!("{} {} {}", mark(&capabilities), owned(stat), written(stat)),
            says: says(&capabilities),
            changed: changed(stat),
            gid: None,
        };
        things.push((Thing::Capability(shown(&joined(path, name))), seen));
    }
    things
}

fn owned(stat: &Statx) -> String {
    format!("{:o} {}:{}", stat.stx_mode, stat.stx_uid, stat.stx_gid)
}

fn written(stat: &Statx) -> String {
    format!("{} {} {}.{}", stat.stx_ino, stat.stx_size, stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec)
}

/// The capabilities of a file: by a path through the open folder, for there is no other way to ask for a name in one. The name itself
/// is not followed.
fn capabilities(folder: &OwnedFd, name: &CStr) -> Option<Vec<u8>> {
    let through = format!("/proc/self/fd/{}/", folder.as_raw_fd());
    let path = [through.as_bytes(), name.to_bytes()].concat();
    let mut value = Vec::with_capacity(LONGEST);
    lgetxattr(path, CAPABILITY, spare_capacity(&mut value)).ok()?;
    (!value.is_empty()).then_some(value)
}

/// The permitted set: each four bytes are one number, the version first (`struct vfs_ns_cap_data`).
fn says(capabilities: &[u8]) -> String {
    let number = |at: usize| {
        let bytes = capabilities.get(at..at.checked_add(4)?)?;
        Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    let low = number(4).unwrap_or_default();
    let permitted = number(12).unwrap_or_default() << 32 | low;
    format!("permitted {permitted:#x}")
}

fn joined(path: &[u8], name: &CStr) -> Vec<u8> {
    let above = path.strip_suffix(b"/").unwrap_or(path);
    [above, b"/", name.to_bytes()].concat()
}
