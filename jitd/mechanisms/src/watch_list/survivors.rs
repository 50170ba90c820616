//! Processes that came from a grant and still run after it: what left its control group, or was never in it.
//!
//! A process is taken for one of a person's when it began after the grant did and one of these says so: the login uid, which a process
//! keeps whatever it becomes (`/proc/PID/loginuid`); a control group of that person's logins, for a process of another uid; the `SUDO_UID`
//! that sudo left in its environment. Root can change each of them.

use std::fs;
use std::io;
use std::path::Path;

use crate::control_groups::PREFIX;
use crate::paths::HostPaths;
use crate::process_stat::{Stat, TICK};

/// Whose processes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The person.
    pub uid: u32,
    /// When the grant began: nanoseconds of the boot clock.
    pub since: i64,
}

/// What runs on this host and may have come from a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survivors {
    processes: Vec<Process>,
    /// How many processes there was no time for.
    pub left_out: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    name: String,
    uid: u32,
    began: i64,
    login: Option<u32>,
    group: String,
    by_sudo: Option<u32>,
}

impl Survivors {
    /// One look at all processes, for any number of grants. One that ends meanwhile is none.
    ///
    /// # Errors
    /// The processes cannot be listed, so nobody knows.
    pub fn look(paths: &HostPaths, mut has_time: impl FnMut() -> bool) -> io::Result<Self> {
        let mut pids = Vec::new();
        for entry in fs::read_dir(&paths.proc)? {
            pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
        }
        pids.sort_unstable();
        let ours = ours(paths);
        let mut found = Self::default();
        for pid in pids {
            match has_time() {
                true => found.processes.extend(process(&paths.proc, pid, ours.as_deref())),
                false => found.left_out = found.left_out.saturating_add(1),
            }
        }
        Ok(found)
    }

    /// The processes that came from a grant of this person, by their numbers, as people are told: `sleep (123) as uid 0`.
    #[must_use]
    pub fn of(&self, source: Source) -> Vec<String> {
        let theirs = self.processes.iter().filter(|process| process.is_of(source));
        theirs.map(|process| format!("{} ({}) as uid {}", process.name, process.pid, process.uid)).collect()
    }
}

impl Process {
    fn is_of(&self, of: Source) -> bool {
        let by_group = self.group.contains(&format!("/user-{}.slice/", of.uid));
        self.began.saturating_add(TICK) > of.since
            && self.uid != of.uid
            && (self.login == Some(of.uid) || by_group || self.by_sudo == Some(of.uid))
    }
}

/// How the line of a process in a control group of a grant begins, in `/proc/PID/cgroup`: such groups end by themselves. The whole
/// place counts, for people whom systemd delegates a tree to may give the groups in it any name.
fn ours(paths: &HostPaths) -> Option<String> {
    let home = paths.control_home.strip_prefix(&paths.cgroups).ok()?;
    Some(format!("0::/{}/{PREFIX}", home.to_str()?))
}

fn process(proc: &Path, pid: u32, ours: Option<&str>) -> Option<Process> {
    let stat = Stat::of(proc, pid)?;
    let folder = &proc.join(pid.to_string());
    let group = fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
    let is_ours = ours.is_some_and(|ours| group.lines().any(|line| line.starts_with(ours)));
    // A zombie is nothing any more.
    if stat.is_zombie || is_ours {
        return None;
    }
    let status = fs::read(folder.join("status")).ok()?;
    let status = String::from_utf8_lossy(&status).into_owned();
    let value = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let login = fs::read_to_string(folder.join("loginuid")).ok().and_then(|uid| uid.trim().parse().ok());
    Some(Process {
        pid,
        name: value("Name")?.trim().to_owned(),
        uid: value("Uid")?.split_ascii_whitespace().nth(1)?.parse().ok()?,
        began: stat.began,
        login,
        group,
        by_sudo: by_sudo(folder),
    })
}

/// Who started it by what sudo has said in its environment.
fn by_sudo(folder: &Path) -> Option<u32> {
    let environment = fs::read(folder.join("environ")).unwrap_or_default();
    let said = environment.split(|byte| *byte == 0).find_map(|word| word.strip_prefix(b"SUDO_UID="))?;
    std::str::from_utf8(said).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::process_stat::line;
    use crate::scratch::Scratch;

    fn process(scratch: &Scratch, pid: u32, uid: u32, began: i64, files: &[(&str, &str)]) {
        let folder = scratch.path().join(format!("proc/{pid}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("stat"), line(pid, 1, 1, 0, began)).unwrap();
        fs::write(folder.join("status"), format!("Name:\tsl\\neep\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"))
            .unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    }

    #[test]
    fn what_came_from_a_grant_is_known_by_what_it_keeps() {
        let scratch = Scratch::new();
        let ours = "0::/system.slice/jit-guard.service/grant-aaaaaaaa\n";
        process(&scratch, 10, 0, 500, &[("loginuid", "1001")]);
        process(&scratch, 11, 0, 500, &[("environ", "PATH=/bin\0SUDO_UID=1001\0")]);
        process(&scratch, 12, 0, 500, &[("cgroup", "0::/user.slice/user-1001.slice/session-1.scope\n")]);
        process(&scratch, 13, 0, 399, &[("loginuid", "1001")]);
        process(&scratch, 14, 0, 500, &[("loginuid", "4294967295"), ("environ", "SUDO_UID=10010\0")]);
        process(&scratch, 15, 1001, 500, &[("loginuid", "1001")]);
        process(&scratch, 16, 0, 500, &[("loginuid", "1001"), ("cgroup", ours)]);
        // Groups that alice made in the tree that systemd delegates to her.
        let hers = "0::/user.slice/user-1001.slice/user@1001.service/jit-guard.service/grant-aaaaaaaa\n";
        process(&scratch, 17, 0, 500, &[("loginuid", "1001"), ("cgroup", hers)]);
        let of = Source { uid: 1001, since: 400 * TICK + 1 };
        let expected = [10, 11, 12, 17].map(|pid| format!("sl\\neep ({pid}) as uid 0"));
        let look = |time: bool| Survivors::look(&scratch.paths(), || time).unwrap();
        assert_eq!((look(true).of(of), look(true).left_out), (expected.to_vec(), 0));
        assert_eq!((look(false).of(of), look(false).left_out), (Vec::new(), 8));
        fs::remove_dir_all(scratch.path().join("proc")).unwrap();
        assert!(Survivors::look(&scratch.paths(), || true).is_err());
    }
}
