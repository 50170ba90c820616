//! What should be on the host by the record, and which grants are on it already, when jitd starts.

use std::collections::BTreeSet;
use std::fs;

use jit_common::ids::RequestId;
use jit_mechanisms::groups::{GroupsError, Membership, Outcome};
use jit_mechanisms::removal;
use jit_mechanisms::sudoers_file::{self, Found};
use jitd_core::wanted::{Wanted, WantedGrant};

use super::{Host, memory};

impl Host {
    /// Says what the sudoers file should hold by the record, before it is written for the first time. After a reboot there
    /// is none, as there should be.
    pub fn expect(&mut self, wanted: &Wanted) {
        let none_yet =
            matches!(sudoers_file::look(&self.paths), Ok(Found::Missing)) && wanted.grants().is_empty();
        self.left = (!none_yet).then(|| wanted.sudoers(self.dialect()));
    }

    /// Says the same when it is known what is not there any more, and told.
    pub fn expect_the_rest(&mut self, wanted: &Wanted) {
        let is_gone = matches!(sudoers_file::look(&self.paths), Ok(Found::Missing));
        self.left = Some(if is_gone { String::new() } else { wanted.sudoers(self.dialect()) });
    }

    /// Those of the wanted grants that are on the host, whole. What cannot be read is not. What cannot be changed, as where
    /// something is mounted on `/etc/group`, is there all the same.
    #[must_use]
    pub fn present(&self, wanted: &Wanted) -> BTreeSet<RequestId> {
        let by_sudo = removal::on_host(&self.paths).map(|on_host| on_host.ids()).unwrap_or_default();
        let all = memory::all_memberships(wanted);
        let look = |_| self.lending.look(&self.paths, &all, &self.memory.given);
        let seen = all.memberships().next().map(look);
        let text = match &seen {
            Some(Err(GroupsError::Fixed { .. })) => fs::read(&self.paths.etc_group).unwrap_or_default(),
            Some(Ok(_) | Err(_)) | None => Vec::new(),
        };
        let is_in = |of: Membership| match &seen {
            Some(Ok(seen)) => matches!(seen.outcomes.get(&of), Some(Outcome::Kept | Outcome::AlreadyNatural)),
            Some(Err(_)) | None => lists(&text, &of),
        };
        let whole =
            |grant: &&WantedGrant| by_sudo.contains(&grant.id) && memory::memberships(grant).all(is_in);
        wanted.grants().iter().filter(whole).map(|grant| grant.id).collect()
    }
}

/// Whether the line of the group, by name and number, lists the person (group(5)).
fn lists(text: &[u8], of: &Membership) -> bool {
    let text = String::from_utf8_lossy(text);
    text.lines().any(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [group, _, gid, members] => {
                *group == of.group
                    && gid.parse() == Ok(of.gid)
                    && members.split(',').any(|member| member == of.user)
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_number_and_member_have_to_agree() {
        let of = Membership { gid: 999, group: "docker".into(), uid: 1001, user: "alice".into() };
        for (text, is_in) in [
            ("root:x:0:\ndocker:x:999:bob,alice\n", true),
            ("docker:x:998:alice\n", false),
            ("dockers:x:999:alice\n", false),
            ("docker:x:999:alicex,bob\n", false),
            ("docker:x:999:alice:\n", false),
            ("", false),
        ] {
            assert_eq!(lists(text.as_bytes(), &of), is_in, "{text}");
        }
    }
}
