//! Whether the groups and accounts that a policy names are on this host.
//!
//! The name service is asked through getent(1), a program of its own: a directory that hangs is then cut off, and this
//! program needs no code of the C library's modules. Groups that a role gives have to stand in `/etc/group` besides.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use jit_common::child::{self, Ended};
use jit_common::paths;
use jitd_core::policy::{Policy, Role, Subjects};

/// The program that asks the name service.
const GETENT: &str = "/usr/bin/getent";
/// How long one question may take. After one that took longer no more are asked.
const LIMIT: Duration = Duration::from_secs(5);
/// getent's exit code for a key that was not found (getent(1)).
const NOT_FOUND: i32 = 2;

/// What was asked, and what came of it.
#[derive(Default)]
pub(super) struct Names {
    answers: RefCell<BTreeMap<(Database, String), Answer>>,
    trouble: RefCell<Option<String>>,
}

/// Where a name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Database {
    Group,
    Account,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Here,
    Missing,
    Unknown,
}

/// What a policy names and this host does not know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Denies that cannot be evaluated, and so refuse everybody.
    pub(super) denies: Vec<String>,
    /// The rest: who is named there is nobody.
    pub(super) others: Vec<String>,
}

impl Names {
    /// Why not everything could be looked up; `None` when it could.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// What is missing of a role: the account its commands run as, and groups that cannot be given.
    pub(super) fn of_role(&self, role: &Role, etc_group: Option<&str>) -> Vec<String> {
        let run_as = role.sudo.as_ref().map(|sudo| sudo.run_as.as_str());
        let run_as = run_as.filter(|name| self.look_up(Database::Account, name) == Answer::Missing);
        let account = run_as
            .map(|name| format!("the account {name} that its commands run as does not exist on this host"));
        let groups = etc_group
            .into_iter()
            .flat_map(|text| role.groups.iter().filter_map(|group| not_local(text, group)));
        account.into_iter().chain(groups).collect()
    }

    /// What is missing of everybody whom the policy means.
    pub(super) fn of_people(&self, policy: &Policy) -> Missing {
        let mut missing = Missing::default();
        for rule in policy.rules() {
            let of = format!("rule {}", rule.reference());
            missing.others.extend(self.nobody(&of, "eligible", &rule.eligible));
            for entry in &rule.approvals {
                missing.others.extend(self.nobody(&of, "approvals", &entry.by));
            }
        }
        for deny in policy.denies() {
            let of = format!("deny {}", deny.reference());
            let groups = deny.subjects.groups.iter();
            missing.denies.extend(
                groups
                    .filter(|group| self.look_up(Database::Group, group) == Answer::Missing)
                    .map(|group| format!("{of}: there is no group {group} here, so it refuses everybody")),
            );
            let users = Subjects { users: deny.subjects.users.clone(), ..Subjects::default() };
            missing.others.extend(self.nobody(&of, "subjects", &users));
        }
        let duties = policy.duties();
        missing.others.extend(self.nobody("duties", "auditors", &duties.auditors));
        missing.others.extend(self.nobody("duties", "operators", &duties.operators));
        if let Some(gate) = policy.gate() {
            missing.others.extend(self.nobody("pam", "managed", &gate.managed));
        }
        missing
    }

    fn nobody(&self, of: &str, key: &str, who: &Subjects) -> Vec<String> {
        let missing = |database, names: &BTreeSet<String>| -> Vec<String> {
            let names = names.iter().filter(|name| self.look_up(database, name) == Answer::Missing);
            names.cloned().collect()
        };
        let groups = missing(Database::Group, &who.groups);
        let accounts = missing(Database::Account, &who.users);
        let groups = groups.iter().map(|group| format!("{of}: {key}: there is no group {group} here"));
        let accounts = accounts.iter().map(|name| format!("{of}: {key}: there is no account {name} here"));
        groups.chain(accounts).collect()
    }

    /// Each name is asked about once, and nothing more once there was trouble: ten directories that hang would
    /// otherwise take ten times the limit.
    fn look_up(&self, database: Database, name: &str) -> Answer {
        if self.trouble.borrow().is_some() {
            return Answer::Unknown;
        }
        let key = (database, name.to_owned());
        if let Some(answer) = self.answers.borrow().get(&key) {
            return *answer;
        }
        let answer = match ask(database, name) {
            Ok(answer) => answer,
            Err(why) => {
                *self.trouble.borrow_mut() = Some(why);
                Answer::Unknown
            }
        };
        self.answers.borrow_mut().insert(key, answer);
        answer
    }
}

fn ask(database: Database, name: &str) -> Result<Answer, String> {
    let of = match database {
        Database::Group => "group",
        Database::Account => "passwd",
    };
    match child::run(Path::new(GETENT), &[of, name], LIMIT) {
        Ok(Ended::Exited { status, .. }) => match status.code() {
            Some(0) => Ok(Answer::Here),
            Some(NOT_FOUND) => Ok(Answer::Missing),
            Some(_) | None => Err(format!("{GETENT} {of} {name}: {status}")),
        },
        Ok(Ended::TimedOut { .. }) => {
            Err(format!("{GETENT} {of} {name} gave no answer within {} seconds", LIMIT.as_secs()))
        }
        Err(error) => Err(format!("{GETENT} could not be started: {error}")),
    }
}

/// The text of `/etc/group`.
pub(super) fn etc_group() -> Result<String, String> {
    let bytes = fs::read(paths::ETC_GROUP).map_err(|error| format!("{}: {error}", paths::ETC_GROUP))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Why a group cannot be given on this host: jitd changes `/etc/group` and nothing else, and asks for one good line
/// whose gid is no other group's.
fn not_local(etc_group: &str, group: &str) -> Option<String> {
    let fields = |line: &str| {
        let mut fields = line.split(':').map(str::trim).map(str::to_owned);
        Some((fields.next()?, fields.nth(1)?.parse::<u32>().ok()))
    };
    let lines: Vec<(String, Option<u32>)> = etc_group.lines().filter_map(fields).collect();
    let named: Vec<Option<u32>> =
        lines.iter().filter(|(name, _)| name == group).map(|(_, gid)| *gid).collect();
    match named.as_slice() {
        [] => Some(format!("there is no group {group} in /etc/group; only groups of this host can be given")),
        [None] => Some(format!("the line of the group {group} in /etc/group has no gid")),
        [Some(0)] => Some(format!("the group {group} has gid 0, which is root's and is never given")),
        [Some(gid)] => {
            lines.iter().find(|(name, other)| name != group && *other == Some(*gid)).map(|(other, _)| {
                format!("the groups {group} and {other} have the same gid {gid}; give one of them another")
            })
        }
        [_, _, ..] => Some(format!("/etc/group names {group} more than once")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn only_one_good_line_of_this_host_can_be_given() {
        let text = "root:x:0:\ndocker:x:998:alice\nadm:x:4:\nadm2:x:4:\nodd:x:y:\ntwice:x:7:\ntwice:x:8:\n";
        assert_eq!(not_local(text, "docker"), None);
        for (group, what) in [
            ("nope", "there is no group nope"),
            ("root", "gid 0"),
            ("adm", "adm and adm2 have the same gid 4"),
            ("odd", "has no gid"),
            ("twice", "more than once"),
        ] {
            let said = not_local(text, group).unwrap();
            assert!(said.contains(what), "{said}");
        }
    }

    #[test]
    fn what_a_policy_names_and_nobody_here_is_called_is_found_wherever_it_stands() {
        let text = r#"
            [role.r]
            summary = "x"
            sudo = { run_as = "no-such-account", commands = "ALL" }
            groups = ["no-such-group"]
            [[rule]]
            name = "n"
            roles = ["r"]
            eligible = { users = ["root", "no-such-a"], groups = ["root", "no-such-b"] }
            approvals = [{ by = { groups = ["no-such-c"] } }]
            max_duration = "1h"
            [[deny]]
            name = "d"
            roles = "ALL"
            subjects = { users = ["no-such-d"], groups = ["no-such-e", "root"] }
            [duties]
            operators = { groups = ["no-such-f"] }
        "#;
        let policy = Policy::parse(&[("p.toml", text)]).unwrap();
        let names = Names::default();
        let missing = names.of_people(&policy);
        if let Some(why) = names.trouble() {
            assert!(missing == Missing::default() || !Path::new(GETENT).exists(), "{why}");
            return;
        }
        assert_eq!(
            missing.others,
            [
                "rule \"n\" (p.toml:6): eligible: there is no group no-such-b here",
                "rule \"n\" (p.toml:6): eligible: there is no account no-such-a here",
                "rule \"n\" (p.toml:6): approvals: there is no group no-such-c here",
                "deny \"d\" (p.toml:12): subjects: there is no account no-such-d here",
                "duties: operators: there is no group no-such-f here",
            ]
        );
        let denies = ["deny \"d\" (p.toml:12): there is no group no-such-e here, so it refuses everybody"];
        assert_eq!(missing.denies, denies);
        let role = names.of_role(policy.role("r").unwrap(), Some("root:x:0:\n"));
        assert_eq!(role.len(), 2, "{role:?}");
    }
}
