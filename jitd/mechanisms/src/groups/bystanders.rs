//! Programs that read the list of members before they take the lock and write it afterwards: gpasswd(1), and with it
//! Debian's adduser(8). Whoever is taken out in between is in again, and gpasswd exits with 0 (measured with shadow-utils
//! 4.13 and 4.17). Under the lock such a program is still to be seen: it cannot have written yet.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use crate::paths::HostPaths;

/// The name of the program.
const NAME: &str = "gpasswd";

/// The numbers of the processes that may be about to write an older list. Those that run as root alone: whoever is not
/// root could call a process so and write nothing.
///
/// # Errors
/// The processes cannot be listed.
pub fn bystanders(paths: &HostPaths) -> io::Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&paths.proc)? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that cannot be read has ended.
        let named =
            fs::read(entry.path().join("comm")).is_ok_and(|comm| comm.trim_ascii_end() == NAME.as_bytes());
        if named && fs::read_to_string(entry.path().join("status")).is_ok_and(|status| is_root(&status)) {
            found.insert(pid);
        }
    }
    Ok(found)
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
        for (pid, name, uids) in [
            (10, "gpasswd", "0\t0\t0\t0"),
            (11, "gpasswd", "1000\t0\t0\t0"),
            (12, "gpasswd", "1000\t1000\t1000\t1000"),
            (13, "usermod", "0\t0\t0\t0"),
        ] {
            let folder = scratch.path().join(format!("proc/{pid}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
            fs::write(folder.join("status"), format!("Name:\t{name}\nUid:\t{uids}\n")).unwrap();
        }
        fs::create_dir_all(scratch.path().join("proc/14")).unwrap();
        assert_eq!(bystanders(&scratch.paths()).unwrap(), BTreeSet::from([10, 11]));
    }
}
