//! What the guard says while it works: lines on standard error, which the journal takes under systemd.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};

use jit_common::causes;

/// One line.
pub(crate) fn line(what: &dyn Display) {
    // A log that nobody can take must not stop the guard.
    let _ = writeln!(io::stderr(), "{what}");
}

/// An error with its causes, as one line.
pub(crate) fn chain(why: &dyn Error) {
    line(&format_args!("jit-guard: {}", causes::chain(why)));
}
