//! Which sudo is installed and what it takes.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jit_common::child::{self, Ended};
use jit_common::visudo::{Flavour, Verdict, Visudo, VisudoError};
use jitd_core::sudoers::{Dialect, LOG_SUBCMDS_PROBE, LogSubcmds, NotAfter};

use crate::paths::HostPaths;

/// The first classic sudo with `NOTAFTER` (upstream's NEWS, 1.8.20).
const NOT_AFTER_SINCE: (u32, u32, u32) = (1, 8, 20);

/// The first classic sudo with `log_subcmds` (upstream's NEWS, 1.9.8).
const LOG_SUBCMDS_SINCE: (u32, u32, u32) = (1, 9, 8);

/// A rule that a sudo with `NOTAFTER` accepts. sudo-rs 0.2.5 answers "NOTAFTER is not supported by sudo-rs".
const NOT_AFTER_RULE: &str =
    "#60000 ALL=(root) NOTAFTER=20991231235959Z NOPASSWD: NOSETENV: /usr/bin/true \"\"\n";

/// An installed sudo that answered, with the visudo that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sudo {
    paths: HostPaths,
    program: PathBuf,
    flavour: Flavour,
    version: String,
    visudo: Visudo,
    dialect: Dialect,
}

/// Why there is no sudo to work with.
#[derive(Debug, thiserror::Error)]
pub enum SudoError {
    /// None installed.
    #[error("there is no {}; install sudo or sudo-rs", .program.display())]
    Missing {
        /// Where it should be.
        program: PathBuf,
    },
    /// It could not be run.
    #[error("{} could not be run", .program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It took too long.
    #[error("{} did not say its version within {} ms", .program.display(), .limit.as_millis())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// The limit it had.
        limit: Duration,
    },
    /// It is something else.
    #[error("{} is neither sudo nor sudo-rs: it answers -V with {said:?}", .program.display())]
    Unknown {
        /// The program.
        program: PathBuf,
        /// Its first line.
        said: String,
    },
    /// Its visudo is missing or does not answer.
    #[error("the visudo that belongs to {} is needed to check every rule before it is written", .program.display())]
    Visudo {
        /// The sudo.
        program: PathBuf,
        /// Why.
        source: VisudoError,
    },
}

/// Asks the installed sudo and its visudo what they are; each call of them may take `limit`.
///
/// # Errors
/// There is none, or it does not answer: then nothing can be granted through it.
pub fn probe(paths: &HostPaths, limit: Duration) -> Result<Sudo, SudoError> {
    let program = program(paths)?;
    let first = first_line(&program, limit)?;
    let (flavour, version) = which(&first).ok_or_else(|| SudoError::Unknown {
        program: program.clone(),
        said: first.chars().take(80).collect(),
    })?;
    let no_visudo = |source| SudoError::Visudo { program: program.clone(), source };
    let mut visudo = Visudo::find(Some(flavour), limit).map_err(no_visudo)?;
    if paths.run_dir.is_dir() {
        visudo = visudo.with_scratch(&paths.run_dir);
    }
    let not_after = match flavour {
        Flavour::Classic if number(&version) >= Some(NOT_AFTER_SINCE) => {
            match visudo.check_text(NOT_AFTER_RULE, limit).map_err(no_visudo)? {
                Verdict::Accepted => NotAfter::Honoured,
                Verdict::Rejected { .. } => NotAfter::NotAccepted,
            }
        }
        Flavour::Classic | Flavour::SudoRs => NotAfter::NotAccepted,
    };
    let log_subcmds = match flavour {
        // Some sudo calls an unknown setting a warning and no error; its version says that it is one.
        Flavour::Classic if number(&version) >= Some(LOG_SUBCMDS_SINCE) => {
            match visudo.check_text(LOG_SUBCMDS_PROBE, limit).map_err(no_visudo)? {
                Verdict::Accepted => LogSubcmds::Taken,
                Verdict::Rejected { .. } => LogSubcmds::NotTaken,
            }
        }
        Flavour::Classic | Flavour::SudoRs => LogSubcmds::NotTaken,
    };
    let (paths, dialect) = (paths.clone(), Dialect { not_after, log_subcmds });
    Ok(Sudo { paths, program, flavour, version, visudo, dialect })
}

impl Sudo {
    /// The host that it was found on.
    pub(super) fn paths(&self) -> &HostPaths {
        &self.paths
    }

    /// The program that people type.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Which of the two it is.
    #[must_use]
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// Its version as it says it, such as `1.9.16p2`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The visudo that belongs to it.
    #[must_use]
    pub fn visudo(&self) -> &Visudo {
        &self.visudo
    }

    /// What can be written for it.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

/// The sudo that is there; Debian installs sudo-rs beside it under a name of its own.
fn program(paths: &HostPaths) -> Result<PathBuf, SudoError> {
    let beside = paths.sudo.with_file_name("sudo-rs");
    [&paths.sudo, &beside]
        .into_iter()
        .find(|program| program.exists())
        .cloned()
        .ok_or_else(|| SudoError::Missing { program: paths.sudo.clone() })
}

fn first_line(program: &Path, limit: Duration) -> Result<String, SudoError> {
    match child::run(program, &["-V"], limit) {
        Ok(Ended::Exited { output, .. }) => Ok(output.lines().next().unwrap_or_default().trim().to_owned()),
        Ok(Ended::TimedOut { .. }) => Err(SudoError::TimedOut { program: program.to_owned(), limit }),
        Err(source) => Err(SudoError::Run { program: program.to_owned(), source }),
    }
}

/// `Sudo version 1.9.13p3` or `sudo-rs 0.2.5`.
fn which(line: &str) -> Option<(Flavour, String)> {
    let classic = line.strip_prefix("Sudo version ").map(|version| (Flavour::Classic, version));
    let rust = line.strip_prefix("sudo-rs ").map(|version| (Flavour::SudoRs, version));
    let (flavour, version) = classic.or(rust)?;
    number(version)?;
    Some((flavour, version.to_owned()))
}

/// The three numbers of `1.9.13p3`; a missing one is 0.
fn number(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(|part| {
        let digits =
            part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| part.get(..end).unwrap_or_default());
        digits.parse::<u32>().ok()
    });
    let first = parts.next().flatten()?;
    Some((first, parts.next().flatten().unwrap_or(0), parts.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn both_sudos_are_told_apart_and_anything_else_is_none() {
        assert_eq!(which("Sudo version 1.9.13p3"), Some((Flavour::Classic, "1.9.13p3".into())));
        assert_eq!(which("sudo-rs 0.2.5"), Some((Flavour::SudoRs, "0.2.5".into())));
        for other in ["", "doas", "Sudo version ", "sudo 1.9", "sudo-rs x"] {
            assert_eq!(which(other), None, "{other:?}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(number("1.8.19p2") < Some(NOT_AFTER_SINCE));
        assert!(number("1.8.20") >= Some(NOT_AFTER_SINCE));
        assert!(number("1.10") > number("1.9.17p2"));
        assert_eq!(number("p3"), None);
    }

    #[test]
    fn no_sudo_is_a_sentence_that_says_what_to_do() {
        let scratch = Scratch::new();
        let refused = probe(&scratch.paths(), Duration::from_secs(1)).unwrap_err();
        assert!(matches!(refused, SudoError::Missing { .. }));
        assert!(refused.to_string().contains("install"));
    }
}
