//! Debian trees: the read-only ground the beds stand on, made from packages without installing anything on this machine.

use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::say;
use crate::{Error, Result, cache, elf, needs, program};

/// A Debian release that the product supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// Debian 12: sudo 1.9.13p3, systemd 252.
    Bookworm,
    /// Debian 13: sudo 1.9.16p2, sudo-rs 0.2.5 beside it, systemd 257.
    Trixie,
}

impl Release {
    /// Both, oldest first.
    pub const ALL: [Release; 2] = [Release::Bookworm, Release::Trixie];

    /// The name in the archive.
    #[must_use]
    pub fn suite(self) -> &'static str {
        match self {
            Release::Bookworm => "bookworm",
            Release::Trixie => "trixie",
        }
    }

    /// The number on the box.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Release::Bookworm => 12,
            Release::Trixie => 13,
        }
    }

    /// The version of its C library.
    #[must_use]
    pub fn glibc(self) -> elf::Glibc {
        match self {
            Release::Bookworm => (2, 36),
            Release::Trixie => (2, 41),
        }
    }

    fn packages(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            // systemd-nspawn of this release boots both releases.
            Release::Bookworm => &["systemd-container"],
            Release::Trixie => &["sudo-rs", "systemd-cryptsetup"],
        };
        PACKAGES.iter().chain(own).copied().collect()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Debian {}", self.number())
    }
}

/// What every tree has beside the essential packages.
const PACKAGES: [&str; 26] = [
    "systemd",
    "systemd-sysv",
    "udev",
    "kmod",
    "dbus",
    "dbus-user-session",
    "libpam-systemd",
    "libnss-systemd",
    "libpam-modules",
    "libpam-wrapper",
    "pamtester",
    "sudo",
    "polkitd",
    "pkexec",
    "rsyslog",
    "openssh-server",
    "openssh-client",
    "acl",
    "iproute2",
    "procps",
    "passwd",
    "login",
    "strace",
    "util-linux-extra",
    "socat",
    "at",
];

/// Units that cannot work in a container and would only make the machine "degraded".
const MASKED: [&str; 4] =
    ["audit-rules.service", "auditd.service", "systemd-networkd-wait-online.service", "e2scrub_all.timer"];

/// What mmdebstrap calls a system with the essential packages, and loose files of packages.
const SYSTEM: &str = "minbase";
const LOOSE: &str = "extract";

/// Raise it when the way a tree is made changes.
const RECIPE: u32 = 1;

/// Room in MiB that makes it worth building a tree in memory.
const MEMORY_MIB: u64 = 1536;

/// The tree of a release; made if it is not there yet, which takes about half a minute.
///
/// # Errors
/// [`Error::Missing`] when this machine cannot make one.
pub fn tree(release: Release) -> Result<cache::Entry> {
    needs::check()?;
    let packages = release.packages().join(",");
    let recipe = format!("{RECIPE} {packages} {}", MASKED.join(","));
    cache::entry(release.suite(), &recipe, |folder| {
        say(&format!("making a {release} tree in {} (once, about half a minute)", folder.display()));
        make(release, &packages, folder)
    })
}

fn make(release: Release, packages: &str, folder: &Path) -> Result<()> {
    let tool = Mmdebstrap::get()?;
    let memory =
        PathBuf::from(format!("/dev/shm/jit-{:016x}", cache::fingerprint(&folder.to_string_lossy())));
    let roomy = needs::free_mib(Path::new("/dev/shm")).is_some_and(|free| free > MEMORY_MIB);
    if !roomy {
        tool.build(SYSTEM, release, packages, folder)?;
        return finish(folder);
    }
    // dpkg syncs a lot; in memory that costs nothing.
    let _ = fs::remove_dir_all(&memory);
    let built = tool.build(SYSTEM, release, packages, &memory).and_then(|()| copy(&memory, folder));
    let _ = fs::remove_dir_all(&memory);
    built?;
    finish(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let script = r#"set -e; set -o pipefail; tar -C "$1" --xattrs -c . | tar -C "$2" --xattrs --xattrs-include='*' -x"#;
    program::run(Command::new("bash").args(["-c", script, "bash"]).arg(from).arg(to)).map(drop)
}

fn finish(tree: &Path) -> Result<()> {
    for unit in MASKED {
        let link = tree.join("etc/systemd/system").join(unit);
        let _ = fs::remove_file(&link);
        symlink("/dev/null", &link).map_err(Error::io(format!("mask {unit} in {}", tree.display())))?;
    }
    Ok(())
}

/// Unpacks packages of a release with all that they need, and installs nothing: programs to be called where they lie.
///
/// # Errors
/// [`Error::Missing`] when the mirror does not give them.
pub(crate) fn unpacked(release: Release, packages: &str, folder: &Path) -> Result<()> {
    Mmdebstrap::get()?.build(LOOSE, release, packages, folder)
}

/// mmdebstrap, unpacked from its package.
struct Mmdebstrap {
    unpacked: cache::Entry,
    mirror: String,
}

impl Mmdebstrap {
    fn get() -> Result<Mmdebstrap> {
        let unpacked = cache::entry("mmdebstrap", "1", |folder| {
            let mut packages = vec!["mmdebstrap".to_owned()];
            packages.extend(missing_perl_modules()?);
            unpack(&packages, folder)
        })?;
        Ok(Mmdebstrap { unpacked, mirror: mirror() })
    }

    fn build(&self, variant: &str, release: Release, packages: &str, to: &Path) -> Result<()> {
        let root = self.unpacked.path();
        let mut command = Command::new("unshare");
        command.args(["-m", "--propagation", "private", "perl"]).arg(root.join("usr/bin/mmdebstrap"));
        command.args(["--quiet", "--mode=root", "--dpkgopt=force-unsafe-io"]);
        command.arg(format!("--variant={variant}"));
        command.args(["--aptopt=Acquire::Languages \"none\"", "--aptopt=APT::Install-Recommends \"false\""]);
        command.args(proxy());
        command.arg(format!("--include={packages}")).arg(release.suite()).arg(to).arg(&self.mirror);
        command.env("PERL5LIB", perl_folders(root)).env("LC_ALL", "C.UTF-8").env_remove("LD_LIBRARY_PATH");
        program::run(&mut command).map(drop).map_err(|error| {
            Error::Missing(format!(
                "no {release} tree could be made from the package mirror {} (is it reachable?): {}",
                self.mirror,
                error.chain()
            ))
        })
    }
}

/// The mirror this machine already uses for Debian itself, else Debian's own. Works without package lists.
fn mirror() -> String {
    const NAMES: [&str; 6] = ["bookworm", "trixie", "forky", "oldstable", "stable", "testing"];
    let mut ask = Command::new("apt-get");
    let said = program::run(ask.args(["indextargets", "--format", "$(SITE) $(RELEASE)"])).unwrap_or_default();
    let debian = said.lines().filter_map(|line| line.split_once(' ')).find(|(_, name)| NAMES.contains(name));
    debian.map_or("http://deb.debian.org/debian", |(site, _)| site).to_owned()
}

/// The way to the mirror that this machine's apt is set to, as an option for the tree's own.
fn proxy() -> Option<String> {
    let said = program::run(Command::new("apt-config").args(["dump", "--format=%v", "Acquire::http::Proxy"]))
        .ok()?;
    (!said.trim().is_empty()).then(|| format!("--aptopt=Acquire::http::Proxy \"{}\"", said.trim()))
}

/// Downloads packages of this machine's release and unpacks them into `folder`; nothing is installed.
fn unpack(packages: &[String], folder: &Path) -> Result<()> {
    let download = || {
        let mut get = Command::new("apt-get");
        get.args(["-qq", "-o", "APT::Sandbox::User=root", "download"]).args(packages).current_dir(folder);
        program::run(&mut get)
    };
    if download().is_err() {
        // A fresh image has no package lists yet.
        program::run(Command::new("apt-get").args(["-qq", "update"])).map_err(mirror_missing)?;
        download().map_err(mirror_missing)?;
    }
    let entries = fs::read_dir(folder).map_err(Error::io(format!("list {}", folder.display())))?;
    for file in entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "deb"))
    {
        program::run(Command::new("dpkg").arg("-x").arg(&file).arg(folder))?;
        fs::remove_file(&file).map_err(Error::io(format!("remove {}", file.display())))?;
    }
    Ok(())
}

fn mirror_missing(error: Error) -> Error {
    Error::Missing(format!(
        "the package mirror does not answer; apt-get update must work here: {}",
        error.chain()
    ))
}

/// Packages with the Perl modules that mmdebstrap uses, when this machine has perl-base only.
fn missing_perl_modules() -> Result<Vec<String>> {
    let mut probe = Command::new("perl");
    probe.args(["-MPod::Usage", "-MMath::BigInt", "-MTime::HiRes", "-MFile::Find", "-e", "1"]);
    if program::run(&mut probe).is_ok() {
        return Ok(Vec::new());
    }
    let version = program::run(Command::new("perl").args(["-e", "printf '%vd', $^V"]))?;
    let (major_minor, _) = version.rsplit_once('.').unwrap_or((&version, ""));
    Ok(vec![format!("perl-modules-{major_minor}"), format!("libperl{major_minor}")])
}

/// Where unpacked Perl modules are, for PERL5LIB.
fn perl_folders(root: &Path) -> String {
    let found = ["usr/share/perl", "usr/lib/x86_64-linux-gnu/perl"].map(|below| {
        let versions = fs::read_dir(root.join(below)).into_iter().flatten().flatten();
        versions.map(|entry| entry.path().to_string_lossy().into_owned()).collect::<Vec<_>>()
    });
    found.concat().join(":")
}
