//! The tree of files as the host has it: through the root of its first process, for jitd's own view has other mounts (`PrivateTmp`
//! hides /tmp). Nothing is opened through a link.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags, open, openat, openat2, readlinkat,
    statx,
};
use rustix::io::Errno;

use super::mounts::Mounts;
use crate::paths::HostPaths;

/// The first process of a host.
const FIRST: &str = "1";

/// Where nothing leads out of the tree, or elsewhere in it.
const STRAIGHT: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// What is asked of a file. Its size and times as the file system has them in memory will do.
const ASKED: StatxFlags = StatxFlags::BASIC_STATS;

/// The tree.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
    pub(super) mounts: Mounts,
    /// Whose uid root's is: another in a tree for tests.
    pub(super) owner: u32,
}

impl Tree {
    /// The host's. Where there is no first process, as in a tree for tests, that of these paths.
    pub(super) fn open(paths: &HostPaths) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let first = paths.proc.join(FIRST);
        let root = match open(first.join("root"), flags, Mode::empty()) {
            Err(Errno::NOENT) => openat(CWD, &paths.root, flags, Mode::empty())?,
            opened => opened?,
        };
        Ok(Self { root, mounts: Mounts::read(&first)?, owner: paths.owner.as_raw() })
    }

    /// Opens the folder at a path that begins with `/`.
    pub(super) fn folder(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOATIME;
        let open = |flags| straight(&self.root, path, flags);
        // Without being its owner or root, the times of looking cannot be kept.
        open(flags).or_else(|why| match why {
            Errno::PERM => open(flags - OFlags::NOATIME),
            why => Err(why),
        })
    }

    /// Opens the regular file at a path that begins with `/`. A pipe is not waited for.
    pub(super) fn file(&self, path: &[u8]) -> Result<File, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        straight(&self.root, path, flags).map(File::from)
    }

    /// What lies at a path that begins with `/`, itself: a link is not followed. `None` when nothing does.
    pub(super) fn at(&self, path: &[u8]) -> Result<Option<(OwnedFd, Statx)>, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match straight(&self.root, path, flags) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            opened => opened?,
        };
        let stat = stat_of(&fd)?;
        Ok(Some((fd, stat)))
    }
}

/// What an open file or folder is.
pub(super) fn stat_of(fd: &OwnedFd) -> Result<Statx, Errno> {
    statx(fd, "", AtFlags::EMPTY_PATH, ASKED)
}

/// A name in an open folder, itself: neither through a link nor by having something mounted there.
pub(super) fn stat_in(folder: &OwnedFd, name: &CStr) -> Result<Statx, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    statx(folder, name, flags, ASKED)
}

/// Where an open link leads, as it stands in it.
pub(super) fn target(link: &OwnedFd) -> Result<Vec<u8>, Errno> {
    readlinkat(link, "", Vec::new()).map(CString::into_bytes)
}

/// The bytes of a file, if there are no more than `most`.
pub(super) fn content(file: &File, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((u64::try_from(read).unwrap_or(u64::MAX) <= most).then_some(bytes))
}

/// Nanoseconds of the wall clock at which the kernel last noted a change of it.
pub(super) fn changed(of: &Statx) -> Option<i64> {
    of.stx_ctime.tv_sec.checked_mul(1_000_000_000)?.checked_add(i64::from(of.stx_ctime.tv_nsec))
}

pub(super) fn kind(of: &Statx) -> FileType {
    FileType::from_raw_mode(u32::from(of.stx_mode))
}

/// Opens what lies at a path below the root, through no link. Where openat2(2) is not to be had, as under systemd's
/// `RestrictSUIDSGID=`, which cannot look into its arguments, one step after the other.
fn straight(root: &OwnedFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    match openat2(root, relative(path), flags, Mode::empty(), STRAIGHT) {
        Err(Errno::NOSYS) => by_steps(root, path, flags),
        opened => opened,
    }
}

fn by_steps(root: &OwnedFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut steps =
        path.split(|byte| *byte == b'/').filter(|step| !step.is_empty() && *step != b".").peekable();
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = openat(root, ".", step, Mode::empty())?;
    while let Some(name) = steps.next() {
        if name == b".." {
            return Err(Errno::XDEV);
        }
        let flags = if steps.peek().is_some() { step } else { flags | OFlags::NOFOLLOW };
        at = openat(&at, OsStr::from_bytes(name), flags, Mode::empty())?;
        if steps.peek().is_none() {
            return Ok(at);
        }
    }
    openat(&at, ".", flags, Mode::empty())
}

/// A path below the root, for the calls that take it so.
fn relative(path: &[u8]) -> &Path {
    let below = path.strip_prefix(b"/").unwrap_or(path);
    Path::new(OsStr::from_bytes(if below.is_empty() { b"." } else { below }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn step_by_step_it_is_the_same() {
        let scratch = Scratch::new();
        let under = |path: &str| scratch.path().join(path);
        std::fs::create_dir_all(under("a/b")).unwrap();
        std::fs::write(under("a/b/file"), "x").unwrap();
        symlink("b", under("a/link")).unwrap();
        symlink("file", under("a/b/link")).unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, scratch.path(), flags, Mode::empty()).unwrap();
        let itself = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let read = OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = read | OFlags::DIRECTORY;
        let inode = |fd: OwnedFd| statx(&fd, "", AtFlags::EMPTY_PATH, ASKED).unwrap().stx_ino;
        for (path, flags) in [
            ("/", folder),
            ("/a/b", folder),
            ("/a/b/file", read),
            ("/a/b/file", folder),
            ("/a/b/file", itself),
            ("/a/b/link", itself),
            ("/a/b/link", read),
            ("/a/link/file", read),
            ("/a/link", folder),
            ("/a/none", read),
            ("/a/b/../b/file", read),
            ("/../x", read),
        ] {
            let at_once =
                openat2(&root, relative(path.as_bytes()), flags, Mode::empty(), STRAIGHT).map(inode);
            let stepwise = by_steps(&root, path.as_bytes(), flags).map(inode);
            match (at_once, stepwise) {
                // A way back is not taken at all.
                (_, Err(Errno::XDEV)) => assert!(path.contains(".."), "{path}"),
                (Ok(one), Ok(other)) => assert_eq!(one, other, "{path}"),
                (Err(_), Err(_)) => {}
                (one, other) => assert_eq!(one.ok(), other.ok(), "{path}"),
            }
        }
    }
}
