//! The closing report of a grant: what the record says of what was done with it and what is left of it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use jit_common::escape::escaped;
use jit_common::ids::RequestId;
use serde::{Deserialize, Serialize};

use crate::watched::Thing;

/// The most changes that a report names. The others are counted.
pub const MOST_CHANGES: usize = 64;

/// What is left of a grant after its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// How often something was run with it through `jitctl`, each time with a command line on the record.
    pub sessions: usize,
    /// How long after its deadline its removal was verified, in milliseconds, for a grant that expired.
    pub late_ms: Option<i64>,
    /// Processes that came from it or hold a group of it, and still run.
    pub alive: Vec<String>,
    /// What is other on the watch list than at its start.
    pub changes: Vec<Change>,
    /// How many more changes there were no room for.
    pub more: usize,
    /// Set-gid files of a group of it whose set-gid bit was taken off, and those where that was tried in vain.
    pub stripped: Vec<String>,
    /// Other grants that were live meanwhile: a change may be theirs.
    pub beside: Vec<RequestId>,
    /// How many more there were.
    pub beside_more: usize,
    /// The two looks; `None` when nobody looked.
    pub looks: Option<Looks>,
    /// What was not looked at, and why.
    pub left_out: Vec<String>,
}

impl Report {
    /// Whether nothing was left, as far as was looked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// What was left, a line for each.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let alive = self.alive.iter().map(|process| format!("still there: {process}"));
        let changes = self.changes.iter().map(ToString::to_string);
        let more = (self.more > 0).then(|| format!("{} more changes", self.more));
        alive.chain(changes).chain(more).chain(self.stripped.iter().cloned()).collect()
    }
}

/// When was looked, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Looks {
    /// How long after the start of the grant the first look was complete, in milliseconds; less than 0 before it. `None` when
    /// there is none.
    pub first_ms: Option<i64>,
    /// How long the last look took, in milliseconds.
    pub took_ms: i64,
    /// How many entries of folders it looked at.
    pub entries: u64,
}

/// One thing that is other than at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// How.
    pub how: How,
    /// What.
    pub thing: Thing,
    /// What else a person should know of it.
    pub says: String,
    /// The group of a set-gid file.
    pub gid: Option<u32>,
}

/// In which way something is other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It was not there.
    New,
    /// It was another.
    Changed,
    /// It is not there any more.
    Gone,
    /// By its time it is new or was changed, and the first look came too late to tell which.
    Touched,
}

impl How {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Touched => "new or changed since the start, before the first look came to it",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.how.as_str())?;
        match &self.thing {
            Thing::SetId(path) => write!(f, "set-id file {}", escaped(path))?,
            Thing::Capability(path) => write!(f, "file with capabilities {}", escaped(path))?,
            Thing::File(path) => write!(f, "file {}", escaped(path))?,
            Thing::Line(file, name) => write!(f, "line of {} in {}", escaped(name), escaped(file))?,
            Thing::Member(file, group, user) => {
                write!(f, "{} in the group {} ({})", escaped(user), escaped(group), escaped(file))?;
            }
            Thing::Port(port) => write!(f, "port {} on which root listens", escaped(port))?,
        }
        if self.says.is_empty() { Ok(()) } else { write!(f, " ({})", escaped(&self.says)) }
    }
}
