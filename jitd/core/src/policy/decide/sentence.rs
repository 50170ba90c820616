//! Small pieces of English for explanations.

use alloc::format;
use alloc::string::{String, ToString};

/// The most names that are written out.
const MOST_NAMES: usize = 4;

/// `a`, `a or b`, `a, b or c`; long lists are cut.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "anybody".to_string(),
        [only] => (*only).to_string(),
        names if names.len() > MOST_NAMES => {
            let shown: alloc::vec::Vec<&str> = names.iter().take(MOST_NAMES).copied().collect();
            format!("{} or {} more", shown.join(", "), names.len() - MOST_NAMES)
        }
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
