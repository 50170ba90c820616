//! What people are told is a sentence: it says something, in one line, and nothing in it acts on a terminal.

use jit_common::causes;
use jit_common::escape::is_plain;

/// Panics when a text is none.
#[track_caller]
pub(crate) fn is_one(text: &str) {
    assert!(text.chars().any(char::is_alphabetic), "it says nothing: {text:?}");
    let odd = text.chars().find(|c| !is_plain(*c));
    assert!(odd.is_none(), "{odd:?} stands in it: {text:?}");
}

/// Panics when an error is not told by one.
#[track_caller]
pub(crate) fn is_told(why: &dyn std::error::Error) {
    is_one(&causes::chain(why));
}
