//! The watch list: what a look at a host has found of the places where a privilege is kept for later, and what differs
//! between two looks.

mod compare;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::compare::{Lent, compare};
use crate::now::BootId;
use crate::record::chain;

/// Something on the watch list. Paths and names are shown text: what is not printable is escaped, each in one way only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// A file that runs as its owner or with its group.
    SetId(String),
    /// A file that runs with capabilities of its own.
    Capability(String),
    /// A file whose content says who may do what, or what is run.
    File(String),
    /// A line of a file of accounts or groups, by its name: `/etc/passwd`, `mallory`. Members are not in it.
    Line(String, String),
    /// A member that a line of a file of groups names: the file, the group, the member.
    Member(String, String, String),
    /// A port on which something of root's takes connections or datagrams.
    Port(String),
}

impl Thing {
    /// Where it lies, if it is a file of its own.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::SetId(path) | Self::Capability(path) | Self::File(path) => Some(path),
            Self::Line(..) | Self::Member(..) | Self::Port(_) => None,
        }
    }
}

/// How something was when it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Changes when it does: a hash of its content, or which file it is.
    pub mark: String,
    /// What a person should know of it; empty when there is nothing.
    pub says: String,
    /// When it was last written or changed by the kernel's word, nanoseconds of the wall clock.
    pub changed: Option<i64>,
    /// The group that whoever runs it gets, of a set-gid file.
    pub gid: Option<u32>,
}

/// A folder that was not looked into, or a file that was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftOut {
    /// Why.
    pub why: String,
    /// Which, as shown text.
    pub path: String,
}

/// What a look has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Everything on the list, each once, in order.
    pub things: Vec<(Thing, Seen)>,
    /// What was not looked at, in order.
    pub left_out: Vec<LeftOut>,
    /// How many entries of folders were looked at.
    pub entries: u64,
}

/// A look at the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When it began, nanoseconds of the wall clock.
    pub begun: i64,
    /// When it was complete.
    pub done: i64,
    /// In which boot.
    pub boot_id: BootId,
    /// What it has found.
    pub found: Found,
}

/// A content in a few characters that are others for any other content.
#[must_use]
pub fn mark(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    chain::hex(hash.get(..16).unwrap_or_default())
}
