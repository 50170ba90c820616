//! What the guard does about control groups: whatever is overdue is ended at once, without ceremony.

use std::io;

use jit_common::ids::RequestId;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::AtExpiry;

use super::group::Group;
use super::limit;
use crate::paths::HostPaths;

/// Nanoseconds beyond the grace for which what is to be frozen may hold the lock of the account files.
const LETS_GO: i64 = 2 * NANOS;

/// A group that the guard has ended, or could not.
#[derive(Debug)]
pub struct Overdue {
    /// Its name: the first grant of the row that it runs with.
    pub name: RequestId,
    /// How many processes were in it.
    pub processes: usize,
    /// What came of it.
    pub ended: io::Result<()>,
}

/// Ends what is still there `grace` nanoseconds after its last moment, and freezes what should be frozen. A group without a
/// limit that can be read is over.
///
/// # Errors
/// The groups cannot be listed.
pub fn end_overdue(paths: &HostPaths, now: &Now, grace: i64) -> io::Result<Vec<Overdue>> {
    end(paths, |name| {
        let limit = match limit::read(paths, name) {
            Ok(Ok(limit)) => limit,
            Ok(Err(_)) => return Due::Now,
            // One failed call ends nobody's work: it is read again at the next look.
            Err(_) => return Due::Later,
        };
        let late = |left: i64| left <= -grace || limit.deadline.boot_id != now.boot_id;
        match limit.then {
            _ if late(limit.last().left(now)) => Due::Now,
            // Whoever holds the lock of the account files for so long is not about to let go.
            AtExpiry::Pause(_) if limit.deadline.left(now) <= -(grace + LETS_GO) => Due::FrozenOrOver,
            AtExpiry::Pause(_) if late(limit.deadline.left(now)) => Due::Frozen,
            AtExpiry::End | AtExpiry::Pause(_) | AtExpiry::Finish(_) => Due::Later,
        }
    })
}

/// Ends all of them.
///
/// # Errors
/// The groups cannot be listed.
pub fn end_every(paths: &HostPaths) -> io::Result<Vec<Overdue>> {
    end(paths, |_| Due::Now)
}

/// Whether there is any.
#[must_use]
pub fn is_kept(paths: &HostPaths) -> bool {
    Group::all(paths).is_ok_and(|names| !names.is_empty())
}

/// What is to be done with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Now,
    Frozen,
    FrozenOrOver,
    Later,
}

fn end(paths: &HostPaths, due: impl Fn(RequestId) -> Due) -> io::Result<Vec<Overdue>> {
    let mut ended = Vec::new();
    for name in Group::all(paths)? {
        let group = Group::named(paths, name);
        // What cannot be told is taken for running.
        if !group.is_populated().unwrap_or(true) {
            continue;
        }
        match due(name) {
            Due::Later => {}
            Due::Frozen => drop(group.freeze()),
            Due::FrozenOrOver if group.freeze().is_ok() => {}
            Due::FrozenOrOver | Due::Now => {
                let processes = group.pids().map_or(0, |pids| pids.len());
                ended.push(Overdue { name, processes, ended: group.kill() });
            }
        }
    }
    Ok(ended)
}
