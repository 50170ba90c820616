//! Who could approve: the accounts that are named, and the members of the groups.

use std::collections::BTreeSet;

use jitd_core::policy::{PersonFacts, Subjects};

use super::PeopleError;
use super::directory::{Directory, NamedGroups};
use super::local::Local;

/// Members of groups that are looked up. A longer list helps nobody who looks for somebody to ask.
const MOST_CANDIDATES: usize = 256;

/// Who could approve, as far as that is known.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Everybody named, and members of the groups: each once.
    pub people: Vec<PersonFacts>,
    /// Groups that have, or may have, members who are not among them.
    pub unlisted: BTreeSet<String>,
}

/// Looks up who is meant by `approvers`, for as long as there is time. Their groups are among those of the directory.
///
/// # Errors
/// When an account that is named cannot be looked up. Without a member of a group the group is unlisted.
pub(super) fn find(
    directory: &mut Directory,
    approvers: &[Subjects],
    mut has_time: impl FnMut() -> bool,
) -> Result<Candidates, PeopleError> {
    let groups = approvers.iter().flat_map(|who| &who.groups).cloned().collect();
    let members = Members::of(&groups, &directory.named, &directory.local);
    let users = approvers.iter().flat_map(|who| &who.users).cloned().collect();
    collect(users, members, |name| directory.by_name(name), &mut has_time)
}

/// The members of some groups, by name.
#[derive(Debug, PartialEq, Eq)]
struct Members {
    /// Each group with its members, the smallest first.
    listed: Vec<(String, BTreeSet<String>)>,
    /// Those that have members who cannot be listed, perhaps.
    unlisted: BTreeSet<String>,
}

impl Members {
    fn of(groups: &BTreeSet<String>, named: &NamedGroups, local: &Local) -> Self {
        let mut members = Self { listed: Vec::new(), unlisted: BTreeSet::new() };
        for name in groups {
            let group = match named.0.get(name) {
                Some(Ok(Some(group))) => group,
                // Nobody is in a group that there is not.
                Some(Ok(None)) => continue,
                Some(Err(_)) | None => {
                    members.unlisted.insert(name.clone());
                    continue;
                }
            };
            // A directory need not tell whom its groups hold: sssd does not with ignore_group_members (sssd.conf(5)).
            if group.mem.is_empty() && !local.has_group(name) {
                members.unlisted.insert(name.clone());
            }
            let mut names = local.members(name, group.gid.as_raw());
            names.extend(group.mem.iter().cloned());
            members.listed.push((name.clone(), names));
        }
        // The largest is the one that is cut short, if any.
        members.listed.sort_by_key(|(_, names)| names.len());
        members
    }
}

/// Looks everybody up, each account once, by `look_up`.
fn collect(
    users: BTreeSet<String>,
    members: Members,
    mut look_up: impl FnMut(&str) -> Result<Option<PersonFacts>, PeopleError>,
    has_time: &mut impl FnMut() -> bool,
) -> Result<Candidates, PeopleError> {
    let mut found = Candidates { people: Vec::new(), unlisted: members.unlisted };
    let mut uids = BTreeSet::new();
    let mut add = |people: &mut Vec<PersonFacts>, person: Option<PersonFacts>| {
        people.extend(person.filter(|person| uids.insert(person.uid)));
    };
    for name in &users {
        add(&mut found.people, look_up(name)?);
    }
    let mut asked = users;
    let mut room = MOST_CANDIDATES;
    for (group, names) in members.listed {
        for name in names {
            if asked.contains(&name) {
                continue;
            }
            if room == 0 || !has_time() {
                found.unlisted.insert(group);
                break;
            }
            room -= 1;
            match look_up(&name) {
                Ok(person) => {
                    add(&mut found.people, person);
                    asked.insert(name);
                }
                Err(_) => {
                    found.unlisted.insert(group.clone());
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::people::directory::told_group;
    use nix::errno::Errno;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn person(uid: u32, name: &str) -> PersonFacts {
        PersonFacts { uid, name: name.into(), ..PersonFacts::default() }
    }

    fn broken() -> PeopleError {
        PeopleError::Nss { what: "account".into(), source: Errno::EIO }
    }

    fn listed(groups: &[(&str, &[&str])]) -> Members {
        let listed = groups.iter().map(|(group, names)| ((*group).to_owned(), set(names))).collect();
        Members { listed, unlisted: BTreeSet::new() }
    }

    fn names(found: &Candidates) -> Vec<&str> {
        found.people.iter().map(|person| person.name.as_str()).collect()
    }

    #[test]
    fn only_a_group_whose_members_are_certain_is_listed() {
        let local = Local {
            passwd: "first:x:1000:60::/:/bin/sh\n".into(),
            group: "empty:x:50:\nleads:x:60:alice\n".into(),
            ..Local::default()
        };
        let told = [
            ("empty", told_group(50, &[])),
            ("leads", told_group(60, &["alice", "of-a-directory"])),
            ("remote", told_group(70, &["carol"])),
            ("silent", told_group(80, &[])),
            ("missing", Ok(None)),
            ("broken", Err(Errno::EIO)),
        ];
        let groups: BTreeSet<String> = told.iter().map(|(name, _)| (*name).to_owned()).collect();
        let named = NamedGroups(told.map(|(name, told)| (name.to_owned(), told)).into());
        let members = Members::of(&groups, &named, &local);
        let expected = [
            ("empty".to_owned(), set(&[])),
            ("silent".to_owned(), set(&[])),
            ("remote".to_owned(), set(&["carol"])),
            ("leads".to_owned(), set(&["alice", "first", "of-a-directory"])),
        ];
        assert_eq!(members, Members { listed: expected.into(), unlisted: set(&["broken", "silent"]) });
        let unasked = Members::of(&set(&["never-looked-up"]), &named, &local);
        assert_eq!(unasked.unlisted, set(&["never-looked-up"]));
    }

    #[test]
    fn everybody_is_a_candidate_once_and_an_account_that_is_gone_is_none() {
        let members =
            listed(&[("leads", &["alice", "bob", "gone"]), ("security", &["also-bob", "bob", "carol"])]);
        let mut asked = Vec::new();
        let look_up = |name: &str| {
            asked.push(name.to_owned());
            Ok(match name {
                "alice" => Some(person(1, name)),
                "bob" | "also-bob" => Some(person(2, "bob")),
                "carol" => Some(person(3, name)),
                _ => None,
            })
        };
        let found = collect(set(&["bob", "nobody"]), members, look_up, &mut || true).unwrap();
        assert_eq!(names(&found), ["bob", "alice", "carol"]);
        assert_eq!(found.unlisted, set(&[]));
        assert_eq!(asked, ["bob", "nobody", "alice", "gone", "also-bob", "carol"]);
    }

    #[test]
    fn who_cannot_be_looked_up_leaves_their_groups_unlisted_and_never_a_named_account_out() {
        let look_up = |name: &str| match name {
            "bob" => Err(broken()),
            _ => Ok(Some(person(u32::try_from(name.len()).unwrap(), name))),
        };
        let members =
            || listed(&[("leads", &["alice", "bob"]), ("security", &["bob", "secure"]), ("all", &["alice"])]);
        let found = collect(set(&["me"]), members(), look_up, &mut || true).unwrap();
        assert_eq!(names(&found), ["me", "alice", "secure"]);
        assert_eq!(found.unlisted, set(&["leads", "security"]));
        assert!(collect(set(&["bob"]), members(), look_up, &mut || true).is_err());
    }

    #[test]
    fn long_groups_are_cut_and_say_so_and_so_is_what_takes_too_long() {
        let crowd: Vec<String> = (0..1000).map(|number| format!("user{number}")).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        let look_up =
            |name: &str| Ok(name.strip_prefix("user").map(|number| person(number.parse().unwrap(), name)));
        let members = || listed(&[("few", &["user2000"]), ("crowd", &crowd)]);
        let found = collect(set(&["user3000"]), members(), look_up, &mut || true).unwrap();
        assert_eq!(found.people.len(), MOST_CANDIDATES + 1);
        assert_eq!((names(&found)[1], &found.unlisted), ("user2000", &set(&["crowd"])));

        let mut left = 1;
        let mut has_time = || {
            left -= 1;
            left >= 0
        };
        let found = collect(set(&[]), members(), look_up, &mut has_time).unwrap();
        assert_eq!((names(&found), &found.unlisted), (vec!["user2000"], &set(&["crowd"])));
    }
}
