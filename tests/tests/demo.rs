//! The demo as a test: every scene comes true.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::io::Write as _;

use jit_e2e::{OrSkip as _, demo, transcript::Ink};

#[test]
fn every_scene_of_the_demo_comes_true() {
    let mut shown = Vec::new();
    let played = demo::play(&mut shown, Ink::Plain);
    let shown = String::from_utf8(shown).unwrap();
    if played.is_err() {
        // What was shown before it went wrong, past the capture of libtest.
        writeln!(std::io::stderr(), "{shown}").unwrap();
    }
    let Some(()) = played.or_skip() else { return };
    assert!(
        shown.contains("alice$ jitctl roles") && shown.trim_end().ends_with("cargo bed booted"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "{shown}");
}
