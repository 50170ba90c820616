//! Who is meant by a policy, and whether that comes out as its author will have meant it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{About, Finding, FindingKind};
use crate::policy::model::{Location, Policy, Risk, Rule, Subjects};
use crate::policy::phrase::all_of;
use crate::policy::votes::enough;

/// Looks over everything that names people.
pub(super) fn look_at(policy: &Policy, findings: &mut Vec<Finding>) {
    let given = given_groups(policy);
    for rule in policy.rules() {
        let about = || About::Rule(rule.name.clone());
        let approvers = rule.approvals.iter().map(|entry| ("approvals", &entry.by));
        for (key, who) in core::iter::once(("eligible", &rule.eligible)).chain(approvers) {
            findings.extend(given_group(&given, key, who, about(), &rule.location));
        }
        let advice = [no_approval(policy, rule), peers_approve(rule), nobody_left(rule)];
        findings.extend(advice.into_iter().flatten().map(|(kind, message)| Finding {
            kind,
            about: about(),
            location: rule.location.clone(),
            message,
        }));
    }
    for deny in policy.denies() {
        let about = About::Deny(deny.name.clone());
        findings.extend(given_group(&given, "subjects", &deny.subjects, about, &deny.location));
    }
    let duties = policy.duties();
    if let Some(location) = &duties.location {
        for (key, who) in [("auditors", &duties.auditors), ("operators", &duties.operators)] {
            findings.extend(given_group(&given, key, who, About::Duties, location));
        }
    }
}

/// Every group that a role gives, and that role.
fn given_groups(policy: &Policy) -> BTreeMap<&str, &str> {
    policy
        .roles()
        .flat_map(|role| role.groups.iter().map(|group| (group.as_str(), role.name.as_str())))
        .collect()
}

/// Membership that a grant gives does not make anybody eligible, or else one role would open the way to the next.
fn given_group(
    given: &BTreeMap<&str, &str>,
    key: &str,
    who: &Subjects,
    about: About,
    location: &Location,
) -> Vec<Finding> {
    let one = |group: &String| {
        let role = given.get(group.as_str())?;
        let message = format!(
            "{key} names the group {group}, which the role {role} gives: membership that jitd gives does not count here, only that of others"
        );
        Some(Finding {
            kind: FindingKind::GivenGroup,
            about: about.clone(),
            location: location.clone(),
            message,
        })
    };
    who.groups.iter().filter_map(one).collect()
}

type Advice = Option<(FindingKind, String)>;

fn no_approval(policy: &Policy, rule: &Rule) -> Advice {
    if !rule.approvals.is_empty() {
        return None;
    }
    let high: Vec<String> = rule
        .roles
        .iter()
        .filter(|name| policy.role(name).is_some_and(|role| role.risk == Risk::High))
        .cloned()
        .collect();
    let which = match high.as_slice() {
        [] => return None,
        [role] => format!("the role {role}, whose risk is high"),
        roles => format!("the roles {}, whose risk is high", all_of(roles)),
    };
    let message =
        format!("gives {which}, and nobody has to approve: add approvals where somebody should look first");
    Some((FindingKind::NoApproval, message))
}

fn peers_approve(rule: &Rule) -> Advice {
    let asks = |who: &Subjects| {
        who.users.is_subset(&rule.eligible.users) && who.groups.is_subset(&rule.eligible.groups)
    };
    if rule.approvals.is_empty() || !rule.approvals.iter().all(|entry| asks(&entry.by)) {
        return None;
    }
    let who: BTreeSet<&str> = rule
        .approvals
        .iter()
        .flat_map(|entry| entry.by.users.iter().chain(&entry.by.groups))
        .map(String::as_str)
        .collect();
    let who: Vec<String> = who.into_iter().map(ToString::to_string).collect();
    let message = format!(
        "whoever may approve ({}) may ask as well, so they approve for each other; nobody approves their own",
        who.join(", ")
    );
    Some((FindingKind::PeersApprove, message))
}

/// Only where every approver is named: who is in a group is not known here.
fn nobody_left(rule: &Rule) -> Advice {
    let closed: Vec<_> = rule.approvals.iter().filter(|entry| entry.by.groups.is_empty()).cloned().collect();
    let names: BTreeSet<&String> = closed.iter().flat_map(|entry| &entry.by.users).collect();
    let without = |asks: &String| {
        let others = names.iter().filter(|name| **name != asks);
        let may = |name: &&String| {
            (0..).zip(&closed).filter(|(_, entry)| entry.by.users.contains(*name)).map(|(at, _)| at).collect()
        };
        let others: Vec<BTreeSet<usize>> = others.map(may).collect();
        enough(&closed, &others).is_err()
    };
    let stuck: Vec<String> = rule.eligible.users.iter().filter(|name| without(name)).cloned().collect();
    if stuck.is_empty() {
        return None;
    }
    let message = format!(
        "when {} asks, too few are left to approve, for nobody approves their own: name more people, or a group",
        stuck.join(" or ")
    );
    Some((FindingKind::NobodyLeft, message))
}
