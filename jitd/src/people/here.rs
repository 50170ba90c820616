//! Whose uids /etc/passwd names, known without a question to NSS: a directory that hangs keeps nobody of this host waiting for it.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jit_mechanisms::dir::Identity;
use nix::fcntl::OFlag;

use super::local;

/// The uids of a file of accounts, read again when it is another one than before.
#[derive(Debug)]
pub struct Here {
    passwd: PathBuf,
    seen: Mutex<Seen>,
}

/// What was read last.
#[derive(Debug, Default)]
struct Seen {
    file: Option<Identity>,
    uids: BTreeSet<u32>,
}

impl Default for Here {
    fn default() -> Self {
        Self::of(Path::new(local::PASSWD))
    }
}

impl Here {
    fn of(passwd: &Path) -> Self {
        Self { passwd: passwd.to_owned(), seen: Mutex::default() }
    }

    /// Whether this uid has an account here. No is no more than "not by this file". A file that cannot be read leaves what it
    /// said before.
    #[must_use]
    pub fn has(&self, uid: u32) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let there = fs::metadata(&self.passwd).ok().map(|meta| Identity::of(&meta));
        if there.is_some() && there != seen.file {
            if let Ok(text) = self.text() {
                seen.uids = local::uids(&text).collect();
            }
            // What cannot be read is tried again when it is another file, and not at each call.
            seen.file = there;
        }
        seen.uids.contains(&uid)
    }

    /// All of it, without waiting for anybody: it may be a pipe.
    fn text(&self) -> io::Result<String> {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mut file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(&self.passwd)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use jit_mechanisms::scratch::Scratch;
    use nix::sys::stat::Mode;

    #[test]
    fn who_is_added_is_known_at_once_and_a_file_that_cannot_be_read_makes_nobody_unknown() {
        let scratch = Scratch::new();
        let passwd = scratch.path().join("passwd");
        let put = |text: &str| {
            let new = scratch.path().join("passwd.new");
            fs::write(&new, text).unwrap();
            fs::rename(new, &passwd).unwrap();
        };
        let here = Here::of(&passwd);
        assert!(!here.has(1000), "there is no file");
        put("root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbroken\n+::::::\nodd:x:1o:1::/:\n");
        assert!(here.has(0) && here.has(1000) && !here.has(1001) && !here.has(1));
        put("alice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n");
        assert!(here.has(1000) && here.has(1001));
        fs::remove_file(&passwd).unwrap();
        nix::unistd::mkfifo(&passwd, Mode::S_IRWXU).unwrap();
        assert!(here.has(1001) && !here.has(1002));
        fs::remove_file(&passwd).unwrap();
        assert!(here.has(1001));
        put("alice:x:1000:1000::/:/bin/sh\n");
        assert!(!here.has(1001));
    }
}
