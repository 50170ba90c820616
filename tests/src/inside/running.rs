//! A command that runs in a bed: what it printed so far, its end, signals to it. Waiting is by events, not by polling.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Output;
use crate::{Error, Result, processes, until};

/// After a command's end, how long to wait for processes it left behind to close its streams.
const LEFT_OPEN: Duration = Duration::from_millis(300);

/// A handle on a running command. Clones are the same command. Dropping it does not end the command: its bed does.
#[derive(Debug, Clone)]
pub struct Running(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    command: String,
    /// The outer program (nsenter), the parent of what runs inside.
    outer: u32,
    stdin: Mutex<Option<ChildStdin>>,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    out: Vec<u8>,
    err: Vec<u8>,
    open: u8,
    code: Option<i32>,
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

impl Running {
    /// Starts `program`, whose three streams must be piped.
    pub(crate) fn start(command: String, mut program: Command) -> Result<Running> {
        let mut child = program.spawn().map_err(Error::io(format!("start {command}")))?;
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let shared = Arc::new(Shared {
            command,
            outer: child.id(),
            stdin: Mutex::new(stdin),
            seen: Mutex::new(Seen { open: 2, ..Seen::default() }),
            changed: Condvar::new(),
        });
        follow(&shared, Stream::Out, out);
        follow(&shared, Stream::Err, err);
        reap(&shared, child);
        Ok(Running(shared))
    }

    /// Writes to its standard input.
    ///
    /// # Errors
    /// When the input is closed on either side.
    pub fn write(&self, text: &[u8]) -> Result<()> {
        let mut stdin = self.0.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pipe) = stdin.as_mut() else {
            return Err(Error::Odd(format!("the input of {} is closed", self.0.command)));
        };
        pipe.write_all(text)
            .and_then(|()| pipe.flush())
            .map_err(Error::io(format!("write to {}", self.0.command)))
    }

    /// Closes its standard input.
    pub fn close_input(&self) {
        self.0.stdin.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// All it printed so far, both streams.
    #[must_use]
    pub fn text(&self) -> String {
        let seen = self.seen();
        String::from_utf8_lossy(&seen.out).into_owned() + &String::from_utf8_lossy(&seen.err)
    }

    /// Waits until `found` finds something in all it printed so far (as [`Running::text`] gives it).
    ///
    /// # Errors
    /// [`Error::Late`] after `limit`; [`Error::Program`] when it ended without printing `what`.
    pub fn wait_until<T>(&self, what: &str, limit: Duration, found: impl Fn(&str) -> Option<T>) -> Result<T> {
        let find = |seen: &Seen| {
            found(&(String::from_utf8_lossy(&seen.out).into_owned() + &String::from_utf8_lossy(&seen.err)))
        };
        let done = |seen: &Seen| find(seen).is_some() || (seen.code.is_some() && seen.open == 0);
        let seen = self.wait(&format!("{what} from {}", self.0.command), limit, done)?;
        find(&seen).ok_or_else(|| Error::Program {
            command: self.0.command.clone(),
            status: format!("ended without {what}"),
            output: self.output_of(&seen).text(),
        })
    }

    /// Waits until it has printed `part`.
    ///
    /// # Errors
    /// As [`Running::wait_until`].
    pub fn wait_for(&self, part: &str, limit: Duration) -> Result<()> {
        self.wait_until(&format!("{part:?}"), limit, |text| text.contains(part).then_some(()))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Error::Late`] when it still runs after `limit`.
    pub fn wait_end(&self, limit: Duration) -> Result<Output> {
        let what = format!("the end of {}", self.0.command);
        drop(self.wait(&what, limit, |seen| seen.code.is_some())?);
        // A process it left behind may keep its streams open for ever.
        let _ = self.wait(&what, LEFT_OPEN, |seen| seen.open == 0).map(drop);
        Ok(self.output_of(&self.seen()))
    }

    /// True until it has ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.seen().code.is_none()
    }

    /// The process inside, by its number outside.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid(&self) -> Result<u32> {
        let child = || processes::children(self.0.outer).first().copied();
        until(&format!("the process of {}", self.0.command), Duration::from_secs(5), || {
            child().map(Some).or_else(|| (!self.is_running()).then_some(None))
        })?
        .ok_or_else(|| Error::Odd(format!("{} has already ended", self.0.command)))
    }

    /// The process by its number inside.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid_inside(&self) -> Result<u32> {
        let numbers = processes::numbers(self.pid()?);
        numbers.last().copied().ok_or_else(|| Error::Odd(format!("{} has already ended", self.0.command)))
    }

    /// Sends a signal to the process inside.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        send(self.pid()?, signal)?;
        if matches!(signal, Signal::SIGCONT | Signal::SIGKILL) {
            // nsenter stops itself together with its child and must see what comes after. It may be gone by now.
            let _ = send(self.0.outer, Signal::SIGCONT);
        }
        Ok(())
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    /// When it has already ended.
    pub fn kill(&self) -> Result<Output> {
        self.signal(Signal::SIGKILL)?;
        self.wait_end(Duration::from_secs(10))
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it has already ended, or does not end within ten seconds.
    pub fn terminate(&self) -> Result<Output> {
        self.signal(Signal::SIGTERM)?;
        self.wait_end(Duration::from_secs(10))
    }

    /// Freezes it (SIGSTOP), as a hung program.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on after [`Running::freeze`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// The whole command with all it printed, for the reader of a failed test.
    pub(crate) fn story(&self) -> String {
        let seen = self.seen();
        let state = seen.code.map_or("still running".to_owned(), |code| format!("exit status {code}"));
        let out = String::from_utf8_lossy(&seen.out);
        let err = String::from_utf8_lossy(&seen.err);
        format!("--- {} ({state})\n{out}{err}---", self.0.command)
    }

    pub(crate) fn kill_outer(&self) {
        if self.is_running() {
            let _ = send(self.0.outer, Signal::SIGKILL);
        }
    }

    fn output_of(&self, seen: &Seen) -> Output {
        Output {
            command: self.0.command.clone(),
            code: seen.code.unwrap_or(-1),
            out: String::from_utf8_lossy(&seen.out).into_owned(),
            err: String::from_utf8_lossy(&seen.err).into_owned(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(
        &self,
        what: &str,
        limit: Duration,
        done: impl Fn(&Seen) -> bool,
    ) -> Result<MutexGuard<'_, Seen>> {
        let end = Instant::now() + limit;
        let mut seen = self.seen();
        while !done(&seen) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Late { what: what.to_owned(), limit });
            }
            let woken = self.0.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner);
            seen = woken.0;
        }
        Ok(seen)
    }
}

fn send(pid: u32, signal: Signal) -> Result<()> {
    let number = i32::try_from(pid).map_err(|_| Error::Odd(format!("{pid} is no process number")))?;
    kill(Pid::from_raw(number), signal).map_err(Error::io(format!("send {signal} to process {pid}")))
}

/// Copies one stream into what was seen, on a thread of its own.
fn follow(shared: &Arc<Shared>, stream: Stream, from: Option<impl Read + Send + 'static>) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 8192];
        if let Some(mut from) = from {
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
                let bytes = buffer.get(..count).unwrap_or_default();
                match stream {
                    Stream::Out => seen.out.extend_from_slice(bytes),
                    Stream::Err => seen.err.extend_from_slice(bytes),
                }
                shared.changed.notify_all();
            }
        }
        shared.seen.lock().unwrap_or_else(PoisonError::into_inner).open -= 1;
        shared.changed.notify_all();
    });
}

/// Waits for the process on a thread of its own and notes how it ended.
fn reap(shared: &Arc<Shared>, mut child: Child) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let code = child.wait().map_or(-1, Output::code_of);
        shared.seen.lock().unwrap_or_else(PoisonError::into_inner).code = Some(code);
        shared.changed.notify_all();
    });
}
