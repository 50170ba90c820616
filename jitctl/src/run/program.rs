//! Which program a command means, and whether the role allows it.

use std::borrow::Cow;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jit_common::response::SudoView;

/// Where the tools of an administrator are, which the PATH of an ordinary account often leaves out.
const ADMIN: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// A program that can be run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// As it was found.
    path: PathBuf,
    /// The same file by the real name of its directory: where `/bin` is a link, a role says `/usr/bin`.
    real: PathBuf,
}

/// What became of looking for a program. The sentences say why not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is there.
    Yes(Program),
    /// It is there but cannot be run.
    NotRunnable(String),
    /// It is not there.
    Nowhere(String),
}

impl Program {
    /// Looks `name` up as a shell does, but never in a directory of PATH that is not absolute: what runs as root must
    /// not depend on where one stands.
    pub(super) fn find(name: &OsStr) -> Found {
        let path = env::var_os("PATH").unwrap_or_default();
        find_in(name, &[path.as_os_str(), OsStr::new(ADMIN)])
    }

    /// The program as it was found.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path to run it by, when the role allows it with these arguments.
    ///
    /// sudo decides; this only spares a person a refusal of sudo's that does not say what would be allowed.
    pub(super) fn allowed_by(&self, sudo: &SudoView, args: &[OsString]) -> Option<&Path> {
        [&self.path, &self.real]
            .into_iter()
            .find(|path| sudo.commands.iter().any(|command| allows(command, path, args)))
            .map(PathBuf::as_path)
    }
}

/// Whether a command of a role, as it is shown, is this call. In a role no word holds a blank.
fn allows(command: &str, path: &Path, args: &[OsString]) -> bool {
    if command == "ALL" {
        return true;
    }
    let (allowed, rest) = command.split_once(' ').unwrap_or((command, ""));
    path == Path::new(allowed) && (rest == "..." || rest == words(args))
}

/// sudo joins arguments with blanks before it compares them.
fn words(args: &[OsString]) -> String {
    args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<Cow<'_, str>>>().join(" ")
}

/// A call as one would type it.
pub(super) fn typed(path: &Path, args: &[OsString]) -> String {
    let args = words(args);
    if args.is_empty() { path.display().to_string() } else { format!("{} {args}", path.display()) }
}

fn find_in(name: &OsStr, paths: &[&OsStr]) -> Found {
    let shown = name.to_string_lossy();
    if name.is_empty() {
        return Found::Nowhere("the command is empty".to_owned());
    }
    let candidates: Vec<PathBuf> = if shown.contains('/') {
        // A path that cannot be made absolute (the directory we stand in is gone) is looked for as it is.
        vec![std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name))]
    } else {
        let dirs = paths.iter().flat_map(env::split_paths).filter(|dir| dir.is_absolute());
        dirs.map(|dir| dir.join(name)).collect()
    };
    let exists: Vec<PathBuf> = candidates.into_iter().filter(|path| is_file(path)).collect();
    match exists.iter().find(|path| is_executable(path)) {
        Some(path) => Found::Yes(Program { real: real(path), path: path.clone() }),
        None => match exists.first() {
            Some(path) => {
                Found::NotRunnable(format!("{} cannot be run: it is not executable", path.display()))
            }
            None => Found::Nowhere(format!("the command {shown} was not found")),
        },
    }
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// The same file by the real name of its directory. The file itself may be a link: that is what the role names then.
fn real(path: &Path) -> PathBuf {
    let resolved = path.parent().zip(path.file_name()).and_then(|(dir, name)| {
        let dir = fs::canonicalize(dir).ok()?;
        Some(dir.join(name))
    });
    resolved.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::show::samples;

    fn args(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn program(path: &str) -> Program {
        Program { path: path.into(), real: path.into() }
    }

    #[test]
    fn exactly_what_the_role_says_is_allowed() {
        let mut sudo = samples::sudo();
        let systemctl = program("/usr/bin/systemctl");
        assert!(systemctl.allowed_by(&sudo, &args(&["restart", "nginx"])).is_some());
        assert!(systemctl.allowed_by(&sudo, &args(&["restart"])).is_none());
        assert!(systemctl.allowed_by(&sudo, &args(&["restart", "nginx", "-f"])).is_none());
        assert!(program("/tmp/systemctl").allowed_by(&sudo, &args(&["restart", "nginx"])).is_none());
        sudo.commands = vec!["/usr/bin/id".to_owned(), "/usr/bin/env ...".to_owned()];
        assert!(program("/usr/bin/id").allowed_by(&sudo, &[]).is_some());
        assert!(
            program("/usr/bin/id").allowed_by(&sudo, &args(&["-u"])).is_none(),
            "no arguments means none"
        );
        assert!(program("/usr/bin/env").allowed_by(&sudo, &args(&["a", "b"])).is_some());
        sudo.commands = vec!["ALL".to_owned()];
        assert!(program("/anything").allowed_by(&sudo, &args(&["x"])).is_some());
    }

    #[test]
    fn the_path_that_the_role_knows_is_run() {
        let program = Program { path: "/bin/id".into(), real: "/usr/bin/id".into() };
        let mut sudo = samples::sudo();
        sudo.commands = vec!["/usr/bin/id".to_owned()];
        assert_eq!(program.allowed_by(&sudo, &[]), Some(Path::new("/usr/bin/id")));
    }

    #[test]
    fn programs_are_found_in_absolute_directories_only() {
        let base = env::temp_dir().join(format!("jitctl-program-{}", std::process::id()));
        let (bin, link) = (base.join("bin"), base.join("link"));
        fs::create_dir_all(&bin).unwrap();
        symlink(&bin, &link).unwrap();
        let tool = bin.join("tool");
        fs::write(&tool, "").unwrap();
        let path = env::join_paths([Path::new("."), Path::new("bin"), &link]).unwrap();
        let find = |name: &str| find_in(OsStr::new(name), &[&path]);
        assert!(matches!(find("tool"), Found::NotRunnable(_)), "not executable yet");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let real = fs::canonicalize(&bin).unwrap().join("tool");
        assert_eq!(find("tool"), Found::Yes(Program { path: link.join("tool"), real }));
        assert!(matches!(find("nothing"), Found::Nowhere(_)));
        assert!(matches!(find(""), Found::Nowhere(_)));
        assert!(matches!(find(&base.display().to_string()), Found::Nowhere(_)), "a directory is no program");
        assert!(matches!(find_in(OsStr::new("tool"), &[OsStr::new("bin:.")]), Found::Nowhere(_)));
        fs::remove_dir_all(&base).unwrap();
    }
}
