//! What a file carries beside its bytes: owner, mode, access list, security label. A rewritten one keeps all of it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, fchown};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, XattrFlags, fgetxattr, flistxattr, fsetxattr, statx};
use rustix::io::Errno;

/// The longest value, and the longest list of names, that the kernel holds (XATTR_SIZE_MAX, XATTR_LIST_MAX).
const VALUE_MAX: usize = 65_536;

/// Made by the kernel from the content; an old one would be wrong for the new bytes.
const OF_THE_CONTENT: [&[u8]; 2] = [b"security.ima", b"security.evm"];

/// What stands in the way of replacing a file, in words; `None` when nothing does.
pub(super) fn obstacle(file: &File) -> io::Result<Option<&'static str>> {
    let found = statx(file.as_fd(), "", AtFlags::EMPTY_PATH, StatxFlags::empty())?.stx_attributes;
    let is = |attribute| found.contains(attribute);
    Ok(if is(StatxAttributes::MOUNT_ROOT) {
        Some("it is mounted over, so it cannot be replaced")
    } else if is(StatxAttributes::IMMUTABLE) || is(StatxAttributes::APPEND) {
        Some("it is immutable or append-only (chattr(1)), so it cannot be replaced")
    } else {
        None
    })
}

/// Gives `to` the owner, group, mode, access list, security label and user attributes of `from`.
pub(super) fn copy(from: &File, to: &File) -> io::Result<()> {
    let meta = from.metadata()?;
    fchown(to.as_fd(), Some(Uid::from_raw(meta.uid())), Some(Gid::from_raw(meta.gid())))?;
    fchmod(to.as_fd(), Mode::from_bits_truncate(meta.permissions().mode() & 0o7777))?;
    // After the mode: where there is an access list, its mask is the mode's group part.
    for name in names(from)? {
        let value = value(from, &name)?;
        // It may have the right label from its directory already, and setting one may be forbidden.
        if self::value(to, &name).ok().as_ref() != Some(&value) {
            fsetxattr(to, name.as_slice(), &value, XattrFlags::empty())?;
        }
    }
    Ok(())
}

/// The names of the attributes to keep. Those in `trusted.` belong to the file system (overlayfs).
fn names(file: &File) -> io::Result<Vec<Vec<u8>>> {
    let mut list = Vec::with_capacity(1024);
    loop {
        match flistxattr(file, spare_capacity(&mut list)) {
            Ok(_) => break,
            Err(Errno::NOTSUP) => return Ok(Vec::new()),
            Err(Errno::RANGE) if list.capacity() < VALUE_MAX => list.reserve(VALUE_MAX),
            Err(why) => return Err(why.into()),
        }
    }
    let kept = |name: &&[u8]| {
        let ours = name.starts_with(b"security.") || name.starts_with(b"user.");
        (ours || *name == b"system.posix_acl_access") && !OF_THE_CONTENT.contains(name)
    };
    Ok(list.split(|&byte| byte == 0).filter(kept).map(<[u8]>::to_vec).collect())
}

fn value(file: &File, name: &[u8]) -> io::Result<Vec<u8>> {
    let mut value = Vec::with_capacity(256);
    loop {
        match fgetxattr(file, name, spare_capacity(&mut value)) {
            Ok(_) => return Ok(value),
            Err(Errno::RANGE) if value.capacity() < VALUE_MAX => value.reserve(VALUE_MAX),
            Err(why) => return Err(why.into()),
        }
    }
}
