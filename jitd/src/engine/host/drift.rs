//! What others have done to what jitd keeps on the host, beyond what making it right shows by itself.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::escape::escaped;
use jit_common::ids::RequestId;
use jit_mechanisms::groups::{Given, Membership, Outcome, Wanted as WantedMembers};
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
    strangers: BTreeSet<String>,
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

    /// What live grants have by what jitd did and somebody took away since, each with how.
    #[must_use]
    pub fn taken_away(&self, wanted: &Wanted) -> BTreeMap<RequestId, Difference> {
        let ends = |what, found: String, id: RequestId| {
            let done = format!("grant {id} ends, as the policy says");
            (id, Difference { what, found, done, grants: vec![id] })
        };
        let is_wanted = |id: &RequestId| wanted.grants().iter().any(|grant| grant.id == *id);
        let lost = self.left.as_deref().map(|left| sudoers_file::lost(&self.paths, left)).unwrap_or_default();
        let found = || "its rule was not in the sudoers file of jitd any more".to_owned();
        let by_rule = lost.into_iter().filter(is_wanted).map(|id| ends(Drifted::Rules, found(), id));
        let all = memory::all_memberships(wanted);
        let theirs: Given = self.memory.given.iter().filter(|of| all.grants(of).is_some()).cloned().collect();
        // One that cannot be read is told by whoever reads it to change it.
        let seen = (!theirs.is_empty()).then(|| self.lending.look(&self.paths, &all, &theirs).ok()).flatten();
        let outcomes = seen.map(|seen| seen.outcomes).unwrap_or_default();
        let out = outcomes.into_iter().filter(|(_, outcome)| *outcome == Outcome::PutBack);
        let by_group = out.flat_map(|(of, _)| {
            let ids: Vec<RequestId> = all.grants(&of).into_iter().flatten().copied().collect();
            ids.into_iter().map(move |id| ends(Drifted::TakenAway, super::difference::not_in(&of), id))
        });
        by_rule.chain(by_group).collect()
    }

    /// Who was taken out a moment ago and is in again, though jitd has put in nobody, to be taken out once more.
    pub(super) fn owed_out(&mut self, wanted: &WantedMembers, now: &Now) -> Given {
        let again = self.is_in_again(&self.watched(wanted, now));
        // Until it is done they are looked for, however long it takes.
        self.lately.keep(&again, now);
        again
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
        let mut new = Vec::new();
        let names = match sudoers_file::strangers(&self.paths) {
            Ok(names) => names,
            Err(error) => {
                crate::log::error(&crate::chain(&error));
                Vec::new()
            }
        };
        let mut there = BTreeSet::new();
        for name in names {
            let shown = escaped(&name.to_string_lossy()).to_string();
            let done = match what {
                Strangers::Leave => "it was left so; whoever put it there is root".to_owned(),
                Strangers::Remove => match sudoers_file::remove_stranger(&self.paths, &name) {
                    Ok(()) => "it was removed, as the policy says".to_owned(),
                    Err(error) => format!("it could not be removed: {}", crate::chain(&error)),
                },
            };
            if !self.beside.strangers.contains(&shown) {
                let found = stranger(&shown);
                new.push(Difference { what: Drifted::Stranger, found, done, grants: Vec::new() });
            }
            there.insert(shown);
        }
        if let Some(rest) = new.len().checked_sub(NAMED).filter(|rest| *rest > 0) {
            new.truncate(NAMED);
            let found = format!("{rest} more files like these lie there");
            let done = "as with these".to_owned();
            new.push(Difference { what: Drifted::Stranger, found, done, grants: Vec::new() });
        }
        // What was removed and comes again is news again.
        self.beside.strangers = match what {
            Strangers::Leave => there,
            Strangers::Remove => there.into_iter().filter(|name| self.is_there(name)).collect(),
        };
        new.extend(self.include_is_new());
        new
    }

    fn is_there(&self, name: &str) -> bool {
        self.paths.sudoers_dir.join(name).symlink_metadata().is_ok()
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
        done: "they were taken out again, as the policy says".to_owned(),
        grants: Vec::new(),
    }
}

fn stranger(name: &str) -> String {
    let folder = jit_common::paths::SUDOERS_DIR;
    format!("{folder}/{name} is not jitd's, and sudo takes its rules")
}
