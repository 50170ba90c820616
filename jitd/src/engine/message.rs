//! What the engine is told, and the handle by which it is told.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use jit_common::ids::RequestId;
use jit_common::request::{PamAsk, Request};
use jit_common::response::Response;
use jit_mechanisms::sudo::RoleAgreement;
use jitd_core::policy::{GroupState, LocalTime, PersonFacts};
use jitd_core::record::Person;
use tokio::sync::{mpsc, oneshot, watch};

use super::host::Said;
use crate::enquiries::Answer;
use crate::holders::Holders;
use crate::ledger::Row;
use crate::looks::Seen;
use crate::peer::Peer;
use crate::policy_files::{Live, Loaded};
use crate::subcommands::News;
use crate::sweeps::Done;

/// Messages that may wait. A caller finds a full queue at once, as a refusal.
const QUEUE: usize = 1024;

/// A call, with who makes it.
#[derive(Debug)]
pub struct Call {
    /// The other end of the connection.
    pub peer: Peer,
    /// The account of the peer's uid.
    pub person: PersonFacts,
    /// Whom an explanation is for, when that is somebody else.
    pub subject: Option<PersonFacts>,
    /// The groups that the policy names.
    pub groups: BTreeMap<String, GroupState>,
    /// The time in the zones that the policy names.
    pub local_time: BTreeMap<String, LocalTime>,
    /// When person and groups were looked up, on the boot clock.
    pub looked_up: i64,
    /// The process that connected, where something is done to it.
    pub process: Option<OwnedFd>,
    /// What is asked.
    pub request: Request,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Response>,
}

/// What the PAM module asks or tells.
#[derive(Debug)]
pub struct PamCall {
    /// The process in which it runs.
    pub peer: Peer,
    /// The same, where something is done to it.
    pub process: Option<OwnedFd>,
    /// What it says.
    pub ask: PamAsk,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Response>,
}

/// A stretch of the record that somebody wants to read.
#[derive(Debug)]
pub struct Stretch {
    /// Entries after this number.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
    /// Whose, for a reader who may see no others.
    pub of: Option<Person>,
    /// Where they go.
    pub reply: oneshot::Sender<Result<Looked, String>>,
}

/// What was found in a stretch of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The entries.
    pub rows: Vec<Row>,
    /// The number up to which was looked; what is asked for next begins behind it.
    pub to: u64,
}

/// What the engine is told.
#[derive(Debug)]
pub enum Message {
    /// Somebody calls.
    Call(Box<Call>),
    /// The PAM module asks or tells.
    Pam(Box<PamCall>),
    /// Somebody reads the record.
    Read(Stretch),
    /// Somebody wants to read the record: what of the person counts for what they may see.
    Natural(Box<PersonFacts>, oneshot::Sender<PersonFacts>),
    /// Somebody takes the whole record away: its end is signed first, so that the copy can be trusted to there.
    Sign(oneshot::Sender<()>),
    /// Sudo has been asked about a grant.
    Asked {
        /// The grant.
        id: RequestId,
        /// What sudo said.
        answer: RoleAgreement,
    },
    /// What an enquiry has found.
    Answered(Box<Answer>),
    /// What the name service says of people who were put into groups or taken out of them.
    GroupsSaid(Said),
    /// The process that a session began with has ended.
    SessionOver {
        /// Its number.
        pid: i32,
    },
    /// What sudo lists for somebody.
    Listed {
        /// The name of their account.
        user: String,
        /// What it printed, or why it did not.
        listing: Result<String, String>,
    },
    /// The host was looked at.
    Looked(Box<Seen>),
    /// Whatever holds groups that were taken away was told to end.
    Swept(Box<Done>),
    /// What commands of sudo start was read, or is not.
    Subcommands(News),
    /// The policy's files were read again.
    Policy(Box<Loaded>),
    /// These accounts are no longer who they were.
    People {
        /// Those who are gone, renamed, locked or expired.
        gone: Vec<(u32, String)>,
        /// When it was asked, by the wall clock.
        asked: i64,
    },
    /// The account files have changed.
    AccountsChanged,
    /// The files of groups have changed.
    GroupsChanged,
    /// The guard has left notes.
    Look,
    /// A timer rang, or the wall clock was set.
    Wake,
    /// Is the engine alive?
    Beat(oneshot::Sender<Health>),
    /// Something that jitd cannot do without has failed.
    Fail,
    /// jitd is to stop: nothing more is granted, the record is signed, and its newest number is the answer. From then on
    /// the engine only hands out the record, so that sinks can tell its end.
    Stop(oneshot::Sender<u64>),
    /// The sinks have told it.
    End,
}

/// What systemd is told with each beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Live grants.
    pub live: usize,
    /// Grants that could not be taken off.
    pub stuck: usize,
    /// How many entries each sink is behind, for those that are.
    pub behind: Vec<(String, u64)>,
    /// Why nothing is granted, when nothing is.
    pub not_granting: Option<String>,
}

/// The engine is gone or cannot take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Its queue is full.
    #[error("jitd has more to do than it can take at present")]
    Full,
    /// It has stopped.
    #[error("jitd is stopping")]
    Stopped,
}

/// How everybody else speaks to the engine.
#[derive(Clone, Debug)]
pub struct Handle {
    queue: mpsc::Sender<Message>,
    head: watch::Receiver<u64>,
    policy: watch::Receiver<Arc<Live>>,
    holders: watch::Receiver<Holders>,
}

impl Handle {
    /// A handle, and the engine's ends of it.
    #[must_use]
    pub fn new(live: Arc<Live>) -> (Self, Inbox) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let (head_out, head) = watch::channel(0);
        let (policy_out, policy) = watch::channel(live);
        let (holders_out, holders) = watch::channel(Holders::default());
        let inbox = Inbox { messages, head: head_out, policy: policy_out, holders: holders_out };
        (Self { queue, head, policy, holders }, inbox)
    }

    /// The policy that is live.
    #[must_use]
    pub fn policy(&self) -> Arc<Live> {
        self.policy.borrow().clone()
    }

    /// The live policy, as it changes.
    #[must_use]
    pub fn policies(&self) -> watch::Receiver<Arc<Live>> {
        self.policy.clone()
    }

    /// Waits until the engine has taken a policy, be it good or bad, or has stopped.
    pub async fn first_policy(&self) {
        // A handle never looks at its receiver itself, so the first change stays new to it.
        let _ = self.policy.clone().changed().await;
    }

    /// Everybody who holds a grant, each time that they are to be asked about.
    #[must_use]
    pub fn holders(&self) -> watch::Receiver<Holders> {
        self.holders.clone()
    }

    /// The number of the newest entry of the record, as it changes.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// Tells the engine something without waiting for room.
    ///
    /// # Errors
    /// When it cannot take it.
    pub fn tell_now(&self, message: Message) -> Result<(), NotTaken> {
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Stopped,
        })
    }

    /// Tells the engine something, when there is room.
    ///
    /// # Errors
    /// When it has stopped.
    pub async fn tell(&self, message: Message) -> Result<(), NotTaken> {
        self.queue.send(message).await.map_err(|_| NotTaken::Stopped)
    }

    /// As [`Handle::tell`], from a thread that may block.
    ///
    /// # Errors
    /// When it has stopped.
    pub fn tell_blocking(&self, message: Message) -> Result<(), NotTaken> {
        self.queue.blocking_send(message).map_err(|_| NotTaken::Stopped)
    }

    /// Entries of the record after number `after`, at most `limit`, each with the reason and ticket of its request.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot be read or the engine has stopped.
    pub async fn rows(&self, after: u64, limit: usize) -> Result<Vec<Row>, String> {
        self.look(after, limit, None).await.map(|looked| looked.rows)
    }

    /// As [`Handle::rows`]; with `of` only those about this person, as far as one look reaches.
    ///
    /// # Errors
    /// As [`Handle::rows`].
    pub async fn look(&self, after: u64, limit: usize, of: Option<Person>) -> Result<Looked, String> {
        let (reply, answer) = oneshot::channel();
        let stretch = Stretch { after, limit, of, reply };
        self.tell(Message::Read(stretch)).await.map_err(|error| error.to_string())?;
        answer.await.map_err(|_| NotTaken::Stopped.to_string())?
    }

    /// A person without the groups that jitd gave them: those count for nobody.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn natural(&self, person: PersonFacts) -> Result<PersonFacts, NotTaken> {
        let (reply, answer) = oneshot::channel();
        self.tell(Message::Natural(Box::new(person), reply)).await?;
        answer.await.map_err(|_| NotTaken::Stopped)
    }

    /// Has the end of the record signed, unless it is already.
    pub async fn sign(&self) {
        let (reply, done) = oneshot::channel();
        if self.tell(Message::Sign(reply)).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// The engine's ends of the handle.
#[derive(Debug)]
pub struct Inbox {
    /// What it is told.
    pub messages: mpsc::Receiver<Message>,
    /// The number of the newest entry.
    pub head: watch::Sender<u64>,
    /// The live policy.
    pub policy: watch::Sender<Arc<Live>>,
    /// Who is to be asked about.
    pub holders: watch::Sender<Holders>,
}
