//! A look at sudo's file, from outside, for as long as a load lasts: when each grant was off, whatever jitd says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use super::host::{Host, SUDOERS};
use crate::{Error, Result, until};

/// The longest that is watched.
const LIMIT: Duration = Duration::from_secs(1800);

/// A look at the file that goes on. It looks every hundredth of a second, so what it sees is at most that much too late.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<BTreeMap<String, i64>>>,
}

impl Watch {
    pub(super) fn start(host: &Host) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let (path, is_over) = (host.bed.outside(SUDOERS), over.clone());
        Watch { over, thread: thread::spawn(move || watch(&path, &is_over)) }
    }

    /// Ends it; when each grant that was in the file was not in it any more, in nanoseconds since 1970.
    pub(super) fn end(self) -> Result<BTreeMap<String, i64>> {
        self.over.store(true, Ordering::Release);
        self.thread.join().map_err(|_| Error::Odd("the look at sudo's file died".to_owned()))?
    }
}

fn watch(path: &PathBuf, over: &AtomicBool) -> Result<BTreeMap<String, i64>> {
    let (mut last, mut there, mut off) = (None, BTreeSet::new(), BTreeMap::new());
    until("the end of the load", LIMIT, || {
        let is_over = over.load(Ordering::Acquire);
        // Each rewrite is a new file.
        let number = fs::metadata(path).ok().map(|data| (data.ino(), data.mtime(), data.mtime_nsec()));
        if number != last {
            last = number;
            let now = ids(path);
            let seen = wall();
            off.extend(there.difference(&now).map(|id: &String| (id.clone(), seen)));
            there = now;
        }
        is_over.then_some(())
    })?;
    Ok(off)
}

/// The grants in the file.
fn ids(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("# grant ")).map(str::to_owned).collect()
}

/// Nanoseconds since 1970.
pub(super) fn wall() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}
