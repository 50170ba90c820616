//! What goes wrong, and where: a call of one thread, counted from when the thread is looked at.

use std::collections::BTreeMap;
use std::fmt;

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed before the call is made.
    Killed,
    /// The call fails, as on a disk that is broken.
    Eio,
    /// The call fails, as on a disk that is full.
    Enospc,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 3] = [Fault::Killed, Fault::Eio, Fault::Enospc];

    /// How strace(1) is told.
    pub(super) fn injection(self) -> &'static str {
        match self {
            Fault::Killed => "signal=SIGKILL",
            Fault::Eio => "error=EIO",
            Fault::Enospc => "error=ENOSPC",
        }
    }

    /// What stands in a trace when it has happened.
    pub(super) fn trail(self) -> &'static str {
        match self {
            Fault::Killed => "+++ killed by SIGKILL +++",
            Fault::Eio | Fault::Enospc => "(INJECTED)",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Killed => "killed",
            Fault::Eio => "EIO",
            Fault::Enospc => "ENOSPC",
        })
    }
}

/// Every call by which something gets onto a disk, changes there, or is said to somebody.
pub(super) const CALLS: &str = "openat,write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,ftruncate,fallocate,\
     fchmod,fchown,rename,renameat,renameat2,link,linkat,unlink,unlinkat";

/// One call of one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    /// The thread's name.
    pub(super) thread: String,
    /// The call's name.
    pub(super) call: String,
    /// Which of the thread's calls of that name, from 1.
    pub(super) nth: u32,
    /// What it was when the points were counted, for whoever reads of it.
    pub(super) was: String,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of the thread {} (was: {})", self.call, self.nth, self.thread, self.was)
    }
}

impl Point {
    /// Whether this line of a trace is the very same call: the thread may have made more or fewer of that name than when they
    /// were counted.
    pub(super) fn is_in(&self, line: &str) -> bool {
        line.contains(&self.call) && what(&self.call, line) == what(&self.call, &self.was)
    }
}

/// What a call is about, without the numbers that are others each time.
fn what(call: &str, line: &str) -> String {
    let arguments = line.split_once(&format!("{call}(")).map_or("", |(_, arguments)| arguments);
    let count = if call.ends_with("at") { 2 } else { 1 };
    let about = arguments.split([',', ')']).take(count);
    about.flat_map(str::chars).filter(|c| !c.is_ascii_digit() && *c != ' ').collect()
}

/// How much of a call is kept for people.
const SHOWN: usize = 110;

/// The points in what `strace -f -y` wrote about threads of these names. Other processes in it have none.
pub(super) fn points(trace: &str, threads: &BTreeMap<u32, String>) -> Vec<Point> {
    let mut counted: BTreeMap<(u32, &str), u32> = BTreeMap::new();
    let mut points = Vec::new();
    for line in trace.lines() {
        let Some((tid, made)) = line.split_once(' ') else { continue };
        let (Ok(tid), made) = (tid.parse::<u32>(), made.trim_start()) else { continue };
        let Some((call, arguments)) = made.split_once('(') else { continue };
        // What was resumed was counted when it began; of signals and ends there is no call.
        if !CALLS.split(',').any(|name| name.trim() == call) {
            continue;
        }
        let nth = counted.entry((tid, call)).or_default();
        *nth += 1;
        let Some(thread) = threads.get(&tid) else { continue };
        if matters(call, arguments) {
            let was = made.chars().take(SHOWN).collect();
            points.push(Point { thread: thread.clone(), call: call.to_owned(), nth: *nth, was });
        }
    }
    points
}

/// Whether a call changes a file, or says something to somebody: no wake-up of a thread, and nothing that is only read.
fn matters(call: &str, arguments: &str) -> bool {
    let of = |what: &str| arguments.split(',').next().is_some_and(|first| first.contains(what));
    match call {
        "openat" => arguments.contains("O_CREAT"),
        "write" | "writev" | "pwrite64" => of("</") && !of("</dev/") && !of("</proc/"),
        "sendto" | "sendmsg" => of("<socket:") || of("<UNIX"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_thread_and_name_and_reading_and_waking_are_no_points() {
        let trace = "\
15    openat(AT_FDCWD</>, \"/etc/group\", O_RDONLY|O_CLOEXEC) = 3</etc/group>
15    openat(3</etc>, \".group.1.0.tmp\", O_WRONLY|O_CREAT|O_EXCL, 0600 <unfinished ...>
16    write(8<anon_inode:[eventfd]>, \"\\1\", 8) = 8
15    <... openat resumed>)             = 4</etc/.group.1.0.tmp>
15    write(4</etc/.group.1.0.tmp>, \"root\", 4) = 4
15    write(2<pipe:[77]>, \"said\", 4) = 4
15    write(4</etc/.group.1.0.tmp>, \"root\", 4) = 4
99    write(1</tmp/sudo>, \"x\", 1) = 1
16    sendto(9<socket:[12]>, \"yes\", 3, MSG_NOSIGNAL, NULL, 0) = 3
15    fsync(4</etc/.group.1.0.tmp>) = 0
15    +++ exited with 0 +++
";
        let threads = BTreeMap::from([(15, "engine".to_owned()), (16, "jitd".to_owned())]);
        let found = points(trace, &threads);
        let found: Vec<String> =
            found.iter().map(|point| format!("{} {} {}", point.thread, point.call, point.nth)).collect();
        assert_eq!(
            found,
            ["engine openat 2", "engine write 1", "engine write 3", "jitd sendto 1", "engine fsync 1"]
        );
    }

    #[test]
    fn the_same_call_is_known_again_with_other_numbers() {
        let point = |call: &str, was: &str| Point {
            thread: "engine".to_owned(),
            call: call.to_owned(),
            nth: 1,
            was: was.to_owned(),
        };
        let write = point("write", "write(22</etc/.group.101.21.tmp>, \"root:x:0\", 8");
        assert!(write.is_in(
            "write(7</etc/.group.330.4.tmp>, \"root:x:0\", 8) = -1 EIO (Input/output error) (INJECTED)"
        ));
        assert!(!write.is_in("write(8<anon_inode:[eventfd]>, \"\\1\", 8) = 8"));
        let unlink = point("unlinkat", "unlinkat(17</etc>, \"group.lock\", 0");
        assert!(unlink.is_in("unlinkat(9</etc>, \"group.lock\", 0 <unfinished ...>"));
        assert!(!unlink.is_in("unlinkat(9</etc>, \"gshadow.lock\", 0 <unfinished ...>"));
    }
}
