//! What a rule says of what runs with a grant: what becomes of it when the grant ends, and what of it is on the record. Terms of the rule,
//! copied into the grant.

use alloc::format;
use alloc::string::String;

use jit_common::duration::GrantDuration;
use serde::{Deserialize, Serialize};

use crate::now::Deadline;

/// What becomes of what still runs when a grant ends, and what of it is on the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expiry {
    /// What becomes of what was started with it.
    #[serde(default, rename = "at-expiry", skip_serializing_if = "AtExpiry::is_end")]
    pub then: AtExpiry,
    /// What becomes of logins that hold a group of it.
    #[serde(default, skip_serializing_if = "Logins::stay")]
    pub logins: Logins,
    /// Whether sudo says what its commands start.
    #[serde(default, skip_serializing_if = "Subcommands::not_logged")]
    pub subcommands: Subcommands,
}

impl Expiry {
    /// What leaves no more to run, and no more unseen, than either of the two: a policy that comes later can only lessen it.
    #[must_use]
    pub fn lesser(self, other: Self) -> Self {
        Self {
            then: self.then.min(other.then),
            logins: self.logins.min(other.logins),
            subcommands: self.subcommands.min(other.subcommands),
        }
    }
}

/// What becomes of logins that hold a group of a grant when it ends: shells at a terminal, and a person's service manager. In the
/// order of how much they leave to run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logins {
    /// They are ended, and everything in them.
    End,
    /// They stay until their person logs out, and are named.
    #[default]
    Stay,
}

impl Logins {
    /// Whether it is the usual one, which the record leaves out.
    #[must_use]
    pub fn stay(&self) -> bool {
        *self == Self::Stay
    }
}

/// Whether sudo says what the commands that it runs start in turn (`log_subcmds` of sudoers(5)). In the order of how much is unseen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subcommands {
    /// Each is in sudo's log, and on the record.
    Logged,
    /// They are not.
    #[default]
    NotLogged,
}

impl Subcommands {
    /// Whether it is the usual one, which the record leaves out.
    #[must_use]
    pub fn not_logged(&self) -> bool {
        *self == Self::NotLogged
    }
}

/// What becomes of what still runs in a grant's control group at its deadline. The privilege itself is off then in any
/// case: nobody starts anything new with it.
///
/// In the order of how much they leave to run.
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
    fn the_lesser_of_two_is_so_in_each_of_its_parts() {
        let (finish, stay) = (AtExpiry::Finish(60), Logins::Stay);
        let (logged, not_logged) = (Subcommands::Logged, Subcommands::NotLogged);
        let one = Expiry { then: finish, logins: Logins::End, subcommands: not_logged };
        let other = Expiry { then: AtExpiry::Pause(90), logins: stay, subcommands: logged };
        let least = Expiry { then: AtExpiry::Pause(90), logins: Logins::End, subcommands: logged };
        assert_eq!((one.lesser(other), other.lesser(one)), (least, least));
        assert_eq!(serde_json::to_string(&Expiry::default()).unwrap(), "{}");
        let text = r#"{"at-expiry":{"finish":60},"logins":"end"}"#;
        assert_eq!(serde_json::to_string(&one).unwrap(), text);
        assert_eq!(serde_json::from_str::<Expiry>(text).unwrap(), one);
        assert!(serde_json::to_string(&least).unwrap().ends_with(r#""subcommands":"logged"}"#));
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
