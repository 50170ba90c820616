//! Policies: made up as data, which the invariants read, and written as text, which the core parses.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jitd_core::policy::{ApprovalRule, Policy, Subjects};

use crate::chance::Chance;

/// Groups of the host that roles give, with their numbers.
pub(crate) const HOST_GROUPS: [(&str, u32); 3] = [("docker", 998), ("adm", 4), ("backup", 34)];

/// A role: its name, its commands, the groups it gives.
#[derive(Clone, Debug)]
pub(crate) struct RoleSpec {
    pub(crate) name: &'static str,
    pub(crate) commands: Vec<&'static str>,
    pub(crate) asks_password: bool,
    pub(crate) groups: Vec<&'static str>,
}

/// So many people of one of these groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApproverSpec {
    pub(crate) count: u32,
    pub(crate) groups: BTreeSet<&'static str>,
}

/// A rule.
#[derive(Clone, Debug)]
pub(crate) struct RuleSpec {
    pub(crate) name: String,
    pub(crate) roles: BTreeSet<&'static str>,
    pub(crate) groups: BTreeSet<&'static str>,
    pub(crate) max: u32,
    pub(crate) approvals: Vec<ApproverSpec>,
    pub(crate) pending: u32,
    pub(crate) max_active: Option<u32>,
    pub(crate) wants_reason: bool,
}

/// A deny.
#[derive(Clone, Debug)]
pub(crate) struct DenySpec {
    pub(crate) roles: BTreeSet<&'static str>,
    pub(crate) groups: BTreeSet<&'static str>,
}

/// A whole policy.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) roles: Vec<RoleSpec>,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) denies: Vec<DenySpec>,
    pub(crate) policy: Policy,
    pub(crate) hash: String,
}

const ROLE_NAMES: [&str; 5] = ["web", "database", "docker", "logs", "backups"];
const ASKERS: [&str; 4] = ["engineers", "oncall", "dba", "docker"];
const APPROVERS: [&str; 3] = ["leads", "security", "dba"];
const LENGTHS: [u32; 7] = [5, 30, 90, 600, 1800, 3600, 14_400];
const PATIENCE: [u32; 4] = [20, 300, 3600, 28_800];

impl Spec {
    /// A policy by chance.
    pub(crate) fn some(chance: &mut Chance) -> Self {
        let roles: Vec<RoleSpec> = ROLE_NAMES.into_iter().map(|name| role(name, chance)).collect();
        let count = chance.between(4, 8);
        let rules: Vec<RuleSpec> = (0..count).map(|at| rule(at, chance)).collect();
        let denies = match chance.below(2) {
            0 => Vec::new(),
            _ => vec![DenySpec { roles: some_of(&ROLE_NAMES, chance), groups: ["contractors"].into() }],
        };
        let text = text(&roles, &rules, &denies);
        let policy =
            Policy::parse(&[("10-all.toml", &text)]).unwrap_or_else(|why| panic!("{why:#?}\n{text}"));
        let hash = policy.hash().to_string();
        Self { roles, rules, denies, policy, hash }
    }

    pub(crate) fn role(&self, name: &str) -> Option<&RoleSpec> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The rule that decides for somebody, as written: the first that names the role and one of their groups, unless a deny does.
    pub(crate) fn rule_for(&self, role: &str, is_in: impl Fn(&str) -> bool) -> Option<&RuleSpec> {
        let any = |groups: &BTreeSet<&'static str>| groups.iter().any(|group| is_in(group));
        if self.denies.iter().any(|deny| deny.roles.contains(role) && any(&deny.groups)) {
            return None;
        }
        self.rules.iter().find(|rule| rule.roles.contains(role) && any(&rule.groups))
    }
}

impl RuleSpec {
    /// The approvals that it asks for, as the record names them.
    pub(crate) fn entries(&self) -> Vec<ApprovalRule> {
        let groups = |entry: &ApproverSpec| entry.groups.iter().map(|group| (*group).to_owned()).collect();
        let entry = |entry: &ApproverSpec| ApprovalRule {
            count: entry.count,
            by: Subjects { groups: groups(entry), ..Subjects::default() },
        };
        self.approvals.iter().map(entry).collect()
    }
}

fn some_of(of: &[&'static str], chance: &mut Chance) -> BTreeSet<&'static str> {
    let mut some: BTreeSet<&'static str> = of.iter().copied().filter(|_| chance.once_in(3)).collect();
    some.extend(chance.pick(of).copied());
    some
}

fn role(name: &'static str, chance: &mut Chance) -> RoleSpec {
    let commands: Vec<&'static str> = match name {
        "web" => vec!["/usr/bin/systemctl", "/usr/bin/id"],
        "database" => vec!["/usr/bin/psql"],
        "logs" => vec!["/usr/bin/journalctl"],
        _ => Vec::new(),
    };
    let commands = match chance.below(12) {
        0 if !commands.is_empty() => vec!["/usr/bin/true"],
        _ => commands,
    };
    let groups = match name {
        "docker" => vec!["docker"],
        "logs" => vec!["adm", "docker"],
        "backups" => vec!["backup"],
        _ => Vec::new(),
    };
    RoleSpec { name, commands, asks_password: name == "database", groups }
}

fn rule(at: i64, chance: &mut Chance) -> RuleSpec {
    let entries = [0, 0, 0, 1, 1, 2, 3][chance.below(7)];
    let approvals = (0..entries)
        .map(|_| ApproverSpec {
            count: u32::try_from(chance.between(1, 2)).unwrap_or(1),
            groups: some_of(&APPROVERS, chance),
        })
        .collect();
    RuleSpec {
        name: format!("rule {at}"),
        roles: some_of(&ROLE_NAMES, chance),
        groups: some_of(&ASKERS, chance),
        max: *chance.pick(&LENGTHS).unwrap_or(&600),
        approvals,
        pending: *chance.pick(&PATIENCE).unwrap_or(&300),
        max_active: chance.once_in(3).then(|| u32::try_from(chance.between(1, 2)).unwrap_or(1)),
        wants_reason: chance.once_in(4),
    }
}

fn text(roles: &[RoleSpec], rules: &[RuleSpec], denies: &[DenySpec]) -> String {
    let mut text = String::new();
    for role in roles {
        let _ = writeln!(text, "[role.{}]\nsummary = \"what {} need\"", role.name, role.name);
        if !role.commands.is_empty() {
            let commands: Vec<String> = role.commands.iter().map(|one| format!("[{one:?}]")).collect();
            let (asks, commands) = (role.asks_password, commands.join(", "));
            let _ = writeln!(text, "sudo = {{ password = {asks}, commands = [{commands}] }}");
        }
        if !role.groups.is_empty() {
            let _ = writeln!(text, "groups = {:?}", role.groups);
        }
    }
    for rule in rules {
        let RuleSpec { name, roles, groups, max, pending, .. } = rule;
        let _ = writeln!(
            text,
            "[[rule]]\nname = {name:?}\nroles = {:?}\neligible = {{ groups = {:?} }}\nmax_duration = \"{max}s\"",
            list(roles),
            list(groups),
        );
        if !rule.approvals.is_empty() {
            let entry = |entry: &ApproverSpec| {
                format!("{{ count = {}, by = {{ groups = {:?} }} }}", entry.count, list(&entry.groups))
            };
            let entries: Vec<String> = rule.approvals.iter().map(entry).collect();
            let _ = writeln!(text, "approvals = [{}]", entries.join(", "));
        }
        let _ = writeln!(text, "pending_timeout = \"{pending}s\"");
        if let Some(most) = rule.max_active {
            let _ = writeln!(text, "max_active = {most}");
        }
        if rule.wants_reason {
            let _ = writeln!(text, "reason = {{ required = true }}");
        }
    }
    for (at, deny) in denies.iter().enumerate() {
        let (roles, groups) = (list(&deny.roles), list(&deny.groups));
        let _ = writeln!(
            text,
            "[[deny]]\nname = \"deny {at}\"\nroles = {roles:?}\nsubjects = {{ groups = {groups:?} }}"
        );
    }
    let _ = writeln!(text, "[duties]\noperators = {{ groups = [\"operators\"] }}");
    text
}

fn list(of: &BTreeSet<&'static str>) -> Vec<&'static str> {
    of.iter().copied().collect()
}
