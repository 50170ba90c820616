//! The way into a machine: ports of a virtual serial bus, without a network. See `agent.sh` for what is at the other end.

use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{Error, Output, Result};

/// How long the emulator may take to take a script.
const TAKING: Duration = Duration::from_secs(60);

/// A script that runs in the machine.
#[derive(Debug)]
pub(crate) struct Asked {
    port: UnixStream,
    shown: String,
}

/// All ports of a machine. Each carries one command at a time.
#[derive(Debug)]
pub(crate) struct Ports {
    free: Mutex<Vec<UnixStream>>,
}

impl Ports {
    pub(crate) fn new(streams: Vec<UnixStream>) -> Ports {
        Ports { free: Mutex::new(streams) }
    }

    /// Runs a bash script as root to its end.
    pub(crate) fn ask(&self, shown: &str, script: &str, limit: Duration) -> Result<Output> {
        let asked = self.begin(shown, script)?;
        self.finish(asked, limit)
    }

    /// Starts a bash script as root.
    pub(crate) fn begin(&self, shown: &str, script: &str) -> Result<Asked> {
        let Some(mut port) = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
            return Err(Error::Odd("no port of the machine is free".to_owned()));
        };
        let request = format!("{}\n{script}", script.len());
        port.set_write_timeout(Some(TAKING)).map_err(Error::io("set a time limit for a port"))?;
        port.write_all(request.as_bytes()).map_err(Error::io(format!("ask for {shown}")))?;
        Ok(Asked { port, shown: shown.to_owned() })
    }

    /// Waits for the end of a script.
    pub(crate) fn finish(&self, asked: Asked, limit: Duration) -> Result<Output> {
        let Asked { port, shown } = asked;
        let output = answer(&port, &shown, limit).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => Error::Late { what: format!("the end of {shown}"), limit },
            _ => Error::io(format!("run {shown} in the machine"))(error),
        })?;
        // A port whose answer did not come is not used again: it could be the answer to the next one.
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(port);
        Ok(output)
    }
}

/// A stream that is read until a moment, and no longer.
struct Bounded<'port> {
    port: &'port UnixStream,
    end: Instant,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.port.set_read_timeout(Some(left))?;
        self.port.read(into)
    }
}

fn answer(port: &UnixStream, shown: &str, limit: Duration) -> std::io::Result<Output> {
    // Nothing is lost in it: the machine says nothing after its answer until it is asked again.
    let mut port = BufReader::new(Bounded { port, end: Instant::now() + limit });
    let mut head = String::new();
    port.read_line(&mut head)?;
    let numbers: Vec<usize> = head.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [code, out, err] = numbers[..] else {
        return Err(std::io::Error::other(format!("the machine answers {head:?}")));
    };
    let mut stream = |length: usize| {
        let mut bytes = vec![0; length];
        port.read_exact(&mut bytes)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (out, err) = (stream(out)?, stream(err)?);
    Ok(Output { command: shown.to_owned(), code: i32::try_from(code).unwrap_or(-1), out, err })
}
