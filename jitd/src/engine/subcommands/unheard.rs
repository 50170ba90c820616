//! Sessions that sudo has run, that are over, and for which its log had no line that can be read: then nothing of what they started is on
//! the record, and that is said. Why is not known: sudo's settings and journald's can each keep its lines away.

use std::collections::VecDeque;

use jit_common::ids::RequestId;

use super::{Own, Starts};

/// Grants of which it is remembered.
const GRANTS: usize = 64;

/// Whether sudo has run anything in a session: it may as well have refused to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// PAM has opened it, or it ended well.
    Surely,
    Maybe,
}

/// How many there were of each grant.
#[derive(Debug, Default)]
pub(super) struct Unheard {
    /// The newest last.
    grants: VecDeque<(RequestId, u64)>,
    /// The last of them and whose it was, unless lines have come since.
    last: Option<(RequestId, String)>,
}

impl Unheard {
    /// One more session is over without any.
    pub(super) fn one_more(&mut self, grant: RequestId, person: &str) {
        let before = self.grants.iter().position(|(id, _)| *id == grant);
        let count = before.and_then(|at| self.grants.remove(at)).map_or(0, |(_, count)| count);
        self.grants.push_back((grant, count.saturating_add(1)));
        if self.grants.len() > GRANTS {
            self.grants.pop_front();
        }
        // Once, however many there are.
        if self.last.replace((grant, person.to_owned())).is_none() {
            self.attention().iter().for_each(|why| crate::log::error(why));
        }
    }

    /// One is over of which there was a line: what kept others away is gone.
    pub(super) fn heard(&mut self) {
        self.last = None;
    }

    /// What an admin should look at.
    pub(super) fn attention(&self) -> Option<String> {
        let (grant, person) = self.last.as_ref()?;
        Some(format!(
            "sudo's log had no line that can be read of what {person} ran with {grant}, whose rule has it read (log_subcmds): see syslog, \
             log_allowed and log_format of sudoers(5), Storage, MaxLevelStore and RateLimitBurst of journald.conf(5)"
        ))
    }

    /// What is not known of a grant.
    pub(super) fn of(&self, grant: RequestId) -> Option<String> {
        let (_, count) = self.grants.iter().find(|(id, _)| *id == grant)?;
        Some(format!(
            "what {count} of its commands started, for which sudo's log had no line that can be read"
        ))
    }
}

impl Starts {
    /// What an admin should look at.
    pub(in crate::engine) fn attention(&self) -> impl Iterator<Item = String> {
        let trouble =
            self.trouble.as_ref().map(|why| format!("what commands of sudo start is not read: {why}"));
        trouble.into_iter().chain(self.unheard.attention())
    }

    /// What is not known of what ran with a grant, for sudo's log did not have it.
    pub(in crate::engine) fn unheard_of(&self, grant: RequestId) -> Option<String> {
        self.unheard.of(grant)
    }

    /// Sudo has run something in this session.
    pub(in crate::engine) fn ran(&mut self, pid: i32) {
        if let Some(reading) = self.read.get_mut(&pid) {
            reading.ran = Ran::Surely;
        }
    }

    /// No more lines of a session are waited for.
    pub(super) fn let_go(&mut self, pid: i32) {
        let Some(reading) = self.read.remove(&pid) else { return };
        self.changed = true;
        match (reading.own, reading.ran) {
            (Own::Seen, _) => self.unheard.heard(),
            // While nothing is read nothing comes, and that is said.
            (Own::ToCome, Ran::Surely) if self.trouble.is_none() => {
                self.unheard.one_more(reading.grant, &reading.about.by.name);
            }
            (Own::ToCome, Ran::Surely | Ran::Maybe) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn it_is_said_of_each_grant_and_to_admins_until_there_is_a_line() {
        let (one, two): (RequestId, RequestId) = ("7k2m9xqa".parse().unwrap(), "7k2m9xqb".parse().unwrap());
        let mut unheard = Unheard::default();
        assert_eq!((unheard.attention(), unheard.of(one)), (None, None));
        unheard.one_more(one, "alice");
        unheard.one_more(two, "bob");
        unheard.one_more(one, "alice");
        assert!(unheard.attention().unwrap().contains("of what alice ran with 7k2m9xqa"));
        assert!(unheard.of(one).unwrap().starts_with("what 2 of its commands started"));
        assert!(unheard.of(two).unwrap().starts_with("what 1 of"));
        unheard.heard();
        assert_eq!(unheard.attention(), None);
        assert!(unheard.of(one).is_some(), "that is past, and so");
    }

    #[test]
    fn it_is_remembered_of_so_many_grants_and_of_the_newest() {
        let mut unheard = Unheard::default();
        let id = |number: usize| format!("7k2m{:04}", number).parse::<RequestId>().unwrap();
        (2_000..2_100).for_each(|number| unheard.one_more(id(number), "alice"));
        assert_eq!(unheard.grants.len(), GRANTS);
        assert!(unheard.of(id(2_099)).is_some() && unheard.of(id(2_000)).is_none());
    }
}
