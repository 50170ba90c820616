//! The two passes that run once: at boot, and when everything has to end.

use std::collections::BTreeSet;
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_mechanisms::guard_notes::{self, Note, NotesError, Why};
use jit_mechanisms::removal::{self, RemovalError};
use jit_mechanisms::{HostPaths, Now};

use crate::clock::ClockError;
use crate::log;
use crate::plan::{Known, TRY_AGAIN, TakeOff, plan_at_boot};
use crate::sweep::{Patience, Seen, carry_out, lines, notes};

/// Why a pass was not all it should have been.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OnceError {
    /// Something is still on the host.
    #[error("something could not be taken off; run it again, or remove /run/jit/sudoers.d/jit by hand")]
    Left(#[source] RemovalError),
    /// No time, no deadlines.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// It is off, but jitd may not know.
    #[error(
        "everything is off, but no note of it could be left; a running jitd may put it back: stop it or run it again"
    )]
    NotNoted(#[source] NotesError),
}

/// Takes off everything from before this boot. The pass runs again whenever the guard is started, so what is live counts
/// here too: an `applied` that cannot be read is tried again, with a `pause` between, before it counts as damaged.
///
/// # Errors
/// Something is still there, or the time is not known. A note that cannot be written is only told: at boot jitd has
/// yet to start.
pub(crate) fn boot(
    paths: &HostPaths,
    mut clock: impl FnMut() -> Result<Now, ClockError>,
    mut pause: impl FnMut(Duration),
) -> Result<(), OnceError> {
    let mut patience = Patience::default();
    let mut wrong = BTreeSet::new();
    let (seen, now) = loop {
        let mut seen = Seen::look(paths, &mut wrong);
        let now = clock()?;
        seen.known = patience.judge(seen.known, &now);
        match seen.known {
            Known::Unreadable(_) => pause(TRY_AGAIN),
            Known::Nothing | Known::Grants(_) | Known::Damaged(_) => break (seen, now),
        }
    };
    say(&wrong.into_iter().collect::<Vec<_>>());
    let now = &now;
    let take_off = plan_at_boot(&seen.on_host, &seen.known, now);
    let removed = carry_out(paths, &seen.on_host, &take_off).map_err(OnceError::Left)?;
    sweep_litter(paths);
    let mut left = Vec::new();
    if let Known::Damaged(what) = &seen.known {
        log::line(what);
        left.push(Note::AppliedDamaged { wall: now.wall, what: what.clone() });
    }
    if let Some(removed) = &removed {
        say(&lines(removed, &take_off));
        left.extend(notes(removed, &take_off, now));
    }
    if let Err(why) = guard_notes::append(paths, &left) {
        log::chain(&why);
    }
    Ok(())
}

/// Ends every grant now. The notes come first: whatever jitd is doing, it finds them before it can put anything back.
///
/// # Errors
/// Something is still there, or jitd cannot be told.
pub(crate) fn all(paths: &HostPaths, now: &Now) -> Result<(), OnceError> {
    let seen = look(paths);
    let mut ids: BTreeSet<RequestId> = seen.on_host.ids();
    match &seen.known {
        // A grant that is being raised at this moment stands here first.
        Known::Grants(applied) => ids.extend(applied.grants.iter().map(|grant| grant.id)),
        Known::Nothing | Known::Damaged(_) | Known::Unreadable(_) => {}
    }
    let asked: Vec<Note> = ids
        .difference(&seen.noted)
        .map(|id| Note::Removed { id: *id, wall: now.wall, why: Why::Asked })
        .collect();
    let noted = guard_notes::append(paths, &asked);
    let removed = removal::remove_all(paths).map_err(OnceError::Left)?;
    let take_off = TakeOff::Everything(Why::Asked);
    sweep_litter(paths);
    say(&lines(&removed, &take_off));
    if removed.ids.is_empty() && removed.unlinked.is_none() {
        log::line(&"nothing was raised on this host");
    }
    // What was not noted before the removal: all of it where the first attempt failed, else what came in between.
    let told: BTreeSet<RequestId> = if noted.is_ok() { ids } else { BTreeSet::new() };
    let mut rest = notes(&removed, &take_off, now);
    rest.retain(|note| note.removed_id().is_none_or(|id| !told.contains(&id)));
    if noted.is_err() {
        let named = |note: &Note| rest.iter().any(|other| other.removed_id() == note.removed_id());
        let more: Vec<Note> = asked.iter().filter(|note| !named(note)).cloned().collect();
        rest.extend(more);
    }
    guard_notes::append(paths, &rest).map_err(OnceError::NotNoted)
}

fn look(paths: &HostPaths) -> Seen {
    let mut wrong = BTreeSet::new();
    let seen = Seen::look(paths, &mut wrong);
    say(&wrong.into_iter().collect::<Vec<_>>());
    seen
}

fn sweep_litter(paths: &HostPaths) {
    if let Err(why) = removal::sweep_litter(paths) {
        log::chain(&why);
    }
}

fn say(lines: &[String]) {
    for line in lines {
        log::line(line);
    }
}

#[cfg(test)]
mod tests;
