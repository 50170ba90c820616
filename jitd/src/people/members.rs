//! Whether NSS counts somebody in a group: what a login of theirs would get (initgroups(3)).

use std::ffi::CString;

use nix::unistd::{Gid, User, getgrouplist};

/// Whether `user` would have the group `gid` at a login now; `None` when that cannot be told. A user who does not exist has
/// no group. May take as long as a directory service does.
#[must_use]
pub fn is_in_group(user: &str, gid: u32) -> Option<bool> {
    let Some(account) = User::from_name(user).ok()? else { return Some(false) };
    let groups = getgrouplist(&CString::new(user).ok()?, account.gid).ok()?;
    Some(groups.contains(&Gid::from_raw(gid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_own_group_is_its_and_no_other_is() {
        assert_eq!(is_in_group("root", 0), Some(true));
        assert_eq!(is_in_group("root", 4_000_000_000), Some(false));
        assert_eq!(is_in_group("no-such-account-here", 0), Some(false));
    }
}
