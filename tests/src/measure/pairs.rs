//! The part that runs inside the bed, as root: starts the two commands in turn and times them.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Error, Result, processes, until};

/// The group that both commands put somebody into.
pub(super) const GROUP: &str = "docker";

/// Whom jitctl puts in.
pub(super) const OURS: &str = "alice";

/// Whom gpasswd puts in.
pub(super) const THEIRS: &str = "bob";

/// Pairs before the first that counts: sudo is asked about alice and the role once, and files come into memory.
const WARM_UP: usize = 4;

/// How long a daemon may go on after its answer.
const REST: Duration = Duration::from_secs(20);

/// The times of the two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Of jitctl.
    pub ours: Duration,
    /// Of gpasswd.
    pub theirs: Duration,
}

impl Pair {
    /// Reads what [`inside`] printed.
    ///
    /// # Errors
    /// A line is not two numbers.
    pub(super) fn read(line: &str) -> Result<Pair> {
        let mut times = line.split(' ').map(|word| word.parse().map(Duration::from_nanos));
        match (times.next(), times.next(), times.next()) {
            (Some(Ok(ours)), Some(Ok(theirs)), None) => Ok(Pair { ours, theirs }),
            _ => Err(Error::Odd(format!("{line:?} is not the times of a pair"))),
        }
    }
}

/// Times that many pairs and prints each in nanoseconds. `ours` is the uid and the gid of `OURS`.
///
/// # Errors
/// A command fails or does not do what it should.
pub fn inside(pairs: usize, ours: (u32, u32)) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for number in 0..pairs + WARM_UP {
        let pair = pair(ours)?;
        if number >= WARM_UP {
            let line = format!("{} {}", pair.ours.as_nanos(), pair.theirs.as_nanos());
            writeln!(out, "{line}").map_err(Error::io("print a pair"))?;
        }
    }
    Ok(())
}

fn pair(ours: (u32, u32)) -> Result<Pair> {
    let elevate =
        ["/usr/bin/jitctl", "elevate", GROUP, "--for", "30m", "--reason", "INC-42 a container hangs"];
    let root = (0, 0);
    Ok(Pair {
        ours: round(OURS, (&elevate, ours), (&["/usr/bin/jitctl", "drop"], ours))?,
        theirs: round(
            THEIRS,
            (&["/usr/bin/gpasswd", "-a", THEIRS, GROUP], root),
            (&["/usr/bin/gpasswd", "-d", THEIRS, GROUP], root),
        )?,
    })
}

/// A command and who runs it, by uid and gid.
type Job<'a> = (&'a [&'a str], (u32, u32));

/// Whether somebody is in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    In,
    Out,
}

/// The time of `give`, which puts the user in; `take` takes him out again.
fn round(user: &str, give: Job<'_>, take: Job<'_>) -> Result<Duration> {
    rest()?;
    let time = timed(give)?;
    expect(user, Is::In)?;
    rest()?;
    timed(take)?;
    expect(user, Is::Out)?;
    Ok(time)
}

/// Both commands are started in this way, and nothing but them is between the two looks at the clock.
pub(super) fn timed((words, (uid, gid)): Job<'_>) -> Result<Duration> {
    let (program, arguments) = words.split_first().unwrap_or((&"", &[]));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin")
        .env("LANG", "C.UTF-8")
        .uid(uid)
        .gid(gid);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let failed = || format!("run {}", words.join(" "));
    let start = Instant::now();
    let status = command.spawn().and_then(|mut child| child.wait()).map_err(Error::io(failed()))?;
    let time = start.elapsed();
    if status.success() {
        return Ok(time);
    }
    Err(Error::Program { command: words.join(" "), status: status.to_string(), output: String::new() })
}

/// Looks whether the user is, or is not, in the group by both files.
fn expect(user: &str, wanted: Is) -> Result<()> {
    for file in ["/etc/group", "/etc/gshadow"] {
        let text = fs::read_to_string(file).map_err(Error::io(format!("read {file}")))?;
        let line = text.lines().find_map(|line| line.strip_prefix(GROUP)?.strip_prefix(':'));
        let members = line.and_then(|line| line.rsplit(':').next()).unwrap_or_default();
        let found = if members.split(',').any(|member| member == user) { Is::In } else { Is::Out };
        if found != wanted {
            return Err(Error::Odd(format!("{user} is {found:?} of {GROUP} by {file}: {line:?}")));
        }
    }
    Ok(())
}

/// Waits until jitd and the guard have nothing to do: what they do after an answer is nobody's time but theirs.
fn rest() -> Result<()> {
    let (mut last, mut same) = (None, 0);
    until("jitd and the guard to be at rest", REST, || {
        let now = Some(busy());
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same == 3).then_some(())
    })
}

/// Nanoseconds that all threads of jitd and the guard have run for (proc_pid_schedstat(5)).
fn busy() -> u64 {
    let named = |pid: &u32| matches!(processes::name(*pid).as_deref(), Some("jitd" | "jit-guard"));
    processes::all().into_iter().filter(named).map(threads_time).sum()
}

fn threads_time(pid: u32) -> u64 {
    let path = format!("/proc/{pid}/task");
    let Ok(threads) = fs::read_dir(Path::new(&path)) else { return 0 };
    let time = |thread: fs::DirEntry| -> Option<u64> {
        fs::read_to_string(thread.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    threads.flatten().filter_map(time).sum()
}
