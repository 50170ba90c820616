//! The thread that reads the policy: once when jitd starts, while the engine already ends what is due, and again
//! whenever it is asked to. It may wait for visudo and for the account database; nobody waits for it. What could not be told
//! about a policy, because a disk or a directory service failed, is asked again by itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use jit_common::paths;
use jit_mechanisms::HostPaths;
use jit_mechanisms::sudo::Sudo;
use tokio::sync::oneshot;

use crate::engine::{Handle, Message};
use crate::policy_files::{self, Doubt};
use crate::run_as::RunAs;

/// How long after a reading in doubt the next is: at first, and at most, for it doubles.
const READ_AGAIN: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(64));

/// Asks for the policy to be read again.
#[derive(Clone, Debug)]
pub struct Reload {
    ask: SyncSender<()>,
}

impl Reload {
    /// Has the files read from now on. Whoever asks while somebody waits is served with them.
    pub fn ask(&self) {
        // Full: it will be read after now. Gone: the engine is, too.
        let _ = self.ask.try_send(());
    }
}

/// What is read.
struct Source {
    dir: PathBuf,
    host: HostPaths,
    sudo: Result<Sudo, String>,
}

/// Starts the thread; it lives as long as the engine does. The receiver hears when the engine has been handed the first
/// policy, good or bad: whatever it is told after that comes after the policy.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(engine: Handle, sudo: Result<Sudo, String>) -> io::Result<(Reload, oneshot::Receiver<()>)> {
    let dir = PathBuf::from(paths::POLICY_DIR);
    start_with(engine, Source { dir, host: HostPaths::default(), sudo })
}

fn start_with(engine: Handle, source: Source) -> io::Result<(Reload, oneshot::Receiver<()>)> {
    // One may wait while the files are read: what it asks for may have changed since.
    let (ask, asked) = mpsc::sync_channel(1);
    let (handed, first) = oneshot::channel();
    thread::Builder::new().name("policy".into()).spawn(move || run(&engine, &source, &asked, handed))?;
    Ok((Reload { ask }, first))
}

fn run(engine: &Handle, source: &Source, asked: &Receiver<()>, handed: oneshot::Sender<()>) {
    let mut run_as = RunAs::default();
    let mut read = || policy_files::load(Path::new(&source.dir), &source.host, &source.sudo, &mut run_as);
    let tell = |loaded| engine.tell_blocking(Message::Policy(Box::new(loaded))).is_ok();
    let loaded = read();
    let mut doubt = loaded.is_doubtful().then(|| loaded.doubt());
    if !tell(loaded) {
        return;
    }
    // jitd may be stopping already.
    let _ = handed.send(());
    let (first, most) = READ_AGAIN;
    let mut wait = first;
    loop {
        let news = match &doubt {
            None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => asked.recv_timeout(wait),
        };
        let loaded = match (news, &doubt) {
            (Err(RecvTimeoutError::Disconnected), _) => return,
            (Ok(()), _) | (Err(RecvTimeoutError::Timeout), None) => {
                wait = first;
                read()
            }
            (Err(RecvTimeoutError::Timeout), Some(doubt)) => {
                wait = most.min(wait.saturating_mul(2));
                match read() {
                    loaded if loaded.settles(doubt) => loaded,
                    // What is still not known is no news, and what was changed waits until it is to be read.
                    _ => continue,
                }
            }
        };
        // What could not be read is not waited for when there is a policy already: somebody may be at it.
        doubt = loaded.is_doubtful().then(|| loaded.doubt()).filter(Doubt::was_read);
        if !tell(loaded) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::sync::Arc;

    use jit_mechanisms::scratch::Scratch;

    use super::*;
    use crate::policy_files::Live;

    #[test]
    fn the_first_policy_is_before_whatever_is_told_after_it_and_asking_never_piles_up() {
        let scratch = Scratch::new();
        let (engine, mut inbox) = Handle::new(Arc::new(Live::default()));
        let source =
            Source { dir: scratch.path().join("none"), host: scratch.paths(), sudo: Err("no sudo".into()) };
        let (reload, first) = start_with(engine.clone(), source).unwrap();
        first.blocking_recv().unwrap();
        engine.tell_now(Message::Wake).unwrap();
        assert!(matches!(inbox.messages.blocking_recv(), Some(Message::Policy(_))));
        assert!(matches!(inbox.messages.blocking_recv(), Some(Message::Wake)));
        // The engine takes nothing more, so the thread waits with a policy that it has read.
        while engine.tell_now(Message::Wake).is_ok() {}
        for _ in 0..10_000 {
            reload.ask();
        }
        inbox.messages.close();
        let mut policies = 0;
        while let Some(message) = inbox.messages.blocking_recv() {
            policies += u32::from(matches!(message, Message::Policy(_)));
        }
        assert!(policies <= 2, "{policies}");
    }
}
