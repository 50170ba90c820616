//! The style of this repository, checked like everything else: what a reader may rely on in every file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

mod homes;
mod shape;
mod sources;
mod walls;
mod words;

/// Fails with every place that breaks the rule, one a line.
#[track_caller]
fn no_breaches(rule: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}
