//! One thread for one kind of work that may take long: started at its first use and kept, with a queue that never grows
//! beyond its room. However much is asked, there is one thread, and a thread that the system does not give is an error
//! and not a panic.

use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;

/// What a thread of the standard library has by default.
const STACK: usize = 2 * 1024 * 1024;

/// The thread, from its first use on.
#[derive(Debug)]
pub struct Worker<Q> {
    name: &'static str,
    room: usize,
    work: fn(Q),
    stack: usize,
    queue: Option<SyncSender<Q>>,
}

/// Why something was not taken on.
#[derive(Debug, thiserror::Error)]
pub enum NotTakenOn {
    /// The queue is full.
    #[error("{room} questions wait already; try again in a while")]
    Full {
        /// How much has room.
        room: usize,
    },
    /// There is no thread for it.
    #[error("the system gives no thread for it; see whether it has run out of processes or memory")]
    NoThread(#[source] io::Error),
}

impl<Q: Send + 'static> Worker<Q> {
    /// A worker that does `work` with each thing it is given, one after the other; `room` may wait. Nothing is started
    /// yet.
    #[must_use]
    pub fn new(name: &'static str, room: usize, work: fn(Q)) -> Self {
        Self { name, room, work, stack: STACK, queue: None }
    }

    /// Gives it something to do. Never waits.
    ///
    /// # Errors
    /// When too much waits already, or there is no thread.
    pub fn give(&mut self, question: Q) -> Result<(), NotTakenOn> {
        self.offer(question).map_err(|(why, _)| why)
    }

    /// As [`Worker::give`]; what is not taken on comes back.
    ///
    /// # Errors
    /// The same.
    pub fn offer(&mut self, question: Q) -> Result<(), (NotTakenOn, Q)> {
        let full = NotTakenOn::Full { room: self.room };
        let question = match &self.queue {
            None => question,
            Some(queue) => match queue.try_send(question) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(question)) => return Err((full, question)),
                // Its thread has ended, which only a panic in it explains. Another one takes the question.
                Err(TrySendError::Disconnected(question)) => question,
            },
        };
        let (queue, questions) = mpsc::sync_channel(self.room);
        if let Err(why) = self.start(questions) {
            return Err((NotTakenOn::NoThread(why), question));
        }
        let given = queue.try_send(question);
        self.queue = Some(queue);
        given.map_err(|error| match error {
            TrySendError::Full(question) | TrySendError::Disconnected(question) => (full, question),
        })
    }

    fn start(&self, questions: Receiver<Q>) -> io::Result<()> {
        let work = self.work;
        let run = move || questions.into_iter().for_each(work);
        thread::Builder::new().name(self.name.to_owned()).stack_size(self.stack).spawn(run)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::ThreadId;

    use super::*;

    /// Says which thread works, then waits until it may go on.
    type Task = (Sender<ThreadId>, Receiver<()>);

    fn work((started, go): Task) {
        started.send(thread::current().id()).unwrap();
        // Ends when the other end is dropped, too.
        let _ = go.recv();
    }

    #[test]
    fn one_thread_works_however_much_is_asked_and_the_rest_is_turned_away() {
        let mut worker = Worker::new("test", 3, work);
        let (started, threads) = channel();
        let mut gates = Vec::new();
        let mut give = |worker: &mut Worker<Task>| {
            let (gate, go) = channel();
            gates.push(gate);
            worker.give((started.clone(), go))
        };
        give(&mut worker).unwrap();
        let first = threads.recv().unwrap();
        let given: Vec<bool> = (0..10_000).map(|_| give(&mut worker).is_ok()).collect();
        assert_eq!(given.iter().filter(|given| **given).count(), 3, "what has room waits");
        assert!(matches!(give(&mut worker), Err(NotTakenOn::Full { room: 3 })));
        drop(gates);
        for _ in 0..3 {
            assert_eq!(threads.recv().unwrap(), first, "always the same thread");
        }
    }

    #[test]
    fn a_thread_that_cannot_be_had_is_an_error_and_is_asked_for_again() {
        let mut worker = Worker::new("test", 1, work);
        let (started, threads) = channel();
        // More than the address space: pthread_create fails with EAGAIN, as it does when there are too many processes.
        worker.stack = usize::MAX / 2;
        let refused = worker.give((started.clone(), channel().1)).unwrap_err();
        assert!(matches!(refused, NotTakenOn::NoThread(_)), "{refused}");
        worker.stack = STACK;
        worker.give((started, channel().1)).unwrap();
        threads.recv().unwrap();
    }

    #[test]
    fn a_thread_that_died_is_replaced() {
        let mut worker = Worker::new("test", 1, |task: Sender<()>| task.send(()).unwrap());
        let (nobody_listens, ears) = channel();
        drop(ears);
        worker.give(nobody_listens).unwrap();
        let (listens, ears) = channel();
        while worker.give(listens.clone()).is_err() || ears.try_recv().is_err() {
            thread::yield_now();
        }
    }
}
