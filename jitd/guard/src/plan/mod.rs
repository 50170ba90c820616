//! What has to go now, and when to look again: decided from what was read, without touching anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_mechanisms::applied::{Applied, AppliedGrant};
use jit_mechanisms::guard_notes::Why;
use jit_mechanisms::removal::OnHost;
use jit_mechanisms::{NANOS, Now};

/// How long after a deadline jitd is given to do it itself, in nanoseconds.
pub const GRACE: i64 = NANOS / 2;

/// The longest the guard sleeps while any grant is applied: the wall clock may be stepped, and a jitd that wakes up
/// may put back what was removed.
pub(crate) const LOOK: Duration = Duration::from_millis(500);

/// How soon a file that could not be read is tried again.
pub(crate) const TRY_AGAIN: Duration = Duration::from_millis(100);

/// How long a file that cannot be read is tried, in nanoseconds, before it counts as damaged: one failed call ends
/// nobody's grants, and a file that stays out of reach keeps nobody's.
pub(crate) const PATIENCE: i64 = NANOS;

/// What `applied` says.
#[derive(Debug)]
pub(crate) enum Known {
    /// There is no such file: nothing is raised.
    Nothing,
    /// These grants.
    Grants(Applied),
    /// It cannot be trusted; why, in words.
    Damaged(String),
    /// It could not be read just now, for want of memory or descriptors or by a fault of the disk; why, in words.
    Unreadable(String),
}

/// What has to be taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TakeOff {
    /// These grants, each for its reason. May be empty.
    These(BTreeMap<RequestId, Why>),
    /// Whatever there is.
    Everything(Why),
}

/// When to look again, unless something changes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Not before something changes.
    OnChange,
    /// After this time.
    Within(Duration),
}

/// What the service does about what it read.
///
/// `noted` are the grants whose removal is noted and not yet on the record: they must not be on the host again.
pub(crate) fn plan(
    on_host: &OnHost,
    known: &Known,
    noted: &BTreeSet<RequestId>,
    now: &Now,
) -> (TakeOff, Next) {
    let came_back = on_host.ids().intersection(noted).map(|id| (*id, Why::CameBack)).collect();
    match known {
        Known::Nothing => (TakeOff::These(came_back), Next::OnChange),
        Known::Unreadable(_) => (TakeOff::These(came_back), Next::Within(TRY_AGAIN)),
        Known::Damaged(_) => (TakeOff::Everything(Why::AppliedDamaged), Next::Within(LOOK)),
        Known::Grants(applied) => {
            let mut these = came_back;
            these.extend(applied.grants.iter().filter_map(|grant| Some((grant.id, due(grant, now)?))));
            (TakeOff::These(these), next(applied, now))
        }
    }
}

/// What the pass at boot does: only what was granted in this boot, and is not due, stays.
pub(crate) fn plan_at_boot(on_host: &OnHost, known: &Known, now: &Now) -> TakeOff {
    let no_grants = Applied::default();
    let applied = match known {
        // The pass at boot runs once: whoever tries again has done so before.
        Known::Damaged(_) | Known::Unreadable(_) => return TakeOff::Everything(Why::AppliedDamaged),
        Known::Nothing => &no_grants,
        Known::Grants(applied) => applied,
    };
    let named: BTreeSet<RequestId> = applied.grants.iter().map(|grant| grant.id).collect();
    let due = applied.grants.iter().filter_map(|grant| Some((grant.id, due(grant, now)?)));
    let unknown = on_host.ids().into_iter().filter(|id| !named.contains(id)).map(|id| (id, Why::NotApplied));
    match on_host {
        OnHost::Unclear { .. } => TakeOff::Everything(Why::NotApplied),
        OnHost::Nothing | OnHost::Grants(_) => TakeOff::These(due.chain(unknown).collect()),
    }
}

/// Why a grant has to go, if it has to: a grace period after its deadline on either clock, at once in another boot.
fn due(grant: &AppliedGrant, now: &Now) -> Option<Why> {
    if grant.deadline.boot_id != now.boot_id {
        return Some(Why::OtherBoot);
    }
    (grant.deadline.left(now) <= -GRACE).then_some(Why::Overdue)
}

fn next(applied: &Applied, now: &Now) -> Next {
    let waits = applied.grants.iter().map(|grant| grant.deadline.left(now).saturating_add(GRACE));
    match waits.filter(|wait| *wait > 0).min() {
        None if applied.grants.is_empty() => Next::OnChange,
        // All are due, and jitd has not yet taken note of it.
        None => Next::Within(LOOK),
        Some(wait) => Next::Within(LOOK.min(Duration::from_nanos(wait.unsigned_abs()))),
    }
}

#[cfg(test)]
mod tests;
