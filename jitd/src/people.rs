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
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use tokio::sync::Semaphore;

/// How long a directory service may take to answer before the question counts as failed.
pub const NSS_PATIENCE: Duration = Duration::from_secs(5);

/// Look-ups at a time. A hanging one keeps a thread until the directory service answers, and threads are what everything that may wait
/// runs on.
static LOOKUPS: Semaphore = Semaphore::const_new(64);

/// The same for uids that nobody knows yet. Whoever has thousands of them keeps other newcomers waiting, and nobody else.
static NEWCOMERS: Semaphore = Semaphore::const_new(8);

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
/// Nothing is asked about uid 0: root revokes and locks while the account database hangs. Nor are groups looked up for it.
///
/// # Errors
/// When the databases do not answer, or not in time.
pub async fn find(whom: Whom, named: BTreeSet<String>, wall: i64) -> Result<Option<Found>, PeopleError> {
    match whom {
        Whom::Uid(0) => Ok(Some(Found { person: root(), groups: BTreeMap::new() })),
        Whom::Uid(_) | Whom::Name(_) => look_up(move || find_now(&whom, &named, wall)).await?,
    }
}

/// Whether `uid` has an account.
///
/// # Errors
/// When the account database does not answer, or not in time.
pub async fn has_account(uid: u32) -> Result<bool, PeopleError> {
    let failed = move |source| PeopleError::Nss { what: format!("uid {uid}"), source };
    let work = move || User::from_uid(Uid::from_raw(uid)).map(|user| user.is_some()).map_err(failed);
    look_up_within(&NEWCOMERS, NSS_PATIENCE, work).await?
}

/// The account name of `uid`, or `#uid` when the account database does not say.
pub async fn name_of(uid: u32) -> String {
    let found = look_up(move || User::from_uid(Uid::from_raw(uid))).await;
    found.ok().and_then(Result::ok).flatten().map_or_else(|| format!("#{uid}"), |user| user.name)
}

/// What is known of these groups; nothing when the databases do not answer in time.
pub async fn groups(named: BTreeSet<String>) -> BTreeMap<String, GroupState> {
    let states = look_up(move || NamedGroups::look_up(&named).states()).await;
    states.unwrap_or_default()
}

async fn look_up<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PeopleError> {
    look_up_within(&LOOKUPS, NSS_PATIENCE, work).await
}

/// Waits for a thread and then for the answer, both within `patience`. A look-up that hangs keeps its place among `places` until
/// it ends: no thread is ever stopped.
async fn look_up_within<T: Send + 'static>(
    places: &'static Semaphore,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PeopleError> {
    let answer = async {
        let place = places.acquire().await.map_err(|_| PeopleError::TimedOut)?;
        let work = move || {
            let _place = place;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| PeopleError::TimedOut)
    };
    tokio::time::timeout(patience, answer).await.unwrap_or(Err(PeopleError::TimedOut))
}

/// Root, of whom nothing needs to be asked.
fn root() -> PersonFacts {
    PersonFacts { name: "root".into(), account: AccountState::Root, ..PersonFacts::default() }
}

/// Whether `uid` is still the ordinary account `name`. An account database that does not answer changes nothing: who
/// was a person stays one until it is known otherwise, and the grant still ends on time.
#[must_use]
pub fn is_still(uid: u32, name: &str, wall: i64) -> bool {
    match person(uid, &NamedGroups::default(), wall) {
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
    let named = NamedGroups::look_up(named);
    let person = person(uid, &named, wall)?;
    Ok(Some(Found { person, groups: named.states() }))
}

/// The groups that the policy names, as the group database has them.
#[derive(Debug, Default)]
struct NamedGroups(BTreeMap<String, Result<Option<Group>, Errno>>);

impl NamedGroups {
    fn look_up(named: &BTreeSet<String>) -> Self {
        Self(named.iter().map(|name| (name.clone(), Group::from_name(name))).collect())
    }

    fn states(&self) -> BTreeMap<String, GroupState> {
        let state = |found: &Result<Option<Group>, Errno>| match found {
            Ok(Some(_)) => GroupState::Exists,
            Ok(None) => GroupState::Missing,
            Err(errno) => GroupState::Unreachable { why: format!("the group database said: {errno}") },
        };
        self.0.iter().map(|(name, found)| (name.clone(), state(found))).collect()
    }

    /// Those that hold this person: by their list of members, or by their number.
    fn of<'a>(&'a self, user: &'a str, gids: &'a [Gid]) -> impl Iterator<Item = String> + 'a {
        let holds =
            move |group: &Group| gids.contains(&group.gid) || group.mem.iter().any(|member| member == user);
        let found = self.0.iter().filter_map(|(name, found)| Some((name, found.as_ref().ok()?.as_ref()?)));
        found.filter(move |(_, group)| holds(group)).map(|(name, _)| name.clone())
    }
}

fn person(uid: u32, named: &NamedGroups, wall: i64) -> Result<PersonFacts, PeopleError> {
    if uid == 0 {
        return Ok(root());
    }
    let failed = |source| PeopleError::Nss { what: format!("uid {uid}"), source };
    let Some(user) = User::from_uid(Uid::from_raw(uid)).map_err(failed)? else {
        return Ok(PersonFacts { uid, name: format!("#{uid}"), ..PersonFacts::default() });
    };
    let shadow = Shadow::of(&user.name)?;
    let account = account_state(&user, &shadow, wall)?;
    let groups = groups_of(&user, named)?;
    Ok(PersonFacts { uid, groups, password: shadow.password(), account, name: user.name })
}

/// All names of the groups of an account. Two groups may have one number, of which NSS then tells one name: a deny that
/// names the other has to hold all the same.
fn groups_of(user: &User, named: &NamedGroups) -> Result<Vec<String>, PeopleError> {
    let failed = |source| PeopleError::Nss { what: format!("the groups of {}", user.name), source };
    let name = CString::new(user.name.as_str()).map_err(|_| failed(Errno::EINVAL))?;
    let gids = getgrouplist(&name, user.gid).map_err(failed)?;
    let mut names: BTreeSet<String> = named.of(&user.name, &gids).collect();
    names.extend(local_names(&local_file("/etc/group")?, &gids));
    for gid in gids {
        // A gid without a name cannot be named by a policy either.
        names.extend(Group::from_gid(gid).map_err(failed)?.map(|group| group.name));
    }
    Ok(names.into_iter().collect())
}

/// Every name that these numbers have in a text like /etc/group (group(5)).
fn local_names(text: &str, gids: &[Gid]) -> Vec<String> {
    let lines = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, gid) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        gids.contains(&Gid::from_raw(gid)).then(|| name.to_owned())
    });
    lines.collect()
}

/// The text of a local database; nothing when this host has none.
fn local_file(path: &'static str) -> Result<String, PeopleError> {
    match fs::read(path) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(PeopleError::File { path, source }),
    }
}

fn account_state(user: &User, shadow: &Shadow, wall: i64) -> Result<AccountState, PeopleError> {
    let names = names_of(user.uid.as_raw(), &user.name)?;
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
    let text = local_file("/etc/passwd")?;
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
        Ok(Self::parse(&local_file("/etc/shadow")?, name))
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
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use std::sync::mpsc;

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

    #[test]
    fn a_group_that_shares_its_number_is_a_group_all_the_same() {
        let text = "users:x:100:\nstaff:x:50:alice\ncontractors:x:100:\nbroken\nother:x:7:\n";
        let gids = [Gid::from_raw(100), Gid::from_raw(50)];
        assert_eq!(local_names(text, &gids), ["users", "staff", "contractors"]);
    }

    #[test]
    fn a_named_group_holds_whom_it_lists_or_numbers() {
        let group = |gid, members: &[&str]| {
            let mem = members.iter().map(|&member| member.to_owned()).collect();
            Ok(Some(Group { name: String::new(), passwd: CString::default(), gid: Gid::from_raw(gid), mem }))
        };
        let found = [
            ("listed", group(7, &["alice"])),
            ("numbered", group(100, &[])),
            ("others", group(8, &["bob"])),
            ("missing", Ok(None)),
            ("unreachable", Err(Errno::EIO)),
        ];
        let named = NamedGroups(found.map(|(name, found)| (name.to_owned(), found)).into());
        assert_eq!(named.of("alice", &[Gid::from_raw(100)]).collect::<Vec<_>>(), ["listed", "numbered"]);
        assert_eq!(named.states().get("missing"), Some(&GroupState::Missing));
        assert!(matches!(named.states().get("unreachable"), Some(GroupState::Unreachable { .. })));
    }

    #[tokio::test]
    async fn look_ups_that_hang_are_bounded_and_root_needs_none() {
        static PLACES: Semaphore = Semaphore::const_new(2);
        let patience = Duration::from_millis(50);
        let mut hanging = Vec::new();
        for _ in 0..2 {
            let (let_go, wait) = mpsc::channel::<()>();
            hanging.push(let_go);
            let answer = look_up_within(&PLACES, patience, move || wait.recv()).await;
            assert!(matches!(answer, Err(PeopleError::TimedOut)));
        }
        let third = look_up_within(&PLACES, patience, || unreachable!("there is no thread for it")).await;
        assert!(matches!(third, Err::<(), _>(PeopleError::TimedOut)));
        let found = find(Whom::Uid(0), BTreeSet::from(["wheel".to_owned()]), 0).await.unwrap().unwrap();
        assert_eq!((found.person.name.as_str(), found.person.account), ("root", AccountState::Root));
        drop(hanging);
        assert!(look_up_within(&PLACES, Duration::from_secs(60), || ()).await.is_ok());
    }
}
