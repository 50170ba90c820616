//! The policy as it stands in files: read, checked against this host, and put in force or refused.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jit_mechanisms::HostPaths;
use jit_mechanisms::dir::{self, Dir, DirError};
use jit_mechanisms::groups::{self, NotGiven};
use jit_mechanisms::sudo::{self, Reason, Sudo};
use jitd_core::policy::{About, FindingKind, Policy, Role};
use jitd_core::record::{DisabledRole, Entry};
use nix::unistd::Uid;

use crate::run_as::RunAs;

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
        let first = || {
            self.rejected
                .first()
                .cloned()
                .unwrap_or_else(|| "the policy is being read; try again in a moment".into())
        };
        (!self.is_valid()).then(first)
    }

    /// That nobody can ask for anything, because no role is defined, if that is so.
    #[must_use]
    pub fn is_empty_because(&self) -> Option<String> {
        let none = self.is_valid() && self.policy.roles().next().is_none();
        let dir = jit_common::paths::POLICY_DIR;
        none.then(|| {
            format!(
                "there is no policy yet, so nobody can ask for anything: put one into {dir} and reload jitd"
            )
        })
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
    certainty: Certainty,
}

/// Whether reading the same files again could come to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// Not until somebody changes something.
    Certain,
    /// A file, visudo or the account database could not be asked.
    Doubtful,
}

impl Loaded {
    /// Whether it is worth reading the files again although nobody has changed them.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.certainty == Certainty::Doubtful
    }

    /// Whether this may be taken without anybody having asked: it is what `doubtful` was, of the same files, and more of it is known.
    #[must_use]
    pub fn settles(&self, doubtful: &Doubt) -> bool {
        let now = self.doubt();
        match &doubtful.hash {
            Some(_) => {
                let more = !self.is_doubtful() || now.disabled.len() < doubtful.disabled.len();
                now.hash == doubtful.hash && more
            }
            // Nobody knows what stood there. That is for the first reading alone: there is no other policy to keep.
            None => now.hash.is_some(),
        }
    }

    /// What to compare a later one with.
    #[must_use]
    pub fn doubt(&self) -> Doubt {
        let live = self.outcome.as_ref().ok();
        Doubt {
            hash: live.map(|live| live.policy.hash().to_string()),
            disabled: live.map(|live| live.disabled.keys().cloned().collect()).unwrap_or_default(),
        }
    }
}

/// A policy about which something could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Its hash; none when it could not be read.
    hash: Option<String>,
    /// The roles that are disabled.
    disabled: Vec<String>,
}

impl Doubt {
    /// Whether it could be read.
    #[must_use]
    pub fn was_read(&self) -> bool {
        self.hash.is_some()
    }
}

/// Why a policy file is not read.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Dir(#[from] DirError),
    #[error("{} may be written by others than root: make it root's, with mode 0644 or less", .path.display())]
    Writable { path: PathBuf },
    #[error("{} is not taken: {why}", .path.display())]
    Strange { path: PathBuf, why: String },
    #[error("{} went away while the policy was read; reload jitd", .path.display())]
    Gone { path: PathBuf },
}

impl FileError {
    fn certainty(&self) -> Certainty {
        match self {
            Self::Dir(DirError::Open { .. } | DirError::File { .. }) | Self::Gone { .. } => {
                Certainty::Doubtful
            }
            Self::Dir(
                DirError::Missing { .. }
                | DirError::NotADirectory { .. }
                | DirError::Owner { .. }
                | DirError::Writable { .. }
                | DirError::Make { .. }
                | DirError::Interrupted { .. },
            )
            | Self::Writable { .. }
            | Self::Strange { .. } => Certainty::Certain,
        }
    }
}

/// Reads `dir` and checks every role against this host. Takes a while: sudo's own parser is asked about each role.
#[must_use]
pub fn load(dir: &Path, paths: &HostPaths, sudo: &Result<Sudo, String>, run_as: &mut RunAs) -> Loaded {
    let texts = match read_all(dir, paths.owner) {
        Ok(texts) => texts,
        Err(error) => {
            let certainty = error.certainty();
            return Loaded { outcome: Err(vec![crate::chain(&error)]), certainty };
        }
    };
    let borrowed: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let policy = match Policy::parse(&borrowed) {
        Ok(policy) => policy,
        Err(errors) => {
            let outcome = Err(errors.iter().map(ToString::to_string).collect());
            return Loaded { outcome, certainty: Certainty::Certain };
        }
    };
    let mut accounts = run_as.of_a_policy();
    let mut certainty = Certainty::Certain;
    let check = |role: &Role| {
        let why = reasons_against(role, paths, sudo, |name| accounts.exists(name));
        if why.iter().any(|why| matches!(why, Reason::NotTold(_))) {
            certainty = Certainty::Doubtful;
        }
        let texts: Vec<&str> = why.iter().map(Reason::text).collect();
        (!why.is_empty()).then(|| (role.name.clone(), texts.join("; ")))
    };
    let mut equals_root: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in jitd_core::policy::lint(&policy) {
        if let (About::Role(role), FindingKind::EqualToRoot) = (finding.about, finding.kind) {
            equals_root.entry(role).or_default().push(finding.message);
        }
    }
    let live = Live {
        files: texts.iter().map(|(name, _)| name.clone()).collect(),
        disabled: policy.roles().filter_map(check).collect(),
        equals_root,
        policy,
        rejected: Vec::new(),
        standing: Standing::Valid,
    };
    Loaded { outcome: Ok(live), certainty }
}

/// Every reason why this host cannot carry a role: of its groups, of its commands, and of what sudo would make of both.
fn reasons_against(
    role: &Role,
    paths: &HostPaths,
    sudo: &Result<Sudo, String>,
    account_exists: impl FnOnce(&str) -> Result<bool, String>,
) -> Vec<Reason> {
    let (gids, mut why) = match groups::resolve(paths, role.groups.iter().map(String::as_str)) {
        Ok(groups) => (groups.into_iter().map(|group| group.gid).collect(), Vec::new()),
        Err(wrong) => (Vec::new(), wrong.iter().map(not_given).collect()),
    };
    match sudo {
        // Without a gid there is no rule to ask about.
        Ok(_) if role.sudo.is_none() && gids.is_empty() => {}
        Ok(sudo) => why.extend(sudo::reasons_against(
            paths,
            sudo,
            role.sudo.as_ref(),
            &gids,
            account_exists,
            VISUDO_PATIENCE,
        )),
        Err(no_sudo) => why.push(Reason::Cannot(no_sudo.clone())),
    }
    why
}

fn not_given(wrong: &NotGiven) -> Reason {
    let why = crate::chain(wrong);
    match wrong {
        NotGiven::Read(_) => Reason::NotTold(why),
        NotGiven::Line(_)
        | NotGiven::Fixed { .. }
        | NotGiven::Root { .. }
        | NotGiven::NoGid { .. }
        | NotGiven::Shared { .. } => Reason::Cannot(why),
    }
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
///
/// Whoever can write the policy can be root, so the directory, the one it is in and each file have to be `owner`'s
/// alone, and none may be a link: what is read is what was looked at.
fn read_all(dir: &Path, owner: Uid) -> Result<Vec<(String, String)>, FileError> {
    let opened = match dir.parent().zip(dir.file_name()) {
        Some((parent, name)) => Dir::open(parent, owner).and_then(|parent| parent.child(name)),
        None => Dir::open(dir, owner),
    };
    let dir = match opened {
        Err(DirError::Missing { .. }) => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut names = dir.names()?;
    names.retain(|name| Path::new(name).extension().is_some_and(|ending| ending == "toml"));
    names.iter().map(|name| read_one(&dir, name, owner)).collect()
}

fn read_one(dir: &Dir, name: &OsStr, owner: Uid) -> Result<(String, String), FileError> {
    let path = || dir.path().join(name);
    let strange = |why: String| FileError::Strange { path: path(), why };
    let content = match dir.read(name, MOST_BYTES)? {
        dir::Entry::File(content) => content,
        dir::Entry::Missing => return Err(FileError::Gone { path: path() }),
        dir::Entry::Strange(why) => return Err(strange(why)),
    };
    if !content.is_only_of(owner) {
        return Err(FileError::Writable { path: path() });
    }
    let text =
        String::from_utf8(content.bytes).map_err(|error| strange(format!("it is not UTF-8: {error}")))?;
    Ok((name.to_string_lossy().into_owned(), text))
}

#[cfg(test)]
mod tests;
