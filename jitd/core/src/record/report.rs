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
    /// How much stands in the lists above, for a reader to whom it is not shown. Never in the record itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// How much there is of what a reader is not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Withheld {
    /// Processes that still run.
    pub alive: usize,
    /// Set-gid files that were made harmless, or were to be.
    pub stripped: usize,
    /// Reasons why something was not looked at.
    pub left_out: usize,
}

/// What a reader is told from whom they are withheld.
pub const DETAILS: &str = "auditors, operators and root can see the details";

/// How the last line of [`Report::alive`] ends when there was no room for all: the number of the others is before it.
pub const MORE_PROCESSES: &str = " more processes";

impl Report {
    /// Whether nothing was left, as far as was looked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// What somebody may see who sees their own grants alone: how much there is, and no path, process or id. What lies in the
    /// homes of others, whose account was changed and what else was granted is for those who see everything.
    #[must_use]
    pub fn in_numbers(&self) -> Self {
        let beyond = self.alive.last().and_then(|last| last.strip_suffix(MORE_PROCESSES)?.parse().ok());
        let alive = match beyond {
            Some(more) => self.alive.len().saturating_sub(1).saturating_add(more),
            None => self.alive.len(),
        };
        let withheld = Withheld { alive, stripped: self.stripped.len(), left_out: self.left_out.len() };
        Self {
            sessions: self.sessions,
            late_ms: self.late_ms,
            alive: Vec::new(),
            changes: Vec::new(),
            more: self.changes.len().saturating_add(self.more),
            stripped: Vec::new(),
            beside: Vec::new(),
            beside_more: self.beside.len().saturating_add(self.beside_more),
            looks: self.looks.clone(),
            left_out: Vec::new(),
            withheld: Some(withheld),
        }
    }

    /// What was left, a line for each.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        if let Some(Withheld { alive, stripped, left_out: _ }) = &self.withheld {
            let counted = |count: usize, one: &str, more: &str| match count {
                0 => None,
                1 => Some(format!("1 {one}")),
                count => Some(format!("{count} {more}")),
            };
            let alive = counted(*alive, "process is still there", "processes are still there");
            let changes = counted(self.more, "change on the watch list", "changes on the watch list");
            let stripped = counted(
                *stripped,
                "set-gid file was to be made harmless",
                "set-gid files were to be made harmless",
            );
            return alive.into_iter().chain(changes).chain(stripped).collect();
        }
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

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn in_numbers_nothing_is_named_and_everything_is_counted() {
        let thing = Thing::File("/home/bob/secret".into());
        let change = Change { how: How::New, thing, says: "a link to /home/bob/other".into(), gid: None };
        let beside = "4h1kz0ab".parse();
        let report = Report {
            sessions: 2,
            late_ms: Some(7),
            alive: vec!["sleep (12) as uid 0".into(), format!("12{MORE_PROCESSES}")],
            changes: vec![change.clone(), change],
            more: 3,
            stripped: vec!["the set-gid bit of /home/bob/x was taken off".into()],
            beside: beside.into_iter().collect(),
            beside_more: 1,
            looks: Some(Looks { first_ms: None, took_ms: 1, entries: 9 }),
            left_out: vec!["/home/bob/.ssh (behind a link, which is not followed)".into()],
            withheld: None,
        };
        let numbers = report.in_numbers();
        let left = [
            "13 processes are still there",
            "5 changes on the watch list",
            "1 set-gid file was to be made harmless",
        ];
        assert_eq!(numbers.left(), left);
        assert_eq!((numbers.sessions, numbers.late_ms, numbers.beside_more), (2, Some(7), 2));
        assert_eq!((&numbers.looks, numbers.is_empty()), (&report.looks, false));
        let written = serde_json::to_string(&numbers).unwrap_or_default();
        assert!(written.contains("left-out\":1}"), "{written}");
        assert!(!["bob", "sleep", "4h1kz0ab"].iter().any(|name| written.contains(name)), "{written}");
        let nothing = Report::default().in_numbers();
        assert!(nothing.is_empty());
        let stored = serde_json::to_string(&Report::default()).unwrap_or_default();
        assert!(stored.ends_with("\"left-out\":[]}"), "what is stored is as it was: {stored}");
    }
}
