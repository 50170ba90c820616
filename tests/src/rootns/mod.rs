//! The fastest bed: private namespaces over a Debian tree, without an init. Real setuid sudo, PAM, useradd, visudo.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::holder::Holder;
use crate::inside::Door;
use crate::{Error, Inside, Release, Result, cache, trees};

mod ground;

pub(crate) use ground::{Folder, Ground};

const SCRIPT: &str = include_str!("holder.sh");

/// A bed of namespaces. It starts in about a tenth of a second and is gone, with all its processes and mounts, when it is dropped
/// or the test's process dies.
#[derive(Debug)]
pub struct RootBed {
    inside: Inside,
    release: Release,
    _holder: Holder,
    _layers: Vec<cache::Entry>,
    // After the holder: its folder goes when nobody is in it any more.
    _ground: Ground,
}

impl RootBed {
    /// A bed with nothing but the packages of the tree.
    ///
    /// # Errors
    /// [`Error::Missing`] when this machine cannot have beds.
    pub fn bare(release: Release) -> Result<RootBed> {
        RootBed::over(release, vec![trees::tree(release)?], Ground::Memory)
    }

    /// A bed over these layers, the lowest last; what is written in it lies on this ground.
    pub(crate) fn over(release: Release, layers: Vec<cache::Entry>, ground: Ground) -> Result<RootBed> {
        let name = format!("{}-{}", release.suite(), next_number());
        let mut launcher = Command::new("unshare");
        launcher.args(["-m", "-p", "-i", "-u", "-n", "-f", "--propagation", "private", "--kill-child"]);
        let mut holder = Holder::start(
            launcher,
            SCRIPT,
            &[&PathBuf::from(lower(&layers)), &mount_point("rootns")?, Path::new(&name), ground.path()],
        )?;
        let leader = holder.line()?;
        let leader = leader.parse().map_err(|_| Error::Odd(format!("the bed's holder says {leader:?}")))?;
        holder.line()?;
        let inside = Inside::new(name, Door::Namespaces, leader)?;
        Ok(RootBed { inside, release, _holder: holder, _layers: layers, _ground: ground })
    }

    /// The release of its tree.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }
}

impl Deref for RootBed {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.inside
    }
}

impl Drop for RootBed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.inside.tell_background();
        }
    }
}

/// The layers as overlay's `lowerdir` wants them.
pub(crate) fn lower(layers: &[cache::Entry]) -> String {
    let paths = layers.iter().map(|layer| layer.path().to_string_lossy());
    paths.collect::<Vec<_>>().join(":")
}

/// An empty folder to mount on. The mounts are private, so all beds share it.
pub(crate) fn mount_point(kind: &str) -> Result<PathBuf> {
    let path = cache::folder()?.join(kind);
    std::fs::create_dir_all(&path).map_err(Error::io(format!("create {}", path.display())))?;
    Ok(path)
}

/// A number no other bed of this machine has now.
pub(crate) fn next_number() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
