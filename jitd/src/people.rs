//! Accounts and groups of this host, as NSS knows them (nsswitch.conf(5)). The only file that asks NSS.
//!
//! Groups are those of the group database, never those of the calling process: a process keeps the groups it was
//! started with, whatever has happened to them since.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs;
use std::io;
use std::time::Duration;

use jitd_core::now::NANOS;
use jitd_core::policy::{AccountState, GroupState, HasPassword, PersonFacts};
use nix::errno::Errno;
use nix::unistd::{Group, Uid, User, getgrouplist};

/// How long a directory service may take to answer before the question counts as failed.
pub const NSS_PATIENCE: Duration = Duration::from_secs(5);

/// Seconds in a day, the unit of shadow(5).
const DAY: i64 = 24 * 60 * 60;

/// Shells that refuse a login.
const NO_LOGIN: [&str; 6] = [
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/usr/bin/nologin",
    "/bin/false",
    "/usr/bin/false",
    "/sbin/shutdown",
];

/// Why an account could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// NSS failed. That is not the same as "no such account".
    #[error("the account database did not answer for {what}")]
    Nss {
        /// What was looked up.
        what: String,
        /// What NSS said.
        source: Errno,
    },
    /// A local file could not be read.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: &'static str,
        /// Why.
        source: io::Error,
    },
    /// No answer in time.
    #[error("the account database did not answer within {} s", NSS_PATIENCE.as_secs())]
    TimedOut,
}

/// Who a person is, and what is known of the groups that the policy names.
#[derive(Clone, Debug)]
pub struct Found {
    /// The person.
    pub person: PersonFacts,
    /// Each group asked for.
    pub groups: BTreeMap<String, GroupState>,
}

/// Whom to look up.
#[derive(Clone, Debug)]
pub enum Whom {
    /// By uid.
    Uid(u32),
    /// By account name.
    Name(String),
}

/// Looks a person and the named groups up, off this thread and within [`NSS_PATIENCE`]. `wall` is the present time
/// in nanoseconds, for accounts that expire. `None`: no such account name.
///
/// # Errors
/// When the databases do not answer, or not in time.
pub async fn find(whom: Whom, named: BTreeSet<String>, wall: i64) -> Result<Option<Found>, PeopleError> {
    let work = tokio::task::spawn_blocking(move || find_now(&whom, &named, wall));
    match tokio::time::timeout(NSS_PATIENCE, work).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) | Err(_) => Err(PeopleError::TimedOut),
    }
}

/// Whether `uid` is still the ordinary account `name`. An account database that does not answer changes nothing: who
/// was a person stays one until it is known otherwise, and the grant still ends on time.
#[must_use]
pub fn is_still(uid: u32, name: &str, wall: i64) -> bool {
    match person(uid, wall) {
        Ok(facts) => facts.name == name && facts.account == AccountState::Ordinary,
        Err(_) => true,
    }
}

/// Whether there is an account of this name. One that cannot be looked up counts as none.
#[must_use]
pub fn account_exists(name: &str) -> bool {
    matches!(User::from_name(name), Ok(Some(_)))
}

fn find_now(whom: &Whom, named: &BTreeSet<String>, wall: i64) -> Result<Option<Found>, PeopleError> {
    let uid = match whom {
        Whom::Uid(uid) => *uid,
        Whom::Name(name) => match User::from_name(name) {
            Ok(Some(user)) => user.uid.as_raw(),
            Ok(None) => return Ok(None),
            Err(source) => return Err(PeopleError::Nss { what: format!("account {name}"), source }),
        },
    };
    let person = person(uid, wall)?;
    let groups = named.iter().map(|name| (name.clone(), group_state(name))).collect();
    Ok(Some(Found { person, groups }))
}

fn group_state(name: &str) -> GroupState {
    match Group::from_name(name) {
        Ok(Some(_)) => GroupState::Exists,
        Ok(None) => GroupState::Missing,
        Err(errno) => GroupState::Unreachable { why: format!("the group database said: {errno}") },
    }
}

fn person(uid: u32, wall: i64) -> Result<PersonFacts, PeopleError> {
    let failed = |source| PeopleError::Nss { what: format!("uid {uid}"), source };
    let Some(user) = User::from_uid(Uid::from_raw(uid)).map_err(failed)? else {
        return Ok(PersonFacts { uid, name: format!("#{uid}"), ..PersonFacts::default() });
    };
    let shadow = Shadow::of(&user.name)?;
    let account = account_state(&user, &shadow, wall)?;
    Ok(PersonFacts { uid, groups: groups_of(&user)?, password: shadow.password(), account, name: user.name })
}

fn groups_of(user: &User) -> Result<Vec<String>, PeopleError> {
    let failed = |source| PeopleError::Nss { what: format!("the groups of {}", user.name), source };
    let name = CString::new(user.name.as_str()).map_err(|_| failed(Errno::EINVAL))?;
    let gids = getgrouplist(&name, user.gid).map_err(failed)?;
    let named = gids.into_iter().map(|gid| Group::from_gid(gid).map_err(failed));
    // A gid without a name cannot be named by a policy either.
    named.filter_map(Result::transpose).map(|group| group.map(|group| group.name)).collect()
}

fn account_state(user: &User, shadow: &Shadow, wall: i64) -> Result<AccountState, PeopleError> {
    let uid = user.uid.as_raw();
    if uid == 0 {
        return Ok(AccountState::Root);
    }
    let names = names_of(uid, &user.name)?;
    if names.len() > 1 {
        return Ok(AccountState::SharedUid { names });
    }
    let shell = user.shell.to_string_lossy().into_owned();
    if NO_LOGIN.contains(&shell.as_str()) {
        return Ok(AccountState::NoLogin { shell });
    }
    if shadow.is_locked() {
        return Ok(AccountState::Locked);
    }
    match shadow.expired(wall) {
        true => Ok(AccountState::Expired),
        false => Ok(AccountState::Ordinary),
    }
}

/// Every account name that has this uid: the local ones, and whatever NSS answers.
fn names_of(uid: u32, by_uid: &str) -> Result<Vec<String>, PeopleError> {
    const PASSWD: &str = "/etc/passwd";
    let text = fs::read(PASSWD).map_err(|source| PeopleError::File { path: PASSWD, source })?;
    let text = String::from_utf8_lossy(&text);
    let local = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, its_uid) = (fields.next()?, fields.nth(1)?);
        (its_uid.parse() == Ok(uid)).then(|| name.to_owned())
    });
    let names: BTreeSet<String> = local.chain([by_uid.to_owned()]).collect();
    Ok(names.into_iter().collect())
}

/// The line of an account in /etc/shadow (shadow(5)), or that there is none.
struct Shadow {
    password: Option<String>,
    expires_day: Option<i64>,
}

impl Shadow {
    fn of(name: &str) -> Result<Self, PeopleError> {
        const SHADOW: &str = "/etc/shadow";
        let text = match fs::read(SHADOW) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(PeopleError::File { path: SHADOW, source }),
        };
        Ok(Self::parse(&String::from_utf8_lossy(&text), name))
    }

    fn parse(text: &str, name: &str) -> Self {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let mut fields = line.unwrap_or_default().split(':');
        Self {
            password: line.and(fields.next()).map(str::to_owned),
            expires_day: fields.nth(5).and_then(|day| day.parse().ok()),
        }
    }

    /// `usermod -L` puts a `!` before the hash. A `!` or `*` alone is an account that never had a password: people
    /// log in to those by key, so that is not a lock (docs/decisions.md).
    fn is_locked(&self) -> bool {
        let hash = self.password.as_deref().and_then(|field| field.strip_prefix('!'));
        hash.is_some_and(|hash| {
            hash.trim_start_matches(['!', '*']).starts_with(['$', '_']) || hash.len() >= 13
        })
    }

    fn expired(&self, wall: i64) -> bool {
        self.expires_day.is_some_and(|day| day >= 0 && day <= wall.div_euclid(NANOS).div_euclid(DAY))
    }

    fn password(&self) -> HasPassword {
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
