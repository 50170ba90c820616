//! `/etc/jit/jitd.toml`: the settings of the daemon. A key that is not known or a value that is not right stops the
//! start: a daemon that guesses what was meant is not trusted with root.

use std::path::{Component, Path, PathBuf};

use jit_mechanisms::dir::{Dir, DirError, Entry};
use nix::unistd::Uid;
use serde::Deserialize;

use crate::sinks::SinkChoice;

/// All settings. Each has a default, so an empty file and no file are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[limits]`
    pub limits: Limits,
    /// `[sinks]`
    pub sinks: Sinks,
    /// `[report]`
    pub report: Report,
}

/// How much one uid may ask of jitd.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections that one uid may have open.
    pub connections_per_uid: u32,
    /// Requests that one uid may make in a minute.
    pub requests_per_minute: u32,
    /// Connections of one uid that follow the log.
    pub followers_per_uid: u32,
    /// Connections of one uid that wait for others to decide.
    pub waiters_per_uid: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections_per_uid: 32, requests_per_minute: 120, followers_per_uid: 4, waiters_per_uid: 20 }
    }
}

/// Where events go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sinks {
    /// The journal, with its native fields.
    pub journald: SinkChoice,
    /// `/dev/log`.
    pub syslog: SinkChoice,
    /// `/var/log/jit/events.jsonl`.
    pub json: SinkChoice,
}

/// The closing report of a grant: what is looked at, and what that may cost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Whether the host is looked at when a grant begins and ends.
    pub watch: Watch,
    /// Folders that are walked for set-id files and file capabilities.
    pub folders: Vec<PathBuf>,
    /// Files and folders whose content is watched.
    pub files: Vec<PathBuf>,
    /// The same, in the home of each local account.
    pub in_homes: Vec<PathBuf>,
    /// Entries of folders that one look looks at.
    pub entries: u64,
    /// How long one look may take.
    pub milliseconds: u32,
    /// What becomes of set-gid files of a group that was granted.
    pub set_gid: SetGid,
}

/// Whether the host is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// When a grant begins and after it has ended.
    #[default]
    On,
    /// Never.
    Off,
}

/// What becomes of a set-gid file of a granted group that was made while the grant was live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetGid {
    /// It is reported.
    #[default]
    Keep,
    /// Its set-gid bit is taken off as well.
    Strip,
}

/// What says who may do what on a host, or what is run there by itself.
const WATCHED: [&str; 24] = [
    "/etc/sudoers",
    "/etc/sudoers-rs",
    "/etc/sudoers.d",
    "/etc/sudo.conf",
    "/etc/pam.conf",
    "/etc/pam.d",
    "/etc/ld.so.preload",
    "/etc/ssh/sshd_config",
    "/etc/ssh/sshd_config.d",
    "/etc/systemd/system",
    "/etc/systemd/user",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/var/spool/cron",
    "/var/spool/at",
    "/etc/polkit-1/rules.d",
    "/etc/doas.conf",
];

/// The same in somebody's home.
const IN_HOMES: [&str; 3] = [".ssh/authorized_keys", ".ssh/authorized_keys2", ".config/systemd/user"];

impl Default for Report {
    fn default() -> Self {
        Self {
            watch: Watch::On,
            folders: vec![PathBuf::from("/")],
            files: WATCHED.map(PathBuf::from).to_vec(),
            in_homes: IN_HOMES.map(PathBuf::from).to_vec(),
            entries: 500_000,
            milliseconds: 5_000,
            set_gid: SetGid::Keep,
        }
    }
}

/// Why the settings are not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the settings cannot be read")]
    Unreadable(#[from] DirError),
    /// Others than root can write it, or it is no plain text file.
    #[error("{path} is not taken: {why}")]
    NotTaken {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is not right; the cause names line and column.
    #[error("{path} is not right; jitd does not start before it is")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// A path of the watch list leads from nowhere, or to elsewhere.
    #[error("{}: {} in report.{key} is not taken: write {wanted}, without `..`", path.display(), entry.display())]
    Path {
        /// The file.
        path: PathBuf,
        /// Which key.
        key: &'static str,
        /// What stands there.
        entry: PathBuf,
        /// What should.
        wanted: &'static str,
    },
    /// A limit of zero would lock everybody out.
    #[error("{path}: {key} is 0, which would let nobody in; write a number from 1 up")]
    Zero {
        /// The file.
        path: PathBuf,
        /// Which key.
        key: &'static str,
    },
}

/// Most bytes of the file.
const MOST_BYTES: u64 = 64 * 1024;

/// Reads the settings; no file means the defaults. The file and the directory it is in have to be `owner`'s alone, for
/// whoever can write them can take away what keeps others out.
///
/// # Errors
/// When the file is there and cannot be read or is not right.
pub fn read(path: &Path, owner: Uid) -> Result<Settings, ConfigError> {
    let text = text(path, owner)?;
    let settings: Settings = toml::from_str(&text)
        .map_err(|source| ConfigError::Wrong { path: path.to_owned(), source: Box::new(source) })?;
    let limits = [
        ("limits.connections_per_uid", settings.limits.connections_per_uid),
        ("limits.requests_per_minute", settings.limits.requests_per_minute),
        ("limits.followers_per_uid", settings.limits.followers_per_uid),
        ("limits.waiters_per_uid", settings.limits.waiters_per_uid),
    ];
    match limits.iter().find(|(_, value)| *value == 0) {
        Some((key, _)) => Err(ConfigError::Zero { path: path.to_owned(), key }),
        None => {
            check_paths(&settings.report, path)?;
            Ok(settings)
        }
    }
}

/// Each path of the watch list is one that begins where it should.
fn check_paths(report: &Report, path: &Path) -> Result<(), ConfigError> {
    let straight = |entry: &Path| {
        let mut parts = entry.components();
        parts.all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
    };
    let lists = [("folders", &report.folders), ("files", &report.files), ("in_homes", &report.in_homes)];
    for (key, list) in lists {
        let (from_root, wanted) = match key {
            "in_homes" => (false, "a path below a home, such as \".ssh/authorized_keys\""),
            _ => (true, "a path from the root, such as \"/etc/sudoers.d\""),
        };
        let wrong = list.iter().find(|entry| entry.is_absolute() != from_root || !straight(entry));
        if let Some(entry) = wrong {
            return Err(ConfigError::Path { path: path.to_owned(), key, entry: entry.clone(), wanted });
        }
    }
    Ok(())
}

fn text(path: &Path, owner: Uid) -> Result<String, ConfigError> {
    let not_taken = |why: String| ConfigError::NotTaken { path: path.to_owned(), why };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(not_taken("it is not the path of a file".into()));
    };
    let dir = match Dir::open(parent, owner) {
        Err(DirError::Missing { .. }) => return Ok(String::new()),
        opened => opened?,
    };
    let content = match dir.read(name, MOST_BYTES)? {
        Entry::Missing => return Ok(String::new()),
        Entry::Strange(why) => return Err(not_taken(why)),
        Entry::File(content) => content,
    };
    if !content.is_only_of(owner) {
        let why = "it may be written by others than root: make it root's, with mode 0644 or less";
        return Err(not_taken(why.into()));
    }
    String::from_utf8(content.bytes).map_err(|error| not_taken(format!("it is not UTF-8: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use jit_mechanisms::scratch::Scratch;

    use super::*;

    #[test]
    fn a_key_that_is_not_known_is_an_error_with_its_place() {
        let scratch = Scratch::new();
        let file = scratch.path().join("etc/jitd.toml");
        let read = || read(&file, Uid::effective());
        assert_eq!(read().unwrap(), Settings::default());
        write(&file, "[limits]\nconections_per_uid = 3\n");
        let error = crate::chain(&read().unwrap_err());
        assert!(error.contains("line 2, column 1") && error.contains("conections_per_uid"), "{error}");
        for (key, path) in [("folders", "srv"), ("files", "/etc/../x"), ("in_homes", "/.ssh")] {
            write(&file, &format!("[report]\n{key} = [{path:?}]\n"));
            let error = read().unwrap_err().to_string();
            assert!(error.contains(&format!("{path} in report.{key}")), "{error}");
        }
        write(&file, "[report]\nwatch = \"off\"\nset_gid = \"strip\"\nfolders = [\"/\"]\n");
        let settings = read().unwrap();
        assert_eq!((settings.report.watch, settings.report.set_gid), (Watch::Off, SetGid::Strip));
        write(&file, "[limits]\nrequests_per_minute = 0\n");
        assert!(matches!(read(), Err(ConfigError::Zero { .. })));
    }

    #[test]
    fn settings_that_others_can_write_or_redirect_are_not_taken() {
        let scratch = Scratch::new();
        let etc = scratch.path().join("etc/jit");
        let file = etc.join("jitd.toml");
        let read = || read(&file, Uid::effective());
        assert_eq!(read().unwrap(), Settings::default(), "no directory");
        fs::create_dir(&etc).unwrap();
        fs::set_permissions(&etc, fs::Permissions::from_mode(0o755)).unwrap();
        write(&file, "");
        assert_eq!(read().unwrap(), Settings::default());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(read(), Err(ConfigError::NotTaken { .. })));
        fs::rename(&file, etc.join("other")).unwrap();
        write(&etc.join("other"), "");
        symlink("other", &file).unwrap();
        assert!(matches!(read(), Err(ConfigError::NotTaken { .. })));
        fs::set_permissions(&etc, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(read(), Err(ConfigError::Unreadable(_))));
    }

    fn write(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
}
