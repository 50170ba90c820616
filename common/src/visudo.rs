//! Asks the host's own `visudo` whether a text is good sudoers, so that nothing of ours ever breaks sudo.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::child::{self, Ended};

/// Where a visudo may be. Debian's sudo-rs keeps its own beside the classic one.
const CLASSIC: [&str; 3] = ["/usr/sbin/visudo", "/usr/bin/visudo", "/usr/local/sbin/visudo"];
const RUST: [&str; 5] = [
    "/usr/lib/cargo/bin/visudo",
    "/usr/bin/visudo-rs",
    "/usr/sbin/visudo-rs",
    "/usr/sbin/visudo",
    "/usr/bin/visudo",
];

/// The beginning of the names of scratch files. The dot keeps sudo from reading them, wherever they are.
const SCRATCH: &str = ".jit-visudo.";

/// How many names are tried for the scratch file before giving up.
const NAME_TRIES: u32 = 64;

/// Which of the two sudos a program belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Todd Miller's sudo.
    Classic,
    /// sudo-rs.
    SudoRs,
}

/// A visudo that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visudo {
    program: PathBuf,
    flavour: Flavour,
    version: String,
    scratch: PathBuf,
}

/// What visudo said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It parses.
    Accepted,
    /// It does not.
    Rejected {
        /// visudo's first complaint, with `line:column` in place of our file's name.
        complaint: String,
    },
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VisudoError {
    /// None installed.
    #[error("no visudo was found in {}; install sudo, or sudo-rs with its visudo", looked_in(*wanted))]
    Missing {
        /// The flavour that was looked for; any when none.
        wanted: Option<Flavour>,
    },
    /// It could not be run.
    #[error("{} could not be run", .program.display())]
    Run {
        /// The visudo.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It took too long.
    #[error("{} did not answer within {} ms", .program.display(), .limit.as_millis())]
    TimedOut {
        /// The visudo.
        program: PathBuf,
        /// The limit it had.
        limit: Duration,
    },
    /// The text could not be laid before it.
    #[error("a scratch file for visudo could not be written in {}", .dir.display())]
    Scratch {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn looked_in(wanted: Option<Flavour>) -> String {
    candidates(wanted).map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn candidates(wanted: Option<Flavour>) -> impl Iterator<Item = &'static Path> {
    let classic: &'static [&'static str] = if wanted == Some(Flavour::SudoRs) { &[] } else { &CLASSIC };
    let rust: &'static [&'static str] = if wanted == Some(Flavour::Classic) { &[] } else { &RUST };
    classic.iter().chain(rust).map(Path::new)
}

impl Visudo {
    /// Finds the visudo of the `wanted` flavour (of any, classic first, when `None`).
    ///
    /// A host can have both, and each knows only its own grammar: the one that belongs to the sudo people type
    /// is the one to ask. Which one a file is, it says itself (`-V`), not its name: alternatives move names.
    ///
    /// # Errors
    /// None is installed.
    pub fn find(wanted: Option<Flavour>, limit: Duration) -> Result<Self, VisudoError> {
        candidates(wanted)
            .filter_map(|program| Self::at(program, limit).ok())
            .find(|found| wanted.is_none_or(|flavour| flavour == found.flavour))
            .ok_or(VisudoError::Missing { wanted })
    }

    /// The visudo at `program`, if it is one.
    ///
    /// # Errors
    /// It cannot be run, takes too long, or does not say which visudo it is.
    pub fn at(program: &Path, limit: Duration) -> Result<Self, VisudoError> {
        let (_, output) = run(program, &["-V"], limit)?;
        let version = version_of(&output).ok_or_else(|| VisudoError::Run {
            program: program.to_owned(),
            source: io::Error::other(format!("it answered -V with {:?}", first_line(&output))),
        })?;
        // Both say "visudo version N"; only the classic one also has a grammar version (1.9.13p3, 0.2.5).
        let flavour = if output.contains("grammar version") { Flavour::Classic } else { Flavour::SudoRs };
        Ok(Self { program: program.to_owned(), flavour, version, scratch: std::env::temp_dir() })
    }

    /// Lays its scratch files in `dir` instead of the temporary directory.
    #[must_use]
    pub fn with_scratch(mut self, dir: &Path) -> Self {
        dir.clone_into(&mut self.scratch);
        self
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Which sudo it belongs to.
    #[must_use]
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// Its version as it says it, such as `1.9.16p2`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Asks about `text`. Needs no root.
    ///
    /// # Errors
    /// No verdict could be had; that is neither a yes nor a no.
    pub fn check_text(&self, text: &str, limit: Duration) -> Result<Verdict, VisudoError> {
        let file = Scratch::write(&self.scratch, text)
            .map_err(|source| VisudoError::Scratch { dir: self.scratch.clone(), source })?;
        // Not `-f -`: sudo-rs takes that for a file name (0.2.5).
        self.check_file(&file.0, limit)
    }

    /// Asks about a file and whatever it includes; its owner and mode do not count.
    ///
    /// # Errors
    /// No verdict could be had.
    pub fn check_file(&self, file: &Path, limit: Duration) -> Result<Verdict, VisudoError> {
        let (ok, output) =
            run(&self.program, &[OsStr::new("-c"), OsStr::new("-f"), file.as_os_str()], limit)?;
        Ok(verdict(ok, &output, Some(file)))
    }

    /// Asks about the host's whole sudoers, owners and modes included. Needs root.
    ///
    /// # Errors
    /// No verdict could be had.
    pub fn check_host(&self, limit: Duration) -> Result<Verdict, VisudoError> {
        let (ok, output) = run(&self.program, &["-c"], limit)?;
        Ok(verdict(ok, &output, None))
    }
}

/// Runs visudo; whether it exited with 0, and what it said.
fn run<A: AsRef<OsStr>>(program: &Path, args: &[A], limit: Duration) -> Result<(bool, String), VisudoError> {
    match child::run(program, args, limit) {
        Ok(Ended::Exited { status, output }) => Ok((status.success(), output)),
        Ok(Ended::TimedOut { .. }) => Err(VisudoError::TimedOut { program: program.to_owned(), limit }),
        Err(source) => Err(VisudoError::Run { program: program.to_owned(), source }),
    }
}

fn first_line(output: &str) -> &str {
    output.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
}

fn version_of(output: &str) -> Option<String> {
    let version = first_line(output).strip_prefix("visudo version ")?.trim();
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

fn verdict(accepted: bool, output: &str, file: Option<&Path>) -> Verdict {
    if accepted {
        return Verdict::Accepted;
    }
    // The good files are listed as well ("/etc/sudoers: parsed OK"): the complaint is the first other line.
    let line = output.lines().map(str::trim).find(|line| !line.is_empty() && !line.ends_with("parsed OK"));
    let line = line.unwrap_or("visudo refused it without saying why");
    let prefix = file.map(|file| format!("{}:", file.display()));
    let complaint = prefix.and_then(|prefix| line.strip_prefix(&prefix)).unwrap_or(line);
    Verdict::Rejected { complaint: complaint.trim().to_owned() }
}

/// Takes away the scratch files in `dir` of programs that were killed while they asked; how many there were. Only for whoever
/// knows that nobody asks by way of `dir` at present.
///
/// # Errors
/// `dir` cannot be listed, or one cannot be taken away.
pub fn sweep_scratch(dir: &Path) -> io::Result<usize> {
    let mut swept = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(SCRATCH.as_bytes()) {
            fs::remove_file(entry.path())?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// A file that is gone when this is, unless its program is killed.
struct Scratch(PathBuf);

impl Scratch {
    fn write(dir: &Path, text: &str) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..NAME_TRIES {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = dir.join(format!("{SCRATCH}{}.{number}", process::id()));
            // `create_new` never follows a link somebody laid there.
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut file) => {
                    let scratch = Self(path);
                    // Whatever the umask: sudo-rs wants to read it, and nobody else has to.
                    file.set_permissions(fs::Permissions::from_mode(0o400))?;
                    file.write_all(text.as_bytes())?;
                    return Ok(scratch);
                }
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => last = why,
                Err(why) => return Err(why),
            }
        }
        Err(last)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A scratch file that stays is litter, and there is nobody here to tell: a disk that failed once is asked once more.
        let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn the_complaint_is_the_first_line_that_is_not_about_a_good_file() {
        let classic = "/etc/sudoers: parsed OK\n/t/x:1:9: syntax error\nbad bad bad\n        ^~~\n";
        let said = verdict(false, classic, Some(Path::new("/t/x")));
        assert_eq!(said, Verdict::Rejected { complaint: "1:9: syntax error".into() });
        let rust =
            "/t/x:1:18: syntax error: NOTAFTER is not supported by sudo-rs\nvisudo: invalid sudoers file\n";
        let said = verdict(false, rust, Some(Path::new("/t/x")));
        let complaint = "1:18: syntax error: NOTAFTER is not supported by sudo-rs".into();
        assert_eq!(said, Verdict::Rejected { complaint });
        assert!(matches!(verdict(false, "", None), Verdict::Rejected { .. }), "silence is no yes");
        assert_eq!(verdict(true, "warning\n", None), Verdict::Accepted);
    }

    #[test]
    fn a_version_is_read_and_anything_else_is_none() {
        let classic = "visudo version 1.9.13p3\nvisudo grammar version 50\n";
        assert_eq!(version_of(classic).as_deref(), Some("1.9.13p3"));
        assert_eq!(version_of("visudo version 0.2.5\n").as_deref(), Some("0.2.5"));
        for bad in ["", "vim 9", "visudo version ", "visudo version x"] {
            assert_eq!(version_of(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_program_that_is_no_visudo_is_not_taken_for_one() {
        assert!(Visudo::at(Path::new("/bin/true"), Duration::from_secs(20)).is_err());
        assert!(Visudo::at(Path::new("/nonexistent/visudo"), Duration::from_secs(20)).is_err());
    }

    #[test]
    fn a_scratch_file_is_private_never_overwrites_and_is_gone_afterwards() {
        let dir = std::env::temp_dir();
        let first = Scratch::write(&dir, "one").unwrap();
        let second = Scratch::write(&dir, "two").unwrap();
        assert_ne!(first.0, second.0);
        assert_eq!(fs::read_to_string(&first.0).unwrap(), "one");
        assert_eq!(fs::metadata(&first.0).unwrap().permissions().mode() & 0o777, 0o400);
        let path = first.0.clone();
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn what_somebody_left_who_was_killed_is_swept_and_nothing_else() {
        let dir = std::env::temp_dir().join(format!("jit-sweep-{}", process::id()));
        fs::create_dir(&dir).unwrap();
        for name in [".jit-visudo.1.0", ".jit-visudo.22.7", "jitd.sock", ".jit.1.0.tmp"] {
            fs::write(dir.join(name), "x").unwrap();
        }
        assert_eq!(sweep_scratch(&dir).unwrap(), 2);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
        fs::remove_dir_all(&dir).unwrap();
    }
}
