//! What a grant changes on the host, in lines for people; and by which of them the record knows later whom jitd put in.

use std::collections::BTreeSet;
use std::sync::Arc;

use jit_common::ids::RequestId;
use jit_mechanisms::groups::{Given, Membership, Outcome, Wanted as WantedMembers};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::now::Deadline;
use jitd_core::policy::{Gives, Subcommands};
use jitd_core::record::{Drifted, Person};
use jitd_core::sudoers::{self as text, SudoGrant};
use jitd_core::wanted::{WantedGrant, until_secs};

use super::memory::{memberships, wanted as as_wanted};
use super::{Difference, Host};

impl Host {
    /// The lines that a grant adds to the host: to sudo's file, and one for each group.
    #[must_use]
    pub fn change(
        &self,
        id: RequestId,
        by: &Person,
        gives: &Gives,
        subcommands: Subcommands,
        deadline: &Deadline,
    ) -> Vec<String> {
        let (by, gives, deadline) = (by.clone(), Arc::new(gives.clone()), deadline.clone());
        let grant = WantedGrant { id, by, gives, subcommands, deadline };
        let mut lines = self.sudo_lines(&grant);
        lines.extend(self.group_lines(&grant));
        lines
    }

    fn sudo_lines(&self, grant: &WantedGrant) -> Vec<String> {
        let (id, gids) = (grant.id.to_string(), grant.gives.gids());
        let grant = SudoGrant {
            id: &id,
            uid: grant.by.uid,
            role: grant.gives.sudo.as_ref(),
            gids: &gids,
            subcommands: grant.subcommands,
            until_wall_secs: until_secs(&grant.deadline),
        };
        let all = text::render(&[grant], self.dialect());
        let none = text::render(&[], self.dialect());
        all.strip_prefix(none.as_str()).unwrap_or(&all).lines().map(str::to_owned).collect()
    }

    fn group_lines(&self, grant: &WantedGrant) -> Vec<String> {
        if grant.gives.groups.is_empty() {
            return Vec::new();
        }
        let mut wanted = WantedMembers::default();
        memberships(grant).for_each(|of| wanted.add(of, grant.id));
        let seen = self.lending.look(&self.paths, &wanted, &self.memory.given).ok();
        let line = |of: Membership| {
            let natural = Some(&Outcome::AlreadyNatural);
            match seen.as_ref().and_then(|seen| seen.outcomes.get(&of)) == natural {
                true => format!("/etc/group: {} is in {} already and stays in it", of.user, of.group),
                false => joins(&of),
            }
        };
        memberships(grant).map(line).collect()
    }
}

/// Those who were in a group before a grant, and whom jitd has put into it for that grant since: somebody else had taken them
/// out. From here on they are in it by jitd, which the record has to say where the intent says otherwise.
pub(in crate::engine) fn joined_late<'g>(
    put_in: &'g Given,
    live: impl Iterator<Item = &'g Grant>,
) -> Vec<(RequestId, Difference)> {
    // Of thousands of grants it is about those of a few people.
    let people: BTreeSet<u32> = put_in.iter().map(|of| of.uid).collect();
    let late = live.filter(|grant| people.contains(&grant.by.uid)).flat_map(|grant| {
        let theirs = memberships(&as_wanted(grant)).filter(|of| put_in.contains(of)).collect::<Vec<_>>();
        theirs.into_iter().map(|of| (grant.id, of)).filter(|(_, of)| !grant.change.contains(&joins(of)))
    });
    let found = |of: &Membership| {
        format!("{} was in the group {} before the grant and is not any more", of.user, of.group)
    };
    let difference = |id, of: &Membership| Difference {
        what: Drifted::Joined,
        found: found(of),
        done: joins(of),
        grants: vec![id],
    };
    late.map(|(id, of)| (id, difference(id, &of))).collect()
}

/// The line of an intent that says that a membership is jitd's, whether put in for this grant or for one before. Read
/// back when `applied` is lost, so it never changes its words.
pub(super) fn joins(of: &Membership) -> String {
    format!("/etc/group: {} gains {}", of.group, of.user)
}
