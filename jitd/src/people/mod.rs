//! Accounts and groups of this host, as NSS knows them (nsswitch.conf(5)). The only folder that asks NSS.
//!
//! Groups are those of the group database, never those of the calling process: a process keeps the groups it was
//! started with, whatever has happened to them since.

mod candidates;
mod directory;
mod first;
mod here;
mod local;
mod lookups;
mod members;
mod shadow;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use jitd_core::policy::{AccountState, GroupState, PersonFacts, Subjects};
use nix::errno::Errno;
use nix::unistd::{Uid, User};

pub use self::candidates::Candidates;
use self::directory::{Directory, NamedGroups};
pub use self::here::Here;
use self::lookups::look_up;
pub use self::lookups::{AT_A_TIME, Asker, NSS_PATIENCE};
pub use self::members::is_in_group;

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
    /// What NSS calls an account is no name.
    #[error("the account database calls uid {uid} by what is no name in /etc/passwd")]
    Name {
        /// Whose.
        uid: u32,
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

/// Looks a person and the named groups up for `asker`, off this thread and within [`NSS_PATIENCE`]. `wall` is the present time
/// in nanoseconds, for accounts that expire. `None`: no such account name.
///
/// Nothing is asked about uid 0: root revokes and locks while the account database hangs. Nor are groups looked up for it.
///
/// # Errors
/// When the databases do not answer, or not in time.
pub async fn find(
    asker: Asker,
    whom: Whom,
    named: BTreeSet<String>,
    wall: i64,
) -> Result<Option<Found>, PeopleError> {
    match whom {
        Whom::Uid(0) => Ok(Some(Found { person: directory::root(), groups: BTreeMap::new() })),
        Whom::Uid(_) | Whom::Name(_) => look_up(asker, move || find_now(&whom, &named, wall)).await?,
    }
}

fn find_now(whom: &Whom, named: &BTreeSet<String>, wall: i64) -> Result<Option<Found>, PeopleError> {
    let mut directory = Directory::open(named, wall)?;
    let person = match whom {
        Whom::Uid(uid) => Some(directory.by_uid(*uid)?),
        Whom::Name(name) => directory.by_name(name)?,
    };
    Ok(person.map(|person| Found { person, groups: directory.named.states() }))
}

/// Whether `uid` has an account. `known` says so if that is known when its turn has come: one look-up is enough for all
/// connections of a uid.
///
/// # Errors
/// When the account database does not answer, or not in time.
pub async fn has_account(
    uid: u32,
    known: impl FnOnce() -> Option<bool> + Send + 'static,
) -> Result<bool, PeopleError> {
    let failed = move |source| PeopleError::Nss { what: format!("uid {uid}"), source };
    let ask = move || User::from_uid(Uid::from_raw(uid)).map(|user| user.is_some()).map_err(failed);
    look_up(Asker::Newcomer(uid), move || known().map_or_else(ask, Ok)).await?
}

/// The account name of `uid`, or `#uid` when the account database does not say.
pub async fn name_of(asker: Asker, uid: u32) -> String {
    let found = look_up(asker, move || User::from_uid(Uid::from_raw(uid))).await;
    found.ok().and_then(Result::ok).flatten().map_or_else(|| format!("#{uid}"), |user| user.name)
}

/// What is known of these groups; nothing when the databases do not answer in time.
pub async fn groups(asker: Asker, named: BTreeSet<String>) -> BTreeMap<String, GroupState> {
    let states = look_up(asker, move || NamedGroups::look_up(&named, BTreeMap::new()).states()).await;
    states.unwrap_or_default()
}

/// Several people at once, for the engine.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Accounts: uid, and the name it had.
    pub people: BTreeSet<(u32, String)>,
    /// Groups of which it is asked what is known.
    pub named: BTreeSet<String>,
    /// Who could approve.
    pub approvers: Vec<Subjects>,
    /// The present time in nanoseconds, for accounts that expire.
    pub wall: i64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Those of the people who are still who they were, by uid. An account of another name is not among them.
    pub people: BTreeMap<u32, PersonFacts>,
    /// Each group that was asked for, and those of the approvers.
    pub groups: BTreeMap<String, GroupState>,
    /// Who could approve.
    pub candidates: Candidates,
}

/// Looks several people up, off this thread and within [`NSS_PATIENCE`]. Once `has_time` says no, no further member of a group
/// is looked up, and what is there is the answer.
///
/// # Errors
/// When the databases do not answer, or not in time.
pub async fn know(
    question: Question,
    has_time: impl FnMut() -> bool + Send + 'static,
) -> Result<Known, PeopleError> {
    look_up(Asker::Engine, move || know_now(question, has_time)).await?
}

fn know_now(question: Question, has_time: impl FnMut() -> bool) -> Result<Known, PeopleError> {
    let Question { people, mut named, approvers, wall } = question;
    named.extend(approvers.iter().flat_map(|who| &who.groups).cloned());
    let mut directory = Directory::open(&named, wall)?;
    let mut still = BTreeMap::new();
    for (uid, name) in people {
        let person = directory.by_uid(uid)?;
        if is_still_called(&person, &name) {
            still.insert(uid, person);
        }
    }
    let groups = directory.named.states();
    let candidates = candidates::find(&mut directory, &approvers, has_time)?;
    Ok(Known { people: still, groups, candidates })
}

/// Whether this is the account that had `name`. A uid is given to somebody new once its account is deleted (useradd(8)).
fn is_still_called(person: &PersonFacts, name: &str) -> bool {
    person.name == name && person.account != AccountState::NoAccount
}

/// Whether `uid` is still the ordinary account `name`. An account database that does not answer changes nothing: who
/// was a person stays one until it is known otherwise, and the grant still ends on time.
#[must_use]
pub fn is_still(uid: u32, name: &str, wall: i64) -> bool {
    let found = Directory::open(&BTreeSet::new(), wall).and_then(|mut directory| directory.by_uid(uid));
    found.map_or(true, |facts| facts.name == name && facts.account == AccountState::Ordinary)
}

/// Whether there is an account of this name. One that cannot be looked up counts as none.
#[must_use]
pub fn account_exists(name: &str) -> bool {
    matches!(User::from_name(name), Ok(Some(_)))
}

#[cfg(test)]
mod tests;
