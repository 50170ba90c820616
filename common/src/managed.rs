//! `/var/lib/jit/managed`: who gets in by a grant alone, and into which programs. jitd writes it from the policy; the PAM module
//! reads it, so it holds while jitd is away.
//!
//! ```text
//! jit-managed 1
//! service sudo
//! user alice
//! group engineers
//! end
//! ```
//!
//! The last line shows that nothing is missing. No file, or no `service`, means that nobody is managed.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The first line: what this is, and in which version of the format.
const HEADER: &str = "jit-managed 1";

/// The longest such file that is read, in bytes: two lists of a thousand names.
pub const LONGEST: u64 = 1024 * 1024;

/// A program in whose PAM stack the module may stand as a gate. Only of these is it known where PAM has the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Service {
    /// `sudo`, and `sudo -i` (`sudo-i`).
    Sudo,
    /// `su`, and `su -` (`su-l`).
    Su,
    /// `login`, on a console.
    Login,
    /// `sshd`.
    Sshd,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sudo, Self::Su, Self::Login, Self::Sshd];

    /// The word for it in the policy and in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Login => "login",
            Self::Sshd => "sshd",
        }
    }

    /// The one that a stack of this name belongs to.
    #[must_use]
    pub fn of_stack(name: &str) -> Option<Self> {
        match name {
            "sudo" | "sudo-i" => Some(Self::Sudo),
            "su" | "su-l" => Some(Self::Su),
            "login" => Some(Self::Login),
            "sshd" => Some(Self::Sshd),
            _ => None,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Service {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|service| service.word() == word).ok_or(())
    }
}

/// Who gets in by a grant alone, and into which programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    /// The programs.
    pub services: BTreeSet<Service>,
    /// Names of accounts.
    pub users: BTreeSet<String>,
    /// Names of groups.
    pub groups: BTreeSet<String>,
}

/// Why a text does not say who is managed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotManaged {
    /// It is something else, or of another release.
    #[error("it does not begin with {HEADER:?}")]
    Header,
    /// Its end is missing.
    #[error("it is cut off: its last line is not \"end\"")]
    Cut,
    /// A line that means nothing.
    #[error("line {0} is none of \"service NAME\", \"user NAME\" and \"group NAME\"")]
    Line(usize),
}

impl Managed {
    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = HEADER.to_string();
        let services = self.services.iter().map(|service| ("service", service.word()));
        let users = self.users.iter().map(|name| ("user", name.as_str()));
        let groups = self.groups.iter().map(|name| ("group", name.as_str()));
        for (key, name) in services.chain(users).chain(groups) {
            // Writing to a string never fails.
            let _ = write!(text, "\n{key} {name}");
        }
        text.push_str("\nend\n");
        text
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// It is not whole, or not such a text.
    pub fn parse(text: &str) -> Result<Self, NotManaged> {
        let body = text.strip_prefix(HEADER).ok_or(NotManaged::Header)?;
        let body = body.strip_suffix("\nend\n").ok_or(NotManaged::Cut)?;
        let mut managed = Self::default();
        for (at, line) in body.split('\n').enumerate().skip(1) {
            let wrong = NotManaged::Line(at + 1);
            match line.split_once(' ').filter(|(_, name)| !name.is_empty()) {
                Some(("service", word)) => drop(managed.services.insert(word.parse().map_err(|()| wrong)?)),
                Some(("user", name)) => drop(managed.users.insert(name.to_string())),
                Some(("group", name)) => drop(managed.groups.insert(name.to_string())),
                Some(_) | None => return Err(wrong),
            }
        }
        match body.is_empty() || body.starts_with('\n') {
            true => Ok(managed),
            false => Err(NotManaged::Header),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_string()).collect()
    }

    #[test]
    fn what_is_written_is_read_back_and_a_torn_text_is_not() {
        let managed = Managed {
            services: [Service::Sudo, Service::Su].into(),
            users: names(&["alice", "name with a blank", "end", "ä"]),
            groups: names(&["engineers"]),
        };
        let text = managed.render();
        assert_eq!(Managed::parse(&text).unwrap(), managed);
        assert_eq!(Managed::parse(&Managed::default().render()).unwrap(), Managed::default());
        for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert!(Managed::parse(&text[..cut]).is_err(), "cut at {cut}");
        }
        for (wrong, why) in [
            (text.replace("managed 1", "managed 2"), NotManaged::Header),
            (text.replace("managed 1", "managed 10"), NotManaged::Header),
            (text.replace("service su\n", "service doas\n"), NotManaged::Line(3)),
            (text.replace("group", "Group"), NotManaged::Line(8)),
            (text.replace("engineers", ""), NotManaged::Line(8)),
            (text.replace("engineers", "\0\n"), NotManaged::Line(9)),
            (String::new(), NotManaged::Header),
        ] {
            assert_eq!(Managed::parse(&wrong), Err(why), "{wrong:?}");
        }
    }

    #[test]
    fn a_stack_belongs_to_its_program_and_no_other_has_one() {
        for service in Service::ALL {
            assert_eq!(
                (service.word().parse(), Service::of_stack(service.word())),
                (Ok(service), Some(service))
            );
        }
        assert_eq!(
            (Service::of_stack("sudo-i"), Service::of_stack("su-l")),
            (Some(Service::Sudo), Some(Service::Su))
        );
        assert!(Service::of_stack("cron").is_none() && "sudo-i".parse::<Service>().is_err());
    }
}
