//! The include as it was placed, changed, or never reached. `place` itself needs a visudo: it is tested in a bed.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::scratch::Scratch;

fn with(sudoers: &str, include: Option<&str>) -> (Scratch, HostPaths) {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    fs::write(&paths.etc_sudoers, sudoers).unwrap();
    if let Some(include) = include {
        fs::write(&paths.include_file, include).unwrap();
        fs::set_permissions(&paths.include_file, fs::Permissions::from_mode(0o440)).unwrap();
    }
    (scratch, paths)
}

const SUDOERS: &str = "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n";

#[test]
fn what_we_place_is_in_place() {
    let (_scratch, paths) = with(SUDOERS, Some(TEXT));
    let state = state(&paths, Flavour::Classic).unwrap();
    assert_eq!(state, IncludeState { file: FileState::InPlace, read: ReadBySudo::Yes });
    assert_eq!(state.problem(), None);
    assert!(TEXT.ends_with('\n'));
}

#[test]
fn both_spellings_reach_it_and_a_comment_does_not() {
    for good in
        ["#includedir /etc/sudoers.d", "@includedir\t/etc/sudoers.d/ ", "@includedir \"/etc/sudoers.d\""]
    {
        assert!(includes_dropins(good), "{good}");
    }
    for bad in [
        "# @includedir /etc/sudoers.d",
        "@includedir /etc/sudoers.d2",
        "@include /etc/sudoers.d",
        "@includedir",
    ] {
        assert!(!includes_dropins(bad), "{bad}");
    }
    let (_scratch, paths) = with("root ALL=(ALL:ALL) ALL\n", Some(TEXT));
    let problem = state(&paths, Flavour::Classic).unwrap().problem().unwrap();
    assert!(problem.contains("visudo"), "{problem}");
}

#[test]
fn sudo_rs_has_a_sudoers_file_of_its_own_when_it_is_there() {
    let (_scratch, paths) = with(SUDOERS, Some(TEXT));
    assert_eq!(state(&paths, Flavour::SudoRs).unwrap().read, ReadBySudo::Yes);
    fs::write(&paths.etc_sudoers_rs, "root ALL=(ALL:ALL) ALL\n").unwrap();
    let read = state(&paths, Flavour::SudoRs).unwrap().read;
    assert_eq!(read, ReadBySudo::No { sudoers: paths.etc_sudoers_rs.clone() });
    assert_eq!(state(&paths, Flavour::Classic).unwrap().read, ReadBySudo::Yes);
}

#[test]
fn whatever_else_stands_there_is_told_and_left() {
    for other in [
        "",
        "# @includedir /run/jit/sudoers.d\n",
        "@includedir /run/jit\n",
        "@includedir /run/jit/sudoers.d\n#1000 ALL=(ALL) ALL\n",
        "@includedir /run/jit/sudoers.d\nbob ALL=(ALL) ALL\n",
        "@includedir /run/jit/sudoers.d\n#include /etc/other\n",
    ] {
        let (_scratch, paths) = with(SUDOERS, Some(other));
        let state = state(&paths, Flavour::Classic).unwrap();
        assert!(matches!(state.file, FileState::Changed(_)), "{other:?}");
        assert!(state.problem().is_some());
        assert!(matches!(remove(&paths).unwrap(), TakenAway::Left(_)));
        assert!(paths.include_file.exists());
    }
    let (_scratch, paths) = with(SUDOERS, Some(TEXT));
    fs::set_permissions(&paths.include_file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(state(&paths, Flavour::Classic).unwrap().file, FileState::Changed(_)));
}

#[test]
fn it_is_removed_when_it_is_ours_and_once() {
    let (_scratch, paths) = with(SUDOERS, Some(TEXT));
    assert_eq!(remove(&paths).unwrap(), TakenAway::Removed);
    assert_eq!(remove(&paths).unwrap(), TakenAway::WasMissing);
    assert!(state(&paths, Flavour::Classic).unwrap().problem().unwrap().contains("--place-include"));
}
