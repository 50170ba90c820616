//! Passwords and the ends of accounts, as /etc/shadow has them (shadow(5)).

use jitd_core::now::NANOS;
use jitd_core::policy::HasPassword;

/// Seconds in a day, the unit of shadow(5).
const DAY: i64 = 24 * 60 * 60;

/// The line of an account in /etc/shadow (shadow(5)), or that there is none.
pub(super) struct Shadow {
    password: Option<String>,
    expires_day: Option<i64>,
}

impl Shadow {
    /// The line of `name` in `text`.
    pub(super) fn parse(text: &str, name: &str) -> Self {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let mut fields = line.unwrap_or_default().split(':');
        Self {
            password: line.and(fields.next()).map(str::to_owned),
            expires_day: fields.nth(5).and_then(|day| day.parse().ok()),
        }
    }

    /// `usermod -L` puts a `!` before the hash. A `!` or `*` alone is an account that never had a password: people
    /// log in to those by key, so that is not a lock (docs/decisions.md).
    pub(super) fn is_locked(&self) -> bool {
        let hash = self.password.as_deref().and_then(|field| field.strip_prefix('!'));
        hash.is_some_and(|hash| {
            hash.trim_start_matches(['!', '*']).starts_with(['$', '_']) || hash.len() >= 13
        })
    }

    /// Whether the account's last day has come; `wall` in nanoseconds.
    pub(super) fn expired(&self, wall: i64) -> bool {
        self.expires_day.is_some_and(|day| day >= 0 && day <= wall.div_euclid(NANOS).div_euclid(DAY))
    }

    /// Whether there is a password that sudo could ask for.
    pub(super) fn password(&self) -> HasPassword {
        match self.password.as_deref() {
            None | Some("x") => HasPassword::Unknown,
            Some(field) if field.is_empty() || field.starts_with(['!', '*']) => HasPassword::None,
            Some(_) => HasPassword::Usable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "root:*:19000:0:99999:7:::\n\
        alice:$y$j9T$abc$def:19000:0:99999:7:::\n\
        locked:!$y$j9T$abc$def:19000:0:99999:7:::\n\
        keyonly:!:19000:0:99999:7:::\n\
        gone:$y$x:19000:0:99999:7::1:\n";

    #[test]
    fn a_lock_is_a_hash_made_useless_and_not_a_missing_password() {
        assert!(Shadow::parse(TEXT, "locked").is_locked());
        for name in ["alice", "keyonly", "root", "nobody-knows"] {
            assert!(!Shadow::parse(TEXT, name).is_locked(), "{name}");
        }
        assert_eq!(Shadow::parse(TEXT, "alice").password(), HasPassword::Usable);
        assert_eq!(Shadow::parse(TEXT, "keyonly").password(), HasPassword::None);
        assert_eq!(Shadow::parse(TEXT, "ali").password(), HasPassword::Unknown);
    }

    #[test]
    fn an_account_expires_on_its_day() {
        let gone = Shadow::parse(TEXT, "gone");
        assert!(!gone.expired(0));
        assert!(gone.expired(DAY * NANOS));
        assert!(!Shadow::parse(TEXT, "alice").expired(i64::MAX));
    }
}
