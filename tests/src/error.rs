//! What can go wrong with a throwaway machine, and how a test reacts to it.

use std::io;
use std::time::Duration;

/// Every fallible function of the harness returns this.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the harness itself, or of a command that was expected to work.
#[derive(thiserror::Error)]
pub enum Error {
    /// This machine lacks something the beds need. The text is one sentence that says what to do.
    #[error("{0}")]
    Missing(String),
    /// A system call failed.
    #[error("could not {what}")]
    Io {
        /// The thing tried, to be read after "could not".
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program ended otherwise than expected.
    #[error("{command}: {status}\n{output}")]
    Program {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// What it printed, both streams.
        output: String,
    },
    /// Something awaited did not come in time.
    #[error("waited {} ms in vain for {what}", limit.as_millis())]
    Late {
        /// The thing awaited.
        what: String,
        /// The time limit.
        limit: Duration,
    },
    /// The install manifest is not right.
    #[error("systemd/install.toml: {0}")]
    Manifest(String),
    /// A path, a name or a number inside the bed is not as the harness needs it.
    #[error("{0}")]
    Odd(String),
}

/// As text: this is what a failed `unwrap` in a test shows.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.chain())
    }
}

impl Error {
    /// For `map_err`: wraps the kernel's word with what was tried.
    pub fn io<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source: source.into() }
    }

    /// The error and its causes, each on a line of its own.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!("\n  because: {error}"));
            cause = error.source();
        }
        text
    }
}

/// The entry of every test that wants a bed: `let Some(bed) = RootBed::bare(release).or_skip() else { return };`
pub trait OrSkip<T> {
    /// The value; or `None` after a loud line on stderr when this machine lacks what the bed needs. With `JIT_REQUIRE_BEDS=1`
    /// a lack fails the test. Any other failure always does.
    fn or_skip(self) -> Option<T>;
}

impl<T> OrSkip<T> for Result<T> {
    #[track_caller]
    #[expect(clippy::panic, reason = "a bed that cannot be had fails the test that asked for it")]
    fn or_skip(self) -> Option<T> {
        match self {
            Ok(value) => Some(value),
            Err(Error::Missing(why)) if std::env::var_os("JIT_REQUIRE_BEDS").is_none_or(|v| v != "1") => {
                let thread = std::thread::current();
                say(&format!("SKIPPED {}: {why}", thread.name().unwrap_or("a test")));
                None
            }
            Err(error) => panic!("{}", error.chain()),
        }
    }
}

/// The end of a program of this package that failed: says why, once, with all causes.
#[must_use]
pub fn failed(error: &Error) -> std::process::ExitCode {
    say(&error.chain());
    std::process::ExitCode::FAILURE
}

/// Writes a line to the real stderr. libtest captures `eprintln!`, and a skipped test must not look like a passed one.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;
    // Nothing is left to do when stderr itself is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
