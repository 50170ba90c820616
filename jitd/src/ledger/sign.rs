//! The host key, and the checkpoints it signs: whoever has kept one of them elsewhere can tell that the entries up to it
//! have not been written anew.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use jitd_core::record::Entry;
use jitd_core::record::chain::{self, Hash};

use super::place::{self, Kind};

/// The pair of keys of this host (Ed25519, RFC 8032).
pub struct HostKey {
    secret: SigningKey,
    public: String,
}

impl std::fmt::Debug for HostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostKey({})", self.public)
    }
}

/// Why there is no host key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("the host key {path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is open to others.
    #[error("the host key {path} is not safe: {why}")]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// The file holds something else.
    #[error(
        "{path} holds no host key (64 hex digits): restore it, or move it aside so that jitd makes a new one"
    )]
    Format {
        /// The file.
        path: PathBuf,
    },
}

impl HostKey {
    /// Reads the key, or makes one at the first start. The public half is written beside it with `.pub` at its end.
    ///
    /// # Errors
    /// When the file cannot be read or made, is open to others, or holds something else.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io { path: path.to_owned(), source };
        let is_there = place::exists(path).map_err(|error| failed(io::Error::other(error)))?;
        if is_there {
            // Before it is opened: a pipe would never be read to its end.
            check_private(path)?;
        }
        let key = match std::fs::read_to_string(path) {
            Ok(text) => {
                let seed = chain::unhex::<32>(text.trim_end());
                Self::of(seed.ok_or_else(|| KeyError::Format { path: path.to_owned() })?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let seed = crate::random::bytes::<32>().map_err(failed)?;
                write(path, &chain::hex(&seed), 0o600).map_err(failed)?;
                Self::of(seed)
            }
            Err(error) => return Err(failed(error)),
        };
        let mut public = path.as_os_str().to_owned();
        public.push(".pub");
        let public = PathBuf::from(public);
        let is_file = public.symlink_metadata().is_ok_and(|found| found.is_file());
        let known =
            is_file && std::fs::read_to_string(&public).is_ok_and(|text| text.trim_end() == key.public);
        if !known {
            write(&public, &key.public, 0o644).map_err(|source| KeyError::Io { path: public, source })?;
        }
        Ok(key)
    }

    fn of(seed: [u8; 32]) -> Self {
        let secret = SigningKey::from_bytes(&seed);
        let public = chain::hex(secret.verifying_key().as_bytes());
        Self { secret, public }
    }

    /// The public half, in hex.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The entry that signs the ledger up to entry `of` with this hash.
    #[must_use]
    pub fn checkpoint(&self, of: u64, hash: &Hash) -> Entry {
        let hash = chain::hex(hash);
        let signature = self.secret.sign(chain::checkpoint_text(&self.public, of, &hash).as_bytes());
        Entry::Checkpoint {
            of,
            hash,
            host_key: self.public.clone(),
            signature: chain::hex(&signature.to_bytes()),
        }
    }
}

/// Whether a signature holds, strictly: no key of small order, no second form of a signature.
#[must_use]
pub fn signature_holds(public: &[u8; 32], text: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public)
        .is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok())
}

fn check_private(path: &Path) -> Result<(), KeyError> {
    place::check_private(path, Kind::File).map_err(|error| match error {
        super::OpenError::Unsafe { path, why } => KeyError::Unsafe { path, why },
        other => KeyError::Io { path: path.to_owned(), source: io::Error::other(other) },
    })
}

/// Writes one line durably and whole: beside, synced, renamed.
fn write(path: &Path, line: &str, mode: u32) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}
