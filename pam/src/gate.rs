//! Whether somebody gets in by a grant alone, by the file that jitd writes from the policy. jitd is not asked.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use jit_common::managed::{LONGEST, Managed, NotManaged, Service};
use jit_common::paths;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use pam::module::PamHandle;

use crate::kept;
use crate::person::{self, Person};

/// How somebody stands.
#[derive(Debug)]
pub(crate) enum Gate {
    /// They get in as they always do.
    Open,
    /// They get in by a grant alone.
    Managed,
    /// That cannot be told.
    Unknown(Why),
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Why {
    /// The file cannot be read.
    #[error("{} cannot be read, so nobody is held to be managed", paths::MANAGED)]
    Read(#[source] io::Error),
    /// It is not one that jitd wrote.
    #[error("{} is not root's alone or no plain file, so nobody is held to be managed", paths::MANAGED)]
    NotOurs,
    /// It says something else.
    #[error("{} is not as jitd writes it, so nobody is held to be managed", paths::MANAGED)]
    Text(#[from] NotManaged),
    /// The account database does not say who is in a group.
    #[error("the account database does not say which groups {0} is in, so they are held not to be managed")]
    Groups(String, #[source] io::Error),
}

/// What the account database said of somebody, and by which file they were asked about.
#[derive(Debug)]
pub(crate) struct Answer {
    person: String,
    by: Mark,
    managed: bool,
}

impl Answer {
    /// What it says of this person by this file.
    fn about(&self, person: &str, by: Mark) -> Option<bool> {
        (self.person == person && self.by == by).then_some(self.managed)
    }
}

/// A file as it was written: jitd writes another one in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Mark {
    fn of(meta: &Metadata) -> Self {
        let changed = (meta.ctime(), meta.ctime_nsec());
        Self { device: meta.dev(), inode: meta.ino(), length: meta.len(), changed }
    }
}

/// How `person` stands in the stack of `service`. The hooks of one call of a program are a moment apart, and to ask for somebody's
/// groups costs more than all else here: the second one takes the answer of the first, unless the file is another.
pub(crate) fn look(handle: &mut PamHandle, service: Service, person: &str) -> Gate {
    let (managed, by) = match read() {
        Ok(Some((managed, by))) if managed.services.contains(&service) => (managed, by),
        Ok(_) => return Gate::Open,
        Err(why) => return Gate::Unknown(why),
    };
    let kept = kept::gate(handle).and_then(|answer| answer.about(person, by));
    let managed = match kept.map_or_else(|| is_managed(&managed, person), Ok) {
        Ok(managed) => managed,
        Err(why) => return Gate::Unknown(why),
    };
    kept::keep_gate(handle, Answer { person: person.to_owned(), by, managed });
    match managed {
        true => Gate::Managed,
        false => Gate::Open,
    }
}

/// The name of an account as the account has it, which is how grants name it: whoever logs in may type another that is found as well.
pub(crate) fn own_name(typed: String) -> String {
    match Person::named(&typed) {
        Ok(Some(person)) => person.own_name(),
        Ok(None) | Err(_) => typed,
    }
}

/// Root never is, by whatever name, so that there is always a way in.
fn is_managed(managed: &Managed, name: &str) -> Result<bool, Why> {
    let unknown = |why: Errno| Why::Groups(name.to_owned(), why.into());
    let named = managed.users.contains(name);
    if !named && managed.groups.is_empty() && managed.users.is_empty() {
        return Ok(false);
    }
    match Person::named(name) {
        // A name that is listed is enough where the account database is away.
        Err(_) if named => Ok(name != "root"),
        Err(why) => Err(unknown(why)),
        Ok(None) => Ok(named && name != "root"),
        Ok(Some(person)) if person.is_root() => Ok(false),
        Ok(Some(_)) if named => Ok(true),
        // An account database may find an account by another name than its own: in other letters, with a domain.
        Ok(Some(person)) if managed.users.iter().any(|user| person.is_called(user)) => Ok(true),
        Ok(Some(person)) => person.is_in(&managed.groups).map_err(unknown),
    }
}

/// Reads the file. Where there is none, nobody is managed; where this process is not root's and may not read it, it lets
/// nobody become anybody either.
fn read() -> Result<Option<(Managed, Mark)>, Why> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(paths::MANAGED) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) if why.kind() == io::ErrorKind::PermissionDenied && !person::is_root_here() => {
            return Ok(None);
        }
        Err(why) => return Err(Why::Read(why)),
    };
    read_from(file).map(Some)
}

fn read_from(file: File) -> Result<(Managed, Mark), Why> {
    let meta = file.metadata().map_err(Why::Read)?;
    if !meta.is_file() || meta.uid() != 0 || meta.mode() & 0o022 != 0 || meta.len() > LONGEST {
        return Err(Why::NotOurs);
    }
    let mut text = String::with_capacity(usize::try_from(meta.len()).unwrap_or_default() + 1);
    file.take(LONGEST).read_to_string(&mut text).map_err(Why::Read)?;
    Ok((Managed::parse(&text)?, Mark::of(&meta)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    fn managed(users: &[&str], groups: &[&str]) -> Managed {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Managed { services: [Service::Sudo].into(), users: names(users), groups: names(groups) }
    }

    #[test]
    fn an_answer_is_for_one_person_by_one_file() {
        let file = |inode| Mark { device: 1, inode, length: 40, changed: (1, 0) };
        let answer = Answer { person: "alice".into(), by: file(7), managed: true };
        assert_eq!(answer.about("alice", file(7)), Some(true));
        assert_eq!(answer.about("bob", file(7)), None);
        assert_eq!(answer.about("alice", file(8)), None, "jitd has written another one");
    }

    #[test]
    fn root_is_never_managed_and_whoever_is_listed_is_even_without_an_account() {
        assert!(!is_managed(&managed(&["root"], &["root"]), "root").unwrap());
        assert!(is_managed(&managed(&["no-such-account"], &[]), "no-such-account").unwrap());
        assert!(!is_managed(&managed(&[], &["root"]), "no-such-account").unwrap());
        assert!(is_managed(&managed(&["daemon"], &[]), "daemon").unwrap());
        assert!(is_managed(&managed(&[], &["daemon"]), "daemon").unwrap(), "its own group, by its gid");
        assert!(!is_managed(&managed(&[], &["bin", "no-such-group"]), "daemon").unwrap());
    }
}
