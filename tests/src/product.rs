//! The product in a bed: installed from the manifest, started, given a policy.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::manifest::{self, Kind, Manifest};
use crate::rootns::{Ground, next_number};
use crate::{Error, Inside, Output, Release, Result, RootBed, Running, cache, elf, trees, until};

/// How long a daemon may take to be ready, on a machine that is busy with other things. One that ends is noticed at once.
const READY: Duration = Duration::from_secs(60);

/// Where jitd listens.
pub const SOCKET: &str = "/run/jit/jitd.sock";

/// All files of the product as a layer to put over the release's tree.
///
/// # Errors
/// When the workspace does not build, the manifest is not right, or the programs cannot run on the release.
pub fn layer(release: Release) -> Result<cache::Entry> {
    let manifest = Manifest::load()?;
    elf::check(glibc_needed(&manifest)?, release.glibc(), release)?;
    let mut recipe = format!("{manifest:?}");
    for entry in &manifest.files {
        let source = entry.source()?;
        let data = source.metadata().map_err(Error::io(format!("look at {}", source.display())))?;
        // A new build is a new file.
        let _ =
            write!(recipe, "\n{} {} {}.{:09}", source.display(), data.len(), data.mtime(), data.mtime_nsec());
    }
    cache::entry("product", &recipe, |folder| manifest.lay_out(folder))
}

/// Looked at once per process: the programs do not change after they were built.
fn glibc_needed(manifest: &Manifest) -> Result<elf::Glibc> {
    static NEEDED: OnceLock<elf::Glibc> = OnceLock::new();
    if let Some(&needed) = NEEDED.get() {
        return Ok(needed);
    }
    let programs = manifest.files.iter().filter(|entry| matches!(entry.kind, Kind::Program | Kind::Library));
    let sources = programs.map(|entry| entry.source()).collect::<Result<Vec<_>>>()?;
    let needed = elf::glibc_needed(sources.iter().map(PathBuf::as_path))?;
    Ok(*NEEDED.get_or_init(|| needed))
}

impl RootBed {
    /// A bed with the product installed as its package does it, not started, and with no policy.
    ///
    /// # Errors
    /// [`Error::Missing`] when this machine cannot have beds; else when the product does not build or install.
    pub fn with_product(release: Release) -> Result<RootBed> {
        RootBed::installed(release, Ground::Memory)
    }

    /// As [`RootBed::with_product`], and its files lie on the disk of this machine: a sync is one.
    ///
    /// # Errors
    /// As [`RootBed::with_product`].
    pub fn with_product_on_disk(release: Release) -> Result<RootBed> {
        RootBed::installed(release, Ground::disk()?)
    }

    fn installed(release: Release, ground: Ground) -> Result<RootBed> {
        let bed = RootBed::over(release, vec![layer(release)?, trees::tree(release)?], ground)?;
        bed.install()?.ok()?;
        Ok(bed)
    }

    /// Starts jitd as root, without systemd, and waits until it is ready and takes connections. What it prints is shown when the
    /// test fails.
    ///
    /// # Errors
    /// When it ends, or is not ready within a minute.
    pub fn start_jitd(&self) -> Result<Running> {
        let jitd = self.start_notifying(&["/usr/sbin/jitd"])?;
        until("jitd to listen", READY, || UnixStream::connect(self.outside(SOCKET)).ok())?;
        Ok(jitd)
    }

    /// Starts jit-guard as root, without systemd, as its unit does it: once with `--boot`, then for good; waits for its first look.
    ///
    /// # Errors
    /// When `--boot` fails, it ends, or it is not ready within a minute.
    pub fn start_guard(&self) -> Result<Running> {
        self.run(&["/usr/sbin/jit-guard", "--boot"])?.ok()?;
        self.start_notifying(&["/usr/sbin/jit-guard"])
    }

    /// Starts a daemon and waits for its word that it is ready, as systemd would (sd_notify(3)).
    ///
    /// # Errors
    /// When it ends before, or does not say so within a minute.
    pub fn start_notifying(&self, words: &[&str]) -> Result<Running> {
        let path = format!("/run/ready-{}", next_number());
        let socket =
            UnixDatagram::bind(self.outside(&path)).map_err(Error::io(format!("make the socket {path}")))?;
        socket.set_nonblocking(true).map_err(Error::io(format!("set up the socket {path}")))?;
        let daemon = self.command(words).env("NOTIFY_SOCKET", &path).spawn()?;
        let said = until(&format!("{} to be ready", words.join(" ")), READY, || {
            let mut message = [0_u8; 4096];
            let count = socket.recv(&mut message).unwrap_or(0);
            let text = String::from_utf8_lossy(message.get(..count).unwrap_or_default());
            let ready = text.lines().any(|line| line == "READY=1");
            if ready { Some(Ok(())) } else { (!daemon.is_running()).then(|| Err(daemon.story())) }
        })?;
        said.map_err(|story| Error::Program {
            command: words.join(" "),
            status: "ended before it was ready".to_owned(),
            output: story,
        })?;
        Ok(daemon)
    }
}

impl Inside {
    /// Runs the package's script that makes unpacked files work, as a first installation does.
    ///
    /// # Errors
    /// When it cannot be run. What it says against the host is in the [`Output`].
    pub fn install(&self) -> Result<Output> {
        self.command(&["/bin/sh", "-s", "configure"]).input(&manifest::script("postinst")?).run()
    }

    /// Writes one file of the policy; jitd reads it when it starts or is told to (SIGHUP).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn policy(&self, name: &str, text: &str) -> Result<()> {
        self.write_mode(&format!("/etc/jit/policy.d/{name}"), text, 0o644)
    }

    /// Runs jitctl as a user, without a terminal.
    ///
    /// # Errors
    /// As [`Inside::run`].
    pub fn jitctl(&self, user: &str, words: &[&str]) -> Result<Output> {
        self.as_user(user, &[&["jitctl"], words].concat())
    }
}
