//! What sudo's answer depends on, as one value to compare: an answer may be remembered while it stays the same.

use std::fs;
use std::path::{Path, PathBuf};

use crate::dir::Identity;
use crate::paths::{HostPaths, name_of};
use crate::sudoers_file::is_read_by_sudo;

/// The state of the sudoers tree and of sudo itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, Option<Identity>)>);

/// Takes the fingerprint of the sudoers files, `sudo.conf`, `nsswitch.conf` and sudo itself. Our own file is left
/// out: it changes with every grant. A file that cannot be looked at counts as missing.
///
/// What it does not see: files included from other places, LDAP or sssd rules, and who is in which group.
#[must_use]
pub fn fingerprint(paths: &HostPaths) -> Fingerprint {
    let mut files = vec![
        paths.etc_sudoers.clone(),
        paths.etc_sudoers_rs.clone(),
        paths.sudo_conf.clone(),
        paths.root.join("etc/nsswitch.conf"),
        paths.sudo.clone(),
        paths.sudo.with_file_name("sudo-rs"),
    ];
    for dir in [&paths.etc_sudoers_dir, &paths.sudoers_dir] {
        files.extend(read_by_sudo(dir).into_iter().filter(|file| *file != paths.sudoers_file));
    }
    // Links are followed: what counts is the file that is read.
    let looked_at = files.into_iter().map(|file| {
        let identity = fs::metadata(&file).ok().map(|meta| Identity::of(&meta));
        (file, identity)
    });
    Fingerprint(looked_at.collect())
}

/// The files of a directory that sudo reads, in its order.
pub(super) fn read_by_sudo(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|file| is_read_by_sudo(name_of(file))).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::scratch::{Scratch, sudoers_text};
    use crate::sudoers_file::converge;

    #[test]
    fn every_change_of_the_admins_is_seen_and_our_own_is_not() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let dropin = paths.etc_sudoers_dir.join("90-ops");
        let stranger = paths.sudoers_dir.join("stranger");
        fs::write(&paths.etc_sudoers, "").unwrap();
        converge(&paths, &sudoers_text(&[])).unwrap();
        let mut last = fingerprint(&paths);
        converge(&paths, &sudoers_text(&["aaaaaaaa"])).unwrap();
        assert_eq!(fingerprint(&paths), last, "our own file");
        fs::write(paths.etc_sudoers_dir.join("x.dpkg-new"), "").unwrap();
        assert_eq!(fingerprint(&paths), last, "what sudo does not read");
        let changes: [(&str, &dyn Fn()); 5] = [
            ("a drop-in comes", &|| fs::write(&dropin, "x").unwrap()),
            ("its mode changes", &|| {
                fs::set_permissions(&dropin, fs::Permissions::from_mode(0o777)).unwrap()
            }),
            ("it goes", &|| fs::remove_file(&dropin).unwrap()),
            ("sudo.conf comes", &|| fs::write(&paths.sudo_conf, "").unwrap()),
            ("somebody writes into our directory", &|| fs::write(&stranger, "").unwrap()),
        ];
        for (what, change) in changes {
            change();
            let now = fingerprint(&paths);
            assert_ne!(now, last, "{what}");
            last = now;
        }
    }
}
