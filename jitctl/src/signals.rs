//! Signals to this process, caught so that something can still be said or done before the end.

use std::fs;
use std::io;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator;

/// What ends a program that does nothing about it.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Signals that are caught so that the grant is given back first. Handlers, not a mask: the child starts with neither.
pub(crate) struct Signals(iterator::Signals);

impl Signals {
    /// Catches them from now on; those that were ignored when we started (nohup, `&` of a script) stay ignored.
    pub(crate) fn catch() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = ignored(&status);
        let caught = ENDING.into_iter().filter(|signal| ignored & bit(*signal) == 0);
        iterator::Signals::new(caught.chain([SIGCHLD])).map(Self)
    }

    /// A signal to end that came while there was no child yet.
    pub(crate) fn pending_end(&mut self) -> Option<i32> {
        self.0.pending().find(|signal| is_ending(*signal))
    }

    /// Sleeps until a signal has come, and says whether it was one to end. Wakes for [`wake`] as well.
    pub(crate) fn sleep(&mut self) -> Option<i32> {
        self.0.wait().find(|signal| is_ending(*signal))
    }

    /// Every signal, as they come.
    pub(crate) fn forever(&mut self) -> impl Iterator<Item = i32> {
        self.0.forever()
    }
}

/// Wakes who sleeps in [`Signals::sleep`]: a SIGCHLD to ourselves, which means nothing while there is no child.
pub(crate) fn wake() {
    // It can only fail for a signal that does not exist.
    let _ = signal_hook::low_level::raise(SIGCHLD);
}

fn is_ending(signal: i32) -> bool {
    ENDING.contains(&signal)
}

fn bit(signal: i32) -> u64 {
    u32::try_from(signal - 1).ok().and_then(|shift| 1u64.checked_shl(shift)).unwrap_or(0)
}

/// The mask of ignored signals from `/proc/self/status` (proc(5)); none when it cannot be read.
fn ignored(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ignored_is_seen() {
        let mask = ignored("Name:\tjitctl\nSigIgn:\t0000000000001001\nSigCgt:\t0\n");
        assert_ne!(mask & bit(SIGHUP), 0, "nohup");
        assert_eq!(mask & bit(SIGINT), 0);
        assert_eq!(ignored(""), 0);
    }
}
