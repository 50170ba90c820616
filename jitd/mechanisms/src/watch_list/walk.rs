//! The walk through folders for files that run as somebody else: set-uid, set-gid, with capabilities.

use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use jitd_core::watched::{Seen, Thing, mark};
use rustix::buffer::spare_capacity;
use rustix::fs::{Dir, FileType, Statx, lgetxattr};
use rustix::io::Errno;

use super::shown::shown;
use super::tree::{Tree, changed, kind, stat_in};
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

/// Walks the folders of the list, for as long as there is room and time.
pub(super) fn walk(tree: &Tree, list: &WatchList, finds: &mut Finds, has_time: &mut impl FnMut() -> bool) {
    let mut rest: Vec<Vec<u8>> =
        list.folders.iter().rev().map(|folder| folder.as_os_str().as_bytes().to_vec()).collect();
    let mut full = None;
    while let Some(path) = rest.pop() {
        if let Some(why) = full {
            finds.leave_out(shown(&path), why);
            continue;
        }
        if let Some(why) = tree.mounts.why_not(&path) {
            finds.leave_out(shown(&path), why);
            continue;
        }
        match folder(tree, list, &path, &mut rest, finds, has_time) {
            Ok(None) => {}
            Ok(Some(why)) => {
                finds.leave_out(shown(&path), why);
                full = Some(why);
            }
            // It is gone, or not a folder any more.
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(why) => finds.leave_out(shown(&path), format!("cannot be looked into: {why}")),
        }
    }
}

/// Looks at everything in one folder; why not at everything, if that is so.
fn folder(
    tree: &Tree,
    list: &WatchList,
    path: &[u8],
    rest: &mut Vec<Vec<u8>>,
    finds: &mut Finds,
    has_time: &mut impl FnMut() -> bool,
) -> Result<Option<&'static str>, Errno> {
    let fd = tree.folder(path)?;
    for entry in Dir::read_from(&fd)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if finds.found.entries >= list.entries {
            return Ok(Some(NO_ROOM));
        }
        if !has_time() {
            return Ok(Some(NO_TIME));
        }
        finds.found.entries = finds.found.entries.saturating_add(1);
        let (kind, stat) = match entry.file_type() {
            FileType::Directory => (FileType::Directory, None),
            FileType::RegularFile | FileType::Unknown => match stat_in(&fd, name) {
                Ok(stat) => (kind(&stat), Some(stat)),
                Err(Errno::NOENT) => continue,
                Err(why) => {
                    finds.leave_out(shown(&joined(path, name)), format!("cannot be looked at: {why}"));
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
            (FileType::RegularFile, Some(stat)) => file(&fd, path, name, &stat, finds),
            (_, _) => {}
        }
    }
    Ok(None)
}

/// Notes a file that runs as somebody else.
fn file(folder: &OwnedFd, path: &[u8], name: &CStr, stat: &Statx, finds: &mut Finds) {
    let mode = u32::from(stat.stx_mode) & 0o7777;
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
        finds.add(Thing::SetId(shown(&joined(path, name))), seen);
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
        finds.add(Thing::Capability(shown(&joined(path, name))), seen);
    }
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
