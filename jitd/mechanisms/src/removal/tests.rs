//! Removal on a good host, on a spoilt one, and against a jitd that hangs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::scratch::{Scratch, sudoers_text};
use crate::sudoers_file::converge;

fn ids(ids: &[&str]) -> BTreeSet<RequestId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn with(grants: &[&str]) -> (Scratch, HostPaths) {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    converge(&paths, &sudoers_text(grants)).unwrap();
    (scratch, paths)
}

#[test]
fn the_named_grants_go_and_the_others_stay() {
    let (_scratch, paths) = with(&["aaaaaaaa", "bbbbbbbb", "cccccccc"]);
    let removed = remove(&paths, &ids(&["aaaaaaaa", "cccccccc", "dddddddd"])).unwrap();
    assert_eq!(removed, Removed { ids: ids(&["aaaaaaaa", "cccccccc"]), ..Removed::default() });
    assert_eq!(fs::read_to_string(&paths.sudoers_file).unwrap(), sudoers_text(&["bbbbbbbb"]));
    assert_eq!(fs::metadata(&paths.sudoers_file).unwrap().permissions().mode() & 0o7777, 0o440);
    let before = fs::metadata(&paths.sudoers_file).unwrap();
    assert_eq!(remove(&paths, &ids(&["aaaaaaaa"])).unwrap(), Removed::default());
    let after = fs::metadata(&paths.sudoers_file).unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap(), "nothing to do is nothing done");
}

#[test]
fn a_byte_that_is_no_text_hides_no_grant() {
    let (_scratch, paths) = with(&["aaaaaaaa", "bbbbbbbb"]);
    let mut bytes = fs::read(&paths.sudoers_file).unwrap();
    let place = bytes.windows(4).rposition(|window| window == b"root").unwrap();
    bytes[place] = 0xff;
    fs::write(&paths.sudoers_file, bytes).unwrap();
    assert_eq!(on_host(&paths).unwrap().ids(), ids(&["aaaaaaaa", "bbbbbbbb"]));
    let removed = remove(&paths, &ids(&["aaaaaaaa"])).unwrap();
    assert!(removed.unlinked.is_some() && !paths.sudoers_file.exists(), "{removed:?}");
}

#[test]
fn everything_goes() {
    let (_scratch, paths) = with(&["aaaaaaaa", "bbbbbbbb"]);
    assert_eq!(on_host(&paths).unwrap(), OnHost::Grants(ids(&["aaaaaaaa", "bbbbbbbb"])));
    assert_eq!(remove_all(&paths).unwrap().ids, ids(&["aaaaaaaa", "bbbbbbbb"]));
    assert_eq!(on_host(&paths).unwrap(), OnHost::Nothing);
    assert_eq!(remove_all(&paths).unwrap(), Removed::default());
}

#[test]
fn a_missing_file_or_directory_is_nothing_to_do() {
    let scratch = Scratch::new();
    assert_eq!(on_host(&scratch.paths()).unwrap(), OnHost::Nothing);
    assert_eq!(remove_all(&scratch.paths()).unwrap(), Removed::default());
    assert_eq!(sweep_litter(&scratch.paths()).unwrap(), 0);
}

#[test]
fn a_file_that_nobody_can_read_rightly_goes_as_a_whole() {
    let cut = sudoers_text(&["aaaaaaaa", "bbbbbbbb"]);
    let cut = cut.get(..cut.len() - 20).unwrap().as_bytes();
    let added = format!("{}# a note by the admin\n", sudoers_text(&["aaaaaaaa"]));
    for bytes in [cut, added.as_bytes(), b"\xff\xfe", b"", b"ALL ALL=(ALL) NOPASSWD: ALL\n"] {
        let (_scratch, paths) = with(&[]);
        fs::write(&paths.sudoers_file, bytes).unwrap();
        assert!(matches!(on_host(&paths).unwrap(), OnHost::Unclear { .. }));
        let removed = remove(&paths, &ids(&["aaaaaaaa"])).unwrap();
        assert!(removed.unlinked.is_some(), "{bytes:?}");
        assert!(!paths.sudoers_file.exists());
    }
}

#[test]
fn a_link_is_taken_away_and_its_target_left() {
    let (scratch, paths) = with(&[]);
    let target = scratch.path().join("target");
    fs::write(&target, sudoers_text(&["aaaaaaaa"])).unwrap();
    fs::remove_file(&paths.sudoers_file).unwrap();
    symlink(&target, &paths.sudoers_file).unwrap();
    assert!(remove(&paths, &ids(&["aaaaaaaa"])).unwrap().unlinked.is_some());
    assert!(!paths.sudoers_file.exists() && target.exists());
}

#[test]
fn in_a_directory_that_others_can_write_the_file_is_unlinked_and_nothing_written() {
    let (_scratch, paths) = with(&["aaaaaaaa", "bbbbbbbb"]);
    fs::set_permissions(&paths.sudoers_dir, fs::Permissions::from_mode(0o777)).unwrap();
    let removed = remove(&paths, &ids(&["aaaaaaaa"])).unwrap();
    assert_eq!(removed.ids, ids(&["aaaaaaaa", "bbbbbbbb"]), "the note has to name all that went");
    assert!(removed.unlinked.is_some() && !paths.sudoers_file.exists());
}

#[test]
fn a_hung_holder_of_the_lock_does_not_stop_the_removal() {
    let (_scratch, paths) = with(&["aaaaaaaa"]);
    let run_dir = Dir::open(&paths.run_dir, paths.owner).unwrap();
    let _hung = Lock::take(&run_dir, name_of(&paths.converge_lock), Duration::ZERO).unwrap();
    let removed = remove(&paths, &ids(&["aaaaaaaa"])).unwrap();
    assert_eq!(removed.ids, ids(&["aaaaaaaa"]));
    assert!(removed.without_lock.is_some());
}

#[test]
fn what_a_stopped_writer_had_ready_cannot_come_into_place_any_more() {
    let (_scratch, paths) = with(&["aaaaaaaa"]);
    let dir = Dir::open(&paths.sudoers_dir, paths.owner).unwrap();
    let name = name_of(&paths.sudoers_file);
    let text = sudoers_text(&["aaaaaaaa"]);
    let staged = dir.stage(name, text.as_bytes(), FILE_MODE, Durability::ThisBoot).unwrap();
    remove_all(&paths).unwrap();
    assert!(matches!(staged.publish(), Err(DirError::Interrupted { .. })));
    assert_eq!(on_host(&paths).unwrap(), OnHost::Nothing);
}

#[test]
fn litter_is_swept_but_not_while_a_writer_is_at_work() {
    let (_scratch, paths) = with(&[]);
    let litter = paths.sudoers_dir.join(".jit.1.0.tmp");
    fs::write(&litter, "").unwrap();
    let run_dir = Dir::open(&paths.run_dir, paths.owner).unwrap();
    let writer = Lock::take(&run_dir, name_of(&paths.converge_lock), Duration::ZERO).unwrap();
    assert_eq!(sweep_litter(&paths).unwrap(), 0);
    drop(writer);
    assert_eq!(sweep_litter(&paths).unwrap(), 1);
    assert!(!litter.exists());
}

#[test]
fn many_due_together_are_one_rewrite() {
    let names: Vec<String> = (0..500u32).map(|n| format!("{:08}", n)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_scratch, paths) = with(&names);
    let removed = remove(&paths, &ids(&names)).unwrap();
    assert_eq!(removed.ids.len(), 500);
    assert_eq!(on_host(&paths).unwrap(), OnHost::Nothing);
}
