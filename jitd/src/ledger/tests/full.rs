//! A full disk, a real one: nothing is raised, endings are recorded, and all goes on when there is room again.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use jitd_core::record::{Draft, Entry};

use super::super::{AppendError, Ledger, OpenError, Purpose};
use super::{TempDir, child, note, one_of_each, open, read_all};

/// Mounts a small file system over the child's folder, in a mount namespace of its own.
const TMPFS: &str = "mount -t tmpfs -o size=28m,mode=700 none \"$JIT_TEST_LEDGER_DIR\" && exec \"$0\" \"$@\"";
const EXT4: &str = "truncate -s 48M \"$JIT_TEST_LEDGER_DIR.img\" && mkfs.ext4 -q -m 0 \"$JIT_TEST_LEDGER_DIR.img\" && \
    mount -o loop \"$JIT_TEST_LEDGER_DIR.img\" \"$JIT_TEST_LEDGER_DIR\" && exec \"$0\" \"$@\"";

#[test]
fn a_full_tmpfs_raises_nothing_and_records_endings() {
    match child::dir() {
        Some(dir) => fill_and_go_on(&dir),
        None => on_a_small_disk(TMPFS, "a_full_tmpfs_raises_nothing_and_records_endings"),
    }
}

#[test]
fn a_full_ext4_raises_nothing_and_records_endings() {
    match child::dir() {
        Some(dir) => fill_and_go_on(&dir),
        None => on_a_small_disk(EXT4, "a_full_ext4_raises_nothing_and_records_endings"),
    }
}

fn on_a_small_disk(mount: &str, name: &str) {
    if !nix::unistd::geteuid().is_root() {
        return child::not_tested("a full disk, for only root can mount a small one");
    }
    let dir = TempDir::new();
    let disk = dir.join("disk");
    fs::create_dir(&disk).unwrap();
    let unshare = |script| ["unshare", "--mount", "--propagation", "private", "sh", "-c", script];
    let possible = mount.replace("exec \"$0\" \"$@\"", "true");
    let tried = std::process::Command::new("unshare")
        .args(&unshare(&possible)[1..])
        .env("JIT_TEST_LEDGER_DIR", &disk)
        .output();
    match tried {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            let why = String::from_utf8_lossy(&done.stderr);
            return child::not_tested(&format!("a full disk, for none can be mounted here: {why}"));
        }
        Err(error) => return child::not_tested(&format!("a full disk, for there is no unshare: {error}")),
    }
    let done = child::command(&unshare(mount), module_path!(), name, &disk).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

/// Takes every byte that is left.
fn fill(disk: &Path) {
    let mut ballast = File::options().create(true).append(true).open(disk.join("ballast")).unwrap();
    for size in [1 << 20, 4096, 1] {
        while ballast.write_all(&vec![1; size]).is_ok() {}
    }
    let _ = ballast.sync_all();
}

fn make_room(disk: &Path) {
    fs::remove_file(disk.join("ballast")).unwrap();
    File::open(disk).unwrap().sync_all().unwrap();
}

fn ending() -> Draft {
    one_of_each().into_iter().find(|draft| matches!(draft.entry, Entry::Ended { .. })).unwrap()
}

fn raise_until_full(ledger: &mut Ledger) {
    let error = (0..10_000).find_map(|at| ledger.append(&[note(at)], Purpose::Raise).err()).unwrap();
    assert!(matches!(error, AppendError::Full(_)), "{error:?}");
}

fn fill_and_go_on(disk: &Path) {
    let dir = disk.join("state");
    let mut ledger = open(&dir).unwrap();
    assert!(ledger.reserve_is_held());
    fill(disk);
    raise_until_full(&mut ledger);
    let head = ledger.head();
    assert!(ledger.append(&[note(0)], Purpose::Raise).is_err());
    assert_eq!(ledger.head(), head, "nothing is half written");

    // 200 endings one by one, two commits each, is what the reserve is there for.
    for _ in 0..400 {
        ledger.append(&[ending()], Purpose::Lower).unwrap();
    }
    assert!(!ledger.reserve_is_held());
    assert!(matches!(ledger.append(&[note(0)], Purpose::Raise), Err(AppendError::OnlyReserve(_))));
    assert!(ledger.tidy().is_err(), "that there is no reserve is said");

    // jitd starts on a full disk as well, and knows everything.
    fill(disk);
    let head = ledger.head();
    drop(ledger);
    let mut ledger = open(&dir).unwrap();
    assert_eq!(ledger.head(), head);
    assert!(!ledger.reserve_is_held());
    assert!(ledger.append(&[note(0)], Purpose::Raise).is_err());

    make_room(disk);
    ledger.tidy().unwrap();
    assert!(ledger.reserve_is_held());
    ledger.append(&[note(0)], Purpose::Raise).unwrap();
    let head = ledger.head();
    drop(ledger);
    assert_eq!(read_all(&dir).len() as u64, head.seq);

    fill(disk);
    let error = open(&disk.join("second")).unwrap_err();
    let full = match &error {
        OpenError::Full { .. } => true,
        OpenError::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
        _ => false,
    };
    assert!(full, "{error:?}");
}
