//! `--status`: what is on this host, until when, and what the guard would do about it.

use std::collections::BTreeSet;
use std::time::Duration;

use jit_common::escape::escaped;
use jit_mechanisms::applied::AppliedGrant;
use jit_mechanisms::dir::Dir;
use jit_mechanisms::lock::{Lock, Locked};
use jit_mechanisms::paths::name_of;
use jit_mechanisms::removal::{OnHost, Which};
use jit_mechanisms::sudoers_file::strangers;
use jit_mechanisms::{HostPaths, NANOS, Now};

use crate::members::{UNKNOWN, leaving, name};
use crate::plan::{Known, TakeOff, plan};
use crate::sweep::Seen;

/// The whole text; nothing is changed.
pub(crate) fn text(paths: &HostPaths, now: &Now) -> String {
    let mut wrong = BTreeSet::new();
    let seen = Seen::look(paths, &mut wrong);
    let mut lines = vec![format!("guard: {}", running(paths))];
    lines.extend(applied_lines(&seen, now));
    lines.push(host_line(&seen));
    lines.extend(member_lines(&seen));
    if let Ok(others) = strangers(paths) {
        lines.extend(
            others.iter().map(|name| {
                format!("not ours, and read by sudo: {}", paths.sudoers_dir.join(name).display())
            }),
        );
    }
    if !seen.noted.grants.is_empty() {
        lines.push(format!("noted for jitd: {} removed", grants(seen.noted.grants.len())));
    }
    let over = seen.noted.members.keys().map(|of| format!("noted for jitd: {} is out", name(of)));
    lines.extend(over);
    lines.push(format!("to remove now: {}", to_remove(&seen, now)));
    lines.extend(wrong.into_iter().map(|why| format!("problem: {why}")));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Whether a guard holds its lock. Asking never makes the file: `--status` changes nothing.
fn running(paths: &HostPaths) -> &'static str {
    if !paths.guard_lock.exists() {
        return "not running";
    }
    let taken = Dir::open_as_it_is(&paths.run_dir, paths.owner)
        .and_then(|dir| Lock::take(&dir, name_of(&paths.guard_lock), Duration::ZERO));
    match taken {
        Ok(Locked::Busy) => "running",
        Ok(Locked::Held(_)) => "not running",
        Err(_) => "not known",
    }
}

fn applied_lines(seen: &Seen, now: &Now) -> Vec<String> {
    match &seen.known {
        Known::Nothing => vec!["applied: no file, so nothing is raised".to_owned()],
        Known::Damaged(why) => vec![format!("applied: {why}")],
        Known::Unreadable(why) => vec![format!("applied: cannot be read: {why}")],
        Known::Grants(applied) => {
            let mut lines = vec![format!("applied: {}", grants(applied.grants.len()))];
            lines.extend(applied.grants.iter().map(|grant| grant_line(grant, &seen.on_host, now)));
            lines
        }
    }
}

fn grant_line(grant: &AppliedGrant, on_host: &OnHost, now: &Now) -> String {
    let there =
        if on_host.ids().contains(&grant.id) { "in the sudoers file" } else { "not in the sudoers file" };
    let when = if grant.deadline.boot_id == now.boot_id {
        let left = grant.deadline.left(now);
        let length = length(left.unsigned_abs());
        if left > 0 { format!("ends in {length}") } else { format!("ended {length} ago") }
    } else {
        "from before this boot".to_owned()
    };
    let groups: Vec<String> = grant.groups.iter().map(|of| escaped(&of.group).to_string()).collect();
    let groups = if groups.is_empty() { String::new() } else { format!("  groups {}", groups.join(", ")) };
    format!("  {}  uid {}  {there}  {when}{groups}", grant.id, grant.uid)
}

/// Whom jitd put into groups.
fn member_lines(seen: &Seen) -> Vec<String> {
    match &seen.known {
        Known::Grants(applied) => {
            applied.given.iter().map(|of| format!("put in by jitd: {}", name(of))).collect()
        }
        Known::Damaged(_) | Known::Unreadable(_) => vec![format!("groups: {UNKNOWN}")],
        Known::Nothing => Vec::new(),
    }
}

fn host_line(seen: &Seen) -> String {
    match &seen.on_host {
        OnHost::Nothing => "sudoers file: gives nothing".to_owned(),
        OnHost::Grants(ids) => format!("sudoers file: {}", grants(ids.len())),
        OnHost::Unclear { why, .. } => format!("sudoers file: nobody can tell what it gives: {why}"),
    }
}

fn to_remove(seen: &Seen, now: &Now) -> String {
    let (take_off, _) = plan(&seen.on_host, &seen.known, &seen.noted.ids(), now);
    let mut parts = Vec::new();
    match &take_off {
        TakeOff::Everything(why) if seen.on_host.has(Which::Everything) => {
            parts.push(format!("everything, because {why}"));
        }
        TakeOff::Everything(_) => {}
        TakeOff::These(these) => {
            let ids = these.keys().copied().collect();
            if seen.on_host.has(Which::These(&ids)) {
                parts.extend(these.iter().map(|(id, why)| format!("{id}, because {why}")));
            }
        }
    }
    let leaving = leaving(&seen.known, &take_off, &seen.noted);
    parts.extend(leaving.iter().map(|(of, leaving)| format!("{}, because {}", name(of), leaving.why)));
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
}

fn grants(count: usize) -> String {
    if count == 1 { "1 grant".to_owned() } else { format!("{count} grants") }
}

/// A length of time in its two largest units.
fn length(nanos: u64) -> String {
    let seconds = nanos / NANOS.unsigned_abs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (size, name) in units {
        if left >= size || (size == 1 && parts.is_empty()) {
            parts.push(format!("{} {name}", left / size));
            left %= size;
        }
    }
    parts.truncate(2);
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short() {
        let of = |seconds: u64| length(seconds * NANOS.unsigned_abs());
        assert_eq!(of(0), "0 s");
        assert_eq!(of(61), "1 min 1 s");
        assert_eq!(of(3_600), "1 h");
        assert_eq!(of(90_061), "1 d 1 h");
    }
}
