//! Whether the name service counts people in the groups that they were put into, and not in those that they were taken out
//! of: asked on a thread of its own, for a directory service may hang. A cache that was told and does not heed it
//! (nscd(8), sssd(8)) shows here, and so does a group of the same name elsewhere. The caches are told on the same thread
//! and before it asks: their programs may take seconds.

use std::collections::BTreeMap;

use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::tell::tell;
use jit_mechanisms::groups::{Caches, Given, Membership};
use jitd_core::now::{NANOS, Now};
use jitd_core::record::Drifted;

use super::Difference;
use crate::engine::message::{Handle, Message};
use crate::people;
use crate::worker::Worker;

/// Questions that may wait. One more is not asked: the next look asks about everything that differed.
const ROOM: usize = 64;

/// Nanoseconds after which a difference is no news any more. Somebody whom a directory has in that group stays in it.
const OLD: i64 = 600 * NANOS;

/// Whether somebody should be in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Should {
    /// In it.
    BeIn,
    /// Not in it.
    BeOut,
}

/// One question to the name service.
#[derive(Debug)]
struct Question {
    of: Vec<(Membership, Should)>,
    /// Whose caches are told first, if any.
    stale: Option<HostPaths>,
    answer_to: Handle,
}

/// What the name service says.
pub type Said = Vec<(Membership, Should, Option<bool>)>;

/// What is known of the name service.
#[derive(Debug)]
pub(super) struct ReadBack {
    questions: Worker<Question>,
    /// What is to be asked when people have been answered.
    next: BTreeMap<Membership, Should>,
    /// Whether caches have to be told first.
    caches: Caches,
    /// Where it differs, and since when by the boot clock.
    differs: BTreeMap<Membership, (Should, i64)>,
}

impl Default for ReadBack {
    fn default() -> Self {
        let (next, caches, differs) = Default::default();
        Self { questions: Worker::new("read-back", ROOM, ask), next, caches, differs }
    }
}

impl ReadBack {
    /// Remembers people who were put in or taken out, and whether caches are stale by that.
    pub(super) fn note(&mut self, put_in: &Given, taken_out: &Given, caches: Caches) {
        self.next.extend(put_in.iter().map(|of| (of.clone(), Should::BeIn)));
        self.next.extend(taken_out.iter().map(|of| (of.clone(), Should::BeOut)));
        self.caches = self.caches.then(caches);
    }

    /// Asks about them, when the caches of the host have been told.
    pub(super) fn ask(&mut self, paths: &HostPaths, answer_to: &Handle) {
        let stale = std::mem::take(&mut self.caches) == Caches::Stale;
        let next = std::mem::take(&mut self.next);
        self.put(next.into_iter().collect(), stale.then(|| paths.clone()), answer_to);
    }

    /// Asks again about everybody of whom it said otherwise.
    pub(super) fn ask_again(&mut self, now: &Now, answer_to: &Handle) {
        self.differs.retain(|_, (_, since)| now.boot.saturating_sub(*since) < OLD);
        let differs = self.differs.iter().map(|(of, (should, _))| (of.clone(), *should));
        self.put(differs.collect(), None, answer_to);
    }

    fn put(&mut self, of: Vec<(Membership, Should)>, stale: Option<HostPaths>, answer_to: &Handle) {
        if of.is_empty() && stale.is_none() {
            return;
        }
        if let Err(why) = self.questions.give(Question { of, stale, answer_to: answer_to.clone() }) {
            crate::log::error(&format!("caches of groups are not told or asked: {}", crate::chain(&why)));
        }
    }

    /// Takes the answers; what differs and was not known to. `lent` says what jitd has put in by now: an answer to a question that
    /// time has answered is none.
    pub(super) fn said(&mut self, said: Said, lent: &Given, now: &Now) -> Vec<Difference> {
        let mut new = Vec::new();
        for (of, should, is_in) in said {
            let still = match should {
                Should::BeIn => lent.contains(&of),
                Should::BeOut => !lent.contains(&of),
            };
            let differs = is_in.is_some_and(|is_in| is_in != (should == Should::BeIn));
            if still && differs {
                if self.differs.insert(of.clone(), (should, now.boot)).is_none() {
                    let done = "it is right in /etc/group; the caches were told".into();
                    let (what, found) = (Drifted::NameService, sentence(&of, should));
                    new.push(Difference { what, found, done, grants: Vec::new() });
                }
            } else if is_in.is_some() {
                self.differs.remove(&of);
            }
        }
        new
    }

    /// Who is out, and still in by the name service.
    pub(super) fn still_in(&self) -> impl Iterator<Item = &Membership> {
        self.differs.iter().filter(|(_, (should, _))| *should == Should::BeOut).map(|(of, _)| of)
    }

    /// What an admin should look at.
    pub(super) fn attention(&self) -> impl Iterator<Item = String> + '_ {
        let hint = "see which sources nsswitch.conf names and what nscd or sssd remember";
        self.differs.iter().map(move |(of, (should, _))| format!("{}; {hint}", sentence(of, *should)))
    }
}

fn sentence(of: &Membership, should: Should) -> String {
    match should {
        Should::BeIn => {
            format!("{} is in {} by /etc/group, and the name service does not say so", of.user, of.group)
        }
        Should::BeOut => {
            format!("{} is not in {} by /etc/group, and the name service says otherwise", of.user, of.group)
        }
    }
}

/// Tells the caches and asks the name service about each of them.
fn ask(question: Question) {
    let told = question.stale.iter().flat_map(tell);
    for why in told.filter_map(|told| told.result.err()) {
        crate::log::error(&format!("a cache of groups may be stale: {why}"));
    }
    if question.of.is_empty() {
        return;
    }
    let said = question.of.into_iter().map(|(of, should)| {
        let is_in = people::is_in_group(&of.user, of.gid);
        (of, should, is_in)
    });
    // An engine that has stopped wants no answer.
    let _ = question.answer_to.tell_blocking(Message::GroupsSaid(said.collect()));
}
