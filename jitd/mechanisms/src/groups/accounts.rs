//! Whose name is whose number, from the text of `/etc/passwd`.

use std::collections::{BTreeMap, BTreeSet};

use super::Membership;
use super::refusal::Refusal;
use super::text::{Firsts, name_of, ranges};

/// Answers which uid a user has that is not in `/etc/passwd`.
pub(super) type Elsewhere<'e> = dyn FnMut(&str) -> Option<u32> + 'e;

/// One account: its uid and its primary gid.
type Account = (u32, u32);

/// The accounts of this host that somebody asked for.
#[derive(Debug, Default)]
pub(super) struct Accounts(BTreeMap<String, Account>);

impl Accounts {
    /// Finds these users in the text of `/etc/passwd`. The first line of a name counts, as in the C library.
    pub(super) fn find(passwd: &[u8], users: &BTreeSet<&str>) -> Self {
        let wanted: BTreeMap<&[u8], &str> = users.iter().map(|user| (user.as_bytes(), *user)).collect();
        let mut found = BTreeMap::new();
        let firsts = Firsts::of(users);
        for (_, range) in ranges(passwd) {
            let line = passwd.get(range).unwrap_or_default();
            if !firsts.may_begin(line) {
                continue;
            }
            let Some(user) = name_of(line).and_then(|name| wanted.get(name)) else { continue };
            if let Some(account) = account(line) {
                found.entry((*user).to_owned()).or_insert(account);
            }
        }
        Self(found)
    }

    /// Checks that the user still is who he was when the membership was decided on.
    ///
    /// # Errors
    /// Nobody is called that, or somebody else.
    pub(super) fn agree(&self, of: &Membership, elsewhere: &mut Elsewhere<'_>) -> Result<(), Refusal> {
        match self.0.get(&of.user).map(|(uid, _)| *uid).or_else(|| elsewhere(&of.user)) {
            None => Err(Refusal::NoSuchUser { user: of.user.clone() }),
            Some(uid) if uid == of.uid => Ok(()),
            Some(found) => Err(Refusal::UidDiffers { user: of.user.clone(), wanted: of.uid, found }),
        }
    }

    /// Whether the group is the user's primary one, which makes him a member without being in its list.
    pub(super) fn is_primary(&self, of: &Membership) -> bool {
        self.0.get(&of.user).is_some_and(|(_, gid)| *gid == of.gid)
    }
}

/// The names of each of these uids, from the text of `/etc/passwd`.
pub(super) fn names_of_uids<'b>(passwd: &'b [u8], uids: &BTreeSet<u32>) -> BTreeMap<u32, Vec<&'b str>> {
    let mut names: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (_, range) in ranges(passwd) {
        let line = passwd.get(range).unwrap_or_default();
        let Some((uid, _)) = account(line).filter(|(uid, _)| uids.contains(uid)) else { continue };
        names.entry(uid).or_default().extend(name_of(line).and_then(|name| std::str::from_utf8(name).ok()));
    }
    names
}

fn account(line: &[u8]) -> Option<Account> {
    let mut fields = line.split(|&byte| byte == b':').skip(2);
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    Some((number()?, number()?))
}
