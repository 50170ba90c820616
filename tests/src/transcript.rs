//! What a person sees at a bed's prompt, printed as it happens: for the demo.

use std::io::Write;

use crate::{Error, Inside, Output, Result};

/// How a command of a transcript is meant to end. Anything else stops the demo: it shows nothing that did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With exit status 0.
    Well,
    /// With any other.
    Refused,
}

/// Prints captions, prompts, commands and their output.
pub struct Transcript<'a> {
    inside: &'a Inside,
    out: Box<dyn Write + 'a>,
}

impl std::fmt::Debug for Transcript<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcript").field("inside", self.inside).finish_non_exhaustive()
    }
}

impl<'a> Transcript<'a> {
    /// A transcript of commands in `inside`, printed to `out`.
    pub fn new(inside: &'a Inside, out: impl Write + 'a) -> Transcript<'a> {
        Transcript { inside, out: Box::new(out) }
    }

    /// Prints what the next commands show.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub fn caption(&mut self, text: &str) -> Result<()> {
        self.print(&format!("\n# {text}\n"))
    }

    /// Runs a command line as a user, by bash, and prints it after their prompt with all it says.
    ///
    /// # Errors
    /// When it ends otherwise than it should.
    pub fn run(&mut self, user: &str, line: &str, ends: Ends) -> Result<Output> {
        let prompt = if user == "root" { "root#".to_owned() } else { format!("{user}$") };
        self.print(&format!("{prompt} {line}\n"))?;
        let script = format!("exec 2>&1\n{line}");
        let command = self.inside.command(&["bash", "-c", &script]);
        let output = if user == "root" { command } else { command.user(user) }.run()?;
        let said: String = output.text().lines().map(|line| format!("  {line}\n")).collect();
        self.print(&said)?;
        if output.success() == (ends == Ends::Well) {
            return Ok(output);
        }
        Err(Error::Program {
            command: format!("{prompt} {line}"),
            status: format!("exit status {}, but it was to end {ends:?}", output.code),
            output: output.text(),
        })
    }

    fn print(&mut self, text: &str) -> Result<()> {
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(Error::io("print the transcript"))
    }
}
