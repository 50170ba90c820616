//! What a machine is run with: the emulator, a kernel and the first file system, in a tree of their own. Nothing is installed here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::say;
use crate::{Error, Release, Result, cache, needs, program, trees};

/// Packages of the release that are unpacked, with what they need.
const PACKAGES: &str =
    "qemu-system-x86,qemu-utils,linux-image-cloud-amd64,busybox-static,kmod,xz-utils,cpio,e2fsprogs";

const INITRD: &str = include_str!("initrd.sh");

/// Where this architecture's libraries lie in the tree.
const LIBRARIES: [&str; 3] =
    ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio"];

/// The unpacked tools of a release.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    entry: cache::Entry,
}

impl Tools {
    /// The tools; unpacked if they are not there yet.
    pub(crate) fn get(release: Release) -> Result<Tools> {
        needs::check()?;
        let recipe = format!("{PACKAGES}\n{INITRD}");
        let entry = cache::entry(&format!("emulator-{}", release.suite()), &recipe, |folder| {
            say(&format!(
                "unpacking an emulator and a kernel of {release} (once, about a quarter of a minute)"
            ));
            let tree = folder.join("tree");
            trees::unpacked(release, PACKAGES, &tree)?;
            let mut make = Command::new("bash");
            make.args(["-c", INITRD, "initrd"]).arg(&tree).arg(folder.join("initrd"));
            program::run(&mut make).map(drop)
        })?;
        Ok(Tools { entry })
    }

    /// The tree of the unpacked packages.
    pub(crate) fn tree(&self) -> PathBuf {
        self.entry.path().join("tree")
    }

    /// The first file system.
    pub(crate) fn initrd(&self) -> PathBuf {
        self.entry.path().join("initrd")
    }

    /// The kernel.
    pub(crate) fn kernel(&self) -> Result<PathBuf> {
        let folder = self.tree().join("boot");
        let entries = fs::read_dir(&folder).map_err(Error::io(format!("list {}", folder.display())))?;
        let kernel = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
        };
        let found = entries.flatten().map(|entry| entry.path()).find(kernel);
        found.ok_or_else(|| Error::Odd(format!("no kernel is in {}", folder.display())))
    }

    /// The first words of a call of one of the tree's programs, with its own libraries.
    pub(crate) fn call(&self, program: &str) -> Vec<String> {
        let tree = self.tree();
        let at = |below: &str| tree.join(below).to_string_lossy().into_owned();
        vec![
            at("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
            "--library-path".to_owned(),
            LIBRARIES.map(at).join(":"),
            at(program),
        ]
    }

    /// A disk over `below` that takes what is written to it.
    pub(crate) fn disk_over(&self, below: &Path, disk: &Path) -> Result<()> {
        let words = self.call("usr/bin/qemu-img");
        let Some((first, rest)) = words.split_first() else { return Ok(()) };
        let mut create = Command::new(first);
        create.args(rest).args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(below).arg(disk);
        program::run(&mut create).map(drop)
    }
}
