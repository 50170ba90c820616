//! An error and what is behind it, in one line: each error says what it knows, and its cause stands in `source()`.

use alloc::string::{String, ToString};
use core::error::Error;

/// The error's sentence and those of its causes, with a colon between two.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
