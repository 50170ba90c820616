//! Files whose content says who may do what, or what is run: those of the list, and those in the homes of people.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;

use jitd_core::watched::{Seen, Thing, mark};
use rustix::fs::{Dir, FileType, Statx};
use rustix::io::Errno;

use super::budget::{Budget, LINES, TOO_MUCH, is_filled_by_others, nearest};
use super::shown::shown;
use super::tree::{Tree, changed, content, kind, target};
use super::{Finds, MOST_IN_HOMES, WatchList};

/// Bytes of a file that are read. A longer one is known by its times.
const LONGEST: u64 = 1024 * 1024;

/// Folders in folders that are looked into.
const DEEPEST: usize = 8;

/// Entries of a folder that are read, those that are passed over as well.
const READ: usize = 50_000;

/// Looks at them all, for as long as there is time: what root alone can fill first.
pub(super) fn look(
    tree: &Tree,
    list: &WatchList,
    homes: &BTreeSet<Vec<u8>>,
    finds: &mut Finds,
    has_time: &mut impl FnMut() -> bool,
) {
    let mut files = Files { tree, most: list.entries, finds, has_time };
    let mut shared = Vec::new();
    for path in &list.files {
        let path = path.as_os_str().as_bytes().to_vec();
        files.below(path, &mut { Budget::HOST }, Some(&mut shared));
    }
    for path in shared {
        files.below(path, &mut { Budget::SPOOL }, None);
    }
    let most = files.finds.found.things.len().saturating_add(MOST_IN_HOMES);
    let homes: Vec<Vec<u8>> =
        homes.iter().map(|home| home.strip_suffix(b"/").unwrap_or(home).to_vec()).collect();
    for (at, home) in homes.iter().enumerate() {
        if files.finds.found.things.len() >= most {
            let others = nearest(homes.get(at..).unwrap_or_default());
            others
                .iter()
                .for_each(|path| files.finds.leave_out(shown(path), "no more room for files in homes"));
            break;
        }
        let mut budget = Budget::HOME;
        for below in &list.in_homes {
            let path = [home, &b"/"[..], below.as_os_str().as_bytes()].concat();
            files.below(path, &mut budget, None);
        }
    }
}

/// What lies at a path.
enum At {
    /// Nothing, or something that was noted.
    Noted,
    /// A folder, and what is in it.
    Folder(Vec<Vec<u8>>),
    /// A folder that others than root can fill, where root's are looked at.
    Shared,
    /// More than the budget has room for.
    TooMuch,
}

/// A look at files.
struct Files<'a, T> {
    tree: &'a Tree,
    /// Entries of folders that the look may look at.
    most: u64,
    finds: &'a mut Finds,
    has_time: &'a mut T,
}

impl<T: FnMut() -> bool> Files<'_, T> {
    /// A file, or everything in a folder: within the budget, or it is left out as one. With `shared`, folders that others than root can
    /// fill are put there and not looked at.
    fn below(&mut self, path: Vec<u8>, budget: &mut Budget, mut shared: Option<&mut Vec<Vec<u8>>>) {
        let deepest = depth(&path).saturating_add(DEEPEST);
        let left_out = self.finds.found.left_out.len();
        let mut rest = vec![path.clone()];
        while let Some(at) = rest.pop() {
            let whole = if self.finds.found.entries >= self.most || !(self.has_time)() {
                Some("no more room or time")
            } else {
                self.look_at(&at, deepest, budget, shared.as_deref_mut(), &mut rest)
            };
            let lines = self.finds.found.left_out.len().saturating_sub(left_out);
            if let Some(why) = whole.or((lines > LINES).then_some(TOO_MUCH)) {
                self.finds.found.left_out.truncate(left_out);
                return self.finds.leave_out(shown(&path), why);
            }
        }
    }

    /// Looks at what lies at a path on the way; why the place is to be left out as one, if so.
    fn look_at(
        &mut self,
        at: &[u8],
        deepest: usize,
        budget: &mut Budget,
        shared: Option<&mut Vec<Vec<u8>>>,
        rest: &mut Vec<Vec<u8>>,
    ) -> Option<&'static str> {
        if let Some(why) = self.tree.mounts.why_not(at) {
            self.finds.leave_out(shown(at), why);
            return None;
        }
        self.finds.found.entries = self.finds.found.entries.saturating_add(1);
        match self.one(at, budget, shared.is_some()) {
            Ok(At::Noted) => {}
            Ok(At::Folder(names)) if depth(at) < deepest => {
                rest.extend(names.into_iter().map(|name| [at, b"/", &name].concat()));
            }
            Ok(At::Folder(names)) if names.is_empty() => {}
            Ok(At::Folder(_)) => self.finds.leave_out(shown(at), "deeper than jitd looks"),
            Ok(At::Shared) => shared.into_iter().for_each(|shared| shared.push(at.to_vec())),
            Ok(At::TooMuch) => return Some(TOO_MUCH),
            Err(Errno::LOOP) => self.finds.leave_out(shown(at), "behind a link, which is not followed"),
            Err(why) => self.finds.leave_out(shown(at), format!("cannot be looked at: {why}")),
        }
        None
    }

    /// Notes what lies at a path.
    fn one(&mut self, path: &[u8], budget: &mut Budget, roots_alone: bool) -> Result<At, Errno> {
        let Some((fd, stat)) = self.tree.at(path)? else { return Ok(At::Noted) };
        let seen = match kind(&stat) {
            FileType::Directory if roots_alone && is_filled_by_others(self.tree, &stat) => {
                return Ok(At::Shared);
            }
            FileType::Directory => {
                let Some(names) = names(self.tree, path, budget.entries)? else { return Ok(At::TooMuch) };
                budget.entries = budget.entries.saturating_sub(names.len());
                return Ok(At::Folder(names));
            }
            FileType::Symlink => {
                let to = shown(&target(&fd)?);
                Seen { mark: mark(to.as_bytes()), says: format!("a link to {to}"), ..Seen::default() }
            }
            FileType::RegularFile => {
                if budget.pay(stat.stx_size.min(LONGEST), 0).is_none() {
                    return Ok(At::TooMuch);
                }
                Seen { mark: mark_of(self.tree, path, &stat)?, ..Seen::default() }
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Seen { says: "not a regular file".into(), ..Seen::default() },
        };
        let path = shown(path);
        if budget.pay(0, path.len().saturating_add(seen.says.len())).is_none() {
            return Ok(At::TooMuch);
        }
        self.finds.add(Thing::File(path), Seen { changed: changed(&stat), ..seen });
        Ok(At::Noted)
    }
}

fn depth(path: &[u8]) -> usize {
    path.iter().filter(|byte| **byte == b'/').count()
}

/// What a file is known by: what is in it, its owner and who may write it.
fn mark_of(tree: &Tree, path: &[u8], stat: &Statx) -> Result<String, Errno> {
    let file = match tree.file(path) {
        // It is gone meanwhile, or another: the next look says what it is.
        Err(Errno::NOENT | Errno::LOOP) => return Ok(String::new()),
        opened => opened?,
    };
    let content = match content(&file, LONGEST) {
        Ok(Some(bytes)) => mark(&bytes),
        Ok(None) => format!("{} bytes at {:?}", stat.stx_size, changed(stat)),
        Err(why) => return Err(Errno::from_io_error(&why).unwrap_or(Errno::IO)),
    };
    Ok(format!("{content} {}:{} {:o}", stat.stx_uid, stat.stx_gid, stat.stx_mode))
}

/// What is in a folder, and `None` if that is more than `most`. A scope or a slice holds processes that are there already, and starts
/// none: each login has one.
fn names(tree: &Tree, path: &[u8], most: usize) -> Result<Option<Vec<Vec<u8>>>, Errno> {
    let mut names = Vec::new();
    for (read, entry) in Dir::new(tree.folder(path)?)?.enumerate() {
        if names.len() > most || read > READ {
            return Ok(None);
        }
        let name = entry?.file_name().to_bytes().to_vec();
        let starts_nothing = [&b".scope"[..], b".scope.d", b".slice.d"].iter().any(|end| name.ends_with(end));
        if name != b"." && name != b".." && !starts_nothing {
            names.push(name);
        }
    }
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok((names.len() <= most).then_some(names))
}
