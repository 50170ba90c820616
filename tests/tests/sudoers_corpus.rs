//! The real visudo on every text that the bytes kept for the claim about sudoers make: it accepts each.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::fs;

use jit_e2e::{OrSkip as _, Release, RootBed, workspace};

const CLAIM: &str = "/usr/local/bin/claim";

#[test]
fn visudo_accepts_whatever_a_role_is_made_of() {
    let folder = workspace::root().join("tests/fuzz/corpus/sudoers");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for release in Release::ALL {
        let Some(bed) = RootBed::bare(release).or_skip() else { return };
        bed.copy_in(&workspace::example("jit-claims", "claim").unwrap(), CLAIM).unwrap();
        bed.run(&["chmod", "755", CLAIM]).unwrap().expect_ok();
        let mut words = vec![CLAIM.to_owned(), "sudoers".to_owned()];
        for (number, file) in files.iter().enumerate() {
            let inside = format!("/root/{number}");
            bed.copy_in(file, &inside).unwrap();
            words.push(inside);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        bed.command(&words).env("JIT_VISUDO", "visudo -cf -").run().unwrap().expect_ok();
        // A visudo that refuses everything would be noticed.
        bed.command(&words).env("JIT_VISUDO", "false").run().unwrap().expect_code(101);
    }
}
