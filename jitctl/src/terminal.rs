//! What the person's terminal can show: colour or none, and how wide it is.

use std::env;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// On a terminal that has them.
    On,
    /// In a pipe, a file, with `NO_COLOR` set (no-color.org) or on a dumb terminal.
    Off,
}

/// How an answer is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Whether colours are used.
    pub(crate) colour: Colour,
    /// Columns to wrap at; `None` where nobody reads with the eye alone, so that `grep` sees whole lines.
    pub(crate) wrap: Option<usize>,
}

impl Terminal {
    /// What `stream` leads to.
    pub(crate) fn of<S: IsTerminal + AsFd>(stream: &S) -> Self {
        if !stream.is_terminal() {
            return Self::plain();
        }
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = if set("NO_COLOR") || dumb { Colour::Off } else { Colour::On };
        let wrap = terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0).max(40));
        Self { colour, wrap }
    }

    /// No colour, and lines as long as they are.
    pub(crate) fn plain() -> Self {
        Self { colour: Colour::Off, wrap: None }
    }
}
