//! Who was taken out and may be in again, because somebody is about to write an older list of members.
//!
//! A gpasswd that runs while somebody is out of a group has perhaps read the list from before (see
//! [`crate::groups::bystanders()`]). So whoever is out is not called so before it has ended, or for a minute
//! ([`DOUBT`]); and not while a gpasswd lives whose lock was broken. Until then he is taken out again and again.

use std::collections::{BTreeMap, BTreeSet};

use crate::groups::{DOUBT, Membership, bystanders, process, still_run};
use crate::guard_notes::Off;
use crate::paths::HostPaths;

/// Nanoseconds in a second.
const NANOS: i64 = 1_000_000_000;

/// What is in doubt from one removal to the next. One who has none of an earlier one looks for a minute as well.
#[derive(Debug, Default)]
pub struct Doubts(BTreeMap<Membership, Doubt>);

#[derive(Debug)]
struct Doubt {
    /// How it came to be off.
    off: Off,
    /// Since when, on the boot clock.
    since: i64,
    /// Those who may have read an older list.
    readers: BTreeSet<u32>,
    /// Those whose lock was broken.
    stopped: BTreeSet<u32>,
}

impl Doubts {
    /// Of what is off, seen at `boot` under the lock, what is sure to stay so. `stopped` are those whose lock was broken
    /// for it.
    pub(super) fn sure(
        &mut self,
        paths: &HostPaths,
        off: &BTreeMap<Membership, Off>,
        stopped: &BTreeSet<u32>,
        boot: i64,
    ) -> BTreeMap<Membership, Off> {
        if off.is_empty() {
            return BTreeMap::new();
        }
        // Without a list of processes there is no doubt that could be settled.
        let running = bystanders(paths).unwrap_or_default();
        let mut sure = BTreeMap::new();
        for (of, off) in off {
            let fresh =
                || Doubt { off: *off, since: boot, readers: running.clone(), stopped: BTreeSet::new() };
            let doubt = self.0.entry(of.clone()).or_insert_with(fresh);
            match off {
                // Perhaps once more: whoever runs now may have read in between.
                Off::TakenOut => {
                    (doubt.off, doubt.since, doubt.readers) = (*off, boot, running.clone());
                }
                Off::WasGone => doubt.readers.retain(|pid| running.contains(pid)),
            }
            doubt.stopped.extend(stopped);
            doubt.stopped = still_run(paths, &doubt.stopped);
            let is_old = boot.saturating_sub(doubt.since) >= DOUBT * NANOS;
            if doubt.stopped.is_empty() && (doubt.readers.is_empty() || is_old) {
                sure.insert(of.clone(), doubt.off);
                self.0.remove(of);
            }
        }
        sure
    }

    /// Why a membership that is off is not sure to stay so.
    pub(super) fn why(&self, paths: &HostPaths, of: &Membership) -> Option<String> {
        let doubt = self.0.get(of)?;
        let who = doubt.stopped.iter().chain(&doubt.readers).next()?;
        Some(format!("{} may still write an older list", process::in_words(paths, *who)))
    }

    /// Forgets what nobody asks for any more.
    pub(super) fn keep_only(&mut self, going: &BTreeSet<Membership>) {
        self.0.retain(|of, _| going.contains(of));
    }
}
