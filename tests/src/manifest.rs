//! The install manifest, `systemd/install.toml`: which file goes where, with what mode and owner.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Error, Result, workspace};

/// The whole manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the Debian package says of itself.
    pub package: Package,
    /// Files to install.
    #[serde(rename = "file")]
    pub files: Vec<Entry>,
    /// Empty folders to install.
    #[serde(rename = "folder", default)]
    pub folders: Vec<Folder>,
    /// What sysusers and tmpfiles make on the host.
    #[serde(default)]
    pub made: Vec<Made>,
}

/// Fields of the Debian package's control file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Name of the package.
    pub name: String,
    /// Who to write to.
    pub maintainer: String,
    /// Archive section.
    pub section: String,
    /// Packages it needs beside the C library.
    pub depends: Vec<String>,
    /// One line.
    pub summary: String,
    /// More lines.
    pub description: Vec<String>,
}

/// One file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    from: String,
    /// Where it goes: an absolute path on the host.
    pub to: String,
    mode: String,
    #[serde(default = "root")]
    owner: String,
    #[serde(default = "root")]
    group: String,
    /// What kind of file it is.
    pub kind: Kind,
    /// Where the host finds it once visudo has agreed; for [`Kind::Sudoers`] alone.
    pub placed: Option<String>,
}

/// What a file is to the one who installs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An executable.
    Program,
    /// A shared object.
    Library,
    /// A unit of systemd.
    Unit,
    /// Anything else that the package alone changes.
    Data,
    /// Something to read and copy.
    Example,
    /// The admin's after the first installation.
    Settings,
    /// A part of sudoers, which visudo must agree with.
    Sudoers,
}

/// One empty folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Absolute path on the host.
    pub path: String,
    mode: String,
}

/// A folder or a group that the host makes itself after unpacking.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum Made {
    /// By tmpfiles.
    Folder {
        /// Absolute path on the host.
        path: String,
        /// Its permissions, octal.
        mode: String,
    },
    /// By sysusers.
    Group {
        /// Its name.
        group: String,
    },
}

fn root() -> String {
    "root".to_owned()
}

impl Manifest {
    /// Reads the manifest of this workspace.
    ///
    /// # Errors
    /// [`Error::Manifest`] with the line that is not right.
    pub fn load() -> Result<Manifest> {
        let path = folder().join("install.toml");
        let text = fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))?;
        let manifest: Manifest = toml::from_str(&text).map_err(|error| Error::Manifest(error.to_string()))?;
        for entry in &manifest.files {
            entry.check()?;
        }
        Ok(manifest)
    }

    /// Lays all files and folders out below `root`, as they will be on the host.
    ///
    /// # Errors
    /// When something that should be installed is not there, or the file system says no.
    pub fn lay_out(&self, root: &Path) -> Result<()> {
        for entry in &self.files {
            entry.lay_out(root)?;
        }
        for folder in &self.folders {
            let path = below(root, &folder.path)?;
            make_folders(root, &path)?;
            set_mode(&path, octal(&folder.mode)?)?;
        }
        Ok(())
    }
}

impl Entry {
    /// The file to install.
    ///
    /// # Errors
    /// When it is to be built and cannot be.
    pub fn source(&self) -> Result<PathBuf> {
        match self.from.strip_prefix("built:") {
            Some(name) => Ok(workspace::built()?.join(name)),
            None => Ok(folder().join(&self.from)),
        }
    }

    /// Its permission bits.
    ///
    /// # Errors
    /// [`Error::Manifest`] when they are not octal.
    pub fn mode(&self) -> Result<u32> {
        octal(&self.mode)
    }

    fn check(&self) -> Result<()> {
        self.mode()?;
        if (self.kind == Kind::Sudoers) != self.placed.is_some() {
            return Err(Error::Manifest(format!(
                "{}: `placed` goes with kind = \"sudoers\" and nothing else",
                self.to
            )));
        }
        if self.owner != "root" || self.group != "root" {
            return Err(Error::Manifest(format!(
                "{}: only root owns installed files until a need is shown",
                self.to
            )));
        }
        below(Path::new("/"), &self.to).map(drop)
    }

    fn lay_out(&self, root: &Path) -> Result<()> {
        let (from, to) = (self.source()?, below(root, &self.to)?);
        if let Some(above) = to.parent() {
            make_folders(root, above)?;
        }
        fs::copy(&from, &to).map_err(Error::io(format!("copy {} to {}", from.display(), to.display())))?;
        chown(&to, Some(0), Some(0)).map_err(Error::io(format!("give {} to root", to.display())))?;
        set_mode(&to, self.mode()?)
    }
}

/// The folder that mirrors install paths.
#[must_use]
pub fn folder() -> PathBuf {
    workspace::root().join("systemd")
}

/// One of the package's scripts: `postinst`, `prerm` or `postrm`.
///
/// # Errors
/// When it is not there.
pub fn script(name: &str) -> Result<String> {
    let path = folder().join("package").join(name);
    fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))
}

fn octal(text: &str) -> Result<u32> {
    u32::from_str_radix(text, 8).map_err(|_| Error::Manifest(format!("mode {text:?} is not an octal number")))
}

fn below(root: &Path, path: &str) -> Result<PathBuf> {
    match path.strip_prefix('/') {
        Some(rest) if !rest.split('/').any(|name| name == ".." || name.is_empty()) => Ok(root.join(rest)),
        _ => Err(Error::Manifest(format!("{path:?} is not a plain absolute path"))),
    }
}

/// Makes the folders down to `path`, each 0755 whatever the umask.
fn make_folders(root: &Path, path: &Path) -> Result<()> {
    let mut missing: Vec<&Path> =
        path.ancestors().take_while(|above| *above != root && !above.exists()).collect();
    while let Some(folder) = missing.pop() {
        fs::create_dir(folder).map_err(Error::io(format!("create {}", folder.display())))?;
        set_mode(folder, 0o755)?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(Error::io(format!("set the mode of {}", path.display())))
}
