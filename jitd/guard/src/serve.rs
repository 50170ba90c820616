//! The service: one guard on a host, looking as long as it runs.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use jit_mechanisms::HostPaths;
use jit_mechanisms::dir::{Dir, DirError};
use jit_mechanisms::lock::{Lock, Locked};
use jit_mechanisms::paths::{make_directories, name_of};

use crate::clock::{Clock, ClockError};
use crate::log;
use crate::notify;
use crate::once;
use crate::sweep::Guard;
use crate::watch::Watch;

/// How long a new guard waits for an old one that is just ending (a restart).
const OTHER_GUARD_WAIT: Duration = Duration::from_secs(1);

/// Why the guard cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// There is one already.
    #[error("another jit-guard is at work on this host; stop it first (systemctl stop jit-guard)")]
    Another,
    /// The lock file is out of reach.
    #[error("it cannot be made sure that no other jit-guard is at work")]
    Lock(#[source] DirError),
    /// No time, no deadlines.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// It cannot sleep.
    #[error("changes cannot be waited for")]
    Watch(#[source] io::Error),
}

/// Looks after the grants until it is stopped.
///
/// # Errors
/// It cannot be sure to be the only one, to know the time, or to wake up. systemd starts it again.
pub(crate) fn serve(paths: &HostPaths) -> Result<Infallible, ServeError> {
    let clock = Clock::start()?;
    // A directory that is missing or spoilt is no reason not to look after the others.
    if let Err(why) = make_directories(paths) {
        log::chain(&why);
    }
    let _only_one = only_one(paths)?;
    let watch = Watch::new(paths).map_err(ServeError::Watch)?;
    once::sweep_litter(paths);
    let mut guard = Guard::new(paths);
    let mut told = Told::NotYet;
    loop {
        let armed = watch.arm();
        let swept = guard.sweep(&clock.now()?);
        for line in &swept.said {
            log::line(line);
        }
        told = told.ready();
        watch.wait(swept.next, armed).map_err(ServeError::Watch)?;
    }
}

/// Whether systemd knows that the first look is done.
enum Told {
    NotYet,
    Done,
}

impl Told {
    fn ready(self) -> Self {
        match self {
            Self::Done => {}
            Self::NotYet => {
                if let Err(why) = notify::ready() {
                    log::line(&format_args!("systemd could not be told that the guard is ready: {why}"));
                }
            }
        }
        Self::Done
    }
}

fn only_one(paths: &HostPaths) -> Result<Lock, ServeError> {
    let run_dir = Dir::open_as_it_is(&paths.run_dir, paths.owner).map_err(ServeError::Lock)?;
    match Lock::take(&run_dir, name_of(&paths.guard_lock), OTHER_GUARD_WAIT) {
        Ok(Locked::Held(lock)) => Ok(lock),
        Ok(Locked::Busy) => Err(ServeError::Another),
        Err(why) => Err(ServeError::Lock(why)),
    }
}
