//! What kinds of differences there are between the host and the record.

use serde::{Deserialize, Serialize};

/// What a difference is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drifted {
    /// An entry from before this was said; beside a grant it is [`Drifted::Joined`].
    #[default]
    Unsaid,
    /// sudo's file was not as jitd left it.
    Rules,
    /// The list by which the guard takes off what is on the host was not as jitd left it.
    Applied,
    /// A live grant gives it, and somebody took it away.
    TakenAway,
    /// Who was in a group before a grant of it, and not any more: from here on they are in it by the grant.
    Joined,
    /// Who was taken out was in again by an older list.
    OlderList,
    /// Somebody is in a group again, a moment after the grant of it has ended.
    PutBack,
    /// A file in jitd's folder that sudo reads and jitd did not write.
    Stranger,
    /// sudo does not read jitd's rules.
    Include,
    /// A group that a live grant gives is another one by now.
    Group,
    /// The name service says otherwise than `/etc/group`.
    NameService,
}

impl Drifted {
    /// Every kind, for tests and documentation.
    pub const ALL: [Self; 11] = [
        Self::Unsaid,
        Self::Rules,
        Self::Applied,
        Self::TakenAway,
        Self::Joined,
        Self::OlderList,
        Self::PutBack,
        Self::Stranger,
        Self::Include,
        Self::Group,
        Self::NameService,
    ];

    /// The word for it, as the record has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsaid => "unsaid",
            Self::Rules => "rules",
            Self::Applied => "applied",
            Self::TakenAway => "taken-away",
            Self::Joined => "joined",
            Self::OlderList => "older-list",
            Self::PutBack => "put-back",
            Self::Stranger => "stranger",
            Self::Include => "include",
            Self::Group => "group",
            Self::NameService => "name-service",
        }
    }

    /// Whether the entry does not say it.
    #[must_use]
    pub fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }

    /// Whether the entry says of its grant that somebody is in a group by it from here on.
    #[must_use]
    pub fn adds_to_its_grant(self) -> bool {
        match self {
            Self::Unsaid | Self::Joined => true,
            Self::Rules | Self::Applied | Self::TakenAway | Self::OlderList | Self::PutBack => false,
            Self::Stranger | Self::Include | Self::Group | Self::NameService => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn a_kind_of_difference_is_one_word_everywhere() {
        for kind in Drifted::ALL {
            let word = alloc::format!("{:?}", kind.as_str());
            assert_eq!(serde_json::to_string(&kind).unwrap(), word);
        }
    }
}
