//! The policy as it stands in files: read, checked against this host, and put in force or refused.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jit_mechanisms::HostPaths;
use jit_mechanisms::sudo::{self, Sudo};
use jitd_core::policy::Policy;
use jitd_core::record::{DisabledRole, Entry};

use crate::people;

/// Bytes of one policy file. A policy is written by people.
const MOST_BYTES: u64 = 1024 * 1024;

/// How long visudo may take for one role.
const VISUDO_PATIENCE: Duration = Duration::from_secs(10);

/// The policy in force.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The policy; the empty one, which grants nothing, until a valid one was read.
    pub policy: Policy,
    /// The files it came from.
    pub files: Vec<String>,
    /// Roles that this host cannot carry, each with why.
    pub disabled: BTreeMap<String, String>,
    /// Roles that equal root, each with why.
    equals_root: BTreeMap<String, Vec<String>>,
    /// The errors of the newest policy, when it was not taken.
    pub rejected: Vec<String>,
    standing: Standing,
}

/// Whether a valid policy was ever read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    None,
    Valid,
}

impl Live {
    /// Whether a valid policy is in force.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.standing == Standing::Valid
    }

    /// Why there is no valid policy, if there is none.
    #[must_use]
    pub fn invalid_because(&self) -> Option<String> {
        let first = || self.rejected.first().cloned().unwrap_or_else(|| "none was read yet".into());
        (!self.is_valid()).then(first)
    }

    /// Why a role equals root; empty when it does not.
    #[must_use]
    pub fn equals_root(&self, role: &str) -> Vec<String> {
        self.equals_root.get(role).cloned().unwrap_or_default()
    }
}

/// What came of reading the files.
#[derive(Debug)]
pub struct Loaded {
    outcome: Result<Live, Vec<String>>,
}

/// Why a policy file is not read.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot read {path}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} may be written by others than root: make it root's, with mode 0644 or less")]
    Writable { path: PathBuf },
    #[error("{path} is not a plain file")]
    NotAFile { path: PathBuf },
    #[error("{path} is larger than {MOST_BYTES} bytes")]
    TooLarge { path: PathBuf },
}

/// Reads `dir` and checks every role against this host. Takes a while: sudo's own parser is asked about each role.
#[must_use]
pub fn load(dir: &Path, paths: &HostPaths, sudo: &Result<Sudo, String>) -> Loaded {
    let texts = match read_all(dir) {
        Ok(texts) => texts,
        Err(error) => return Loaded { outcome: Err(vec![crate::chain(&error)]) },
    };
    let borrowed: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let policy = match Policy::parse(&borrowed) {
        Ok(policy) => policy,
        Err(errors) => return Loaded { outcome: Err(errors.iter().map(ToString::to_string).collect()) },
    };
    let check = |role: &jitd_core::policy::Role| {
        let why = match sudo {
            Ok(sudo) => {
                sudo::reasons_against(paths, sudo, &role.sudo, people::account_exists, VISUDO_PATIENCE)
            }
            Err(why) => vec![why.clone()],
        };
        (!why.is_empty()).then(|| (role.name.clone(), why.join("; ")))
    };
    let mut equals_root: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in jitd_core::policy::lint(&policy) {
        equals_root.entry(finding.role.clone()).or_default().push(finding.to_string());
    }
    let live = Live {
        files: texts.iter().map(|(name, _)| name.clone()).collect(),
        disabled: policy.roles().filter_map(check).collect(),
        equals_root,
        policy,
        rejected: Vec::new(),
        standing: Standing::Valid,
    };
    Loaded { outcome: Ok(live) }
}

/// The policy that follows `old`: a bad one leaves the old one in force, and says so.
#[must_use]
pub fn succeed(old: &Live, loaded: Loaded) -> Arc<Live> {
    match loaded.outcome {
        Ok(new) => Arc::new(new),
        Err(rejected) => Arc::new(Live { rejected, ..old.clone() }),
    }
}

/// What the record says of it.
#[must_use]
pub fn entry(loaded: &Loaded, old: &Live) -> Entry {
    match &loaded.outcome {
        Ok(live) => Entry::PolicyLoaded {
            hash: live.policy.hash().to_string(),
            files: live.files.clone(),
            disabled: live
                .disabled
                .iter()
                .map(|(role, why)| DisabledRole { role: role.clone(), why: vec![why.clone()] })
                .collect(),
        },
        Err(errors) => Entry::PolicyRejected {
            errors: errors.clone(),
            kept: old.is_valid().then(|| old.policy.hash().to_string()),
        },
    }
}

/// Every `*.toml` of the directory, in bytewise order of name. No directory is an empty policy.
fn read_all(dir: &Path) -> Result<Vec<(String, String)>, FileError> {
    let failed = |source| FileError::Unreadable { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    check_mode(dir)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths.iter().map(|path| read_one(path)).collect()
}

fn read_one(path: &Path) -> Result<(String, String), FileError> {
    let metadata = check_mode(path)?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    if metadata.len() > MOST_BYTES {
        return Err(FileError::TooLarge { path: path.to_owned() });
    }
    let text =
        fs::read_to_string(path).map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, text))
}

/// Whoever can write the policy can be root, so it has to be root's alone.
fn check_mode(path: &Path) -> Result<fs::Metadata, FileError> {
    let metadata =
        fs::metadata(path).map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    match metadata.uid() == 0 && metadata.mode() & 0o022 == 0 {
        true => Ok(metadata),
        false => Err(FileError::Writable { path: path.to_owned() }),
    }
}
