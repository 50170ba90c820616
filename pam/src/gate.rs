//! Whether somebody gets in by a grant alone, by the file that jitd writes from the policy. jitd is not asked.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use jit_common::managed::{LONGEST, Managed, NotManaged, Service};
use jit_common::paths;
use nix::errno::Errno;
use nix::fcntl::OFlag;

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

/// How `person` stands in the stack of `service`.
pub(crate) fn look(service: Service, person: &str) -> Gate {
    let managed = match read() {
        Ok(Some(managed)) if managed.services.contains(&service) => managed,
        Ok(_) => return Gate::Open,
        Err(why) => return Gate::Unknown(why),
    };
    match is_managed(&managed, person) {
        Ok(true) => Gate::Managed,
        Ok(false) => Gate::Open,
        Err(why) => Gate::Unknown(why),
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
fn read() -> Result<Option<Managed>, Why> {
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

fn read_from(file: File) -> Result<Managed, Why> {
    let meta = file.metadata().map_err(Why::Read)?;
    if !meta.is_file() || meta.uid() != 0 || meta.mode() & 0o022 != 0 || meta.len() > LONGEST {
        return Err(Why::NotOurs);
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(Why::Read)?;
    Ok(Managed::parse(&text)?)
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
    fn root_is_never_managed_and_whoever_is_listed_is_even_without_an_account() {
        assert!(!is_managed(&managed(&["root"], &["root"]), "root").unwrap());
        assert!(is_managed(&managed(&["no-such-account"], &[]), "no-such-account").unwrap());
        assert!(!is_managed(&managed(&[], &["root"]), "no-such-account").unwrap());
        assert!(is_managed(&managed(&["daemon"], &[]), "daemon").unwrap());
        assert!(is_managed(&managed(&[], &["daemon"]), "daemon").unwrap(), "its own group, by its gid");
        assert!(!is_managed(&managed(&[], &["bin", "no-such-group"]), "daemon").unwrap());
    }
}
