//! Which C library the built programs need: a program built on a newer Debian does not start on an older one.

use std::path::Path;
use std::process::Command;

use crate::{Error, Result, program};

/// A version of glibc.
pub type Glibc = (u32, u32);

/// The newest glibc version that any of the files refers to.
///
/// # Errors
/// When readelf (of binutils, which gcc needs) cannot read one.
pub fn glibc_needed<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<Glibc> {
    let mut newest = (2, 0);
    for file in files {
        let said = program::run(Command::new("readelf").args(["--version-info", "--wide"]).arg(file))?;
        newest = said.split_whitespace().filter_map(version).fold(newest, Glibc::max);
    }
    Ok(newest)
}

/// Says no when programs that need `needed` cannot start where `has` is installed.
///
/// # Errors
/// [`Error::Missing`], because another build machine is what it takes.
pub fn check(needed: Glibc, has: Glibc, release: crate::Release) -> Result<()> {
    if needed <= has {
        return Ok(());
    }
    Err(Error::Missing(format!(
        "programs built on this machine need glibc {}.{} and {release} has {}.{}: build and test on {release}",
        needed.0, needed.1, has.0, has.1
    )))
}

/// Reads `GLIBC_2.34` as (2, 34).
fn version(word: &str) -> Option<Glibc> {
    let mut numbers = word.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    match (numbers.next()?, numbers.next()?) {
        (Ok(major), Ok(minor)) => Some((major, minor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Glibc, version};

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("GLIBC_2.34"), Some((2, 34)));
        assert_eq!(version("GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(version("GLIBC_PRIVATE"), None);
        assert!(Glibc::max((2, 9), (2, 34)) == (2, 34));
    }
}
