//! Things that take long to make and are kept under `target/beds`: made once, by whoever comes first, and never half.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Error, Result};

/// One thing in the cache. While any process holds it, nobody deletes it.
#[derive(Debug, Clone)]
pub struct Entry {
    path: PathBuf,
    _lock: Arc<File>,
}

impl Entry {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder of the cache: `JIT_BEDS_DIR`, else `beds` in the target folder of the cargo call that started us.
///
/// # Errors
/// When this program does not run from a target folder, or the folder cannot be made.
pub fn folder() -> Result<PathBuf> {
    let path = match std::env::var_os("JIT_BEDS_DIR") {
        Some(path) => PathBuf::from(path),
        None => target()?.join("beds"),
    };
    fs::create_dir_all(&path).map_err(Error::io(format!("create {}", path.display())))?;
    let path = path.canonicalize().map_err(Error::io(format!("resolve {}", path.display())))?;
    if path.to_string_lossy().contains([',', ':', '\\']) {
        return Err(Error::Missing(format!(
            "the folder {} has a comma, colon or backslash in its name, which overlay mounts do not take: set JIT_BEDS_DIR to another",
            path.display()
        )));
    }
    Ok(path)
}

/// What cargo leaves in its target folder. The first only when it made the folder itself.
const MARKS: [&str; 2] = ["CACHEDIR.TAG", ".rustc_info.json"];

/// cargo's target folder: the nearest folder above this program that cargo has marked.
///
/// # Errors
/// When there is none.
pub fn target() -> Result<PathBuf> {
    let exe = std::env::current_exe().map_err(Error::io("find this program's path"))?;
    let found = exe.ancestors().find(|folder| MARKS.iter().any(|mark| folder.join(mark).is_file()));
    found
        .map(Path::to_owned)
        .ok_or_else(|| Error::Odd(format!("{} is not in a target folder of cargo", exe.display())))
}

/// The thing called `name` whose contents are fully said by `recipe`; `make` fills an empty folder with it if it is not there yet.
///
/// # Errors
/// Whatever `make` says, or a failure of the file system.
pub fn entry(name: &str, recipe: &str, make: impl Fn(&Path) -> Result<()>) -> Result<Entry> {
    let folder = folder()?;
    let key = format!("{name}-{:016x}", fingerprint(recipe));
    let path = folder.join(&key);
    let lock_path = folder.join(format!("{key}.lock"));
    let lock = File::create(&lock_path).map_err(Error::io(format!("create {}", lock_path.display())))?;
    let locked = || format!("lock {}", lock_path.display());
    loop {
        lock.lock_shared().map_err(Error::io(locked()))?;
        if path.is_dir() {
            return Ok(Entry { path, _lock: Arc::new(lock) });
        }
        lock.unlock().map_err(Error::io(locked()))?;
        lock.lock().map_err(Error::io(locked()))?;
        if !path.is_dir() {
            drop_older(&folder, name, &key);
            let unfinished = folder.join(format!("{key}.part"));
            empty(&unfinished)?;
            make(&unfinished)?;
            fs::rename(&unfinished, &path).map_err(Error::io(format!("rename {}", unfinished.display())))?;
        }
        lock.unlock().map_err(Error::io(locked()))?;
    }
}

/// Makes `path` an empty folder, whatever was there before.
fn empty(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(Error::io(format!("remove {}", path.display())))?;
    }
    fs::create_dir_all(path).map_err(Error::io(format!("create {}", path.display())))
}

/// Deletes what earlier recipes of the same name made, if no process uses it.
fn drop_older(folder: &Path, name: &str, keep: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let Some(key) = file_name.to_str().and_then(|file| file.strip_suffix(".lock")) else { continue };
        let same_name = key.rsplit_once('-').is_some_and(|(front, _)| front == name);
        if !same_name || key == keep {
            continue;
        }
        let Ok(lock) = File::open(entry.path()) else { continue };
        if lock.try_lock().is_ok() {
            // Left for the next time if it does not work: it only costs disk.
            let _ = fs::remove_dir_all(folder.join(key));
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// FNV-1a: the same on every machine and with every compiler.
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
