//! `/etc/jit/jitd.toml`: the settings of the daemon. A key that is not known or a value that is not right stops the
//! start: a daemon that guesses what was meant is not trusted with root.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections_per_uid: 32, requests_per_minute: 120, followers_per_uid: 4 }
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

/// Why the settings are not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not right; the cause names line and column.
    #[error("{path} is not right; jitd does not start before it is")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
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

/// Reads the settings; no file means the defaults.
///
/// # Errors
/// When the file is there and cannot be read or is not right.
pub fn read(path: &Path) -> Result<Settings, ConfigError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    };
    let settings: Settings = toml::from_str(&text)
        .map_err(|source| ConfigError::Wrong { path: path.to_owned(), source: Box::new(source) })?;
    let limits = [
        ("limits.connections_per_uid", settings.limits.connections_per_uid),
        ("limits.requests_per_minute", settings.limits.requests_per_minute),
        ("limits.followers_per_uid", settings.limits.followers_per_uid),
    ];
    match limits.iter().find(|(_, value)| *value == 0) {
        Some((key, _)) => Err(ConfigError::Zero { path: path.to_owned(), key }),
        None => Ok(settings),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn a_key_that_is_not_known_is_an_error_with_its_place() {
        let dir = std::env::temp_dir().join(format!("jitd-config-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("jitd.toml");
        assert_eq!(read(&file).unwrap(), Settings::default());
        fs::write(&file, "[limits]\nconections_per_uid = 3\n").unwrap();
        let error = crate::chain(&read(&file).unwrap_err());
        assert!(error.contains("line 2, column 1") && error.contains("conections_per_uid"), "{error}");
        fs::write(&file, "[limits]\nrequests_per_minute = 0\n").unwrap();
        assert!(matches!(read(&file), Err(ConfigError::Zero { .. })));
        fs::remove_dir_all(&dir).unwrap();
    }
}
