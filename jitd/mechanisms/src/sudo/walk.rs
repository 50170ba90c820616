//! Follows a command's path the way the kernel does, and says where somebody other than root could change what runs.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (path_resolution(7)).
const LINKS_MAX: u32 = 40;

/// Checks `path` in the tree at `root`; `Err` is a sentence.
///
/// Every directory on the way, every directory that holds a link on the way, and the program itself have to belong to
/// `owner` and be writable by nobody else. (With an ACL, the group bits are its mask: a writer it adds shows there.)
pub(super) fn check_program(root: &Path, owner: u32, path: &Path) -> Result<(), String> {
    match walk(root, owner, path)? {
        Found::Inside { at, meta } => check_kind(&meta, &at),
        Found::Above(_) => Err(format!("{} is a directory, not a program", path.display())),
    }
}

/// The folder that `path` leads to, through links as well, where everything on the way is `owner`'s alone; `Err` is a sentence.
///
/// # Errors
/// When it is no folder, or others could change where it leads.
pub fn folder_at(path: &Path, owner: u32) -> Result<PathBuf, String> {
    folder_in(Path::new("/"), owner, path)
}

fn folder_in(root: &Path, owner: u32, path: &Path) -> Result<PathBuf, String> {
    match walk(root, owner, path)? {
        Found::Inside { at, meta } if !meta.is_dir() => Err(format!("{} is not a directory", at.display())),
        Found::Inside { at, .. } | Found::Above(at) => Ok(at),
    }
}

/// Where a path leads.
enum Found {
    /// To something that its last name names.
    Inside { at: PathBuf, meta: Metadata },
    /// To a directory that was on the way.
    Above(PathBuf),
}

fn walk(root: &Path, owner: u32, path: &Path) -> Result<Found, String> {
    let mut left: VecDeque<OsString> = names(path);
    let mut inside = PathBuf::from("/");
    let mut links = 0;
    check_own(&look(root, &inside)?, owner, &inside)?;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            inside.pop();
            continue;
        }
        let here = inside.join(&name);
        let meta = look(root, &here)?;
        if meta.is_symlink() {
            links += 1;
            if links > LINKS_MAX {
                return Err(format!("{} goes through more than {LINKS_MAX} links", path.display()));
            }
            if meta.uid() != owner {
                return Err(format!(
                    "{} is a link that belongs to uid {}, not {owner}",
                    here.display(),
                    meta.uid()
                ));
            }
            let target = fs::read_link(under(root, &here)).map_err(|why| cannot(&here, &why))?;
            if target.is_absolute() {
                inside = PathBuf::from("/");
            }
            for part in names(&target).into_iter().rev() {
                left.push_front(part);
            }
            continue;
        }
        check_own(&meta, owner, &here)?;
        if left.is_empty() {
            return Ok(Found::Inside { at: here, meta });
        }
        if !meta.is_dir() {
            return Err(format!("{} is not a directory", here.display()));
        }
        inside = here;
    }
    Ok(Found::Above(inside))
}

/// The parts of a path; `..` stays one, because what it means depends on where a link led.
fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

fn under(root: &Path, inside: &Path) -> PathBuf {
    root.join(inside.strip_prefix("/").unwrap_or(inside))
}

fn look(root: &Path, inside: &Path) -> Result<Metadata, String> {
    fs::symlink_metadata(under(root, inside)).map_err(|why| cannot(inside, &why))
}

fn cannot(path: &Path, why: &std::io::Error) -> String {
    if why.kind() == std::io::ErrorKind::NotFound {
        format!("{} does not exist on this host", path.display())
    } else {
        format!("{} cannot be looked at: {why}", path.display())
    }
}

fn check_own(meta: &Metadata, owner: u32, path: &Path) -> Result<(), String> {
    let mode = meta.permissions().mode() & 0o7777;
    if meta.uid() != owner {
        return Err(format!(
            "{} belongs to uid {}, not {owner}, who could change what is there",
            path.display(),
            meta.uid()
        ));
    }
    if mode & 0o022 != 0 {
        return Err(format!("{} has mode {mode:04o}, so others could change what is there", path.display()));
    }
    Ok(())
}

fn check_kind(meta: &Metadata, path: &Path) -> Result<(), String> {
    if !meta.is_file() {
        return Err(format!("{} is not a regular file", path.display()));
    }
    if meta.permissions().mode() & 0o111 == 0 {
        return Err(format!("{} is not executable", path.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::scratch::Scratch;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A merged-usr tree: `/bin -> usr/bin`, a program, and links to it.
    fn tree() -> (Scratch, u32) {
        let scratch = Scratch::new();
        let root = scratch.path();
        for dir in ["usr", "usr/bin", "opt", "etc/alternatives"] {
            fs::create_dir(root.join(dir)).unwrap();
            mode(&root.join(dir), 0o755);
        }
        symlink("usr/bin", root.join("bin")).unwrap();
        fs::write(root.join("usr/bin/prog"), "").unwrap();
        mode(&root.join("usr/bin/prog"), 0o755);
        symlink("/etc/alternatives/p", root.join("usr/bin/p")).unwrap();
        symlink("/usr/bin/../bin/prog", root.join("etc/alternatives/p")).unwrap();
        let owner = fs::metadata(root).unwrap().uid();
        (scratch, owner)
    }

    #[test]
    fn a_program_is_good_through_merged_usr_and_alternatives() {
        let (scratch, owner) = tree();
        for path in ["/usr/bin/prog", "/bin/prog", "/usr/bin/p", "/bin/p"] {
            assert_eq!(check_program(scratch.path(), owner, Path::new(path)), Ok(()), "{path}");
        }
    }

    #[test]
    fn whoever_could_change_what_runs_is_seen_wherever_it_is() {
        let spoil: [(&str, &str, u32); 5] = [
            ("/usr/bin/prog", "usr/bin/prog", 0o775),
            ("/bin/prog", "usr/bin", 0o757),
            ("/usr/bin/p", "etc/alternatives", 0o777),
            ("/usr/bin/p", "usr/bin/prog", 0o757),
            ("/bin/p", "", 0o770),
        ];
        for (path, spoilt, bits) in spoil {
            let (scratch, owner) = tree();
            mode(&scratch.path().join(spoilt), bits);
            let why = check_program(scratch.path(), owner, Path::new(path)).unwrap_err();
            assert!(why.contains("others could change"), "{spoilt}: {why}");
        }
        let (scratch, owner) = tree();
        assert!(
            check_program(scratch.path(), owner + 1, Path::new("/usr/bin/prog"))
                .unwrap_err()
                .contains("belongs")
        );
    }

    #[test]
    fn what_is_no_program_is_said() {
        let (scratch, owner) = tree();
        let root = scratch.path();
        symlink("loop", root.join("usr/bin/loop")).unwrap();
        fs::write(root.join("usr/bin/data"), "").unwrap();
        mode(&root.join("usr/bin/data"), 0o644);
        for (path, word) in [
            ("/usr/bin/none", "does not exist"),
            ("/usr/bin/loop", "links"),
            ("/usr/bin/data", "not executable"),
            ("/usr/bin", "not a regular file"),
            ("/usr/bin/prog/x", "not a directory"),
            ("/", "not a program"),
        ] {
            let why = check_program(root, owner, Path::new(path)).unwrap_err();
            assert!(why.contains(word), "{path}: {why}");
        }
    }

    #[test]
    fn a_folder_is_found_behind_links_that_only_its_owner_could_have_made() {
        let (scratch, owner) = tree();
        let root = scratch.path();
        let find = |path| folder_in(root, owner, Path::new(path));
        symlink("/opt", root.join("etc/log")).unwrap();
        symlink("/opt/..", root.join("etc/up")).unwrap();
        assert_eq!(find("/etc/log"), Ok("/opt".into()));
        assert_eq!(find("/bin"), Ok("/usr/bin".into()));
        assert_eq!(find("/etc/up"), Ok("/".into()));
        assert!(find("/usr/bin/p").unwrap_err().contains("not a directory"));
        assert!(find("/none").unwrap_err().contains("does not exist"));
        for (spoilt, bits) in [("etc", 0o775), ("opt", 0o770), ("opt", 0o1777)] {
            mode(&root.join(spoilt), bits);
            assert!(find("/etc/log").unwrap_err().contains("others could change"), "{spoilt}");
            mode(&root.join(spoilt), 0o755);
        }
        assert!(folder_in(root, owner + 1, Path::new("/etc/log")).unwrap_err().contains("belongs"));
    }
}
