//! What has to hold on the host after every fault, by the files themselves and by sudo, beside what jitd says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::site::{APPLIED, FOLDERS, GROUP_FILES, NOTES, PEOPLE, ROLES, SUDOERS, Site, Sudo, json, waits};
use crate::{Error, Result, until};

/// What sudo's file holds when nothing is granted.
const HEADER: &str = "# Written by jitd from the live grants. Changes here are undone. See: jitctl status\n";

/// What may be there or not: jitd keeps them as long as a role gives a group, the guard alone does not.
const SPARES: [&str; 4] =
    [".group.jit-spare", ".group.lock.jit-spare", ".gshadow.jit-spare", ".gshadow.lock.jit-spare"];

/// How long jitd, sudo and the guard may take to be through with what they do.
const SETTLED: Duration = Duration::from_secs(30);

/// Whether everything has to be as it was before anything was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// What is live is on the host, and nothing else.
    WhatIsLive,
    /// Nothing is live, and nothing is left.
    Nothing,
}

/// A grant as jitd says it.
#[derive(Debug)]
struct Live {
    id: String,
    person: String,
    role: String,
    state: String,
}

/// Waits until everything holds that has to; at once, or when jitd, sudo or the guard are through with what they do.
pub(super) fn holds(site: &Site, expected: Expected) -> Result<()> {
    let mut wrong = Vec::new();
    let right = until("everything to be right", SETTLED, || {
        wrong = match breaches(site, expected) {
            Ok(breaches) => breaches,
            Err(error) => vec![error.chain()],
        };
        wrong.is_empty().then_some(())
    });
    match right {
        Ok(()) => Ok(()),
        Err(_) => Err(Error::Odd(format!("after {} s:\n  {}", SETTLED.as_secs(), wrong.join("\n  ")))),
    }
}

/// Everything that is not as it has to be.
fn breaches(site: &Site, expected: Expected) -> Result<Vec<String>> {
    let applied = site.read(APPLIED).unwrap_or_default();
    let seen = see(site, &applied, expected)?;
    let status = &seen.status;
    let live = live(status)?;
    let mut wrong = Vec::new();
    let ids: BTreeSet<&str> = live.iter().map(|grant| grant.id.as_str()).collect();
    if let Some(odd) = live.iter().find(|grant| grant.state != "active") {
        wrong.push(format!("a grant is {}: {odd:?}", odd.state));
    }
    let sudoers = site.read(SUDOERS).unwrap_or_default();
    same("sudo's file", &ids, &ids_behind(&sudoers, "# grant "), &mut wrong);
    same("applied", &ids, &ids_behind(&applied, "grant "), &mut wrong);
    groups(site, &live, &applied, &mut wrong)?;
    asked_of_sudo(&live, &seen.sudo, &mut wrong);
    litter(site, &mut wrong)?;
    if let Some(verdict) = seen.verdict.filter(|verdict| !verdict.ends_with("WHOLE\n")) {
        wrong.push(format!("the record does not verify: {verdict}"));
    }
    record(&seen.entries, &ids, &mut wrong);
    if expected == Expected::Nothing {
        if !live.is_empty() {
            wrong.push(format!("still live: {live:?}"));
        }
        if sudoers != HEADER && !sudoers.is_empty() {
            wrong.push(format!("sudo's file: {sudoers}"));
        }
        if site.group_files()? != site.before.groups {
            wrong.push("the files of groups are not as before".to_owned());
        }
        if waits(status) {
            wrong.push(format!("somebody waits: {}", status["waiting"]));
        }
        for key in ["not_granting", "attention"] {
            if status[key].as_array().is_none_or(|list| !list.is_empty()) {
                wrong.push(format!("{key}: {}", status[key]));
            }
        }
    }
    Ok(wrong)
}

/// What is seen from inside in one go.
struct Seen {
    status: Value,
    entries: Vec<Value>,
    sudo: BTreeSet<String>,
    /// Nothing when the record was not looked at as a whole.
    verdict: Option<String>,
}

/// Between the parts of what the script prints.
const PART: &str = "----- next";

/// Asks jitd, the record, and sudo for everybody who may have something by what `applied` says, and for alice always.
fn see(site: &Site, applied: &str, expected: Expected) -> Result<Seen> {
    let mut script = format!("jitctl status --json || exit\necho '{PART}'\n");
    script += &format!("jitctl log --json --kind intent --kind ended\necho '{PART}'\n");
    for user in PEOPLE {
        let uid = format!(" uid={} ", site.account(user)?.uid);
        if user == "alice" || applied.contains(&uid) {
            let sudo = format!("setpriv --reuid={user} --regid={user} --init-groups sudo -n");
            script += &format!("{sudo} /usr/bin/id >/dev/null 2>&1 && echo {user} id\n");
            script +=
                &format!("[ \"$({sudo} -g docker id -gn 2>/dev/null)\" = docker ] && echo {user} docker\n");
        }
    }
    script += &format!("echo '{PART}'\n");
    // Once for each point is enough: what is broken stays so.
    if expected == Expected::Nothing {
        script +=
            "jitctl log export > /tmp/walk-export && jitctl log verify /tmp/walk-export 2>&1 && echo WHOLE\n";
    }
    let output = site.sh(&script)?;
    let parts: Vec<&str> = output.out.split(PART).collect();
    let [status, entries, sudo, verdict] = parts.as_slice() else {
        return Err(Error::Odd(format!("jitd does not answer:\n{output}")));
    };
    Ok(Seen {
        status: json(status)?,
        entries: entries.lines().filter(|line| !line.is_empty()).map(json).collect::<Result<_>>()?,
        sudo: sudo.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        verdict: (expected == Expected::Nothing).then(|| (*verdict).to_owned()),
    })
}

fn live(status: &Value) -> Result<Vec<Live>> {
    let all = status["all"].as_array().ok_or_else(|| Error::Odd(format!("no grants in {status}")))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let grant = |grant: &Value| Live {
        id: text(&grant["id"]),
        person: text(&grant["person"]["name"]),
        role: text(&grant["role"]),
        state: text(&grant["state"]),
    };
    Ok(all.iter().map(grant).collect())
}

/// The words right behind this one at the start of a line.
fn ids_behind<'t>(text: &'t str, before: &str) -> BTreeSet<&'t str> {
    let rests = text.lines().filter_map(|line| line.strip_prefix(before));
    rests.map(|rest| rest.split(' ').next().unwrap_or_default()).collect()
}

fn same(what: &str, expected: &BTreeSet<&str>, found: &BTreeSet<&str>, wrong: &mut Vec<String>) {
    if expected != found {
        wrong.push(format!("{what} has {found:?}, and live is {expected:?}"));
    }
}

/// Both files of groups have who was in before and who is by a live grant; nothing else in them differs. `applied` names
/// exactly who was put in.
fn groups(site: &Site, live: &[Live], applied: &str, wrong: &mut Vec<String>) -> Result<()> {
    let mut by_grants: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for grant in live {
        for group in role(&grant.role).0 {
            by_grants.entry(group).or_default().insert(&grant.person);
        }
    }
    let mut given = BTreeSet::new();
    for ((file, before), now) in GROUP_FILES.iter().zip(&site.before.groups).zip(site.group_files()?) {
        if before.lines().count() != now.lines().count() {
            wrong.push(format!(
                "{file} had {} lines, and has {}",
                before.lines().count(),
                now.lines().count()
            ));
        }
        for (before, now) in before.lines().zip(now.lines()) {
            let (head, natural) = members(before);
            let added =
                by_grants.get(head.split(':').next().unwrap_or_default()).cloned().unwrap_or_default();
            let expected: BTreeSet<&str> = natural.union(&added).copied().collect();
            if members(now) != (head, expected) {
                wrong.push(format!("{file}: {now:?}, was {before:?}, by live grants: {added:?}"));
            }
            let group = head.split(':').next().unwrap_or_default();
            given.extend(added.difference(&natural).map(|user| format!("{group} {user}")));
        }
    }
    let noted: BTreeSet<String> = ids_behind(applied, "given ").into_iter().map(given_word).collect();
    if noted != given {
        wrong.push(format!("applied says that {noted:?} were put in, and it should be {given:?}"));
    }
    Ok(())
}

/// `gid:group:uid:user` as `group user`.
fn given_word(word: &str) -> String {
    let parts: Vec<&str> = word.split(':').collect();
    match parts.as_slice() {
        [_, group, _, user] => format!("{group} {user}"),
        _ => word.to_owned(),
    }
}

/// A line of a file of groups: all but the members, and these.
fn members(line: &str) -> (&str, BTreeSet<&str>) {
    let (head, members) = line.rsplit_once(':').unwrap_or((line, ""));
    (head, members.split(',').filter(|member| !member.is_empty()).collect())
}

fn role(name: &str) -> (&'static [&'static str], Sudo) {
    let found = ROLES.iter().find(|(role, ..)| *role == name);
    found.map_or((&[], Sudo::No), |(_, groups, sudo)| (groups, *sudo))
}

/// Sudo gives what live grants give, and refuses everything else.
fn asked_of_sudo(live: &[Live], given: &BTreeSet<String>, wrong: &mut Vec<String>) {
    let mut expected = BTreeSet::new();
    for grant in live {
        let (groups, sudo) = role(&grant.role);
        expected.extend((sudo == Sudo::Id).then(|| format!("{} id", grant.person)));
        expected.extend(groups.contains(&"docker").then(|| format!("{} docker", grant.person)));
    }
    if *given != expected {
        wrong.push(format!("sudo gives {given:?}, and it should be {expected:?}"));
    }
}

/// Nothing is left that was not there before, and nothing is gone.
fn litter(site: &Site, wrong: &mut Vec<String>) -> Result<()> {
    for ((folder, before), now) in FOLDERS.iter().zip(&site.before.names).zip(site.names()?) {
        let counts = |name: &&String| !SPARES.contains(&name.as_str());
        let left: Vec<&String> = now.difference(before).filter(counts).collect();
        // No list is an empty one; that is looked at by itself.
        let gone = before.difference(&now).filter(|name| *name != "applied");
        let gone: Vec<&String> = gone.filter(counts).collect();
        if !left.is_empty() {
            wrong.push(format!("left in {folder}: {left:?}"));
        }
        if !gone.is_empty() {
            wrong.push(format!("gone from {folder}: {gone:?}"));
        }
    }
    if site.exists(NOTES) {
        wrong.push("the guard's notes are not taken".to_owned());
    }
    Ok(())
}

/// What the record says was raised is live, or ended with a cause.
fn record(entries: &[Value], live: &BTreeSet<&str>, wrong: &mut Vec<String>) {
    let has_cause = |entry: &&Value| entry["body"]["cause"].as_str().is_some_and(|cause| !cause.is_empty());
    let of = |kind: &'static str| entries.iter().filter(move |entry| entry["kind"] == kind);
    let ids = |entry: &'_ Value| entry["id"].as_str().map(str::to_owned);
    let ended: BTreeSet<String> = of("ended").filter(has_cause).filter_map(ids).collect();
    let intents: BTreeSet<String> = of("intent").filter_map(ids).collect();
    for id in &intents {
        match (live.contains(id.as_str()), ended.contains(id)) {
            (true, false) | (false, true) => {}
            (live, ended) => wrong.push(format!("{id} of the record: live is {live}, ended is {ended}")),
        }
    }
    let unknown = live.iter().filter(|id| !intents.contains(**id));
    wrong.extend(unknown.map(|id| format!("{id} is live without an intent on the record")));
}
