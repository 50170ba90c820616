//! One look-up of accounts and groups. What it has read serves everybody whom it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;

use jitd_core::policy::{AccountState, GroupState, PersonFacts};
use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use super::PeopleError;
use super::local::Local;

/// Shells that refuse a login.
const NO_LOGIN: [&str; 6] = [
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/usr/bin/nologin",
    "/bin/false",
    "/usr/bin/false",
    "/sbin/shutdown",
];

/// Accounts and groups as they are while one look-up lasts.
pub(super) struct Directory {
    pub(super) local: Local,
    pub(super) named: NamedGroups,
    /// What NSS calls a number, where it has been asked.
    names_of_gids: BTreeMap<u32, Option<String>>,
    /// Nanoseconds of the wall clock, for accounts that expire.
    wall: i64,
}

impl Directory {
    /// Reads the local databases, and looks up the groups that are named.
    ///
    /// # Errors
    /// When a local database cannot be read. A group that cannot be looked up has a state that says so.
    pub(super) fn open(named: &BTreeSet<String>, wall: i64) -> Result<Self, PeopleError> {
        let local = Local::read()?;
        let named = NamedGroups::look_up(named, local.first_groups(named));
        Ok(Self { local, named, names_of_gids: BTreeMap::new(), wall })
    }

    /// The account of this name; `None` when there is none.
    ///
    /// # Errors
    /// When the databases do not answer.
    pub(super) fn by_name(&mut self, name: &str) -> Result<Option<PersonFacts>, PeopleError> {
        let failed = |source| PeopleError::Nss { what: format!("account {name}"), source };
        match User::from_name(name).map_err(failed)? {
            Some(user) => self.by_uid(user.uid.as_raw()).map(Some),
            None => Ok(None),
        }
    }

    /// The account of this uid. One that there is not has the state that says so.
    ///
    /// # Errors
    /// When the databases do not answer.
    pub(super) fn by_uid(&mut self, uid: u32) -> Result<PersonFacts, PeopleError> {
        if uid == 0 {
            return Ok(root());
        }
        let failed = |source| PeopleError::Nss { what: format!("uid {uid}"), source };
        let Some(user) = User::from_uid(Uid::from_raw(uid)).map_err(failed)? else {
            return Ok(PersonFacts { uid, name: format!("#{uid}"), ..PersonFacts::default() });
        };
        if !is_a_name(&user.name) {
            return Err(PeopleError::Name { uid });
        }
        let shadow = self.local.shadow(&user.name);
        let names = self.local.names_of(uid).chain([user.name.clone()]).collect();
        let shell = user.shell.to_string_lossy().into_owned();
        let account = account_state(names, shell, shadow.is_locked(), shadow.expired(self.wall));
        let numbers = self.groups_of(&user)?;
        let names: BTreeSet<&String> = numbers.iter().map(|(_, name)| name).collect();
        let groups = names.into_iter().cloned().collect();
        Ok(PersonFacts { uid, groups, numbers, password: shadow.password(), account, name: user.name })
    }

    /// All names of the groups of an account, with their numbers. Two groups may have one number, of which NSS then tells one name: a deny that
    /// names the other has to hold all the same.
    fn groups_of(&mut self, user: &User) -> Result<BTreeSet<(u32, String)>, PeopleError> {
        let failed = |source| PeopleError::Nss { what: format!("the groups of {}", user.name), source };
        let name = CString::new(user.name.as_str()).map_err(|_| failed(Errno::EINVAL))?;
        let gids = getgrouplist(&name, user.gid).map_err(failed)?;
        let gids: Vec<u32> = gids.into_iter().map(Gid::as_raw).collect();
        let mut names: BTreeSet<(u32, String)> = self.named.of(&user.name, &gids).collect();
        let here = self.local.names_of_groups(&gids);
        // The groups that a policy names have been looked up by name. What else a directory calls a number that has a name
        // here is asked by nobody, and each question is a walk through the whole file.
        for gid in gids.iter().filter(|gid| !here.contains_key(gid)) {
            // A gid without a name cannot be named by a policy either.
            names.extend(self.name_of_gid(*gid).map_err(failed)?.map(|name| (*gid, name)));
        }
        let here = here.into_iter();
        names.extend(here.flat_map(|(gid, names)| names.into_iter().map(move |name| (gid, name))));
        Ok(names)
    }

    fn name_of_gid(&mut self, gid: u32) -> Result<Option<String>, Errno> {
        if let Some(known) = self.names_of_gids.get(&gid) {
            return Ok(known.clone());
        }
        let name = Group::from_gid(Gid::from_raw(gid))?.map(|group| group.name);
        self.names_of_gids.insert(gid, name.clone());
        Ok(name)
    }
}

/// Whether a name stands for itself alone. What was no UTF-8 has become a name that may be another's. What begins with `#` sudo takes for a
/// uid and glibc for a comment, `-` and `+` for rules of their own; with `:` or a line break it would be more than a name in any file.
fn is_a_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['#', '-', '+'])
        && !name.contains([':', '\n', char::REPLACEMENT_CHARACTER])
}

/// Root, of whom nothing needs to be asked.
pub(super) fn root() -> PersonFacts {
    PersonFacts { name: "root".into(), account: AccountState::Root, ..PersonFacts::default() }
}

/// What kind of account has these names, all of one uid.
fn account_state(names: BTreeSet<String>, shell: String, is_locked: bool, has_expired: bool) -> AccountState {
    if names.len() > 1 {
        return AccountState::SharedUid { names: names.into_iter().collect() };
    }
    if NO_LOGIN.contains(&shell.as_str()) {
        return AccountState::NoLogin { shell };
    }
    match (is_locked, has_expired) {
        (true, _) => AccountState::Locked,
        (false, true) => AccountState::Expired,
        (false, false) => AccountState::Ordinary,
    }
}

/// The groups that are named, as the group database has them.
#[derive(Debug, Default)]
pub(super) struct NamedGroups(pub(super) BTreeMap<String, Result<Option<Group>, Errno>>);

impl NamedGroups {
    /// Looks each up that is not known already.
    pub(super) fn look_up(named: &BTreeSet<String>, mut known: BTreeMap<String, Group>) -> Self {
        let mut found = |name: &String| match known.remove(name) {
            Some(group) => Ok(Some(group)),
            None => Group::from_name(name),
        };
        Self(named.iter().map(|name| (name.clone(), found(name))).collect())
    }

    /// What became of it.
    pub(super) fn states(&self) -> BTreeMap<String, GroupState> {
        let state = |found: &Result<Option<Group>, Errno>| match found {
            Ok(Some(_)) => GroupState::Exists,
            Ok(None) => GroupState::Missing,
            Err(errno) => GroupState::Unreachable { why: format!("the group database said: {errno}") },
        };
        self.0.iter().map(|(name, found)| (name.clone(), state(found))).collect()
    }

    /// Those that hold this person: by their list of members, or by their number.
    fn of<'a>(&'a self, user: &'a str, gids: &'a [u32]) -> impl Iterator<Item = (u32, String)> + 'a {
        let holds = move |group: &Group| {
            gids.contains(&group.gid.as_raw()) || group.mem.iter().any(|member| member == user)
        };
        let found = self.0.iter().filter_map(|(name, found)| Some((name, found.as_ref().ok()?.as_ref()?)));
        found.filter(move |(_, group)| holds(group)).map(|(name, group)| (group.gid.as_raw(), name.clone()))
    }
}

/// A group as NSS would tell it.
#[cfg(test)]
pub(super) fn told_group(gid: u32, members: &[&str]) -> Result<Option<Group>, Errno> {
    let mem = members.iter().map(|&member| member.to_owned()).collect();
    Ok(Some(Group { name: String::new(), passwd: CString::default(), gid: Gid::from_raw(gid), mem }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn a_named_group_holds_whom_it_lists_or_numbers() {
        let found = [
            ("listed", told_group(7, &["alice"])),
            ("numbered", told_group(100, &[])),
            ("others", told_group(8, &["bob"])),
            ("missing", Ok(None)),
            ("unreachable", Err(Errno::EIO)),
        ];
        let named = NamedGroups(found.map(|(name, found)| (name.to_owned(), found)).into());
        assert_eq!(
            named.of("alice", &[100]).map(|(_, name)| name).collect::<Vec<_>>(),
            ["listed", "numbered"]
        );
        assert_eq!(named.states().get("missing"), Some(&GroupState::Missing));
        assert!(matches!(named.states().get("unreachable"), Some(GroupState::Unreachable { .. })));
    }

    #[test]
    fn a_name_that_others_would_take_for_something_else_is_none() {
        for name in ["alice", "a.b", "two words", "0", "j\u{f6}rg", "a#b", "x\u{1b}"] {
            assert!(is_a_name(name), "{name:?}");
        }
        for name in ["", "#0", "-rf", "+", "a:b", "a\nb", "x\u{fffd}"] {
            assert!(!is_a_name(name), "{name:?}");
        }
    }

    #[test]
    fn only_one_name_with_a_shell_that_is_neither_locked_nor_expired_is_ordinary() {
        let state = |names: &[&str], shell: &str, is_locked, has_expired| {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            account_state(names, shell.to_owned(), is_locked, has_expired)
        };
        assert_eq!(state(&["alice"], "/bin/sh", false, false), AccountState::Ordinary);
        assert_eq!(state(&["alice"], "/bin/sh", true, true), AccountState::Locked);
        assert_eq!(state(&["alice"], "/bin/sh", false, true), AccountState::Expired);
        assert!(matches!(state(&["alice"], "/bin/false", false, false), AccountState::NoLogin { .. }));
        assert!(matches!(state(&["alice", "bob"], "/bin/sh", false, false), AccountState::SharedUid { .. }));
    }

    #[test]
    fn this_hosts_own_accounts_are_found_by_name_and_by_uid() {
        let mut directory = Directory::open(&BTreeSet::from(["root".to_owned()]), 0).unwrap();
        assert_eq!(directory.by_name("root").unwrap().unwrap().account, AccountState::Root);
        assert!(directory.by_name("no-such-account-here").unwrap().is_none());
        let nobody = directory.by_name("nobody").unwrap().unwrap();
        assert_eq!(directory.by_uid(nobody.uid).unwrap().name, "nobody");
        assert!(matches!(nobody.account, AccountState::NoLogin { .. }), "{:?}", nobody.account);
    }
}
