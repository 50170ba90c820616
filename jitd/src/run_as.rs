//! Whether the accounts that roles run as are there: asked on one thread and within a limit, since a directory service
//! that is gone may let a question hang for ever, and the policy is read all the same.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::Duration;

use crate::people;
use crate::worker::Worker;

/// Look-ups that may wait for the thread. What has no room counts as not answered in time.
const ROOM: usize = 64;

/// One question.
#[derive(Debug)]
struct Lookup {
    name: String,
    exists: fn(&str) -> bool,
    answer: SyncSender<bool>,
}

/// The way to the account database.
#[derive(Debug)]
pub struct RunAs {
    lookups: Worker<Lookup>,
    exists: fn(&str) -> bool,
    patience: Duration,
}

impl Default for RunAs {
    fn default() -> Self {
        Self::asking(people::account_exists, people::NSS_PATIENCE)
    }
}

impl RunAs {
    fn asking(exists: fn(&str) -> bool, patience: Duration) -> Self {
        Self { lookups: Worker::new("run-as", ROOM, look_up), exists, patience }
    }

    /// Begins with the accounts of one policy.
    #[must_use]
    pub fn of_a_policy(&mut self) -> Accounts<'_> {
        Accounts { patience: self.patience, run_as: self, known: BTreeMap::new() }
    }
}

fn look_up(Lookup { name, exists, answer }: Lookup) {
    // Whoever asked may have given up.
    let _ = answer.try_send(exists(&name));
}

/// The accounts of one policy: each is asked for once, and what hangs is waited for once in all.
#[derive(Debug)]
pub struct Accounts<'a> {
    run_as: &'a mut RunAs,
    patience: Duration,
    known: BTreeMap<String, Result<bool, String>>,
}

impl Accounts<'_> {
    /// Whether there is an account of this name.
    ///
    /// # Errors
    /// A sentence, when it cannot be looked up.
    pub fn exists(&mut self, name: &str) -> Result<bool, String> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let answer = self.ask(name);
        self.known.insert(name.to_owned(), answer.clone());
        answer
    }

    fn ask(&mut self, name: &str) -> Result<bool, String> {
        let (answer, answers) = mpsc::sync_channel(1);
        let lookup = Lookup { name: name.to_owned(), exists: self.run_as.exists, answer };
        self.run_as.lookups.give(lookup).map_err(|why| crate::chain(&why))?;
        answers.recv_timeout(self.patience).map_err(|why| match why {
            RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected => {
                self.patience = Duration::ZERO;
                "it could not be looked up in time; reload jitd once the account database answers".to_owned()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn hangs(_name: &str) -> bool {
        loop {
            thread::park();
        }
    }

    #[test]
    fn an_account_database_that_hangs_is_waited_for_once() {
        let mut run_as = RunAs::asking(hangs, Duration::from_millis(50));
        for _ in 0..2 {
            let mut accounts = run_as.of_a_policy();
            for name in ["web", "db", "web"] {
                let answer = accounts.exists(name);
                assert!(answer.is_err_and(|why| why.contains("could not be looked up in time")), "{name}");
            }
            assert_eq!(accounts.patience, Duration::ZERO, "the second name was not waited for");
        }
        let mut accounts = run_as.of_a_policy();
        accounts.patience = Duration::ZERO;
        let full = (0..1_000)
            .map(|n| accounts.exists(&format!("a{n}")))
            .find_map(|answer| answer.err().filter(|why| why.contains("wait already")));
        assert!(full.is_some(), "what waits is bounded");
    }

    #[test]
    fn an_account_is_there_or_not() {
        let mut run_as = RunAs::asking(|name| name == "web", Duration::from_secs(60));
        let mut accounts = run_as.of_a_policy();
        assert_eq!((accounts.exists("web"), accounts.exists("db")), (Ok(true), Ok(false)));
    }
}
