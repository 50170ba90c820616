//! The emulator's monitor (QMP): one command after the other, and what happens to the machine.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// The longest a command of the monitor may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection with the monitor.
#[derive(Debug)]
pub(crate) struct Monitor {
    stream: BufReader<UnixStream>,
    /// The beginning of a line that is not complete yet.
    begun: Vec<u8>,
    /// What happened, not asked for yet.
    events: Vec<String>,
}

impl Monitor {
    pub(crate) fn new(stream: UnixStream) -> Result<Monitor> {
        let mut monitor = Monitor { stream: BufReader::new(stream), begun: Vec::new(), events: Vec::new() };
        let end = Instant::now() + LIMIT;
        // It greets first.
        monitor.line(end)?;
        monitor.execute("qmp_capabilities", "{}")?;
        Ok(monitor)
    }

    /// Has the emulator do something; what it answers, as it stands.
    pub(crate) fn execute(&mut self, command: &str, arguments: &str) -> Result<String> {
        let line = format!("{{\"execute\":\"{command}\",\"arguments\":{arguments}}}\n");
        self.stream.get_mut().write_all(line.as_bytes()).map_err(Error::io(format!("ask for {command}")))?;
        let end = Instant::now() + LIMIT;
        loop {
            let line = self.line(end)?;
            if line.starts_with("{\"return\"") {
                return Ok(line);
            }
            if line.starts_with("{\"error\"") {
                return Err(Error::Odd(format!("the emulator refuses {command}: {line}")));
            }
            self.events.push(line);
        }
    }

    /// Waits for something to happen to the machine, or to have happened since it was last asked for.
    pub(crate) fn wait(&mut self, event: &str, limit: Duration) -> Result<()> {
        let (end, named) = (Instant::now() + limit, format!("\"event\": \"{event}\""));
        loop {
            if let Some(at) = self.events.iter().position(|line| line.contains(&named)) {
                self.events.drain(..=at);
                return Ok(());
            }
            let line = self.line(end)?;
            self.events.push(line);
        }
    }

    /// Forgets what happened until now.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
    }

    fn line(&mut self, end: Instant) -> Result<String> {
        let late = || Error::Late { what: "a word from the emulator's monitor".to_owned(), limit: LIMIT };
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            let set = self.stream.get_ref().set_read_timeout(Some(left));
            set.map_err(Error::io("set a time limit for the monitor"))?;
            match self.stream.read_until(b'\n', &mut self.begun) {
                Ok(0) => return Err(Error::Odd("the emulator has ended".to_owned())),
                Ok(_) if self.begun.ends_with(b"\n") => {
                    let line = String::from_utf8_lossy(&self.begun).trim().to_owned();
                    self.begun.clear();
                    return Ok(line);
                }
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(Error::io("read from the emulator's monitor")(error)),
            }
        }
    }
}
