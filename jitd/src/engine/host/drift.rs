//! What others have done to what jitd keeps on the host, beyond what making it right shows by itself.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;

use jit_common::escape::escaped;
use jit_common::ids::RequestId;
use jit_mechanisms::groups::{Given, GroupsError, Membership, Outcome, Report, Wanted as WantedMembers};
use jit_mechanisms::sudoers_file;
use jitd_core::now::Now;
use jitd_core::policy::Strangers;
use jitd_core::record::Drifted;
use jitd_core::wanted::Wanted;

use super::changes::Stamp;
use super::{Difference, Host, memory};

/// Files of others that are told one by one in one look.
const NAMED: usize = 16;

/// What is known of what lies beside jitd's own, and was told.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Files in jitd's folder that sudo reads.
    strangers: BTreeSet<OsString>,
    /// Why sudo does not read what jitd writes.
    include: Option<String>,
}

impl Beside {
    /// What an admin should look at.
    pub(super) fn attention(&self) -> impl Iterator<Item = String> + '_ {
        self.strangers.iter().take(NAMED).map(|name| stranger(name))
    }
}

impl Host {
    /// Reads the guard's list again. How it was not as it was left; the next change writes it anew.
    pub fn list_again(&mut self) -> Option<Difference> {
        let how = self.memory.look_again(&self.paths)?;
        let found = format!("{} was not as jitd left it: {how}", jit_common::paths::APPLIED);
        let done = "it was written anew from the live grants".to_owned();
        Some(Difference { what: Drifted::Applied, found, done, grants: Vec::new() })
    }

    /// Memberships that live grants give and that somebody took away, each with the grants that end by it, as the policy says. One
    /// counts when a grant that `is_active` gives it: what is only being put in may have got half-way.
    ///
    /// It is looked for without a lock and again with one: a file that is being written is no evidence. Where somebody else holds the lock,
    /// nothing is put back either, and the next look decides.
    #[must_use]
    pub fn taken_away(
        &self,
        wanted: &Wanted,
        is_active: impl Fn(RequestId) -> bool,
    ) -> Vec<(Membership, BTreeSet<RequestId>)> {
        let all = memory::all_memberships(wanted);
        let grants = |of: &Membership| all.grants(of).cloned().unwrap_or_default();
        let are_out = |seen: Result<Report, GroupsError>| -> Given {
            let out = |outcome: &Outcome| matches!(outcome, Outcome::PutBack | Outcome::Added);
            // One that cannot be read is told by whoever reads it to change it.
            let outcomes = seen.map(|seen| seen.outcomes).unwrap_or_default();
            let out = outcomes.into_iter().filter(|(_, outcome)| out(outcome)).map(|(of, _)| of);
            out.filter(|of| grants(of).into_iter().any(&is_active)).collect()
        };
        if are_out(self.lending.look(&self.paths, &all, &self.memory.given)).is_empty() {
            return Vec::new();
        }
        let out = are_out(self.lending.look_locked(&self.paths, &all, &self.memory.given));
        // In the other file alone it is a list that does not count, and is put right.
        let text = fs::read(&self.paths.etc_group).unwrap_or_default();
        let out = out.into_iter().filter(|of| !super::present::lists(&text, of));
        out.map(|of| (of.clone(), grants(&of))).collect()
    }

    /// Who was taken out a moment ago and is in again, though jitd has put in nobody: they are to be taken out once more, and looked for
    /// until they are.
    pub(super) fn owed_out(&mut self, wanted: &WantedMembers, now: &Now) -> Given {
        self.lately.owed = self.is_in_again(&self.watched(wanted, now));
        self.lately.owed.clone()
    }

    /// Whoever was taken out a moment ago and is in again. What is new of it.
    pub(super) fn in_again(&mut self, wanted: &WantedMembers, now: &Now) -> Vec<Difference> {
        let watched = self.watched(wanted, now);
        if watched.is_empty() {
            return self.lately.are_in(&watched, now);
        }
        let stamp = Stamp::of(&self.paths);
        if stamp == self.lately.seen {
            return Vec::new();
        }
        let again = self.is_in_again(&watched);
        self.lately.seen = stamp;
        self.lately.are_in(&again, now)
    }

    fn watched(&self, wanted: &WantedMembers, now: &Now) -> Given {
        let (lending, memory) = (&self.lending, &self.memory);
        let but =
            |of: &Membership| memory.given.contains(of) || wanted.grants(of).is_some() || lending.doubts(of);
        self.lately.watched(but, now)
    }

    fn is_in_again(&self, watched: &Given) -> Given {
        if watched.is_empty() {
            return Given::new();
        }
        let seen = self.lending.look(&self.paths, &WantedMembers::default(), watched);
        // One that cannot be read is told by whoever reads it to change it.
        let outcomes = seen.map(|seen| seen.outcomes).unwrap_or_default();
        outcomes.into_iter().filter(|(_, outcome)| *outcome == Outcome::Removed).map(|(of, _)| of).collect()
    }

    /// Looks at what lies beside jitd's own: files that sudo reads as well, and the line by which it reads jitd's. What is new.
    pub fn beside(&mut self, what: Strangers) -> Vec<Difference> {
        let mut new = match sudoers_file::strangers(&self.paths) {
            Ok(names) => self.strangers_are_new(names, what),
            Err(error) => {
                crate::log::error(&crate::chain(&error));
                Vec::new()
            }
        };
        if let Some(rest) = new.len().checked_sub(NAMED).filter(|rest| *rest > 0) {
            new.truncate(NAMED);
            let found = format!("{rest} more files like these lie there");
            let done = "as with these".to_owned();
            new.push(Difference { what: Drifted::Stranger, found, done, grants: Vec::new() });
        }
        new.extend(self.include_is_new());
        new
    }

    fn strangers_are_new(&mut self, names: Vec<OsString>, what: Strangers) -> Vec<Difference> {
        let (mut new, mut left) = (Vec::new(), BTreeSet::new());
        for name in names {
            let removed = match what {
                Strangers::Leave => None,
                Strangers::Remove => Some(sudoers_file::remove_stranger(&self.paths, &name)),
            };
            let done = match &removed {
                None => "it was left so; whoever put it there is root".to_owned(),
                Some(Ok(())) => "it was removed, as the policy says".to_owned(),
                Some(Err(error)) => format!("it could not be removed: {}", crate::chain(error)),
            };
            if !self.beside.strangers.contains(&name) {
                let found = stranger(&name);
                new.push(Difference { what: Drifted::Stranger, found, done, grants: Vec::new() });
            }
            // What was removed and comes again is news again.
            if !matches!(removed, Some(Ok(()))) {
                left.insert(name);
            }
        }
        self.beside.strangers = left;
        new
    }

    fn include_is_new(&mut self) -> Option<Difference> {
        let trouble = self.include_trouble();
        let new = trouble.clone().filter(|_| trouble != self.beside.include);
        self.beside.include = trouble;
        let done = "it was left so, and counts against every grant until it is right".to_owned();
        new.map(|found| Difference { what: Drifted::Include, found, done, grants: Vec::new() })
    }
}

/// Who was in again and is out, as the policy says.
pub(super) fn out_again(of: &Membership) -> Difference {
    Difference {
        what: Drifted::PutBack,
        found: super::lately::sentence(of),
        done: "they were taken out again, as the policy says; what they started meanwhile keeps the group"
            .to_owned(),
        grants: Vec::new(),
    }
}

fn stranger(name: &OsStr) -> String {
    let (folder, name) = (jit_common::paths::SUDOERS_DIR, name.to_string_lossy());
    format!("{folder}/{} is not jitd's, and sudo takes its rules", escaped(&name))
}
