//! The umask belongs to the whole process, so this test has a process of its own.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use jit_mechanisms::dir::{Dir, Durability};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Uid;

#[test]
fn what_is_made_has_its_mode_whatever_the_umask() {
    let root = std::env::temp_dir().join(format!("jit-umask-{}", std::process::id()));
    fs::create_dir(&root).unwrap();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
    let dir = Dir::open(&root, Uid::effective()).unwrap();
    let mode = |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
    for mask in [0o000, 0o022, 0o077] {
        umask(Mode::from_bits_truncate(mask));
        let name = format!("d{mask}");
        dir.child_or_make(OsStr::new(&name), 0o755).unwrap();
        dir.replace(OsStr::new("f"), b"x", 0o440, Durability::AcrossReboot).unwrap();
        assert_eq!(mode(&name), 0o755, "umask {mask:o}");
        assert_eq!(mode("f"), 0o440, "umask {mask:o}");
    }
    fs::remove_dir_all(&root).unwrap();
}
