//! Files of the bed, reached from outside without a process inside. Every path is resolved within the bed: a symbolic link in
//! there never leads to this machine's own files.

use std::fs::{File, Metadata, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::Inside;
use crate::{Error, Result, until};

impl Inside {
    /// The text of a file.
    ///
    /// # Errors
    /// When it is not there or is not text.
    pub fn read(&self, path: &str) -> Result<String> {
        let mut text = String::new();
        let mut file = self.open(path, OFlag::O_RDONLY)?;
        file.read_to_string(&mut text).map_err(Error::io(format!("read {path} in {}", self.title())))?;
        Ok(text)
    }

    /// Writes a file of root's with mode 0644 (or keeps the mode it has), and the folders above it.
    ///
    /// # Errors
    /// When the bed's file system says no.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        self.write_file(path, text.as_bytes()).map(drop)
    }

    /// Writes a file of root's with this mode, and the folders above it.
    ///
    /// # Errors
    /// When the bed's file system says no.
    pub fn write_mode(&self, path: &str, text: &str, mode: u32) -> Result<()> {
        let file = self.write_file(path, text.as_bytes())?;
        file.set_permissions(Permissions::from_mode(mode))
            .map_err(Error::io(format!("set the mode of {path} in {}", self.title())))
    }

    /// Copies a file of this machine into the bed, as root's with mode 0644.
    ///
    /// # Errors
    /// When it cannot be read here or written there.
    pub fn copy_in(&self, from: &Path, to: &str) -> Result<()> {
        let bytes = std::fs::read(from).map_err(Error::io(format!("read {}", from.display())))?;
        self.write_file(to, &bytes).map(drop)
    }

    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// When the bed's file system says no.
    pub fn make_folder(&self, path: &str) -> Result<()> {
        let mut above = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let parent =
                self.open(if above.is_empty() { "/" } else { &above }, OFlag::O_PATH | OFlag::O_DIRECTORY)?;
            match mkdirat(&parent, name, Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(Errno::EEXIST) => above = format!("{above}/{name}"),
                Err(errno) => {
                    return Err(Error::io(format!("create {above}/{name} in {}", self.title()))(errno));
                }
            }
        }
        Ok(())
    }

    /// Deletes a file. That it is not there is no error.
    ///
    /// # Errors
    /// When the bed's file system says no.
    pub fn remove(&self, path: &str) -> Result<()> {
        let (above, name) = split(path)?;
        let parent = match self.open(above, OFlag::O_PATH | OFlag::O_DIRECTORY) {
            Ok(parent) => parent,
            Err(_) if !self.exists(above) => return Ok(()),
            Err(error) => return Err(error),
        };
        match unlinkat(&parent, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(Error::io(format!("remove {path} in {}", self.title()))(errno)),
        }
    }

    /// True when the path leads to something.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.open(path, OFlag::O_PATH).is_ok()
    }

    /// Owner, mode, size … of what the path leads to.
    ///
    /// # Errors
    /// When it leads to nothing.
    pub fn metadata(&self, path: &str) -> Result<Metadata> {
        let file = self.open(path, OFlag::O_PATH)?;
        file.metadata().map_err(Error::io(format!("look at {path} in {}", self.title())))
    }

    /// The permission bits of a file, as in chmod(1).
    ///
    /// # Errors
    /// When it is not there.
    pub fn mode(&self, path: &str) -> Result<u32> {
        Ok(self.metadata(path)?.mode() & 0o7777)
    }

    /// Waits until the path leads to something.
    ///
    /// # Errors
    /// [`Error::Late`] after `limit`.
    pub fn wait_for_file(&self, path: &str, limit: Duration) -> Result<()> {
        until(&format!("{path} in {}", self.title()), limit, || self.exists(path).then_some(()))
    }

    /// A path on this machine that leads into the bed, for sockets. The path inside must have no symbolic links.
    #[must_use]
    pub fn outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.leader()))
    }

    fn write_file(&self, path: &str, bytes: &[u8]) -> Result<File> {
        self.make_folder(split(path)?.0)?;
        let mut file = self.open(path, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC)?;
        file.write_all(bytes).map_err(Error::io(format!("write {path} in {}", self.title())))?;
        Ok(file)
    }

    fn open(&self, path: &str, flags: OFlag) -> Result<File> {
        let root =
            File::open(self.outside("/")).map_err(Error::io(format!("open the root of {}", self.title())))?;
        let mut how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        if flags.contains(OFlag::O_CREAT) {
            how = how.mode(Mode::from_bits_truncate(0o644));
        }
        let file =
            openat2(&root, path, how).map_err(Error::io(format!("open {path} in {}", self.title())))?;
        Ok(File::from(file))
    }
}

/// A path's folder and last name.
fn split(path: &str) -> Result<(&str, &str)> {
    match path.rsplit_once('/') {
        Some((above, name)) if path.starts_with('/') && !name.is_empty() => {
            Ok((if above.is_empty() { "/" } else { above }, name))
        }
        _ => Err(Error::Odd(format!("{path:?} is not the absolute path of a file"))),
    }
}
