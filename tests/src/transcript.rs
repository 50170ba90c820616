//! What people see at a bed's prompts, printed as it happens. What a scene says must come true: else the transcript ends.

use std::io::Write;
use std::time::Duration;

use crate::{Error, Inside, Output, Result, Running};

/// The longest that anything in a transcript may take to happen.
const LIMIT: Duration = Duration::from_secs(30);

/// Printed by an open shell behind each line typed into it, with the line's exit status.
const STATUS: &str = "<<exit status ";

/// How a command is meant to end. Anything else stops the transcript: it shows nothing that did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With exit status 0.
    Well,
    /// With this one.
    With(i32),
}

impl Ends {
    fn code(self) -> i32 {
        match self {
            Ends::Well => 0,
            Ends::With(code) => code,
        }
    }
}

/// Whether a transcript is printed with colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Plain text.
    Plain,
    /// Captions and prompts stand out (ECMA-48).
    Colour,
}

/// Prints captions, prompts, commands and their output.
pub struct Transcript<'a> {
    inside: &'a Inside,
    out: Box<dyn Write + 'a>,
    ink: Ink,
}

/// A command that was shown and has ended as it was meant to; what it said can still be checked.
#[derive(Debug)]
pub struct Shown(Output);

/// A shell that stays open between the lines typed into it.
#[derive(Debug)]
pub struct Shell {
    prompt: String,
    bash: Running,
    seen: usize,
}

/// A command that is left running, to wait for what it prints.
#[derive(Debug)]
pub struct Watch {
    running: Running,
    seen: usize,
}

impl std::fmt::Debug for Transcript<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcript").field("inside", self.inside).finish_non_exhaustive()
    }
}

impl<'a> Transcript<'a> {
    /// A transcript of commands in `inside`, printed to `out`.
    pub fn new(inside: &'a Inside, out: impl Write + 'a, ink: Ink) -> Transcript<'a> {
        Transcript { inside, out: Box::new(out), ink }
    }

    /// Prints what the next commands show.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub fn caption(&mut self, text: &str) -> Result<()> {
        self.print("\n")?;
        for line in text.lines() {
            let line = self.painted("1;36", &format!("# {line}"));
            self.print(&format!("{line}\n"))?;
        }
        Ok(())
    }

    /// Runs a command line as a user, by bash, and prints it after their prompt with all it says.
    ///
    /// # Errors
    /// When it ends otherwise than it should.
    pub fn run(&mut self, user: &str, line: &str, ends: Ends) -> Result<Shown> {
        let prompt = prompt(user);
        self.typed(&prompt, line)?;
        let output = self.command(user, line).run()?;
        self.said(&output.text())?;
        ended_as_meant(output, &format!("{prompt} {line}"), ends)
    }

    /// Opens a shell as a user. Nothing is shown before a line is typed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn shell(&mut self, user: &str) -> Result<Shell> {
        let bash = self.inside.command(&["bash", "--norc"]).user(user).spawn()?;
        Ok(Shell { prompt: prompt(user), bash, seen: 0 })
    }

    /// Types a line into an open shell and prints what comes of it.
    ///
    /// # Errors
    /// When it ends otherwise than it should.
    pub fn type_into(&mut self, shell: &mut Shell, line: &str, ends: Ends) -> Result<Shown> {
        self.typed(&shell.prompt, line)?;
        shell.bash.write(format!("{{ {line}; }} 2>&1; echo '{STATUS}'$?\n").as_bytes())?;
        let from = shell.seen;
        let (said, code, end) = shell.bash.wait_until("the end of the line", LIMIT, |text| {
            let (said, rest) = text.get(from..)?.split_once(STATUS)?;
            let (code, _) = rest.split_once('\n')?;
            let end = from + said.len() + STATUS.len() + code.len() + 1;
            Some((said.to_owned(), code.to_owned(), end))
        })?;
        shell.seen = end;
        self.said(&said)?;
        let command = format!("{} {line}", shell.prompt);
        let code = code.parse().map_err(|_| Error::Odd(format!("{command}: the shell gave no status")))?;
        let output = Output { command: command.clone(), code, out: said, err: String::new() };
        ended_as_meant(output, &command, ends)
    }

    /// Starts a command that goes on while others run; what it prints is shown when it is waited for.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn watch(&mut self, user: &str, line: &str) -> Result<Watch> {
        self.typed(&prompt(user), line)?;
        Ok(Watch { running: self.command(user, line).spawn()?, seen: 0 })
    }

    /// Waits until a watched command prints a line with `part`, and shows that line and those before it.
    ///
    /// # Errors
    /// When it does not come.
    pub fn wait_for(&mut self, watch: &mut Watch, part: &str) -> Result<()> {
        let from = watch.seen;
        let (said, end) = watch.running.wait_until(&format!("a line with {part:?}"), LIMIT, |text| {
            let new = text.get(from..)?;
            let (before, rest) = new.split_at(new.find(part)?);
            let end = from + before.len() + rest.find('\n')? + 1;
            Some((text.get(from..end)?.to_owned(), end))
        })?;
        self.said(&said)?;
        watch.seen = end;
        Ok(())
    }

    fn command(&self, user: &str, line: &str) -> crate::Command<'a> {
        let command = self.inside.command(&["bash", "-c", &format!("exec 2>&1\n{line}")]);
        if user == "root" { command } else { command.user(user) }
    }

    fn typed(&mut self, prompt: &str, line: &str) -> Result<()> {
        let prompt = self.painted("32", prompt);
        let line = self.painted("1", line);
        self.print(&format!("{prompt} {line}\n"))
    }

    fn said(&mut self, text: &str) -> Result<()> {
        let lines: String =
            text.lines().map(|line| format!("{}\n", format!("  {line}").trim_end())).collect();
        self.print(&lines)
    }

    fn painted(&self, how: &str, text: &str) -> String {
        match self.ink {
            Ink::Plain => text.to_owned(),
            Ink::Colour => format!("\x1b[{how}m{text}\x1b[0m"),
        }
    }

    fn print(&mut self, text: &str) -> Result<()> {
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(Error::io("print the transcript"))
    }
}

impl Shown {
    /// Goes on if the command said `part`.
    ///
    /// # Errors
    /// [`Error::Program`] with all it said.
    pub fn says(self, part: &str) -> Result<Shown> {
        if self.0.text().contains(part) {
            return Ok(self);
        }
        Err(self.not_so(&format!("it was to say {part:?}")))
    }

    /// Goes on if the command did not say `part`.
    ///
    /// # Errors
    /// [`Error::Program`] with all it said.
    pub fn never_says(self, part: &str) -> Result<Shown> {
        if !self.0.text().contains(part) {
            return Ok(self);
        }
        Err(self.not_so(&format!("it was never to say {part:?}")))
    }

    /// All it said.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }

    fn not_so(self, status: &str) -> Error {
        Error::Program { status: status.to_owned(), output: self.0.text(), command: self.0.command }
    }
}

fn prompt(user: &str) -> String {
    if user == "root" { "root#".to_owned() } else { format!("{user}$") }
}

fn ended_as_meant(output: Output, command: &str, ends: Ends) -> Result<Shown> {
    if output.code == ends.code() {
        return Ok(Shown(output));
    }
    Err(Error::Program {
        command: command.to_owned(),
        status: format!("exit status {}, but it was to end with {}", output.code, ends.code()),
        output: output.text(),
    })
}
