//! Whether everybody who holds a grant is still who they were: asked of NSS on one thread, since a directory service may
//! hang. While it answers about one list of holders only the newest of the others waits: each names everybody, so the
//! older ones are not missed, and no loop of `chsh` makes anything grow.

use std::collections::BTreeSet;
use std::io;
use std::thread;

use tokio::runtime;
use tokio::sync::watch;

use crate::engine::{Handle, Message};
use crate::people;

/// Everybody who holds a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// Uids, each with the account name it had.
    pub people: BTreeSet<(u32, String)>,
    /// When they were asked about: nanoseconds of the wall clock.
    pub wall: i64,
}

/// Starts the thread; it lives as long as the engine does. To be called where a runtime is.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(engine: Handle) -> io::Result<()> {
    let runtime = runtime::Handle::current();
    let holders = engine.holders();
    thread::Builder::new().name("holders".into()).spawn(move || {
        let tell = |gone, asked| engine.tell_blocking(Message::People { gone, asked }).is_ok();
        run(holders, |holders| runtime.block_on(holders.changed()).is_ok(), people::is_still, tell);
    })?;
    Ok(())
}

/// Answers about the newest list, again and again, until nobody asks or listens any more.
fn run(
    mut holders: watch::Receiver<Holders>,
    mut wait: impl FnMut(&mut watch::Receiver<Holders>) -> bool,
    is_still: impl Fn(u32, &str, i64) -> bool,
    tell: impl Fn(Vec<(u32, String)>, i64) -> bool,
) {
    while wait(&mut holders) {
        let Holders { people, wall } = holders.borrow_and_update().clone();
        let gone: Vec<(u32, String)> =
            people.into_iter().filter(|(uid, name)| !is_still(*uid, name, wall)).collect();
        if !tell(gone, wall) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::sync::mpsc::channel;

    use super::*;

    fn holder(uid: u32) -> Holders {
        Holders { people: BTreeSet::from([(uid, "alice".to_owned())]), wall: 0 }
    }

    #[test]
    fn while_one_list_is_asked_about_only_the_newest_waits() {
        let (ask, holders) = watch::channel(Holders::default());
        let (asked, asking) = channel();
        let (answer, answers) = channel();
        let (told, gone) = channel();
        let is_still = move |uid: u32, _: &str, _: i64| {
            asked.send(uid).unwrap();
            answers.recv().unwrap()
        };
        let worker =
            thread::spawn(move || run(holders, until_changed, is_still, |gone, _| told.send(gone).is_ok()));
        ask.send_replace(holder(0));
        assert_eq!(asking.recv().unwrap(), 0);
        for uid in 1..=10_000 {
            ask.send_replace(holder(uid));
        }
        answer.send(true).unwrap();
        assert_eq!(gone.recv().unwrap(), [], "that nobody is gone is told as well");
        assert_eq!(asking.recv().unwrap(), 10_000, "the others are in the newest");
        ask.send_replace(holder(10_000));
        answer.send(false).unwrap();
        assert_eq!(gone.recv().unwrap(), [(10_000, "alice".to_owned())]);
        assert_eq!(asking.recv().unwrap(), 10_000, "the same list is asked about anew");
        drop(ask);
        answer.send(true).unwrap();
        worker.join().unwrap();
    }

    /// Waits as the service does.
    fn until_changed(holders: &mut watch::Receiver<Holders>) -> bool {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(holders.changed()).is_ok()
    }
}
