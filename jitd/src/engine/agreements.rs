//! What sudo says about a person and a role: asked once, by other threads, and remembered until the host's sudoers
//! tree changes.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_mechanisms::sudo::{self, Fingerprint, RoleAgreement, Sudo};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::limits::LIVE_GRANTS;
use jitd_core::policy::Gives;

use super::host::Host;
use super::message::{Handle, Message};
use crate::worker::{NotTakenOn, Worker};

/// How long sudo may take to answer about one command or group.
const SUDO_PATIENCE: Duration = Duration::from_secs(10);

/// Questions that are asked at the same time, where there are so many processors. sudo reads all rules for each.
const AT_A_TIME: usize = 4;

/// One question to sudo.
#[derive(Debug)]
struct Question {
    id: RequestId,
    user: String,
    gives: Arc<Gives>,
    sudo: Sudo,
    answer_to: Handle,
}

/// An answer, and what it is true of beside the tree.
#[derive(Debug)]
struct Known {
    gives: Arc<Gives>,
    answer: RoleAgreement,
}

/// What sudo has said.
#[derive(Debug)]
pub struct Agreements {
    known: BTreeMap<Key, Known>,
    /// The tree that all of these are true of: one beside each of ten thousand answers would be most of what jitd has in memory.
    tree: Option<Fingerprint>,
    /// The tree as it was when each question was asked, until its answer comes or its grant is gone: an answer is not
    /// taken for a tree that it may not have seen.
    asked: BTreeMap<RequestId, Fingerprint>,
    /// Boxed, for the room of a queue is taken as soon as its thread starts.
    questions: Vec<Worker<Box<Question>>>,
    /// How many were given out, which says whose turn it is.
    turns: usize,
}

impl Default for Agreements {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(AT_A_TIME);
        let questions = (0..threads).map(|_| Worker::new("agreements", LIVE_GRANTS, answer)).collect();
        Self { known: BTreeMap::new(), tree: None, asked: BTreeMap::new(), questions, turns: 0 }
    }
}

impl Agreements {
    /// What sudo said about this person and role, if its sudoers tree is still the same.
    #[must_use]
    pub fn known(&self, host: &Host, grant: &Grant) -> Option<RoleAgreement> {
        let known = self.known.get(&key(grant))?;
        let same = known.gives == grant.gives && Some(host.fingerprint()) == self.tree;
        same.then(|| known.answer.clone())
    }

    /// Asks sudo about a grant; the answer comes as a message.
    ///
    /// # Errors
    /// A sentence, when there is no sudo to ask or nobody to ask it.
    pub fn ask(&mut self, host: &Host, grant: &Grant, answer_to: Handle) -> Result<(), String> {
        let sudo = host.sudo()?.clone();
        let tree = host.fingerprint();
        let question = Question {
            id: grant.id,
            user: grant.by.name.clone(),
            gives: grant.gives.clone(),
            sudo,
            answer_to,
        };
        let given =
            self.next().map_or(Err(NotTakenOn::Full { room: 0 }), |worker| worker.give(Box::new(question)));
        self.note_asked(grant.id, tree, given)
    }

    /// Whose turn it is to ask. There is always somebody.
    fn next(&mut self) -> Option<&mut Worker<Box<Question>>> {
        let turn = self.turns.checked_rem(self.questions.len())?;
        self.turns = self.turns.wrapping_add(1);
        self.questions.get_mut(turn)
    }

    fn note_asked(
        &mut self,
        id: RequestId,
        tree: Fingerprint,
        given: Result<(), NotTakenOn>,
    ) -> Result<(), String> {
        match given {
            Ok(()) => {
                self.asked.insert(id, tree);
                Ok(())
            }
            Err(why) => {
                self.forget(id);
                Err(format!("sudo cannot be asked about it: {}", crate::chain(&why)))
            }
        }
    }

    /// No answer about this grant is wanted any more: it is gone.
    pub fn forget(&mut self, id: RequestId) {
        self.asked.remove(&id);
    }

    /// Remembers an answer.
    pub fn remember(&mut self, host: &Host, grant: &Grant, answer: &RoleAgreement) {
        let Some(tree) = self.asked.remove(&grant.id) else { return };
        // A doubtful answer is asked for again next time.
        if host.fingerprint() == tree && answer.unclear.is_empty() {
            if self.tree.as_ref() != Some(&tree) {
                self.known.clear();
                self.tree = Some(tree);
            }
            let known = Known { gives: grant.gives.clone(), answer: answer.clone() };
            self.known.insert(key(grant), known);
        }
    }
}

/// Who, by uid and name, and for which role.
type Key = (u32, String, String);

fn key(grant: &Grant) -> Key {
    (grant.by.uid, grant.by.name.clone(), grant.role.clone())
}

/// Asks sudo one question.
fn answer(question: Box<Question>) {
    let Question { id, user, gives, sudo, answer_to } = *question;
    let groups: Vec<&str> = gives.groups.iter().map(|group| group.name.as_str()).collect();
    let answer = sudo::ask_role(&sudo, &user, gives.sudo.as_ref(), &groups, SUDO_PATIENCE);
    // An engine that has stopped wants no answer.
    let _ = answer_to.tell_blocking(Message::Asked { id, answer });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::io;

    use jit_mechanisms::HostPaths;

    use super::*;

    #[test]
    fn a_question_is_remembered_only_while_an_answer_can_come() {
        let tree = || sudo::fingerprint(&HostPaths::under(std::path::Path::new("/nowhere")));
        let id: RequestId = "aaaaaaaa".parse().unwrap();
        let mut agreements = Agreements::default();
        let no_thread = Err(NotTakenOn::NoThread(io::ErrorKind::WouldBlock.into()));
        let why = agreements.note_asked(id, tree(), no_thread).unwrap_err();
        assert!(why.starts_with("sudo cannot be asked about it: the system gives no thread"), "{why}");
        assert!(agreements.asked.is_empty(), "nobody will answer");
        agreements.note_asked(id, tree(), Ok(())).unwrap();
        assert_eq!(agreements.asked.len(), 1);
        agreements.forget(id);
        assert!(agreements.asked.is_empty(), "its grant was dropped before sudo answered");
    }
}
