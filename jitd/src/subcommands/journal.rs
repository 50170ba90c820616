//! `journalctl` as it follows sudo's log, and its lines: each of bounded length, whatever is in the journal.

use std::fs;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::line::{self, Line};
use super::lines::Lines;

/// Reads in one look, so that whoever fills the journal does not keep the reader from looking up.
const READS: usize = 64;

/// Where this host's id is (machine-id(5)).
const MACHINE_ID: &str = "/etc/machine-id";

/// Bytes of what it complains of that are told.
const COMPLAINT: usize = 512;

/// A journalctl that runs.
#[derive(Debug)]
pub(super) struct Journal {
    program: PathBuf,
    child: Child,
    output: ChildStdout,
    complaints: ChildStderr,
    lines: Lines,
    strange: Strange,
}

/// Whether there were lines that could not be read.
#[derive(Debug, PartialEq, Eq)]
enum Strange {
    None,
    Some,
}

/// Why there is nothing to read any more.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    /// It could not be started.
    #[error("{} could not be run; it comes with systemd, whose journal has sudo's log", .program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has ended.
    #[error("{} has ended{}", .program.display(), because(.said))]
    Ended {
        /// The program.
        program: PathBuf,
        /// What it complained of.
        said: String,
    },
    /// Its output cannot be read.
    #[error("what {} prints cannot be read", .program.display())]
    Read {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn because(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl Journal {
    /// Has it print what sudo wrote from a moment on, in seconds of the wall clock, and what comes.
    pub(super) fn follow(program: &Path, since: i64) -> Result<Self, Gone> {
        let not_started = |source| Gone::NotStarted { program: program.to_owned(), source };
        let since = format!("--since=@{}", since.max(0));
        let machine = fs::read_to_string(MACHINE_ID).map_err(not_started)?;
        let machine = format!("_MACHINE_ID={}", machine.trim());
        let mut child = Command::new(program)
            .args(["--follow", "--no-tail", "--quiet", "--no-pager", "--all", "--output=json"])
            .args(["--output-fields=_PID,_UID,_GID,MESSAGE", &since])
            // Without it --follow keeps to this boot, whose id is another in the service than for journald where a container has one of
            // its own. With it there are journals of other hosts, should there be any here: hence the machine.
            .args(["--merge", &machine])
            // What comes by the journal's own protocol could have the same name with other fields.
            .args(["SYSLOG_IDENTIFIER=sudo", "_TRANSPORT=syslog"])
            .env_clear()
            .envs([("LC_ALL", "C"), ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(not_started)?;
        let (Some(output), Some(complaints)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(not_started(io::Error::other("it has no output")));
        };
        let (program, lines) = (program.to_owned(), Lines::default());
        let journal = Self { program, child, output, complaints, lines, strange: Strange::None };
        for fd in [journal.output.as_fd(), journal.complaints.as_fd()] {
            fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                .map_err(|errno| journal.unreadable(errno.into()))?;
        }
        Ok(journal)
    }

    /// Takes the lines that are there, waiting for some for so long.
    pub(super) fn look(&mut self, wait: Duration, mut take: impl FnMut(Line)) -> Result<(), Gone> {
        let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(self.output.as_fd(), PollFlags::POLLIN)], wait) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(self.unreadable(errno.into())),
        }
        let mut bytes = [0; 8 * 1024];
        for _ in 0..READS {
            match self.output.read(&mut bytes) {
                Ok(0) => return Err(self.ended()),
                Ok(count) => self.cut(bytes.get(..count).unwrap_or_default(), &mut take),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(self.unreadable(error)),
            }
        }
        Ok(())
    }

    fn cut(&mut self, bytes: &[u8], take: &mut impl FnMut(Line)) {
        let strange = &mut self.strange;
        self.lines.cut(bytes, |line| match line::read(line) {
            Ok(line) => line.into_iter().for_each(&mut *take),
            // Anybody can write lines. One that nobody can read is passed over, and told of once.
            Err(why) => {
                if *strange == Strange::None {
                    crate::log::error(&crate::chain(&why));
                }
                *strange = Strange::Some;
            }
        });
    }

    fn ended(&mut self) -> Gone {
        let mut said = [0; COMPLAINT];
        // What it said before it ended is there by now, and nothing else is waited for.
        let count = self.complaints.read(&mut said).unwrap_or_default();
        let said = String::from_utf8_lossy(said.get(..count).unwrap_or_default()).trim().to_owned();
        Gone::Ended { program: self.program.clone(), said }
    }

    fn unreadable(&self, source: io::Error) -> Gone {
        Gone::Read { program: self.program.clone(), source }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
