//! What a writer leaves in `/etc` when it is killed: temporary files that nobody ever reads, and lock files.
//!
//! A next change sweeps most of it by itself. This is for after a kill that no change follows.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::locks::{PasswordLock, PasswordLocked, is_left_behind};
use super::spare::{drop_spares, is_spare};
use crate::dir::{Dir, DirError, Entry};
use crate::paths::{HostPaths, name_of};

/// More than this is no file with a pid in it.
const SIZE_MAX: u64 = 64;

/// Takes away the temporary files of writers that died, and spare files that nobody needs any more; how many. Nothing is done, not even locked, where there are
/// none, and nothing while somebody holds `/etc/.pwd.lock`: they may be his.
///
/// # Errors
/// `/etc` cannot be used, or one cannot be taken away. They are only litter.
pub fn sweep_litter(paths: &HostPaths) -> Result<usize, DirError> {
    let dir = match Dir::open(&paths.etc_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(0),
        Err(why) => return Err(why),
    };
    let of = [name_of(&paths.etc_group), name_of(&paths.etc_gshadow)];
    let names = dir.names()?;
    let mut swept = 0;
    if names.iter().any(|name| is_spare(paths, name)) {
        swept += drop_spares(paths)?;
    }
    let locks: Vec<&OsString> = names.iter().filter(|name| of.iter().any(|of| is_lock(name, of))).collect();
    let pids = || names.iter().filter(|name| of.iter().any(|of| pid_of(name, of).is_some()));
    let temps = names.iter().any(|name| of.iter().any(|of| Dir::is_temp_of(name, of)));
    if !temps && locks.is_empty() && pids().next().is_none() {
        return Ok(swept);
    }
    let name = name_of(&paths.password_lock);
    let PasswordLocked::Held(_lock) = PasswordLock::take(&dir, name, Duration::ZERO)? else {
        return Ok(swept);
    };
    for lock in locks {
        if is_left_behind(&dir, lock)? && dir.unlink(lock)? {
            swept += 1;
        }
    }
    for of in of {
        swept += dir.sweep(of)?;
        for name in pids() {
            if pid_of(name, of).is_some_and(is_gone) && is_lock_of(&dir, name, of)? && dir.unlink(name)? {
                swept += 1;
            }
        }
    }
    Ok(swept)
}

/// The pid in `FILE.PID`, the name under which a lock file is written (see [`super::locks`]).
fn pid_of(name: &OsStr, of: &OsStr) -> Option<i32> {
    let digits = name.as_bytes().strip_prefix(of.as_bytes())?.strip_prefix(b".")?;
    let pid: i32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (pid > 0 && pid.to_string().as_bytes() == digits).then_some(pid)
}

fn is_lock(name: &OsStr, of: &OsStr) -> bool {
    name.as_bytes().strip_prefix(of.as_bytes()) == Some(b".lock")
}

fn is_gone(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}

/// Whether it holds what shadow-utils and we write there. An admin may call a copy of his `group.20260101`.
fn is_lock_of(dir: &Dir, name: &OsString, of: &OsStr) -> Result<bool, DirError> {
    let Some(pid) = pid_of(name, of) else { return Ok(false) };
    match dir.read(name, SIZE_MAX)? {
        // Empty, if its writer died in between.
        Entry::File(content) if content.bytes.is_empty() => Ok(content.mode == 0o600),
        Entry::File(content) => Ok(content.bytes == format!("{pid}\0").as_bytes()),
        Entry::Missing | Entry::Strange(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::scratch::Scratch;

    /// No process has it: it is over the kernel's limit (proc_sys_kernel(5), pid_max).
    const NOBODY: i32 = 4_194_305;

    #[test]
    fn litter_goes_and_everything_else_stays() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        assert_eq!(sweep_litter(&paths).unwrap(), 0);
        let (own, old) = (format!("group.{}", std::process::id()), format!("gshadow.{NOBODY}"));
        let stays = [
            ("group", "root:x:0:\n".to_owned()),
            ("group.20260101", "root:x:0:\n".to_owned()),
            (&own, format!("{}\0", std::process::id())),
            ("group.lock", "1\0".to_owned()),
            ("group-", String::new()),
            (".grouper.1.0.tmp", String::new()),
        ];
        for (name, text) in &stays {
            fs::write(paths.etc_dir.join(name), text).unwrap();
        }
        for name in [".group.1.0.tmp", ".gshadow.77.3.tmp"] {
            fs::write(paths.etc_dir.join(name), "half").unwrap();
        }
        for name in [&old, "gshadow.lock"] {
            fs::write(paths.etc_dir.join(name), format!("{NOBODY}\0")).unwrap();
        }
        let empty = paths.etc_dir.join(format!("group.{NOBODY}"));
        fs::write(&empty, "").unwrap();
        fs::set_permissions(&empty, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(sweep_litter(&paths).unwrap(), 5);
        assert!(stays.iter().all(|(name, _)| paths.etc_dir.join(name).exists()));
        assert!(!paths.etc_dir.join(&old).exists());
    }

    #[test]
    fn spare_files_go_when_nobody_is_given_any_more() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let spare = paths.etc_dir.join(".group.jit-spare");
        let given = "jit-applied 2\ngiven 999:docker:1000:alice\nend 1\n";
        for (applied, swept) in [(given, 0), ("damaged", 0), ("jit-applied 2\nend 0\n", 1)] {
            fs::write(&spare, "").unwrap();
            fs::write(&paths.applied, applied).unwrap();
            fs::set_permissions(&paths.applied, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(sweep_litter(&paths).unwrap(), swept, "{applied}");
        }
        assert!(!spare.exists());
    }
}
