//! What becomes of the processes that were started with a grant when it ends: a term of the rule, copied into the grant.

use alloc::format;
use alloc::string::String;

use jit_common::duration::GrantDuration;
use serde::{Deserialize, Serialize};

use crate::now::Deadline;

/// What becomes of what still runs in a grant's control group at its deadline. The privilege itself is off then in any
/// case: nobody starts anything new with it.
///
/// In the order of how much they leave to run: a policy that comes later can only lessen it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtExpiry {
    /// It is ended, after a warning.
    #[default]
    End,
    /// It is frozen, and goes on when its person is granted the role again; ended when that has not come in so many seconds.
    Pause(u32),
    /// It may finish what it does; ended after so many seconds.
    Finish(u32),
}

impl AtExpiry {
    /// When whatever is left is ended.
    #[must_use]
    pub fn last(self, deadline: &Deadline) -> Deadline {
        match self {
            Self::End => deadline.clone(),
            Self::Pause(seconds) | Self::Finish(seconds) => deadline.later_by(seconds),
        }
    }

    /// Whether it is the usual one, which the record leaves out.
    #[must_use]
    pub fn is_end(&self) -> bool {
        *self == Self::End
    }

    /// In words, for whoever runs something with the grant.
    #[must_use]
    pub fn phrase(self) -> String {
        let within =
            |seconds| GrantDuration::from_secs(seconds).map_or_else(|_| String::new(), |d| format!("{d}"));
        match self {
            Self::End => "what still runs is ended with the grant".into(),
            Self::Pause(seconds) => format!(
                "what still runs is frozen when the grant ends, and ended {} later unless the role is granted again",
                within(seconds)
            ),
            Self::Finish(seconds) => {
                format!("what still runs may finish, for {} after the grant at the most", within(seconds))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::now::{BootId, NANOS};

    #[test]
    fn what_is_left_has_an_end_on_both_clocks() {
        let deadline = Deadline { wall: 100 * NANOS, boot: 10 * NANOS, boot_id: BootId("a".into()) };
        assert_eq!(AtExpiry::End.last(&deadline), deadline);
        let last = AtExpiry::Finish(60).last(&deadline);
        assert_eq!((last.wall, last.boot), (160 * NANOS, 70 * NANOS));
        assert!(AtExpiry::Pause(1800).phrase().contains("30m later"), "{}", AtExpiry::Pause(1800).phrase());
    }

    #[test]
    fn it_is_written_and_read_back_the_same() {
        for (at, text) in [
            (AtExpiry::End, "\"end\""),
            (AtExpiry::Pause(60), "{\"pause\":60}"),
            (AtExpiry::Finish(3600), "{\"finish\":3600}"),
        ] {
            assert_eq!(serde_json::to_string(&at).unwrap(), text);
            assert_eq!(serde_json::from_str::<AtExpiry>(text).unwrap(), at);
        }
    }
}
