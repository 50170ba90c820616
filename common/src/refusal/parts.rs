//! The small things that refusals are made of, and how each reads in a sentence.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::duration::GrantDuration;
use crate::escape::escaped;

/// Which rule or deny decided, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// Its name, as the policy gives it.
    pub name: String,
    /// Where it stands, as `10-web.toml:12`.
    pub location: String,
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" ({})", escaped(&self.name), escaped(&self.location))
    }
}

/// A text that a person types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextField {
    /// Why the person asks.
    Reason,
    /// The number of a ticket.
    Ticket,
    /// A remark with a vote, a revocation or a lock.
    Note,
    /// The name of a role.
    Role,
}

impl fmt::Display for TextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reason => "reason",
            Self::Ticket => "ticket",
            Self::Note => "note",
            Self::Role => "name of the role",
        })
    }
}

/// Whether everything needed to answer could be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lookup {
    /// Everything was there.
    Complete,
    /// Some group could not be looked up, so a role may be missing that would be there on a better day.
    Incomplete,
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => Ok(()),
            Self::Incomplete => f.write_str(
                " (some groups cannot be looked up on this host just now, so yours may be missing: try again later)",
            ),
        }
    }
}

/// What a rule says to the person about its reason or ticket; empty when it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt(pub String);

impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", escaped(&self.0)) }
    }
}

/// The note left with a lock.
pub(super) struct Note<'a>(pub(super) &'a str);

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (\"{}\")", escaped(self.0)) }
    }
}

/// How an open request was closed without a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HowClosed {
    /// An approver said no.
    Denied {
        /// Who.
        by: String,
        /// What they said; empty when it was erased.
        note: String,
    },
    /// An operator or root closed it.
    Revoked {
        /// Who.
        by: String,
        /// What they said; empty when they said nothing or it was erased.
        note: String,
    },
    /// Its requester took it back.
    Cancelled,
    /// Nobody decided in time.
    Lapsed {
        /// What was still missing.
        why: String,
    },
    /// When it was to become active it was no longer permitted.
    NoLongerPermitted {
        /// What has changed.
        why: String,
    },
}

impl fmt::Display for HowClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { by, note } => write!(f, "was denied by {}{}", escaped(by), Note(note)),
            Self::Revoked { by, note } => write!(f, "was revoked by {}{}", escaped(by), Note(note)),
            Self::Cancelled => f.write_str("was cancelled: nothing was granted"),
            Self::Lapsed { why } => write!(f, "lapsed: {}. Nothing was granted; ask again", escaped(why)),
            Self::NoLongerPermitted { why } => {
                write!(f, "is no longer permitted: {}. Nothing was granted", escaped(why))
            }
        }
    }
}

/// How much longer a grant can get, if at all.
pub(super) struct Left<'a>(pub(super) &'a Option<GrantDuration>);

impl fmt::Display for Left<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(left) => write!(f, "by {left} at most: ask again with --for {left} or less"),
            None => f.write_str("no further: when it has ended, ask again"),
        }
    }
}

/// Unix seconds as `2026-11-22 14:32:00 UTC`.
pub(super) struct Utc(pub(super) i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => {
                let at = jiff::tz::Offset::UTC.to_datetime(at);
                write!(f, "{} {} UTC", at.date(), at.time())
            }
            Err(_) => write!(f, "Unix second {}", self.0),
        }
    }
}

/// What was looked for, in quotes behind a blank; nothing when nothing was named.
pub(super) struct Named<'a>(pub(super) &'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " \"{}\"", escaped(self.0)) }
    }
}

/// How a list of what a prefix fits begins.
pub(super) struct Fitting<'a>(pub(super) &'a str);

impl fmt::Display for Fitting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("you did not say which:")
        } else {
            write!(f, "\"{}\" fits", escaped(self.0))
        }
    }
}
