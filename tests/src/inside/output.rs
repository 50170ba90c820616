//! What a finished command left: its status and both streams, with checks that show everything when they fail.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use crate::{Error, Result};

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command, as typed.
    pub command: String,
    /// Its exit status; 128 and the signal's number if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    pub(crate) fn code_of(status: ExitStatus) -> i32 {
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }

    /// True when it exited with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == 0
    }

    /// Both streams, output first.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Itself if it exited with 0.
    ///
    /// # Errors
    /// [`Error::Program`] with all it printed.
    pub fn ok(self) -> Result<Output> {
        if self.success() {
            return Ok(self);
        }
        let status = format!("exit status {}", self.code);
        Err(Error::Program { status, output: self.text(), command: self.command })
    }

    /// Fails the test unless the command exited with `code`; gives itself back.
    #[track_caller]
    #[expect(clippy::panic, reason = "a check of a test")]
    pub fn expect_code(self, code: i32) -> Output {
        if self.code != code {
            panic!("expected exit status {code} of\n{self}");
        }
        self
    }

    /// Fails the test unless the command exited with 0; gives itself back.
    #[track_caller]
    pub fn expect_ok(self) -> Output {
        self.expect_code(0)
    }

    /// Fails the test unless one of the streams has `part`; gives itself back.
    #[track_caller]
    #[expect(clippy::panic, reason = "a check of a test")]
    pub fn expect_says(self, part: &str) -> Output {
        if !self.text().contains(part) {
            panic!("expected to read {part:?} from\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        writeln!(f, "{}", self.out.trim_end())?;
        writeln!(f, "{}", self.err.trim_end())?;
        write!(f, "[exit status {}]", self.code)
    }
}
