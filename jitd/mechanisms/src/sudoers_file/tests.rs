//! The file as jitd, an admin, a crash or the guard may have left it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use jitd_core::sudoers::HEADER;

use super::*;
use crate::guard_notes::{Note, Why};
use crate::scratch::{Scratch, sudoers_text};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What somebody does to the file.
type Spoil = fn(&HostPaths);

fn note(id: &str) -> Note {
    Note::Removed { id: id.parse().unwrap(), wall: 1, why: Why::Overdue }
}

#[test]
fn it_is_made_with_its_directory_and_then_already_so() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    let text = sudoers_text(&["aaaaaaaa"]);
    assert_eq!(look(&paths).unwrap(), Found::Missing);
    assert_eq!(converge(&paths, &text).unwrap(), Converged::Written { found: Found::Missing });
    assert_eq!(fs::read_to_string(&paths.sudoers_file).unwrap(), text);
    assert_eq!((mode(&paths.sudoers_file), mode(&paths.sudoers_dir)), (0o440, 0o750));
    assert_eq!(converge(&paths, &text).unwrap(), Converged::AlreadySo);
    assert_eq!(converge(&paths, HEADER).unwrap(), Converged::Written { found: Found::Text(text.clone()) });
    assert_eq!(fs::read_dir(&paths.sudoers_dir).unwrap().count(), 1, "nothing beside it stays");
}

#[test]
fn whatever_others_made_of_it_is_put_right_and_told() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    let text = sudoers_text(&["aaaaaaaa"]);
    converge(&paths, &text).unwrap();
    let spoil: [(&str, Spoil); 5] = [
        ("mode was 0666", |paths| set_mode(&paths.sudoers_file, 0o666)),
        ("symbolic link", |paths| {
            fs::remove_file(&paths.sudoers_file).unwrap();
            symlink("/etc/passwd", &paths.sudoers_file).unwrap();
        }),
        ("not UTF-8", |paths| {
            fs::write(&paths.sudoers_file, b"\xff").unwrap();
        }),
        ("gone", |paths| fs::remove_file(&paths.sudoers_file).unwrap()),
        ("text was changed", |paths| {
            let text = fs::read_to_string(&paths.sudoers_file).unwrap().replace("/usr/bin/id", "/bin/sh");
            fs::write(&paths.sudoers_file, text).unwrap();
        }),
    ];
    for (word, spoil) in spoil {
        spoil(&paths);
        let Converged::Written { found } = converge(&paths, &text).unwrap() else {
            panic!("{word}: not seen")
        };
        let drift = found.drift_from(&text).unwrap();
        assert!(drift.contains(word), "{word}: {drift}");
        assert_eq!(look(&paths).unwrap(), Found::Text(text.clone()));
    }
    // And the text that was exactly the earlier one is no drift.
    let Converged::Written { found } = converge(&paths, HEADER).unwrap() else { panic!("not written") };
    assert_eq!(found.drift_from(&text), None);
    assert_eq!(found.drift_from(HEADER).unwrap(), "it also held aaaaaaaa");
    assert_eq!(
        found.drift_from(&sudoers_text(&["bbbbbbbb"])).unwrap(),
        "it held aaaaaaaa and did not hold bbbbbbbb"
    );
}

#[test]
fn an_unsafe_directory_is_refused_and_named() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    converge(&paths, HEADER).unwrap();
    set_mode(&paths.sudoers_dir, 0o777);
    let refused = converge(&paths, &sudoers_text(&["aaaaaaaa"])).unwrap_err().to_string();
    assert!(refused.contains("sudoers.d") && refused.contains("chmod"), "{refused}");
    set_mode(&paths.sudoers_dir, 0o750);
    fs::rename(&paths.sudoers_dir, paths.run_dir.join("elsewhere")).unwrap();
    symlink(paths.run_dir.join("elsewhere"), &paths.sudoers_dir).unwrap();
    assert!(matches!(converge(&paths, HEADER), Err(SudoersError::Dir(DirError::NotADirectory { .. }))));
}

#[test]
fn what_the_guard_has_removed_is_not_put_back_until_its_note_is_taken() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    let (both, one) = (sudoers_text(&["aaaaaaaa", "bbbbbbbb"]), sudoers_text(&["aaaaaaaa"]));
    converge(&paths, &both).unwrap();
    guard_notes::append(&paths, &[note("bbbbbbbb")]).unwrap();
    assert!(matches!(converge(&paths, &both), Err(SudoersError::NotesWaiting { ids }) if ids.len() == 1));
    assert!(matches!(converge(&paths, &one), Ok(Converged::Written { .. })), "the others are served");
    guard_notes::take(&paths).unwrap();
    assert!(converge(&paths, &both).is_err(), "taken but not yet on the record");
    guard_notes::finish(&paths).unwrap();
    assert!(converge(&paths, &both).is_ok(), "a new grant would have another id");
}

#[test]
fn without_readable_notes_nothing_is_raised_and_everything_can_be_lowered() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    converge(&paths, &sudoers_text(&["aaaaaaaa"])).unwrap();
    set_mode(&paths.state_dir, 0o777);
    let raised = converge(&paths, &sudoers_text(&["aaaaaaaa", "bbbbbbbb"]));
    assert!(matches!(raised, Err(SudoersError::NotesUnknown(_))));
    assert!(matches!(converge(&paths, HEADER), Ok(Converged::Written { .. })));
}

#[test]
fn a_hung_holder_of_the_lock_is_passed_by_and_its_half_written_file_goes() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    converge(&paths, HEADER).unwrap();
    let run_dir = Dir::open(&paths.run_dir, paths.owner).unwrap();
    let _hung = Lock::take(&run_dir, name_of(&paths.converge_lock), Duration::ZERO).unwrap();
    let left = paths.sudoers_dir.join(".jit.1.0.tmp");
    fs::write(&left, sudoers_text(&["aaaaaaaa"])).unwrap();
    assert!(matches!(converge(&paths, &sudoers_text(&["bbbbbbbb"])), Ok(Converged::Written { .. })));
    assert!(!left.exists());
}

#[test]
fn only_what_sudo_would_read_is_a_stranger() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    assert!(strangers(&paths).unwrap().is_empty());
    converge(&paths, HEADER).unwrap();
    for name in ["mallory", "a.b", "old~", ".jit.1.2.tmp"] {
        fs::write(paths.sudoers_dir.join(name), "").unwrap();
    }
    assert_eq!(strangers(&paths).unwrap(), ["mallory"]);
    assert!(paths.sudoers_dir.join("mallory").exists());
}
