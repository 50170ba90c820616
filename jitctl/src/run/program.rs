//! Which program a command means, and whether the role allows it.
//!
//! PATH has no say in it. Its directories may be anybody's, so a program found there would run as root by a path that
//! sudo's own secure_path (sudoers(5)) was never asked about.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jit_common::response::SudoView;

/// How a role that gives every command is shown.
const ALL: &str = "ALL";

/// A program that may be there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// A bare word: the role knows its path, or sudo looks it up.
    Word(OsString),
    /// A path.
    At {
        /// As it was typed, made absolute.
        path: PathBuf,
        /// The same file by the real name of its directory: where `/bin` is a link, a role says `/usr/bin`.
        real: PathBuf,
    },
}

/// What became of looking for a program. The sentences say why not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is there, or only sudo can tell.
    Yes(Program),
    /// It is there but cannot be run.
    NotRunnable(String),
    /// It is not there.
    Nowhere(String),
}

impl Program {
    /// What `name` means. Only a path is looked for.
    pub(super) fn find(name: &OsStr) -> Found {
        let shown = name.to_string_lossy();
        if name.is_empty() {
            return Found::Nowhere("the command is empty".to_owned());
        }
        if !shown.contains('/') {
            return Found::Yes(Self::Word(name.to_owned()));
        }
        // A path that cannot be made absolute (the directory we stand in is gone) is looked for as it is.
        let path = std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name));
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {
                Found::Yes(Self::At { real: real(&path), path })
            }
            Ok(found) if found.is_file() => {
                Found::NotRunnable(format!("{} cannot be run: it is not executable", path.display()))
            }
            Ok(_) | Err(_) => Found::Nowhere(format!("the command {shown} was not found")),
        }
    }

    /// The program as one would type it.
    pub(super) fn name(&self) -> &OsStr {
        match self {
            Self::Word(word) => word,
            Self::At { path, .. } => path.as_os_str(),
        }
    }

    /// What sudo is to run, when the role allows it with these arguments: of a bare word the role's own path, or the word
    /// itself where the role gives everything, for sudo to look up.
    ///
    /// sudo decides; this only spares a person a refusal of sudo's that does not say what would be allowed.
    pub(super) fn allowed_by(&self, sudo: &SudoView, args: &[OsString]) -> Option<OsString> {
        if sudo.commands.iter().any(|command| command == ALL) {
            return Some(self.name().to_owned());
        }
        let mut commands =
            sudo.commands.iter().map(|command| command.split_once(' ').unwrap_or((command, "")));
        let allowed = commands.find(|(path, rest)| self.is(path) && (*rest == "..." || *rest == words(args)));
        allowed.map(|(path, _)| OsString::from(path))
    }

    /// Whether it is the program of a role with this path.
    fn is(&self, of_role: &str) -> bool {
        let of_role = Path::new(of_role);
        match self {
            Self::Word(word) => of_role.file_name() == Some(word),
            Self::At { path, real } => path == of_role || real == of_role,
        }
    }
}

/// sudo joins arguments with blanks before it compares them.
fn words(args: &[OsString]) -> String {
    args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<Cow<'_, str>>>().join(" ")
}

/// A call as one would type it.
pub(super) fn typed(program: &OsStr, args: &[OsString]) -> String {
    let (program, args) = (program.to_string_lossy(), words(args));
    if args.is_empty() { program.into_owned() } else { format!("{program} {args}") }
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
        Program::At { path: path.into(), real: path.into() }
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
        let program = Program::At { path: "/bin/id".into(), real: "/usr/bin/id".into() };
        let mut sudo = samples::sudo();
        sudo.commands = vec!["/usr/bin/id".to_owned()];
        assert_eq!(program.allowed_by(&sudo, &[]), Some("/usr/bin/id".into()));
    }

    #[test]
    fn a_bare_word_is_the_roles_own_program_or_left_to_sudo() {
        // The tests run with a PATH that has both of these: it is not looked at.
        let Found::Yes(id) = Program::find(OsStr::new("id")) else { panic!("a word is not looked for") };
        let mut sudo = samples::sudo();
        sudo.commands =
            vec!["/opt/odd/id -u".to_owned(), "/opt/site/id".to_owned(), "/opt/site/identify".to_owned()];
        assert_eq!(id.allowed_by(&sudo, &[]), Some("/opt/site/id".into()));
        assert_eq!(id.allowed_by(&sudo, &args(&["-u"])), Some("/opt/odd/id".into()));
        assert_eq!(id.allowed_by(&sudo, &args(&["-g"])), None);
        sudo.commands = vec!["/usr/bin/true".to_owned()];
        assert_eq!(id.allowed_by(&sudo, &[]), None);
        sudo.commands = vec!["ALL".to_owned()];
        assert_eq!(id.allowed_by(&sudo, &args(&["-u"])), Some("id".into()), "sudo has its secure_path");
    }

    #[test]
    fn a_path_is_looked_for() {
        let base = std::env::temp_dir().join(format!("jitctl-program-{}", std::process::id()));
        let (bin, link) = (base.join("bin"), base.join("link"));
        fs::create_dir_all(&bin).unwrap();
        symlink(&bin, &link).unwrap();
        let tool = link.join("tool");
        fs::write(&tool, "").unwrap();
        let find = |path: &Path| Program::find(path.as_os_str());
        assert!(matches!(find(&tool), Found::NotRunnable(_)), "not executable yet");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let real = fs::canonicalize(&bin).unwrap().join("tool");
        assert_eq!(find(&tool), Found::Yes(Program::At { path: tool.clone(), real }));
        assert!(matches!(find(&bin.join("nothing")), Found::Nowhere(_)));
        assert!(matches!(find(Path::new("")), Found::Nowhere(_)));
        assert!(matches!(find(&base), Found::Nowhere(_)), "a directory is no program");
        fs::remove_dir_all(&base).unwrap();
    }
}
