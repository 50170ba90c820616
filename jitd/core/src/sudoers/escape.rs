//! Escapes one argument for sudoers.

use core::fmt::{self, Write};

/// An argument in which nothing acts on the lexer or on `fnmatch`.
///
/// sudo's lexer takes a backslash off before `, : = #` and leaves it before `* ? [ ]`, where `fnmatch` takes it off
/// (`toke.l`, state `GOTCMND`). White space, backslashes and a leading `^` never get here: `SudoRole` refuses them.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if ",:=#*?[]".contains(c) {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        Ok(())
    }
}
