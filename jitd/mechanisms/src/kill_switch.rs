//! The mark that the kill switch is thrown, beside the record: it holds over a restart of jitd even when the record could
//! not be written.

use jit_common::escape::escaped;

use crate::dir::{Dir, DirError, Durability, Entry};
use crate::paths::{HostPaths, name_of};

/// Longer than this is no mark of ours; it locks all the same.
const SIZE_MAX: u64 = 4096;

/// Whether the mark stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It does, and says who threw the switch, as far as it can be read.
    Thrown(String),
    /// It does not.
    NotThrown,
}

/// Sets the mark, naming who threw the switch. It is on tmpfs, so a full disk does not stand in its way.
///
/// # Errors
/// It may not stand.
pub fn set(paths: &HostPaths, by: &str) -> Result<(), DirError> {
    let text = format!("{}\n", escaped(by));
    let dir = Dir::open_or_make(&paths.run_dir, paths.owner, 0o755)?;
    dir.replace(name_of(&paths.locked_mark), text.as_bytes(), 0o600, Durability::ThisBoot)
}

/// Takes the mark away.
///
/// # Errors
/// It may still stand.
pub fn clear(paths: &HostPaths) -> Result<(), DirError> {
    match Dir::open(&paths.run_dir, paths.owner) {
        Ok(dir) => dir.unlink(name_of(&paths.locked_mark)).map(|_| ()),
        Err(DirError::Missing { .. }) => Ok(()),
        Err(why) => Err(why),
    }
}

/// Reads the mark. Whatever stands under its name is one: nobody but root can put anything there.
///
/// # Errors
/// It cannot be known whether it stands.
pub fn read(paths: &HostPaths) -> Result<Mark, DirError> {
    let dir = match Dir::open(&paths.run_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(Mark::NotThrown),
        Err(why) => return Err(why),
    };
    Ok(match dir.read(name_of(&paths.locked_mark), SIZE_MAX)? {
        Entry::Missing => Mark::NotThrown,
        Entry::File(content) => Mark::Thrown(String::from_utf8_lossy(&content.bytes).trim_end().to_owned()),
        Entry::Strange(why) => Mark::Thrown(format!("{} ({why})", paths.locked_mark.display())),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_mark_stands_until_it_is_taken_away() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        assert_eq!(read(&paths).unwrap(), Mark::NotThrown);
        clear(&paths).unwrap();
        set(&paths, "olga\x1b").unwrap();
        assert_eq!(read(&paths).unwrap(), Mark::Thrown("olga\\u{1b}".into()));
        clear(&paths).unwrap();
        assert_eq!(read(&paths).unwrap(), Mark::NotThrown);
    }
}
