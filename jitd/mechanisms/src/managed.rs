//! `/var/lib/jit/managed`: who gets in by a grant alone, as the PAM module reads it ([`jit_common::managed`]).
//!
//! It lies with what outlives a reboot, for it has to hold before jitd runs. Only root comes into that folder, and so do the
//! programs whose stacks it is for.

use jit_common::managed::{LONGEST, Managed};

use crate::dir::{Dir, DirError, Durability, Entry};
use crate::paths::{HostPaths, STATE_DIR_MODE, name_of};

/// Its mode: nobody but root may write it.
const MODE: u32 = 0o644;

/// Whether it was so already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was.
    AsItShouldBe,
    /// It is now.
    MadeSo,
}

/// Makes the file say this. Where nobody is managed there is none.
///
/// # Errors
/// It may not say so: the PAM module goes by what it said before, or by nothing.
pub fn converge(paths: &HostPaths, managed: &Managed) -> Result<Found, DirError> {
    let dir = Dir::open_or_make(&paths.state_dir, paths.owner, STATE_DIR_MODE)?;
    let name = name_of(&paths.managed);
    if managed.services.is_empty() {
        return match dir.unlink(name)? {
            true => dir.sync().map(|()| Found::MadeSo),
            false => Ok(Found::AsItShouldBe),
        };
    }
    let text = managed.render();
    match dir.read(name, LONGEST)? {
        Entry::File(content)
            if content.bytes == text.as_bytes()
                && content.mode == MODE
                && content.is_only_of(paths.owner) =>
        {
            Ok(Found::AsItShouldBe)
        }
        Entry::Missing | Entry::File(_) | Entry::Strange(_) => {
            dir.replace(name, text.as_bytes(), MODE, Durability::AcrossReboot)?;
            Ok(Found::MadeSo)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use jit_common::managed::Service;

    use super::*;
    use crate::scratch::Scratch;

    fn managed() -> Managed {
        Managed { services: [Service::Sudo].into(), users: ["alice".to_owned()].into(), ..Managed::default() }
    }

    #[test]
    fn it_says_what_the_policy_says_whatever_others_made_of_it() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let read = || Managed::parse(&fs::read_to_string(&paths.managed).unwrap()).unwrap();
        assert_eq!(converge(&paths, &Managed::default()).unwrap(), Found::AsItShouldBe);
        assert_eq!(converge(&paths, &managed()).unwrap(), Found::MadeSo);
        assert_eq!((converge(&paths, &managed()).unwrap(), read()), (Found::AsItShouldBe, managed()));

        fs::write(&paths.managed, "jit-managed 1\nend\n").unwrap();
        assert_eq!((converge(&paths, &managed()).unwrap(), read()), (Found::MadeSo, managed()));
        fs::set_permissions(&paths.managed, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(converge(&paths, &managed()).unwrap(), Found::MadeSo);
        assert_eq!(fs::metadata(&paths.managed).unwrap().permissions().mode() & 0o7777, MODE);

        let victim = scratch.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::remove_file(&paths.managed).unwrap();
        symlink(&victim, &paths.managed).unwrap();
        assert_eq!((converge(&paths, &managed()).unwrap(), read()), (Found::MadeSo, managed()));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

        assert_eq!(converge(&paths, &Managed::default()).unwrap(), Found::MadeSo);
        assert!(!paths.managed.exists());
    }
}
