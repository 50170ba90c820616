//! Files whose content says who may do what, or what is run: those of the list, and those in the homes of people.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;

use jitd_core::watched::{Seen, Thing, mark};
use rustix::fs::{Dir, FileType, Statx};
use rustix::io::Errno;

use super::shown::shown;
use super::tree::{Tree, changed, content, kind, target};
use super::{Finds, WatchList};

/// Bytes of a file that are read. A longer one is known by its times.
const LONGEST: u64 = 1024 * 1024;

/// Folders in folders that are looked into.
const DEEPEST: usize = 8;

/// Looks at them all, for as long as there is time.
pub(super) fn look(
    tree: &Tree,
    list: &WatchList,
    homes: &BTreeSet<Vec<u8>>,
    finds: &mut Finds,
    has_time: &mut impl FnMut() -> bool,
) {
    let named = list.files.iter().map(|path| path.as_os_str().as_bytes().to_vec());
    let in_home = |home: &Vec<u8>| {
        let home = home.strip_suffix(b"/").unwrap_or(home).to_vec();
        list.in_homes.iter().map(move |below| [&home[..], b"/", below.as_os_str().as_bytes()].concat())
    };
    let all: Vec<Vec<u8>> = named.chain(homes.iter().flat_map(in_home)).collect();
    for path in all {
        below(tree, list, path, finds, has_time);
    }
}

/// A file, or everything in a folder.
fn below(
    tree: &Tree,
    list: &WatchList,
    path: Vec<u8>,
    finds: &mut Finds,
    has_time: &mut impl FnMut() -> bool,
) {
    let deepest = path.iter().filter(|byte| **byte == b'/').count().saturating_add(DEEPEST);
    let mut rest = vec![path];
    while let Some(path) = rest.pop() {
        if let Some(why) = tree.mounts.why_not(&path) {
            finds.leave_out(shown(&path), why);
        } else if finds.found.entries >= list.entries || !has_time() {
            finds.leave_out(shown(&path), "no more room or time");
        } else {
            finds.found.entries = finds.found.entries.saturating_add(1);
            match one(tree, &path, finds) {
                Ok(names) if path.iter().filter(|byte| **byte == b'/').count() < deepest => {
                    rest.extend(names.into_iter().map(|name| [&path[..], b"/", &name].concat()));
                }
                Ok(names) if names.is_empty() => {}
                Ok(_) => finds.leave_out(shown(&path), "deeper than jitd looks"),
                Err(Errno::LOOP) => finds.leave_out(shown(&path), "behind a link, which is not followed"),
                Err(why) => finds.leave_out(shown(&path), format!("cannot be looked at: {why}")),
            }
        }
    }
}

/// Notes what lies at a path. The names in it, if it is a folder.
fn one(tree: &Tree, path: &[u8], finds: &mut Finds) -> Result<Vec<Vec<u8>>, Errno> {
    let Some((fd, stat)) = tree.at(path)? else { return Ok(Vec::new()) };
    let seen = match kind(&stat) {
        FileType::Directory => return names(tree, path),
        FileType::Symlink => {
            let to = shown(&target(&fd)?);
            Seen { mark: mark(to.as_bytes()), says: format!("a link to {to}"), ..Seen::default() }
        }
        FileType::RegularFile => Seen { mark: mark_of(tree, path, &stat)?, ..Seen::default() },
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Seen { says: "not a regular file".into(), ..Seen::default() },
    };
    finds.add(Thing::File(shown(path)), Seen { changed: changed(&stat), ..seen });
    Ok(Vec::new())
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

/// What is in a folder. A scope or a slice holds processes that are there already, and starts none: each login has one.
fn names(tree: &Tree, path: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::new(tree.folder(path)?)? {
        let name = entry?.file_name().to_bytes().to_vec();
        let starts_nothing = [&b".scope"[..], b".scope.d", b".slice.d"].iter().any(|end| name.ends_with(end));
        if name != b"." && name != b".." && !starts_nothing {
            names.push(name);
        }
    }
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names)
}
