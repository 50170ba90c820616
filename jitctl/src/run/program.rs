//! Which program a command means, and by which part of the role it runs.
//!
//! PATH has no say in what runs as another account. Its directories may be anybody's, so a program found there would run
//! as root by a path that sudo's own secure_path (sudoers(5)) was never asked about. What runs as the person themself,
//! with a group, is looked for as their shell would.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jit_common::response::{GivesView, GroupView, SudoView};

/// How a role that gives every command is shown.
const ALL: &str = "ALL";

/// Where sudo looks for a bare word unless its `secure_path` says otherwise (sudoers(5); Debian's and Ubuntu's).
const USUAL: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

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

/// How sudo is to run a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As the account of the role: a command that it allows.
    Account {
        /// That account.
        run_as: String,
        /// The program as sudo is told it.
        program: OsString,
    },
    /// As the person themself, with a group of the role: any command, `sudo -g GROUP -- COMMAND`.
    ///
    /// It holds at once, for this command and what it starts, whether or not their session knows of the membership. The
    /// group is the primary one of the command. Further groups of the role come along as supplementary ones, for sudo
    /// takes the person's from the group database at that moment; their own primary group does as well (measured on sudo
    /// 1.9.13p3, 1.9.16p2, sudo-rs 0.2.5). The directory stays, and the environment is what sudo leaves of it: HOME, USER,
    /// SHELL and TERM stay, PATH becomes secure_path, other variables go (`env NAME=VALUE COMMAND` sets one).
    Group {
        /// The group's name.
        group: String,
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
            Ok(_) if is_program(&path) => Found::Yes(Self::At { real: real(&path), path }),
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

    /// How sudo is to run it with these arguments: as a command of the role where it is one, with the first group of the
    /// role otherwise; `None` when the role allows neither.
    ///
    /// sudo decides; this only spares a person a refusal of sudo's that does not say what would be allowed.
    pub(super) fn way(&self, gives: &GivesView, args: &[OsString]) -> Option<Way> {
        let account = gives.sudo.as_ref().and_then(|sudo| {
            let program = self.allowed_by(sudo, args)?;
            Some(Way::Account { run_as: sudo.run_as.clone(), program })
        });
        let group = |group: &GroupView| Way::Group { group: group.name.clone() };
        account.or_else(|| gives.groups.first().map(group))
    }

    /// The program that a shell with this PATH would run. A word that is not in it is left to sudo, whose secure_path has
    /// the administrator's programs too. Only absolute directories count: whatever lies where one happens to stand is not
    /// run with a group that others do not have.
    pub(super) fn by_search_path(&self, path: Option<&OsStr>) -> OsString {
        let Self::Word(word) = self else { return self.name().to_owned() };
        let folders = path.into_iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute());
        let mut programs = folders.map(|folder| folder.join(word));
        programs.find(|program| is_program(program)).map_or_else(|| word.clone(), PathBuf::into_os_string)
    }

    /// What sudo is to run as the account of a role, when the role allows it with these arguments: of a bare word the
    /// role's own path, or the word itself where the role gives everything, for sudo to look up.
    fn allowed_by(&self, sudo: &SudoView, args: &[OsString]) -> Option<OsString> {
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

/// Whether sudo may find `program`, as far as one can see without its settings: a path must not be known to be missing, a
/// bare word must be in PATH or where sudo usually looks. The error says what was not found.
pub(super) fn is_somewhere(program: &OsStr, path: Option<&OsStr>) -> Result<(), String> {
    let shown = program.to_string_lossy();
    if shown.contains('/') {
        // What cannot be looked at may be there: a directory can be closed to the person and open to root.
        return match fs::metadata(program) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(format!("the command {shown} was not found"))
            }
            Ok(_) | Err(_) => Ok(()),
        };
    }
    let folders = [path.unwrap_or_default(), OsStr::new(USUAL)];
    let mut folders =
        folders.into_iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute());
    if folders.any(|folder| is_program(&folder.join(program))) {
        return Ok(());
    }
    Err(format!(
        "the command {shown} was not found in your PATH nor where sudo looks: write its whole path if it is elsewhere"
    ))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
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
    fn a_command_of_the_role_runs_as_its_account_and_any_other_with_the_first_group() {
        let group = |gid, name: &str| GroupView { gid, name: name.to_owned() };
        let mut gives =
            GivesView { sudo: Some(samples::sudo()), groups: vec![group(990, "docker"), group(991, "lxd")] };
        let restart = args(&["restart", "nginx"]);
        let account = Way::Account { run_as: "root".to_owned(), program: "/usr/bin/systemctl".into() };
        let with_group = Some(Way::Group { group: "docker".to_owned() });
        let systemctl = Program::Word("systemctl".into());
        assert_eq!(systemctl.way(&gives, &restart), Some(account));
        assert_eq!(systemctl.way(&gives, &args(&["status"])), with_group);
        assert_eq!(program("/tmp/systemctl").way(&gives, &restart), with_group);
        gives.sudo = None;
        assert_eq!(systemctl.way(&gives, &restart), with_group);
        gives.groups.clear();
        assert_eq!(systemctl.way(&gives, &restart), None);
        gives.sudo = Some(samples::sudo());
        assert_eq!(systemctl.way(&gives, &args(&["status"])), None);
    }

    #[test]
    fn with_a_group_a_bare_word_is_what_the_shell_would_run() {
        let base = std::env::temp_dir().join(format!("jitctl-path-{}", std::process::id()));
        let (one, two) = (base.join("one"), base.join("two"));
        fs::create_dir_all(one.join("folder")).unwrap();
        fs::create_dir_all(&two).unwrap();
        for (path, mode) in
            [(one.join("tool"), 0o644), (two.join("tool"), 0o755), (two.join("folder"), 0o755)]
        {
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = std::env::join_paths([Path::new(""), Path::new("."), &one, &two]).unwrap();
        let by = |word: &str| Program::Word(word.into()).by_search_path(Some(&path));
        assert_eq!(by("tool"), two.join("tool"), "one that cannot be run is passed over");
        assert_eq!(by("folder"), two.join("folder"), "a directory is no program");
        assert_eq!(by("Cargo.toml"), "Cargo.toml", "relative directories do not count; sudo looks it up");
        assert_eq!(Program::Word("tool".into()).by_search_path(None), "tool");
        assert_eq!(program("/bin/tool").by_search_path(Some(&path)), "/bin/tool");
        fs::remove_dir_all(&base).unwrap();
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
