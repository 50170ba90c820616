//! The process that holds a bed's namespaces, seen from the harness: started, asked, and gone when the harness is gone.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{Error, Result, program, until};

/// How long to wait for a word from a holder: a boot or a power-off on a slow machine.
const SAYING: Duration = Duration::from_secs(120);

/// How long everything inside may take to be gone after the holder's input was closed.
const GOING: Duration = Duration::from_secs(20);

/// A holder. It lives as long as its standard input is open: the kernel closes that when this process dies, however it dies.
#[derive(Debug)]
pub(crate) struct Holder {
    child: Child,
    input: Option<ChildStdin>,
    lines: Mutex<Receiver<String>>,
}

impl Holder {
    /// Starts bash with this script and arguments by way of `launcher` (unshare, with its options).
    pub(crate) fn start(mut launcher: Command, script: &str, arguments: &[&Path]) -> Result<Holder> {
        launcher.args(["bash", "-c", script, "holder"]).args(arguments);
        // A group of its own: Ctrl-C ends the tests, and the closed input then ends the bed in good order.
        launcher.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        launcher.env_remove("LD_LIBRARY_PATH").env("LC_ALL", "C.UTF-8");
        let mut child = launcher.spawn().map_err(Error::io(format!("start {}", program::line(&launcher))))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Odd("a started holder has no pipes".to_owned()));
        };
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(std::io::Result::ok);
            // Ends with the holder, or when nobody listens any more.
            let _ = lines.map(|line| sender.send(line)).take_while(std::result::Result::is_ok).count();
        });
        Ok(Holder { child, input: Some(input), lines: Mutex::new(lines) })
    }

    /// The next line it says.
    pub(crate) fn line(&mut self) -> Result<String> {
        let received = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner).recv_timeout(SAYING);
        match received {
            Ok(line) => return Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                return Err(Error::Late { what: "a word from a bed's holder".to_owned(), limit: SAYING });
            }
            Err(RecvTimeoutError::Disconnected) => {}
        }
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // Only for the message: what cannot be read cannot be shown.
            let _ = stderr.read_to_string(&mut said);
        }
        let status = self.child.wait().map_err(Error::io("wait for a bed's holder"))?;
        Err(Error::Program {
            command: "the holder of a bed".to_owned(),
            status: status.to_string(),
            output: said,
        })
    }

    /// Says a line to it.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        use std::io::Write as _;
        let Some(input) = self.input.as_mut() else {
            return Err(Error::Odd("the bed is already down".to_owned()));
        };
        writeln!(input, "{line}").and_then(|()| input.flush()).map_err(Error::io("write to a bed's holder"))
    }

    /// The started process (unshare), by its number outside.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.input.take());
        let gone = until("the end of a bed", GOING, || self.child.try_wait().ok().flatten());
        if gone.is_err() {
            // unshare --kill-child takes the whole bed along. Nothing more can be done in a drop.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
