//! A regular expression of the policy: size-limited when compiled, shown as it was written.

use alloc::string::{String, ToString};

use regex_lite::{Regex, RegexBuilder};

/// The most bytes a compiled pattern may take. A pattern for a ticket number takes a few hundred.
const SIZE_LIMIT: usize = 64 * 1024;
/// The deepest nesting of groups in a pattern.
const NEST_LIMIT: u32 = 32;

/// A compiled regular expression. Matching takes time linear in the text: `regex-lite` does not backtrack.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// The compiler's own words, when the text is no regular expression or one that is too large.
    pub fn new(text: &str) -> Result<Self, String> {
        RegexBuilder::new(text)
            .size_limit(SIZE_LIMIT)
            .nest_limit(NEST_LIMIT)
            .build()
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// Whether the pattern is found anywhere in the text; `^` and `$` bind it to the ends.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
