//! Whether whoever made a lock file is still there.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use jitd_core::now::NANOS;

use crate::dir::{Dir, DirError, Entry};
use crate::process_stat::Stat;

/// Start times are rounded; this much later is later. In seconds.
const MARGIN: i64 = 2;

/// More than this is no lock file.
const SIZE_MAX: u64 = 4096;

/// What a lock file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// Left behind, or gone by now.
    Stale,
    /// Somebody's, nobody knows whose; why, in words.
    Unclear(String),
    /// This process's, which may have been stopped.
    Held {
        /// Its number.
        pid: u32,
        /// When it made the file, in seconds since 1970 as the wall clock had it.
        made: i64,
    },
}

/// How far a lock file may be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judging {
    /// By all signs. Only for the holder of `/etc/.pwd.lock`: whoever holds a lock file holds that lock too.
    Fully,
    /// Stale is only what belonged to a process that is dead.
    Beside {
        /// Whose lock is broken all the same once it has been held for [`LONG`].
        breaks: Option<u32>,
    },
}

/// Seconds after which a lock counts as held by somebody who was stopped.
pub const LONG: i64 = 30;

/// Looks at the lock file `name`.
pub(super) fn judge(dir: &Dir, name: &OsStr, judging: Judging) -> Result<Judged, DirError> {
    let content = match dir.read(name, SIZE_MAX)? {
        Entry::Missing => return Ok(Judged::Stale),
        Entry::Strange(why) => return Ok(Judged::Unclear(format!("nobody knows whom: {why}"))),
        Entry::File(content) => content,
    };
    let made = content.identity.written();
    if judging == Judging::Fully && booted().is_some_and(|booted| made < booted - MARGIN) {
        return Ok(Judged::Stale);
    }
    let text = content.bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    let pid = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<i32>().ok());
    let number = pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
    let (Some(pid), Some(number)) = (pid, number) else {
        return Ok(Judged::Unclear("nobody knows whom: it holds no pid".into()));
    };
    let is_dead = kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH);
    let by_signs = match judging {
        // We hold the lock that comes before, and not this one.
        Judging::Fully => number == process::id() || started(pid).is_some_and(|at| at > made + MARGIN),
        Judging::Beside { .. } => false,
    };
    Ok(if is_dead || by_signs { Judged::Stale } else { Judged::Held { pid: number, made } })
}

/// When this boot began, in seconds since 1970 as the wall clock has it now (proc_stat(5)).
fn booted() -> Option<i64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.parse().ok()
}

/// When a process began, on the same scale.
fn started(pid: i32) -> Option<i64> {
    let stat = Stat::of(Path::new("/proc"), u32::try_from(pid).ok()?)?;
    Some(booted()? + stat.began / NANOS)
}
