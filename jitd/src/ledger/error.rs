//! What can go wrong with the ledger, each as one sentence that says what to do.

use std::io;
use std::path::PathBuf;

use jitd_core::record::verify::Fault;
use rusqlite::ErrorCode;

use super::schema::Setting;
use super::sign::KeyError;

/// Why the ledger cannot be opened. jitd then grants nothing; what is due still ends.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another program has it open.
    #[error("another jitd has the ledger open (it holds {path}): stop it first; there is only ever one")]
    Locked {
        /// The lock file, or the database.
        path: PathBuf,
    },
    /// Somebody else than root could have written it.
    #[error("{path} is not safe to keep a record in: {why}")]
    Unsafe {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// Written by a later jitd.
    #[error(
        "the ledger {path} has version {found} and this jitd knows {known}: install the newer jitd again"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version this jitd writes.
        known: i64,
    },
    /// Not a database, or not a ledger.
    #[error(
        "{path} is not a ledger of jitd: {why}; move it aside and start jitd again (docs/ledger-format.md)"
    )]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The log of a database that is not there.
    #[error(
        "{path} belongs to a ledger that is gone: move it to where that ledger was moved, and start jitd again"
    )]
    StrayLog {
        /// The write-ahead log.
        path: PathBuf,
    },
    /// The chain does not hold.
    #[error(
        "the ledger is damaged at entry {seq}: {fault}; keep it as evidence (docs/ledger-format.md says how)"
    )]
    Damaged {
        /// The first entry that is not whole.
        seq: u64,
        /// What is wrong with it.
        fault: Damage,
    },
    /// SQLite does not do what durability rests on.
    #[error("SQLite says {} is {:?} where the ledger needs {:?}, so a commit would not be durable", .0.name, .0.found, .0.wanted)]
    NotDurable(Setting),
    /// The disk is full.
    #[error("the disk under {path} is full: make room and start jitd again")]
    Full {
        /// The ledger.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The host's signing key cannot be had.
    #[error("the host key that signs the ledger cannot be used")]
    Key(#[from] KeyError),
    /// The file system refused something.
    #[error("{path} cannot be used for the ledger")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else SQLite refused.
    #[error("the ledger {path} cannot be opened")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// What is wrong with a damaged ledger.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// An entry is not whole.
    #[error("{0}")]
    Entry(Fault),
    /// A column does not hold what it should.
    #[error("it cannot be read ({0})")]
    Column(rusqlite::Error),
    /// Texts beside entries that do not exist.
    #[error("{0} typed texts behind it belong to no entry")]
    StrayTexts(u64),
    /// The tables are others than jitd made.
    #[error("the tables or triggers are not those that jitd makes")]
    Tables,
    /// Every entry can be read, and the pages between them are not as SQLite makes them: what is appended may be lost.
    #[error("every entry can be read, and its pages are damaged ({0})")]
    Pages(String),
}

/// Why entries could not be appended. None of them counts as written.
///
/// Should the machine lose power right then, some of them may all the same be found afterwards, whole and in the chain.
/// An intent that is found so was never made real, and recovery ends it.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// No room.
    #[error("the disk under the ledger is full: make room")]
    Full(#[source] rusqlite::Error),
    /// No room beyond what is kept for endings.
    #[error("the disk under the ledger is full but for what is kept for recording endings: make room")]
    OnlyReserve(#[source] io::Error),
    /// The disk, or SQLite, refused.
    #[error("the ledger cannot be written")]
    Io(#[source] rusqlite::Error),
    /// The ledger had to be opened anew and could not be.
    #[error("the ledger could not be opened again after an error")]
    Reopen(#[source] Box<OpenError>),
    /// An entry that the ledger's own rules would call damaged. It is a mistake in jitd.
    #[error("entry {place} of those to append does not fit into the ledger: {fault}")]
    Unfit {
        /// Its place among them, from 1.
        place: usize,
        /// What would be wrong with it.
        fault: Fault,
    },
}

impl AppendError {
    /// Whether giving up the reserve may help.
    pub(super) fn may_need_room(&self) -> bool {
        match self {
            // A disk quota that is used up reads as an error of writing (EDQUOT), not as a full disk.
            Self::Full(_) | Self::Io(_) => true,
            Self::OnlyReserve(_) | Self::Reopen(_) | Self::Unfit { .. } => false,
        }
    }
}

impl From<rusqlite::Error> for AppendError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            Self::Full(error)
        } else {
            Self::Io(error)
        }
    }
}

/// Why the ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite refused.
    #[error("the ledger cannot be read")]
    Sqlite(#[from] rusqlite::Error),
    /// A row that is not an entry.
    #[error("entry {seq} of the ledger cannot be read: {fault}")]
    Entry {
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// Why the ledger could not be tidied. Nothing is lost by it.
#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    /// The write-ahead log could not be folded into the database.
    #[error("the ledger's write-ahead log cannot be folded in and keeps growing")]
    Log(#[source] rusqlite::Error),
    /// The reserve could not be had.
    #[error("there is no room to keep for recording endings, so nothing is granted")]
    Reserve(#[source] io::Error),
}
