//! Look-ups off the asking thread: so many at a time, and each within a time.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::PeopleError;

/// How long a directory service may take to answer before the question counts as failed.
pub const NSS_PATIENCE: Duration = Duration::from_secs(5);

/// Look-ups at a time. A hanging one keeps a thread until the directory service answers, and threads are what everything that may wait
/// runs on.
static LOOKUPS: Semaphore = Semaphore::const_new(CALLERS);

const CALLERS: usize = 64;

/// The same for uids that nobody knows yet. Whoever has thousands of them keeps other newcomers waiting, and nobody else.
static NEWCOMERS: Semaphore = Semaphore::const_new(UNKNOWN);

const UNKNOWN: usize = 8;

/// The same for what the engine wants to know. Callers, however many, do not keep it waiting.
static FOR_THE_ENGINE: Semaphore = Semaphore::const_new(ENGINE);

const ENGINE: usize = 16;

/// Look-ups of all kinds at a time.
pub const AT_A_TIME: usize = CALLERS + UNKNOWN + ENGINE;

/// For whom something is looked up: each kind waits for its own places alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// A caller.
    Callers,
    /// A uid that nobody knows yet.
    Newcomers,
    /// The engine.
    Engine,
}

impl Places {
    fn all(self) -> &'static Semaphore {
        match self {
            Self::Callers => &LOOKUPS,
            Self::Newcomers => &NEWCOMERS,
            Self::Engine => &FOR_THE_ENGINE,
        }
    }
}

/// Does `work` on another thread and waits for its answer, at most [`NSS_PATIENCE`].
pub(super) async fn look_up<T: Send + 'static>(
    places: Places,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PeopleError> {
    look_up_within(places.all(), NSS_PATIENCE, work).await
}

/// Waits for a thread and then for the answer, both within `patience`. A look-up that hangs keeps its place among `places` until
/// it ends: no thread is ever stopped.
async fn look_up_within<T: Send + 'static>(
    places: &'static Semaphore,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PeopleError> {
    let answer = async {
        let place = places.acquire().await.map_err(|_| PeopleError::TimedOut)?;
        let work = move || {
            let _place = place;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| PeopleError::TimedOut)
    };
    tokio::time::timeout(patience, answer).await.unwrap_or(Err(PeopleError::TimedOut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn look_ups_that_hang_are_bounded() {
        static PLACES: Semaphore = Semaphore::const_new(2);
        let patience = Duration::from_millis(50);
        let mut hanging = Vec::new();
        for _ in 0..2 {
            let (let_go, wait) = mpsc::channel::<()>();
            hanging.push(let_go);
            let answer = look_up_within(&PLACES, patience, move || wait.recv()).await;
            assert!(matches!(answer, Err(PeopleError::TimedOut)));
        }
        let third = look_up_within(&PLACES, patience, || unreachable!("there is no thread for it")).await;
        assert!(matches!(third, Err::<(), _>(PeopleError::TimedOut)));
        drop(hanging);
        assert!(look_up_within(&PLACES, Duration::from_secs(60), || ()).await.is_ok());
    }
}
