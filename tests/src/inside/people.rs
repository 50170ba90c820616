//! Accounts of the bed.

use super::Inside;
use crate::{Error, Result};

/// One line of the bed's `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User number.
    pub uid: u32,
    /// Primary group's number.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

impl Inside {
    /// Looks an account up.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn account(&self, name: &str) -> Result<Account> {
        let text = self.read("/etc/passwd")?;
        let found = text.lines().filter_map(parse).find(|account| account.name == name);
        found.ok_or_else(|| Error::Odd(format!("{} has no account {name}", self.title())))
    }

    /// Adds an account with a home and the groups, which are made when they do not exist. Without a password nobody can log in
    /// by one, but the account is not locked either (as `adduser --disabled-password` does it).
    ///
    /// # Errors
    /// When useradd says no.
    pub fn add_user(&self, name: &str, groups: &[&str], password: Option<&str>) -> Result<Account> {
        let mut script =
            String::from("set -e; name=$1; password=$2; shift 2; for g; do groupadd -f \"$g\"; done\n");
        script.push_str("useradd -m -s /bin/bash -p '*' -G \"$(IFS=,; echo \"$*\")\" \"$name\"\n");
        script.push_str("[ -z \"$password\" ] || echo \"$name:$password\" | chpasswd -c SHA512 -s 5000\n");
        let mut words = vec!["bash", "-c", &script, "add_user", name, password.unwrap_or("")];
        words.extend_from_slice(groups);
        self.run(&words)?.ok()?;
        self.account(name)
    }
}

fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    let (home, shell) = (fields.nth(1)?.to_owned(), fields.next()?.to_owned());
    Some(Account { name, uid, gid, home, shell })
}
