//! What can go wrong on jitctl's side, as one sentence with its causes behind it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use jit_common::client::ClientError;
use jit_common::ids::RequestId;

use crate::exit::Exit;
use crate::time::{NotAStart, NotATime};

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// jitd gave no answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// jitd answered with something that does not belong to the question.
    #[error("jitd answered something else than was asked; jitctl and jitd may be of different releases")]
    OutOfTurn,
    /// An option or argument makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A time was not understood.
    #[error(transparent)]
    Time(#[from] NotATime),
    /// A start that cannot be.
    #[error(transparent)]
    Start(#[from] NotAStart),
    /// The waiting for an open request was given up. The request is not.
    #[error(
        "the answer to {id} cannot be waited for any longer; it stays open: `jitctl show {id}` says how it stands, `jitctl wait {id}` waits again"
    )]
    GaveUp {
        /// The request.
        id: RequestId,
        /// What was in the way.
        source: Box<Failure>,
    },
    /// jitd is there and takes nothing, for too long.
    #[error("{0}")]
    Away(String),
    /// The system gives no thread to wait with, or catches no signal.
    #[error("the system does not let jitctl wait")]
    CannotWait(#[source] io::Error),
    /// Whoever read our output has gone, as `head` does.
    #[error("nobody reads the output any more")]
    ReaderGone,
    /// The output could not be written.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    /// A file could not be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {what}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A policy or a file of cases with errors in it.
    #[error("{} has errors: {}", .path.display(), .errors.join("; "))]
    Invalid {
        /// The file or directory.
        path: PathBuf,
        /// Each with file, line and column.
        errors: Vec<String>,
    },
}

impl Failure {
    /// A usage mistake that clap cannot see.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::Usage(what.into())
    }

    /// With which code it ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(_) | Self::OutOfTurn | Self::Away(_) => Exit::Unreachable,
            Self::Usage(_) | Self::Time(_) | Self::Start(_) => Exit::Usage,
            Self::GaveUp { source, .. } => source.exit(),
            Self::ReaderGone => Exit::Done,
            Self::CannotWait(_)
            | Self::Output(_)
            | Self::Read { .. }
            | Self::Content { .. }
            | Self::Invalid { .. } => Exit::Failed,
        }
    }

    /// The sentence, and each cause behind it.
    pub(crate) fn chain(&self) -> Vec<String> {
        let mut chain = vec![self.to_string()];
        let mut cause = self.source();
        while let Some(error) = cause {
            chain.push(error.to_string());
            cause = error.source();
        }
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_says_each_cause_once() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        let failure =
            Failure::Client(ClientError::Unreachable { path: "/run/jit/jitd.sock".to_owned(), source });
        let chain = failure.chain();
        assert_eq!(chain.len(), 2, "{chain:?}");
        assert!(chain.first().is_some_and(|first| first.contains("/run/jit/jitd.sock")));
        assert_eq!(failure.exit(), Exit::Unreachable);
    }
}
