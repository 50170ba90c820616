//! Runs another program with nothing of ours in it, and never waits for it longer than it was told to.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// As much of a program's output as is kept; the rest is read and dropped, so that it can finish.
const OUTPUT_MAX: usize = 64 * 1024;

/// The step in which the time limit is counted down.
const TICK: Duration = Duration::from_millis(5);

/// How often an exit is looked for once a program has closed its output.
const EXIT_POLL: Duration = Duration::from_millis(1);

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// The program ended by itself.
    Exited {
        /// Its exit status.
        status: ExitStatus,
        /// Its standard output and standard error, in the order they were written, at most 64 KiB.
        output: String,
    },
    /// The time limit passed; the program was killed.
    TimedOut {
        /// What it had written until then.
        output: String,
    },
}

/// Runs `program` with `args` for about `limit` at most: the limit is counted in steps, no clock is asked.
///
/// Its environment is empty but for `LC_ALL=C` and a plain `PATH`: whatever stands in ours (`TZ`, `EDITOR`,
/// `SUDO_ASKPASS`) must not decide anything (CVE-2014-9680). Its standard input is `/dev/null`, its directory `/`.
///
/// # Errors
/// The program could not be started, or its end could not be learnt.
pub fn run<A: AsRef<OsStr>>(program: &Path, args: &[A], limit: Duration) -> io::Result<Ended> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command.spawn()?;
    // `command` holds our copies of the pipe's writing end: the end of output is only seen once they are closed.
    drop(command);
    let (sender, pieces) = channel();
    // Not joined: a grandchild that keeps the pipe open keeps this thread, and nobody waits for it.
    thread::spawn(move || forward(reader, &sender));
    let (output, closed) = collect(&pieces, limit);
    let left = match closed {
        Closed::ByProgram => limit,
        Closed::ByLimit => Duration::ZERO,
    };
    match wait(&mut child, left)? {
        Some(status) => Ok(Ended::Exited { status, output }),
        None => {
            child.kill()?;
            child.wait()?;
            Ok(Ended::TimedOut { output })
        }
    }
}

/// Why no more output is awaited.
enum Closed {
    ByProgram,
    ByLimit,
}

/// Hands on what the program writes, until it has closed its output or nobody listens any more.
fn forward(mut reader: io::PipeReader, sender: &Sender<Vec<u8>>) {
    let mut buffer = [0u8; 4096];
    while let Ok(count) = reader.read(&mut buffer) {
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { return };
        if sender.send(piece.to_vec()).is_err() {
            return;
        }
    }
}

/// Gathers output until it ends or the limit is used up.
///
/// A step of waiting uses up its length, and so does a piece of output: a program that never stops writing is
/// cut off as well.
fn collect(pieces: &Receiver<Vec<u8>>, limit: Duration) -> (String, Closed) {
    let mut output = Vec::new();
    let mut used = Duration::ZERO;
    let closed = loop {
        match pieces.recv_timeout(TICK) {
            Ok(piece) => {
                let room = OUTPUT_MAX.saturating_sub(output.len());
                output.extend(piece.into_iter().take(room));
            }
            Err(RecvTimeoutError::Disconnected) => break Closed::ByProgram,
            Err(RecvTimeoutError::Timeout) => {}
        }
        used = used.saturating_add(TICK);
        if used >= limit {
            break Closed::ByLimit;
        }
    };
    (String::from_utf8_lossy(&output).into_owned(), closed)
}

/// Waits for the exit, at most `left` longer; `None` when it has not come.
fn wait(child: &mut Child, left: Duration) -> io::Result<Option<ExitStatus>> {
    let mut used = Duration::ZERO;
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if used >= left => return Ok(None),
            None => thread::sleep(EXIT_POLL),
        }
        used = used.saturating_add(EXIT_POLL);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]
    use super::*;

    fn sh(script: &str, limit: Duration) -> Ended {
        run(Path::new("/bin/sh"), &["-c", script], limit).unwrap()
    }

    #[test]
    fn both_outputs_and_the_status_are_handed_back() {
        match sh("echo one; echo two >&2; exit 3", Duration::from_secs(20)) {
            Ended::Exited { status, output } => {
                assert_eq!(status.code(), Some(3));
                assert_eq!(output, "one\ntwo\n");
            }
            Ended::TimedOut { .. } => panic!("it ended by itself"),
        }
    }

    #[test]
    fn nothing_of_our_environment_gets_in_and_input_is_empty() {
        match sh("env | sort; cat", Duration::from_secs(20)) {
            Ended::Exited { output, .. } => {
                assert!(output.contains("LC_ALL=C\n") && !output.contains("HOME="), "{output}");
            }
            Ended::TimedOut { .. } => panic!("its input was not empty"),
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_output_kept() {
        match sh("echo before; exec sleep 1000", Duration::from_millis(200)) {
            Ended::TimedOut { output } => assert_eq!(output, "before\n"),
            Ended::Exited { status, .. } => panic!("{status}"),
        }
    }

    #[test]
    fn closing_its_output_does_not_let_a_program_hang_us() {
        let ended = sh("exec sleep 1000 >/dev/null 2>&1", Duration::from_millis(100));
        assert!(matches!(ended, Ended::TimedOut { .. }));
    }

    #[test]
    fn endless_output_is_cut_off() {
        assert!(matches!(
            sh("while :; do echo yes; done", Duration::from_millis(100)),
            Ended::TimedOut { .. }
        ));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(run(Path::new("/nonexistent/x"), &[""; 0], Duration::from_secs(1)).is_err());
    }
}
