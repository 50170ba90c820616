//! What sudo says about a person and a role: asked once, by another thread, and remembered until the host's sudoers
//! tree changes.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_mechanisms::sudo::{self, Fingerprint, RoleAgreement, Sudo};
use jitd_core::lifecycle::registry::Grant;
use jitd_core::policy::SudoRole;

use super::host::Host;
use super::message::{Handle, Message};

/// How long sudo may take to answer about one command.
const SUDO_PATIENCE: Duration = Duration::from_secs(10);

/// One question to sudo.
#[derive(Debug)]
struct Question {
    id: RequestId,
    user: String,
    role: SudoRole,
    sudo: Sudo,
    answer_to: Handle,
}

/// An answer, and what it is true of.
#[derive(Debug)]
struct Known {
    tree: Fingerprint,
    role: SudoRole,
    answer: RoleAgreement,
}

/// What sudo has said.
#[derive(Debug, Default)]
pub struct Agreements {
    known: BTreeMap<Key, Known>,
    /// The tree as it was when each question was asked: an answer is not taken for a tree that it may not have seen.
    asked: BTreeMap<RequestId, Fingerprint>,
    questions: Option<mpsc::Sender<Question>>,
}

impl Agreements {
    /// What sudo said about this person and role, if its sudoers tree is still the same.
    #[must_use]
    pub fn known(&self, host: &Host, grant: &Grant) -> Option<RoleAgreement> {
        let known = self.known.get(&key(grant))?;
        let same = known.role == grant.sudo && host.fingerprint() == known.tree;
        same.then(|| known.answer.clone())
    }

    /// Asks sudo about a grant; the answer comes as a message.
    ///
    /// # Errors
    /// A sentence, when there is no sudo to ask.
    pub fn ask(&mut self, host: &Host, grant: &Grant, answer_to: Handle) -> Result<(), String> {
        let sudo = host.sudo()?.clone();
        self.asked.insert(grant.id, host.fingerprint());
        let question =
            Question { id: grant.id, user: grant.by.name.clone(), role: grant.sudo.clone(), sudo, answer_to };
        let asked = self.questions.get_or_insert_with(worker).send(question);
        if let Err(mpsc::SendError(question)) = asked {
            // The worker is gone, which a panic in it would explain. A new one takes the question.
            self.questions = Some(worker());
            if let Some(questions) = &self.questions {
                let _ = questions.send(question);
            }
        }
        Ok(())
    }

    /// Remembers an answer.
    pub fn remember(&mut self, host: &Host, grant: &Grant, answer: &RoleAgreement) {
        let Some(tree) = self.asked.remove(&grant.id) else { return };
        // A doubtful answer is asked for again next time.
        if host.fingerprint() == tree && answer.unclear.is_empty() {
            let known = Known { tree, role: grant.sudo.clone(), answer: answer.clone() };
            self.known.insert(key(grant), known);
        }
    }
}

/// Who, by uid and name, and for which role.
type Key = (u32, String, String);

fn key(grant: &Grant) -> Key {
    (grant.by.uid, grant.by.name.clone(), grant.role.clone())
}

/// The thread that asks sudo, one question at a time.
fn worker() -> mpsc::Sender<Question> {
    let (questions, inbox) = mpsc::channel::<Question>();
    thread::spawn(move || {
        for question in inbox {
            let answer = sudo::ask_role(&question.sudo, &question.user, &question.role, SUDO_PATIENCE);
            let _ = question.answer_to.tell_blocking(Message::Asked { id: question.id, answer });
        }
    });
    questions
}
