//! For tests: a temporary tree with the directories that a host has, gone when dropped.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::paths::HostPaths;

/// The tree.
#[derive(Debug)]
pub struct Scratch {
    root: PathBuf,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// An empty tree that has `/run`, `/var/lib/jit` and `/etc/sudoers.d`.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("jit-test-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(name);
        // Left behind by a process of the same id that was killed.
        let _ = fs::remove_dir_all(&root);
        fs::DirBuilder::new().mode(0o700).create(&root).unwrap();
        for dir in ["run", "var", "var/lib", "var/lib/jit", "etc", "etc/sudoers.d"] {
            fs::create_dir(root.join(dir)).unwrap();
            fs::set_permissions(root.join(dir), fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { root }
    }

    /// Its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The host's paths under it.
    #[must_use]
    pub fn paths(&self) -> HostPaths {
        HostPaths::under(&self.root)
    }
}

/// The sudoers file with a block for each id, as jitd writes it.
#[must_use]
pub fn sudoers_text(ids: &[&str]) -> String {
    let mut text = jitd_core::sudoers::HEADER.to_owned();
    for id in ids {
        text.push_str(&format!(
            "# grant {id}\n#1000 ALL=(root) NOPASSWD: NOSETENV: /usr/bin/id \"\"\n# end {id}\n"
        ));
    }
    text
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
