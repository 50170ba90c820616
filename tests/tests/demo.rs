//! The demo as a test: every scene comes true.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::{OrSkip as _, demo, transcript::Ink};

#[test]
fn every_scene_of_the_demo_comes_true() {
    let mut shown = Vec::new();
    if demo::play(&mut shown, Ink::Plain).or_skip().is_none() {
        return;
    }
    let shown = String::from_utf8(shown).unwrap();
    assert!(
        shown.contains("alice$ jitctl roles") && shown.trim_end().ends_with("cargo bed booted"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "{shown}");
}
