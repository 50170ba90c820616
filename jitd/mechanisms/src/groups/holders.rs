//! Who still holds a group after the membership ended: a process keeps the groups it was started with (credentials(7)), so
//! taking somebody out of `/etc/group` reaches no process that runs.
//!
//! One pass over `/proc` for any number of memberships. A process counts when one of its four uids is the person's and
//! one of its four gids or its supplementary groups is the group, or when that is so of one of its threads: with the real or the saved gid alone it could make
//! that gid its effective one again (setresgid(2)). What has left the person's uids is not found: a set-uid program of
//! somebody else's, and what runs in a user namespace under other numbers (user_namespaces(7)).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use super::place::Place;
use super::{Given, Membership};
use crate::paths::HostPaths;
use crate::process_stat::Stat;

/// Threads of one process that are looked at.
const THREADS: usize = 64;

/// A process that holds a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its short name, with what is not printable escaped by the kernel (proc(5), `Name` in `/proc/PID/status`).
    pub name: String,
    /// Its controlling terminal, if it has one: `pts/3`.
    pub terminal: Option<String>,
    /// What may be done about it.
    pub place: Place,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.terminal {
            Some(terminal) => write!(f, "{} ({}) on {terminal}", self.name, self.pid),
            None => write!(f, "{} ({})", self.name, self.pid),
        }
    }
}

/// Who holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// The processes that hold each membership, by their numbers; no entry where there is none.
    pub found: BTreeMap<Membership, Vec<Holder>>,
    /// How many processes are there that could not be looked at, and what the first of them said.
    pub unseen: Option<(usize, String)>,
    /// How many there was no time for.
    pub left_out: usize,
}

/// Looks for processes that hold one of these memberships, the newest first, for as long as `has_time` says so. One that ends
/// meanwhile holds nothing.
///
/// # Errors
/// The processes cannot be listed, so nobody knows.
pub fn holders(paths: &HostPaths, of: &Given, mut has_time: impl FnMut() -> bool) -> io::Result<Holders> {
    let mut holders = Holders::default();
    if of.is_empty() {
        return Ok(holders);
    }
    let mut pids = numbers(&paths.proc)?;
    pids.sort_unstable_by(|one, other| other.cmp(one));
    for (at, &pid) in pids.iter().enumerate() {
        if !has_time() {
            holders.left_out = pids.len().saturating_sub(at);
            break;
        }
        match fs::read(paths.proc.join(pid.to_string()).join("status")) {
            Ok(status) => note(&mut holders, of, pid, paths, &String::from_utf8_lossy(&status)),
            Err(why) if has_ended(&why) => {}
            Err(why) => holders.unseen.get_or_insert_with(|| (0, why.to_string())).0 += 1,
        }
    }
    holders.found.values_mut().for_each(|found| found.sort_by_key(|holder| holder.pid));
    Ok(holders)
}

/// Whether a holder that was found is still one, and stands where it stood.
pub(super) fn holds_still(paths: &HostPaths, of: &Membership, holder: &Holder) -> bool {
    let mut now = Holders::default();
    if let Ok(status) = fs::read(paths.proc.join(holder.pid.to_string()).join("status")) {
        let of = Given::from([of.clone()]);
        note(&mut now, &of, holder.pid, paths, &String::from_utf8_lossy(&status));
    }
    now.found.get(of).is_some_and(|found| found.iter().any(|found| found.place == holder.place))
}

/// The entries of a directory that are numbers.
fn numbers(directory: &Path) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(found)
}

fn note(holders: &mut Holders, of: &Given, pid: u32, paths: &HostPaths, status: &str) {
    let path = paths.proc.join(pid.to_string());
    let Some(status) = Status::parse(status) else {
        let why = || (0, "its status does not say whose it is".to_owned());
        holders.unseen.get_or_insert_with(why).0 += 1;
        return;
    };
    // Each thread has uids and gids of its own, which setresgid(2) as a system call changes for it alone.
    let threads = if status.threads > 1 { statuses_of_threads(&path) } else { Vec::new() };
    let threads: Vec<Status<'_>> = threads.iter().filter_map(|text| Status::parse(text)).collect();
    let holds = |of: &Membership| status.holds(of) || threads.iter().any(|thread| thread.holds(of));
    let held: Vec<&Membership> = of.iter().filter(|of| holds(of)).collect();
    if held.is_empty() {
        if status.threads > THREADS && of.iter().any(|of| status.uids.contains(&of.uid)) {
            let why = || (0, format!("it has more than {THREADS} threads"));
            holders.unseen.get_or_insert_with(why).0 += 1;
        }
        return;
    }
    let terminal = Stat::of(&paths.proc, pid).and_then(|stat| stat.terminal_name());
    for of in held {
        // One that has ended by now holds nothing.
        let Some(place) = Place::of(paths, pid, of) else { continue };
        let holder = Holder { pid, name: status.name.to_owned(), terminal: terminal.clone(), place };
        holders.found.entry(of.clone()).or_default().push(holder);
    }
}

/// What `/proc/PID/task/TID/status` says of the first of the threads.
fn statuses_of_threads(path: &Path) -> Vec<String> {
    let tasks = path.join("task");
    let threads = numbers(&tasks).unwrap_or_default().into_iter().take(THREADS);
    let status = |thread: u32| fs::read(tasks.join(thread.to_string()).join("status")).ok();
    threads.filter_map(status).map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

/// It ended between the list and the look: proc(5) then has no such file, or no such process.
fn has_ended(why: &io::Error) -> bool {
    why.kind() == io::ErrorKind::NotFound || why.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32)
}

/// What `/proc/PID/status` says of a process.
pub(crate) struct Status<'t> {
    /// Its short name.
    pub(crate) name: &'t str,
    /// Its effective uid.
    pub(crate) effective: u32,
    threads: usize,
    uids: BTreeSet<u32>,
    /// Real, effective, saved, file system, and supplementary.
    gids: BTreeSet<u32>,
}

impl<'t> Status<'t> {
    /// `None` when it says nothing of its uids or gids. The name comes first and holds no line's end: the kernel
    /// escapes it.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let numbers = |key| -> Option<BTreeSet<u32>> {
            value(key)?.split_ascii_whitespace().map(|word| word.parse().ok()).collect()
        };
        let mut gids = numbers("Gid")?;
        gids.extend(numbers("Groups")?);
        let threads = value("Threads").and_then(|count| count.trim().parse().ok()).unwrap_or(1);
        // Real, effective, saved, file system.
        let effective = value("Uid")?.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(Self { name: value("Name")?.trim(), effective, threads, uids: numbers("Uid")?, gids })
    }

    fn holds(&self, of: &Membership) -> bool {
        self.uids.contains(&of.uid) && self.gids.contains(&of.gid)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::process_stat::line;
    use crate::scratch::Scratch;

    const DOCKER: u32 = 999;

    fn of(uid: u32, user: &str) -> Membership {
        Membership { gid: DOCKER, group: "docker".into(), uid, user: user.into() }
    }

    fn process(scratch: &Scratch, pid: u32, uids: &str, gids: &str, groups: &str, terminal: u32) {
        let folder = scratch.path().join(format!("proc/{pid}"));
        fs::create_dir_all(&folder).unwrap();
        let status =
            format!("Name:\tba sh\\n\nUmask:\t0022\nUid:\t{uids}\nGid:\t{gids}\nGroups:\t{groups} \n");
        fs::write(folder.join("status"), status).unwrap();
        fs::write(folder.join("stat"), line(pid, 1, 1, terminal, 1)).unwrap();
    }

    fn found(scratch: &Scratch, of: &Membership) -> Vec<String> {
        let all = holders(&scratch.paths(), &Given::from([of.clone()]), || true).unwrap();
        assert_eq!(all.unseen, None);
        all.found.get(of).into_iter().flatten().map(ToString::to_string).collect()
    }

    #[test]
    fn whoever_could_use_the_group_again_holds_it() {
        let scratch = Scratch::new();
        let alice = "1001\t1001\t1001\t1001";
        let none = "1001\t1001\t1001\t1001";
        process(&scratch, 10, alice, none, "", 34816);
        process(&scratch, 11, alice, none, "4 999 1001", 34819);
        process(&scratch, 12, alice, "999\t1001\t1001\t1001", "", 0);
        process(&scratch, 13, alice, "1001\t999\t1001\t1001", "", 1025);
        process(&scratch, 14, alice, "1001\t1001\t999\t1001", "", 1088);
        process(&scratch, 15, alice, "1001\t1001\t1001\t999", "", 34816 + 4);
        process(&scratch, 16, "0\t0\t1001\t0", none, "999", 0);
        process(&scratch, 17, "1002\t1002\t1002\t1002", none, "999", 0);
        process(&scratch, 18, alice, none, "9990", 0);
        fs::create_dir_all(scratch.path().join("proc/self")).unwrap();
        let expected = [
            "ba sh\\n (11) on pts/3",
            "ba sh\\n (12)",
            "ba sh\\n (13) on tty1",
            "ba sh\\n (14) on ttyS0",
            "ba sh\\n (15) on pts/4",
            "ba sh\\n (16)",
        ];
        assert_eq!(found(&scratch, &of(1001, "alice")), expected);
        assert_eq!(found(&scratch, &of(1002, "bob")), ["ba sh\\n (17)"]);
        assert_eq!(found(&scratch, &of(1003, "carl")), Vec::<String>::new());
    }

    #[test]
    fn a_process_that_ends_is_no_error_and_one_that_cannot_be_read_is_counted() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().join("proc/20")).unwrap();
        assert_eq!(found(&scratch, &of(1001, "alice")), Vec::<String>::new(), "it has ended");
        // A folder where a file should be cannot be read by anybody, root included.
        fs::create_dir_all(scratch.path().join("proc/21/status")).unwrap();
        fs::create_dir_all(scratch.path().join("proc/22")).unwrap();
        fs::write(scratch.path().join("proc/22/status"), "Name:\tx\n").unwrap();
        let all = holders(&scratch.paths(), &Given::from([of(1001, "alice")]), || true).unwrap();
        assert_eq!(all.unseen.map(|(count, _)| count), Some(2));
        fs::remove_dir_all(scratch.path().join("proc")).unwrap();
        assert!(holders(&scratch.paths(), &Given::from([of(1001, "alice")]), || true).is_err());
        assert_eq!(holders(&scratch.paths(), &Given::new(), || true).unwrap(), Holders::default());
    }

    #[test]
    fn a_thread_of_its_own_gid_makes_its_process_a_holder() {
        let scratch = Scratch::new();
        let alice = "1001\t1001\t1001\t1001";
        process(&scratch, 30, alice, alice, "", 0);
        let status = scratch.path().join("proc/30/status");
        let text = fs::read_to_string(&status).unwrap();
        fs::write(&status, format!("{text}Threads:\t2\n")).unwrap();
        for (thread, gids) in [(30, alice), (31, "1001\t1001\t999\t1001")] {
            let folder = scratch.path().join(format!("proc/30/task/{thread}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("status"), format!("Name:\tx\nUid:\t{alice}\nGid:\t{gids}\nGroups:\t\n"))
                .unwrap();
        }
        assert_eq!(found(&scratch, &of(1001, "alice")), ["ba sh\\n (30)"]);
    }

    #[test]
    fn without_time_the_newest_are_looked_at_and_the_others_counted() {
        let scratch = Scratch::new();
        let alice = "1001\t1001\t1001\t1001";
        (40..44).for_each(|pid| process(&scratch, pid, alice, alice, "999", 0));
        let mut times = 2;
        let has_time = || {
            times -= 1;
            times >= 0
        };
        let all = holders(&scratch.paths(), &Given::from([of(1001, "alice")]), has_time).unwrap();
        let pids: Vec<u32> = all.found.values().flatten().map(|holder| holder.pid).collect();
        assert_eq!((pids, all.left_out), (vec![42, 43], 2));
    }

    #[test]
    fn this_process_is_found_in_the_real_proc() {
        let (uid, gid) = (nix::unistd::Uid::effective().as_raw(), nix::unistd::Gid::effective().as_raw());
        let me = Membership { gid, group: "mine".into(), uid, user: "me".into() };
        let all = holders(&HostPaths::default(), &Given::from([me.clone()]), || true).unwrap();
        let pids: Vec<u32> = all.found.get(&me).into_iter().flatten().map(|holder| holder.pid).collect();
        assert!(pids.contains(&std::process::id()), "{pids:?}");
    }
}
