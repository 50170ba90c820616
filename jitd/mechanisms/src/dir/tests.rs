//! Directories and files as somebody else may have left them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::scratch::Scratch;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn open(scratch: &Scratch) -> Dir {
    Dir::open(scratch.path(), Uid::effective()).unwrap()
}

#[test]
fn a_directory_that_others_can_write_in_is_refused() {
    let scratch = Scratch::new();
    for mode in [0o777, 0o775, 0o1777, 0o702] {
        set_mode(scratch.path(), mode);
        let refused = Dir::open(scratch.path(), Uid::effective()).unwrap_err();
        assert!(matches!(refused, DirError::Writable { .. }), "{mode:o}: {refused}");
    }
    set_mode(scratch.path(), 0o750);
    assert!(Dir::open(scratch.path(), Uid::effective()).is_ok());
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    let scratch = Scratch::new();
    let other = Uid::from_raw(Uid::effective().as_raw() + 1);
    assert!(matches!(Dir::open(scratch.path(), other), Err(DirError::Owner { .. })));
}

#[test]
fn links_and_files_are_no_directories() {
    let scratch = Scratch::new();
    symlink(scratch.path().join("var"), scratch.path().join("link")).unwrap();
    fs::write(scratch.path().join("file"), "").unwrap();
    for name in ["link", "file"] {
        let refused = Dir::open(&scratch.path().join(name), Uid::effective()).unwrap_err();
        assert!(matches!(refused, DirError::NotADirectory { .. }), "{name}: {refused}");
        let dir = open(&scratch);
        assert!(dir.child_or_make(OsStr::new(name), 0o750).is_err(), "{name}");
    }
    let missing = Dir::open(&scratch.path().join("none"), Uid::effective());
    assert!(matches!(missing, Err(DirError::Missing { .. })));
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_and_never_written_through() {
    let scratch = Scratch::new();
    let dir = open(&scratch);
    let victim = scratch.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, scratch.path().join("f")).unwrap();
    assert!(matches!(dir.read(OsStr::new("f"), 10), Ok(Entry::Strange(_))));
    dir.replace(OsStr::new("f"), b"new", 0o440, Durability::ThisBoot).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(scratch.path().join("f")).unwrap(), "new");
}

#[test]
fn a_fifo_is_strange_and_is_not_waited_for() {
    let scratch = Scratch::new();
    nix::unistd::mkfifo(&scratch.path().join("f"), Mode::S_IRWXU).unwrap();
    assert!(matches!(open(&scratch).read(OsStr::new("f"), 10), Ok(Entry::Strange(_))));
}

#[test]
fn a_file_over_the_limit_is_strange_and_one_at_the_limit_is_read() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("f"), "12345").unwrap();
    let dir = open(&scratch);
    assert!(matches!(dir.read(OsStr::new("f"), 4), Ok(Entry::Strange(_))));
    match dir.read(OsStr::new("f"), 5) {
        Ok(Entry::File(content)) => assert_eq!(content.bytes, b"12345"),
        other => panic!("{other:?}"),
    }
    assert_eq!(dir.read(OsStr::new("none"), 5).unwrap(), Entry::Missing);
}

#[test]
fn a_staged_file_swept_by_another_cannot_come_into_place() {
    let scratch = Scratch::new();
    let dir = open(&scratch);
    let name = OsStr::new("f");
    let staged = dir.stage(name, b"old", 0o440, Durability::ThisBoot).unwrap();
    assert!(staged.path().exists());
    assert_eq!(dir.sweep(name).unwrap(), 1);
    assert!(matches!(staged.publish(), Err(DirError::Interrupted { .. })));
    assert_eq!(dir.read(name, 10).unwrap(), Entry::Missing);
}

#[test]
fn a_staged_file_that_is_not_published_is_gone() {
    let scratch = Scratch::new();
    let dir = open(&scratch);
    let before = dir.names().unwrap();
    drop(dir.stage(OsStr::new("f"), b"x", 0o440, Durability::ThisBoot).unwrap());
    assert_eq!(dir.names().unwrap(), before);
}

#[test]
fn sweeping_leaves_other_files_alone() {
    let scratch = Scratch::new();
    let dir = open(&scratch);
    for name in ["f", ".f", ".f.1.2.tmp", ".g.1.2.tmp", "f.1.tmp", ".ff.1.tmp"] {
        fs::write(scratch.path().join(name), "").unwrap();
    }
    assert_eq!(dir.sweep(OsStr::new("f")).unwrap(), 1);
    assert!(!scratch.path().join(".f.1.2.tmp").exists());
    assert!(scratch.path().join(".g.1.2.tmp").exists());
}

#[test]
fn any_change_gives_a_file_another_identity() {
    let scratch = Scratch::new();
    let dir = open(&scratch);
    let name = OsStr::new("f");
    dir.replace(name, b"one", 0o440, Durability::ThisBoot).unwrap();
    let first = dir.identity(name).unwrap();
    assert_eq!(dir.identity(name), Some(first));
    match dir.read(name, 10).unwrap() {
        Entry::File(content) => assert_eq!(content.identity, first),
        other => panic!("{other:?}"),
    }
    dir.replace(name, b"two", 0o440, Durability::ThisBoot).unwrap();
    assert_ne!(dir.identity(name), Some(first));
    assert_eq!(dir.identity(OsStr::new("none")), None);
}
