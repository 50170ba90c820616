//! What the engine wants to know before it goes on with a request: who people are now, and who could approve. It asks
//! without waiting, and hears by message; a directory service that hangs holds up the one answer and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jitd_core::limits::OPEN_REQUESTS;
use jitd_core::now::NANOS;
use jitd_core::policy::{GroupState, LocalTime, PersonFacts, Subjects};
use tokio::runtime;
use tokio::sync::{Semaphore, TryAcquireError};

use crate::clock::Clock;
use crate::engine::{Handle, Message, NotTaken};
use crate::people::{self, Known, Question};
use crate::policy_files::Live;
use crate::zones;

/// Enquiries that may be under way. Each is answered within [`people::NSS_PATIENCE`].
const AT_A_TIME: usize = 256;

/// Enquiries that may be under way or wait for that, in the order in which they came: as many as there can be open requests
/// whose start is the same second, and as many again.
const ROOM: usize = 2 * OPEN_REQUESTS;

/// Nanoseconds after which no further member of a group is looked up: those who are known then are the answer. Shorter
/// than the patience, after which there would be none.
const LONGEST_LIST: i64 = 2 * NANOS;

/// A question of the engine.
#[derive(Clone, Debug)]
pub struct Enquiry {
    /// The engine's own mark, handed back with the answer.
    pub ticket: u64,
    /// Accounts to look up: uid, and the name they had.
    pub people: BTreeSet<(u32, String)>,
    /// Who could approve, so that everybody is told whom to ask.
    pub approvers: Vec<Subjects>,
    /// The policy, whose groups and zones are looked up.
    pub live: Arc<Live>,
}

/// The answer to an [`Enquiry`]. There is always one.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The engine's mark.
    pub ticket: u64,
    /// What was found, or in a sentence why not.
    pub found: Result<Found, String>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The people as they are now, by uid. Who has no account any more, or one of another name, is missing.
    pub people: BTreeMap<u32, PersonFacts>,
    /// The groups that the policy names, and those of the approvers.
    pub groups: BTreeMap<String, GroupState>,
    /// The time in the zones that the policy names.
    pub local_time: BTreeMap<String, LocalTime>,
    /// Accounts named by, or in the groups of, the approvers: each once. Whether they may approve is for policy to say: among
    /// them may be root and accounts that are locked.
    pub candidates: Vec<PersonFacts>,
    /// Groups of the approvers that have, or may have, members who are not among the candidates.
    pub unlisted: BTreeSet<String>,
    /// When the look-up began: nanoseconds of the boot clock.
    pub looked_up: i64,
}

/// The way to ask.
#[derive(Clone, Debug)]
pub struct Enquiries {
    engine: Handle,
    clock: Clock,
    runtime: runtime::Handle,
    /// For all that were asked.
    places: Arc<Semaphore>,
    /// For those under way.
    at_a_time: Arc<Semaphore>,
}

impl Enquiries {
    /// Ready to be asked; `engine` hears the answers. To be called where a runtime is, which does the work.
    #[must_use]
    pub fn start(engine: Handle, clock: Clock) -> Self {
        let semaphore = |places| Arc::new(Semaphore::new(places));
        let (places, at_a_time) = (semaphore(ROOM), semaphore(AT_A_TIME));
        Self { engine, clock, runtime: runtime::Handle::current(), places, at_a_time }
    }

    /// Asks. Never waits: the answer comes as [`Message::Answered`].
    ///
    /// # Errors
    /// When too many questions wait. Then there will be no answer to this one.
    pub fn ask(&self, enquiry: Enquiry) -> Result<(), NotTaken> {
        let place = self.places.clone().try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => NotTaken::Full,
            TryAcquireError::Closed => NotTaken::Stopped,
        })?;
        let Self { engine, clock, at_a_time, .. } = self.clone();
        self.runtime.spawn(async move {
            // Nobody closes it. Without a turn of its own it is answered all the same.
            let _turn = at_a_time.acquire_owned().await;
            let answer = answer(enquiry, clock).await;
            // An engine that has stopped asks no more. The place is kept until it has room for the answer.
            let _ = engine.tell(Message::Answered(Box::new(answer))).await;
            drop(place);
        });
        Ok(())
    }
}

async fn answer(enquiry: Enquiry, clock: Clock) -> Answer {
    let Enquiry { ticket, people, approvers, live } = enquiry;
    let now = clock.now();
    let named = live.policy.groups_named().into_iter().map(str::to_owned).collect();
    let question = Question { people, named, approvers, wall: now.wall };
    let has_time = move || clock.now().boot.saturating_sub(now.boot) < LONGEST_LIST;
    let known = people::know(question, has_time).await.map_err(|error| crate::chain(&error));
    let local_time = zones::local_times(live.policy.zones_named(), now.wall);
    let found = known.map(|Known { people, groups, candidates }| Found {
        people,
        groups,
        local_time,
        candidates: candidates.people,
        unlisted: candidates.unlisted,
        looked_up: now.boot,
    });
    Answer { ticket, found }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::engine::Inbox;

    fn enquiries() -> (Enquiries, Inbox) {
        let (engine, inbox) = Handle::new(Arc::default());
        (Enquiries::start(engine, Clock::of_this_boot().unwrap()), inbox)
    }

    fn enquiry(ticket: u64) -> Enquiry {
        let people = BTreeSet::from([(0, "root".to_owned()), (0, "somebody".to_owned())]);
        let users = BTreeSet::from(["nobody".to_owned()]);
        let approvers = vec![Subjects { users, groups: BTreeSet::new() }];
        Enquiry { ticket, people, approvers, live: Arc::default() }
    }

    async fn heard(inbox: &mut Inbox) -> Answer {
        let Some(Message::Answered(answer)) = inbox.messages.recv().await else { unreachable!() };
        *answer
    }

    #[tokio::test]
    async fn the_engine_hears_what_it_asked_with_its_mark() {
        let (enquiries, mut inbox) = enquiries();
        let before = enquiries.clock.now().boot;
        enquiries.ask(enquiry(7)).unwrap();
        let answer = heard(&mut inbox).await;
        let found = answer.found.unwrap();
        assert_eq!(answer.ticket, 7);
        assert!(found.looked_up >= before && found.looked_up <= enquiries.clock.now().boot);
        assert_eq!(found.people.values().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["root"]);
        assert_eq!(found.candidates.first().map(|person| person.name.as_str()), Some("nobody"));
        assert!(found.unlisted.is_empty());
    }

    #[tokio::test]
    async fn asking_never_waits_and_what_has_no_room_is_turned_away() {
        let (enquiries, mut inbox) = enquiries();
        // Nothing runs on this thread before the first await.
        let room = u64::try_from(ROOM).unwrap();
        assert!((0..room).all(|ticket| enquiries.ask(enquiry(ticket)).is_ok()));
        assert_eq!(enquiries.ask(enquiry(room)), Err(NotTaken::Full));
        let mut tickets = BTreeSet::new();
        for _ in 0..room {
            tickets.insert(heard(&mut inbox).await.ticket);
        }
        assert_eq!(tickets, (0..room).collect());
        enquiries.places.acquire_many(u32::try_from(ROOM).unwrap()).await.unwrap().forget();
        assert_eq!(enquiries.ask(enquiry(0)), Err(NotTaken::Full));
    }

    #[tokio::test]
    async fn the_engines_own_thread_may_ask() {
        let (enquiries, mut inbox) = enquiries();
        let engine = std::thread::spawn(move || enquiries.ask(enquiry(1)));
        assert_eq!(heard(&mut inbox).await.ticket, 1);
        assert_eq!(engine.join().unwrap(), Ok(()));
    }
}
