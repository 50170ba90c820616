//! Programs of this machine that the harness calls, run to their end.

use std::process::{Command, Stdio};

use crate::{Error, Result};

/// Runs a program to its end and gives its standard output.
///
/// # Errors
/// [`Error::Io`] when it cannot be started, [`Error::Program`] with both its streams when it fails.
pub fn run(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(Error::io(format!("start {}", line(command))))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(Error::Program {
        command: line(command),
        status: output.status.to_string(),
        output: text(&output.stdout) + &text(&output.stderr),
    })
}

/// A command as a person would type it, more or less: for messages only.
#[must_use]
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
