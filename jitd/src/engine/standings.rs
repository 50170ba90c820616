//! What sudo allows a person without any grant: asked by another thread, and remembered for half a minute, or until the host's sudoers
//! tree or its groups change.

use std::collections::BTreeMap;
use std::time::Duration;

use jit_mechanisms::sudo::{self, Fingerprint, Sudo};
use jitd_core::now::{NANOS, Now};
use jitd_core::sudoers::Standing;

use super::host::Host;
use super::message::{Handle, Message};
use crate::worker::Worker;

/// How long sudo may take to list what it allows somebody.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nanoseconds for which it holds: a directory may have rules of sudo's and groups of its own, and tells nobody of changes.
const HOLDS: i64 = 30 * NANOS;

/// Questions that may wait.
const ROOM: usize = 256;

/// What is known of one person.
pub(super) type Known = Result<Standing, String>;

/// One question.
#[derive(Debug)]
struct Question {
    user: String,
    sudo: Sudo,
    answer_to: Handle,
}

/// What sudo has said.
#[derive(Debug)]
pub(super) struct Standings {
    /// And when it was asked, on the boot clock.
    known: BTreeMap<String, (i64, Known)>,
    /// The tree that all of these are true of.
    tree: Option<Fingerprint>,
    /// Of whom sudo is asked just now.
    asked: BTreeMap<String, Asked>,
    /// How often what was said has been forgotten.
    forgotten: u64,
    worker: Worker<Box<Question>>,
}

/// A question under way.
#[derive(Debug)]
struct Asked {
    /// When, on the boot clock.
    at: i64,
    /// The tree as it was.
    tree: Fingerprint,
    /// The ends of the rules that are grants'.
    ours: Vec<String>,
    /// How often what was said had been forgotten.
    forgotten: u64,
}

impl Default for Standings {
    fn default() -> Self {
        let worker = Worker::new("standings", ROOM, answer);
        Self { known: BTreeMap::new(), tree: None, asked: BTreeMap::new(), forgotten: 0, worker }
    }
}

impl Standings {
    /// What sudo allows this person without a grant, if that was asked under the same tree.
    pub(super) fn known(&self, host: &Host, user: &str, now: &Now) -> Option<Known> {
        let (asked, known) = self.known.get(user)?;
        let is_fresh = now.boot.saturating_sub(*asked) < HOLDS;
        (is_fresh && Some(host.fingerprint()) == self.tree).then(|| known.clone())
    }

    /// Asks, unless that is under way; the answer comes as a message. `ours` are the ends of the person's grants as sudo
    /// shows them.
    ///
    /// # Errors
    /// A sentence, when there is no sudo to ask or nobody to ask it.
    pub(super) fn ask(
        &mut self,
        host: &Host,
        user: &str,
        ours: Vec<String>,
        answer_to: Handle,
        now: &Now,
    ) -> Result<(), String> {
        if self.asked.contains_key(user) {
            return Ok(());
        }
        let sudo = host.sudo()?.clone();
        let tree = host.fingerprint();
        let question = Question { user: user.to_owned(), sudo, answer_to };
        self.worker.give(Box::new(question)).map_err(|why| crate::chain(&why))?;
        let asked = Asked { at: now.boot, tree, ours, forgotten: self.forgotten };
        self.asked.insert(user.to_owned(), asked);
        Ok(())
    }

    /// Forgets what was said: sudo's rules may name a group, and somebody has written the files of groups.
    pub(super) fn forget(&mut self) {
        self.forgotten = self.forgotten.wrapping_add(1);
        self.known.clear();
    }

    /// Takes an answer. `ours` are the ends of the person's grants by now: some may have begun since it was asked.
    pub(super) fn said(
        &mut self,
        host: &Host,
        user: &str,
        listing: Result<String, String>,
        ours: Vec<String>,
    ) -> Known {
        let Some(Asked { at, tree, ours: before, forgotten }) = self.asked.remove(user) else {
            return Err("sudo was not asked about it".to_owned());
        };
        let ours: Vec<String> = before.into_iter().chain(ours).collect();
        let known = listing.map(|text| Standing::read(&text, &ours));
        if known.is_ok() && forgotten == self.forgotten && host.fingerprint() == tree {
            if self.tree.as_ref() != Some(&tree) {
                self.known.clear();
                self.tree = Some(tree);
            }
            self.known.insert(user.to_owned(), (at, known.clone()));
        }
        known
    }
}

fn answer(question: Box<Question>) {
    let Question { user, sudo, answer_to } = *question;
    let listing = sudo::listing(&sudo, &user, PATIENCE);
    // An engine that has stopped wants no answer.
    let _ = answer_to.tell_blocking(Message::Listed { user, listing });
}

#[cfg(test)]
mod tests {
    use jit_mechanisms::scratch::Scratch;
    use jitd_core::now::BootId;

    use super::*;

    #[test]
    fn what_sudo_said_holds_for_half_a_minute_under_the_same_tree_and_not_when_groups_have_changed() {
        let scratch = Scratch::new();
        let host = Host::probe(scratch.paths());
        let at = |seconds: i64| Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("".into()) };
        let said = (0, Ok(Standing::read("", &[])));
        let mut standings = Standings { tree: Some(host.fingerprint()), ..Standings::default() };
        standings.known.insert("alice".to_owned(), said);
        assert!(standings.known(&host, "alice", &at(29)).is_some());
        assert!(standings.known(&host, "bob", &at(29)).is_none());
        assert!(standings.known(&host, "alice", &at(30)).is_none(), "a directory tells nobody of changes");
        standings.forget();
        assert!(standings.known(&host, "alice", &at(1)).is_none());
    }
}
