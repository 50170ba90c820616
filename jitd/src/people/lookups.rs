//! Look-ups off the asking thread: so many at a time, and each within a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::PeopleError;

/// How long a directory service may take to answer before the question counts as failed.
pub const NSS_PATIENCE: Duration = Duration::from_secs(5);

/// Look-ups at a time. A hanging one keeps a thread until the directory service answers, and threads are what everything that may wait
/// runs on.
static CALLERS: Pool = Pool::new(FOR_CALLERS);

const FOR_CALLERS: usize = 64;

/// The same for uids that nobody knows yet, and for those without an account. Whoever has thousands of them keeps other newcomers
/// waiting, and nobody else.
static NEWCOMERS: Pool = Pool::new(FOR_NEWCOMERS);

const FOR_NEWCOMERS: usize = 16;

/// The same for what the engine wants to know. Callers, however many, do not keep it waiting.
static ENGINE: Pool = Pool::new(FOR_THE_ENGINE);

const FOR_THE_ENGINE: usize = 16;

/// Look-ups of all kinds at a time.
pub const AT_A_TIME: usize = FOR_CALLERS + FOR_NEWCOMERS + FOR_THE_ENGINE;

/// Look-ups at a time that one uid has of those of its kind: where its own account is what the directory hangs at, the rest
/// is for others.
const OF_ONE_UID: usize = 4;

/// So many uids with look-ups are remembered before it is seen which have none any more.
const REMEMBERED: usize = 64;

/// For whom something is looked up: each kind waits for its own places alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A caller of this uid, which is known to have an account.
    Caller(u32),
    /// A uid of which it is not known, or which has none.
    Newcomer(u32),
    /// The engine.
    Engine,
}

/// Places for look-ups of one kind.
struct Pool {
    places: Semaphore,
    /// The places that each uid has of them, for those that have look-ups.
    shares: Mutex<BTreeMap<u32, Arc<Semaphore>>>,
}

impl Pool {
    const fn new(places: usize) -> Self {
        Self { places: Semaphore::const_new(places), shares: Mutex::new(BTreeMap::new()) }
    }

    fn share(&self, uid: u32) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len() >= REMEMBERED {
            // Whoever has a look-up, or waits for one, holds it.
            shares.retain(|_, share| Arc::strong_count(share) > 1);
        }
        shares.entry(uid).or_insert_with(|| Arc::new(Semaphore::new(OF_ONE_UID))).clone()
    }
}

/// Does `work` on another thread and waits for its answer, at most [`NSS_PATIENCE`].
pub(super) async fn look_up<T: Send + 'static>(
    asker: Asker,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PeopleError> {
    match asker {
        Asker::Caller(uid) => look_up_within(&CALLERS, Some(uid), NSS_PATIENCE, work).await,
        Asker::Newcomer(uid) => look_up_within(&NEWCOMERS, Some(uid), NSS_PATIENCE, work).await,
        Asker::Engine => look_up_within(&ENGINE, None, NSS_PATIENCE, work).await,
    }
}

/// Waits for a thread, of its share first where it is a uid that asks, and then for the answer, all within `patience`. A look-up
/// that hangs keeps its place in `pool` until it ends: no thread is ever stopped.
async fn look_up_within<T: Send + 'static>(
    pool: &'static Pool,
    uid: Option<u32>,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PeopleError> {
    let answer = async {
        let share = match uid {
            Some(uid) => Some(pool.share(uid).acquire_owned().await.map_err(|_| PeopleError::TimedOut)?),
            None => None,
        };
        let place = pool.places.acquire().await.map_err(|_| PeopleError::TimedOut)?;
        let work = move || {
            let _places = (share, place);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| PeopleError::TimedOut)
    };
    tokio::time::timeout(patience, answer).await.unwrap_or(Err(PeopleError::TimedOut))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn look_ups_that_hang_are_bounded() {
        static POOL: Pool = Pool::new(2);
        let patience = Duration::from_millis(50);
        let mut hanging = Vec::new();
        for _ in 0..2 {
            let (let_go, wait) = mpsc::channel::<()>();
            hanging.push(let_go);
            let answer = look_up_within(&POOL, None, patience, move || wait.recv()).await;
            assert!(matches!(answer, Err(PeopleError::TimedOut)));
        }
        let third = look_up_within(&POOL, None, patience, || unreachable!("there is no thread for it")).await;
        assert!(matches!(third, Err::<(), _>(PeopleError::TimedOut)));
        drop(hanging);
        assert!(look_up_within(&POOL, None, Duration::from_secs(60), || ()).await.is_ok());
    }

    #[tokio::test]
    async fn one_uid_whose_look_ups_hang_leaves_places_for_others() {
        static POOL: Pool = Pool::new(OF_ONE_UID + 1);
        let (patience, long) = (Duration::from_millis(50), Duration::from_secs(60));
        let mut hanging = Vec::new();
        for _ in 0..2 * OF_ONE_UID {
            let (let_go, wait) = mpsc::channel::<()>();
            hanging.push(let_go);
            let answer = look_up_within(&POOL, Some(5000), patience, move || wait.recv()).await;
            assert!(matches!(answer, Err(PeopleError::TimedOut)));
        }
        for uid in 0..2 * u32::try_from(REMEMBERED).unwrap() {
            assert!(look_up_within(&POOL, Some(uid), long, || ()).await.is_ok());
        }
        let more = look_up_within(&POOL, Some(5000), patience, || unreachable!("its share is taken")).await;
        assert!(matches!(more, Err::<(), _>(PeopleError::TimedOut)), "a hanging one is not forgotten");
        drop(hanging);
        assert!(look_up_within(&POOL, Some(5000), long, || ()).await.is_ok());
        assert!(POOL.shares.lock().unwrap().len() <= REMEMBERED);
    }
}
