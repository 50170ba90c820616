//! The paths that mechanisms work on: the host's own, or the same tree under another root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jit_common::paths;
use nix::unistd::Uid;

use crate::dir::{Dir, DirError};

/// Where everything is, and who has to own it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPaths {
    /// Where the tree begins: `/` on a host.
    pub root: PathBuf,
    /// Who owns our directories and files: root on a host.
    pub owner: Uid,
    /// [`paths::RUN_DIR`].
    pub run_dir: PathBuf,
    /// [`paths::SUDOERS_DIR`].
    pub sudoers_dir: PathBuf,
    /// [`paths::SUDOERS_FILE`].
    pub sudoers_file: PathBuf,
    /// [`paths::LOCKED_MARK`].
    pub locked_mark: PathBuf,
    /// [`paths::CONVERGE_LOCK`].
    pub converge_lock: PathBuf,
    /// [`paths::GUARD_LOCK`].
    pub guard_lock: PathBuf,
    /// [`paths::STATE_DIR`].
    pub state_dir: PathBuf,
    /// [`paths::APPLIED`].
    pub applied: PathBuf,
    /// [`paths::GUARD_NOTES`].
    pub guard_notes: PathBuf,
    /// [`paths::MANAGED`].
    pub managed: PathBuf,
    /// [`paths::ETC_SUDOERS`].
    pub etc_sudoers: PathBuf,
    /// [`paths::ETC_SUDOERS_RS`].
    pub etc_sudoers_rs: PathBuf,
    /// [`paths::ETC_SUDOERS_DIR`].
    pub etc_sudoers_dir: PathBuf,
    /// [`paths::INCLUDE_FILE`].
    pub include_file: PathBuf,
    /// [`paths::SUDO_CONF`].
    pub sudo_conf: PathBuf,
    /// [`paths::SUDO`].
    pub sudo: PathBuf,
    /// [`paths::ETC_DIR`].
    pub etc_dir: PathBuf,
    /// [`paths::ETC_PASSWD`].
    pub etc_passwd: PathBuf,
    /// [`paths::ETC_GROUP`].
    pub etc_group: PathBuf,
    /// [`paths::ETC_GSHADOW`].
    pub etc_gshadow: PathBuf,
    /// [`paths::PASSWORD_LOCK`].
    pub password_lock: PathBuf,
    /// [`paths::NSCD`].
    pub nscd: PathBuf,
    /// [`paths::NSCD_SOCKET`].
    pub nscd_socket: PathBuf,
    /// [`paths::SSS_CACHE`].
    pub sss_cache: PathBuf,
    /// [`paths::LIMITS_DIR`].
    pub limits_dir: PathBuf,
    /// [`paths::CGROUPS`].
    pub cgroups: PathBuf,
    /// [`paths::CONTROL_HOME`].
    pub control_home: PathBuf,
    /// [`paths::PROC`].
    pub proc: PathBuf,
}

impl Default for HostPaths {
    /// The host's own paths, owned by root.
    fn default() -> Self {
        Self::build(Path::new("/"), Uid::from_raw(0))
    }
}

impl HostPaths {
    /// The same tree under `root`, owned by whoever runs this: for tests, and for looking into another tree.
    #[must_use]
    pub fn under(root: &Path) -> Self {
        Self::build(root, Uid::effective())
    }

    fn build(root: &Path, owner: Uid) -> Self {
        let at = |path: &str| root.join(path.trim_start_matches('/'));
        Self {
            root: root.to_owned(),
            owner,
            run_dir: at(paths::RUN_DIR),
            sudoers_dir: at(paths::SUDOERS_DIR),
            sudoers_file: at(paths::SUDOERS_FILE),
            converge_lock: at(paths::CONVERGE_LOCK),
            guard_lock: at(paths::GUARD_LOCK),
            state_dir: at(paths::STATE_DIR),
            applied: at(paths::APPLIED),
            locked_mark: at(paths::LOCKED_MARK),
            guard_notes: at(paths::GUARD_NOTES),
            managed: at(paths::MANAGED),
            etc_sudoers: at(paths::ETC_SUDOERS),
            etc_sudoers_rs: at(paths::ETC_SUDOERS_RS),
            etc_sudoers_dir: at(paths::ETC_SUDOERS_DIR),
            include_file: at(paths::INCLUDE_FILE),
            sudo_conf: at(paths::SUDO_CONF),
            sudo: at(paths::SUDO),
            etc_dir: at(paths::ETC_DIR),
            etc_passwd: at(paths::ETC_PASSWD),
            etc_group: at(paths::ETC_GROUP),
            etc_gshadow: at(paths::ETC_GSHADOW),
            password_lock: at(paths::PASSWORD_LOCK),
            nscd: at(paths::NSCD),
            nscd_socket: at(paths::NSCD_SOCKET),
            sss_cache: at(paths::SSS_CACHE),
            limits_dir: at(paths::LIMITS_DIR),
            cgroups: at(paths::CGROUPS),
            control_home: at(paths::CONTROL_HOME),
            proc: at(paths::PROC),
        }
    }
}

/// The mode of the state directory where it has to be made.
pub(crate) const STATE_DIR_MODE: u32 = 0o700;
/// Everybody has to get through to the socket.
pub(crate) const RUN_DIR_MODE: u32 = 0o755;
/// sudo reads the directory as root; nobody else has to see who holds what.
pub(crate) const SUDOERS_DIR_MODE: u32 = 0o750;
/// Who runs what is nobody's business.
pub(crate) const LIMITS_DIR_MODE: u32 = 0o700;

/// Makes the directories that jitd and the guard work in, where they are missing, and checks them.
///
/// # Errors
/// One cannot be made, or is not safe to work in.
pub fn make_directories(paths: &HostPaths) -> Result<(), DirError> {
    let run_dir = Dir::open_or_make(&paths.run_dir, paths.owner, RUN_DIR_MODE)?;
    run_dir.child_or_make(name_of(&paths.sudoers_dir), SUDOERS_DIR_MODE)?;
    run_dir.child_or_make(name_of(&paths.limits_dir), LIMITS_DIR_MODE)?;
    Dir::open_or_make(&paths.state_dir, paths.owner, STATE_DIR_MODE)?;
    Ok(())
}

/// The last part of one of the paths above.
#[must_use]
pub fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_lies_in_the_directory_that_is_checked_for_it() {
        for at in [HostPaths::default(), HostPaths::under(Path::new("/x"))] {
            assert_eq!(at.sudoers_dir.parent(), Some(at.run_dir.as_path()));
            assert_eq!(at.sudoers_file.parent(), Some(at.sudoers_dir.as_path()));
            assert_eq!(at.converge_lock.parent(), Some(at.run_dir.as_path()));
            assert_eq!(at.limits_dir.parent(), Some(at.run_dir.as_path()));
            assert_eq!(at.guard_lock.parent(), Some(at.run_dir.as_path()));
            assert_eq!(at.applied.parent(), Some(at.state_dir.as_path()));
            assert_eq!(at.guard_notes.parent(), Some(at.state_dir.as_path()));
            assert_eq!(at.managed.parent(), Some(at.state_dir.as_path()));
            assert!(at.control_home.starts_with(&at.cgroups));
            assert_eq!(at.include_file.parent(), Some(at.etc_sudoers_dir.as_path()));
            for file in [&at.etc_passwd, &at.etc_group, &at.etc_gshadow, &at.password_lock] {
                assert_eq!(file.parent(), Some(at.etc_dir.as_path()));
            }
        }
        assert_eq!(HostPaths::default().sudoers_file, Path::new(paths::SUDOERS_FILE));
    }
}
