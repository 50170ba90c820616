//! Programs that read the list of members before they take the lock and write it afterwards: gpasswd(1), and with it
//! Debian's adduser(8). Whoever is taken out in between is in again, and gpasswd exits with 0 (measured with shadow-utils
//! 4.13 and 4.17). Under the lock such a program is still to be seen: it cannot have written yet.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::process;
use crate::paths::HostPaths;

/// Seconds after which nobody is waited for any more: a gpasswd asks for nothing between its look and its lock, and whoever
/// stops one that is about his own group could put people into that group anyway.
pub const DOUBT: i64 = 60;

/// The numbers of the processes that may be about to write an older list: those that run the host's gpasswd, by its file,
/// as root. Anybody can call a process so, and whoever is not root writes nothing.
///
/// # Errors
/// The processes cannot be listed.
pub fn bystanders(paths: &HostPaths) -> io::Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    let Some(gpasswd) = process::Program::gpasswd(paths) else { return Ok(found) };
    for entry in fs::read_dir(&paths.proc)? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that cannot be read has ended.
        if gpasswd.is_run_by(paths, pid)
            && fs::read_to_string(entry.path().join("status")).is_ok_and(|status| is_root(&status))
        {
            found.insert(pid);
        }
    }
    Ok(found)
}

/// Those of these processes that still run gpasswd.
#[must_use]
pub fn still_run(paths: &HostPaths, these: &BTreeSet<u32>) -> BTreeSet<u32> {
    let gpasswd = process::Program::gpasswd(paths);
    these
        .iter()
        .filter(|pid| gpasswd.is_some_and(|gpasswd| gpasswd.is_run_by(paths, **pid)))
        .copied()
        .collect()
}

/// Whether the second number of the line of uids, the effective one, is 0 (proc(5)).
fn is_root(status: &str) -> bool {
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_ascii_whitespace().nth(1)) == Some("0")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn only_a_gpasswd_that_can_write_counts() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().join("usr/bin")).unwrap();
        for name in ["gpasswd", "usermod"] {
            fs::write(scratch.path().join("usr/bin").join(name), name).unwrap();
        }
        // What a process is called is up to whoever starts it.
        for (pid, name, program, uids) in [
            (10, "gpasswd", "gpasswd", "0\t0\t0\t0"),
            (11, "innocent", "gpasswd", "1000\t0\t0\t0"),
            (12, "gpasswd", "gpasswd", "1000\t1000\t1000\t1000"),
            (13, "gpasswd", "usermod", "0\t0\t0\t0"),
        ] {
            let folder = scratch.path().join(format!("proc/{pid}"));
            fs::create_dir_all(&folder).unwrap();
            std::os::unix::fs::symlink(scratch.path().join("usr/bin").join(program), folder.join("exe"))
                .unwrap();
            fs::write(folder.join("status"), format!("Name:\t{name}\nUid:\t{uids}\n")).unwrap();
        }
        fs::create_dir_all(scratch.path().join("proc/14")).unwrap();
        assert_eq!(bystanders(&scratch.paths()).unwrap(), BTreeSet::from([10, 11]));
    }
}
