//! The locks against holders of every kind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{self, Command};
use std::time::{Duration, SystemTime};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::*;
use crate::dir::Dir;
use crate::scratch::Scratch;

fn etc(scratch: &Scratch) -> Dir {
    Dir::open(&scratch.paths().etc_dir, scratch.paths().owner).unwrap()
}

fn lock_file(scratch: &Scratch) -> PathBuf {
    scratch.paths().etc_dir.join("group.lock")
}

fn take(dir: &Dir) -> LinkLocked<'_> {
    LinkLock::take(dir, OsStr::new("group"), Duration::ZERO, Judging::Fully).unwrap()
}

fn names(dir: &Dir) -> Vec<String> {
    dir.names().unwrap().iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn the_lock_of_lckpwdf_and_ours_exclude_each_other() {
    let scratch = Scratch::new();
    let dir = etc(&scratch);
    let name = OsStr::new(".pwd.lock");
    let theirs = fs::File::create(scratch.paths().password_lock).unwrap();
    let lock = |kind: i32| {
        // What lckpwdf(3) does, but for the waiting. The kernel takes it for somebody else's although it is this
        // process that asks: locks of a process and locks of an open file have different owners.
        let (l_type, l_whence) = (i16::try_from(kind).unwrap(), 0);
        fcntl(&theirs, FcntlArg::F_SETLK(&libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 }))
    };
    lock(libc::F_WRLCK).unwrap();
    match PasswordLock::take(&dir, name, Duration::from_millis(5)).unwrap() {
        PasswordLocked::Busy { holder } => assert_eq!(holder, i32::try_from(process::id()).ok()),
        PasswordLocked::Held(_) => panic!("both hold it"),
    }
    lock(libc::F_UNLCK).unwrap();
    let ours = PasswordLock::take(&dir, name, Duration::ZERO).unwrap();
    assert!(matches!(ours, PasswordLocked::Held(_)));
    assert!(lock(libc::F_WRLCK).is_err());
    // Unlike a process's own lock, ours outlives another opening of the same file, and keeps threads apart.
    drop(fs::File::open(scratch.paths().password_lock).unwrap());
    assert!(lock(libc::F_WRLCK).is_err());
    let second = PasswordLock::take(&dir, name, Duration::ZERO).unwrap();
    assert!(matches!(second, PasswordLocked::Busy { holder: None }));
    drop(ours);
    assert!(lock(libc::F_WRLCK).is_ok());
}

#[test]
fn a_lock_file_is_as_shadow_utils_make_it_and_goes_with_its_holder() {
    let scratch = Scratch::new();
    let dir = etc(&scratch);
    let before = names(&dir);
    let held = take(&dir);
    assert!(matches!(held, LinkLocked::Held(_)));
    assert_eq!(fs::read(lock_file(&scratch)).unwrap(), format!("{}\0", process::id()).as_bytes());
    assert_eq!(fs::metadata(lock_file(&scratch)).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(names(&dir).len(), before.len() + 1, "the temporary name is gone");
    drop(held);
    assert_eq!(names(&dir), before);
}

#[test]
fn the_lock_file_of_a_living_process_is_respected() {
    let scratch = Scratch::new();
    let dir = etc(&scratch);
    let mut holder = Command::new("sleep").arg("1000").spawn().unwrap();
    for ending in ["", "\0", "\n", "\0rest"] {
        fs::write(lock_file(&scratch), format!("{}{ending}", holder.id())).unwrap();
        match take(&dir) {
            LinkLocked::Busy { name, holder: told, .. } => {
                assert_eq!(name, "group.lock");
                assert_eq!(told, format!("process {}", holder.id()));
            }
            LinkLocked::Held(_) => panic!("both hold it"),
        }
        assert!(lock_file(&scratch).exists());
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(matches!(take(&dir), LinkLocked::Held(_)), "its holder is dead");
}

#[test]
fn a_lock_file_that_names_nobody_counts_as_held() {
    let scratch = Scratch::new();
    let dir = etc(&scratch);
    for text in ["", "0", "-1", "x", "1x", "99999999999", "\0"] {
        fs::write(lock_file(&scratch), text).unwrap();
        assert!(matches!(take(&dir), LinkLocked::Busy { .. }), "{text:?}");
    }
    fs::remove_file(lock_file(&scratch)).unwrap();
    fs::create_dir(lock_file(&scratch)).unwrap();
    assert!(matches!(take(&dir), LinkLocked::Busy { .. }));
}

#[test]
fn a_lock_file_from_before_this_boot_or_older_than_the_process_it_names_is_stale() {
    let scratch = Scratch::new();
    let dir = etc(&scratch);
    let age = |age: u64| {
        let file = fs::File::options().write(true).open(lock_file(&scratch)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    let up = fs::read_to_string("/proc/uptime").unwrap();
    let up: u64 = up.split('.').next().unwrap().parse().unwrap();
    // As a power cut leaves it: without its bytes. And with the number of a process that lives in every boot.
    for text in ["", "1\0"] {
        fs::write(lock_file(&scratch), text).unwrap();
        age(up + 60);
        assert!(matches!(take(&dir), LinkLocked::Held(_)), "{text:?}");
    }
    let mut holder = Command::new("sleep").arg("1000").spawn().unwrap();
    fs::write(lock_file(&scratch), holder.id().to_string()).unwrap();
    age(60);
    assert!(matches!(take(&dir), LinkLocked::Held(_)), "it began after the lock was made");
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn our_own_number_in_a_lock_file_is_a_dead_process_of_the_same_number() {
    let scratch = Scratch::new();
    let dir = etc(&scratch);
    fs::write(lock_file(&scratch), process::id().to_string()).unwrap();
    fs::write(scratch.paths().etc_dir.join(format!("group.{}", process::id())), "old").unwrap();
    assert!(matches!(take(&dir), LinkLocked::Held(_)));
}

#[test]
fn a_lock_that_was_taken_from_us_is_not_taken_from_its_new_holder() {
    let scratch = Scratch::new();
    let dir = etc(&scratch);
    let held = take(&dir);
    fs::remove_file(lock_file(&scratch)).unwrap();
    fs::write(lock_file(&scratch), "1\0").unwrap();
    drop(held);
    assert!(lock_file(&scratch).exists());
}
