//! The two passes that run once: at boot, and when everything has to end.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_mechanisms::groups;
use jit_mechanisms::guard_notes::{self, Note, NotesError, Why};
use jit_mechanisms::removal::{self, Doubts, RemovalError};
use jit_mechanisms::{HostPaths, Now};

use crate::clock::ClockError;
use crate::log;
use crate::members::{self, Surety, Went};
use crate::plan::{Known, TRY_AGAIN, TakeOff, plan_at_boot};
use crate::running;
use crate::sweep::{Patience, Seen, carry_out, ended, lines, unlinked};

/// Why a pass was not all it should have been.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    /// Something is still on the host.
    #[error("something could not be taken off; run it again, or remove /run/jit/sudoers.d/jit by hand")]
    Left(#[source] RemovalError),
    /// Something that was started with a grant still runs.
    #[error("not everything that was started with a grant could be ended, see above; run it again")]
    StillRuns,
    /// Somebody is still in a group.
    #[error("not everybody could be taken out of the groups, see above; run it again")]
    MembersLeft,
    /// Nobody knows who would have to go.
    #[error("whatever sudo gave is off; who has to go out of groups is not known, see above")]
    MembersUnknown,
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
/// Somebody who could not be taken out of a group is told and left to the service, which goes on trying: a host whose
/// `/etc` is odd has to come up all the same, and with a guard.
///
/// # Errors
/// Something is still there, or the time is not known. A note that cannot be written is only told: at boot jitd has
/// yet to start.
pub fn boot(
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
    let removed = carry_out(paths, &seen.on_host, &take_off);
    let mut left = Vec::new();
    let went = take_members_out(paths, &seen, &take_off, (members::WAIT_AT_BOOT, now), &mut left);
    sweep_litter(paths);
    if let Known::Damaged(what) = &seen.known {
        say(&[what.clone(), members::UNKNOWN.to_owned()]);
        left.push(Note::AppliedDamaged { wall: now.wall, what: what.clone() });
    }
    let mut over = went.touched;
    let result = match removed {
        Ok(None) => Ok(()),
        Ok(Some(removed)) => {
            say(&lines(&removed, &take_off));
            left.extend(unlinked(&removed, &take_off, now));
            over.extend(ended(&removed, &take_off));
            Ok(())
        }
        Err(why) => {
            over.clear();
            Err(OnceError::Left(why))
        }
    };
    over.retain(|id, _| !went.stuck.contains(id) && !seen.noted.grants.contains_key(id));
    left.extend(over.into_iter().map(|(id, why)| Note::Removed { id, wall: now.wall, why }));
    if let Err(why) = guard_notes::append(paths, &left) {
        log::chain(&why);
    }
    result
}

/// Ends every grant now. The notes come first: whatever jitd is doing, it finds them before it can put anything back.
/// What is wrong with sudo's part keeps nobody in a group, and the other way round.
///
/// # Errors
/// Something is still there, or jitd cannot be told.
pub fn all(paths: &HostPaths, now: &Now) -> Result<(), OnceError> {
    let seen = look(paths);
    let mut ids: BTreeSet<RequestId> = seen.on_host.ids();
    match &seen.known {
        // A grant that is being raised at this moment stands here first.
        Known::Grants(applied) => ids.extend(applied.grants.iter().map(|grant| grant.id)),
        Known::Nothing | Known::Damaged(_) | Known::Unreadable(_) => {}
    }
    let note = |id: &RequestId| Note::Removed { id: *id, wall: now.wall, why: Why::Asked };
    let asked: Vec<Note> = ids.difference(&seen.noted.ids()).map(note).collect();
    let noted = guard_notes::append(paths, &asked);
    let take_off = TakeOff::Everything(Why::Asked);
    let removed = removal::remove_all(paths);
    let running = running::end_every(paths, now);
    say(&running.said);
    running.wrong.iter().for_each(|line| log::line(line));
    // Again: what jitd was just raising may stand there only now.
    let seen = Seen { noted: seen.noted, ..look(paths) };
    let mut rest = running.notes;
    let went = take_members_out(paths, &seen, &take_off, (members::WAIT_FOR_ALL, now), &mut rest);
    sweep_litter(paths);
    let removed = removed.map_err(|why| {
        say_if_unknown(&seen.known);
        OnceError::Left(why)
    })?;
    say(&lines(&removed, &take_off));
    let nothing_ran = running.said.is_empty() && running.wrong.is_empty();
    let nobody_was_in = went.said.is_empty() && went.wrong.is_empty();
    if removed.ids.is_empty() && removed.unlinked.is_none() && nobody_was_in && nothing_ran {
        log::line(&match asked.is_empty() {
            true => "nothing was raised on this host",
            false => "jitd was told to end everything, and had done it before this could",
        });
    }
    // What was not noted before the removal: all of it where the first attempt failed, else what came in between.
    let told = if noted.is_ok() { ids } else { BTreeSet::new() };
    let mut over: BTreeSet<RequestId> = removed.ids.difference(&told).copied().collect();
    over.extend(went.touched.keys().filter(|id| !told.contains(id)));
    if noted.is_err() {
        over.extend(asked.iter().filter_map(Note::removed_id));
    }
    rest.extend(over.iter().map(note));
    rest.extend(unlinked(&removed, &take_off, now));
    guard_notes::append(paths, &rest).map_err(OnceError::NotNoted)?;
    if !running.wrong.is_empty() {
        return Err(OnceError::StillRuns);
    }
    if !went.wrong.is_empty() {
        return Err(OnceError::MembersLeft);
    }
    match seen.known {
        Known::Nothing | Known::Grants(_) => Ok(()),
        Known::Damaged(_) | Known::Unreadable(_) => {
            say_if_unknown(&seen.known);
            Err(OnceError::MembersUnknown)
        }
    }
}

fn look(paths: &HostPaths) -> Seen {
    let mut wrong = BTreeSet::new();
    let seen = Seen::look(paths, &mut wrong);
    say(&wrong.into_iter().collect::<Vec<_>>());
    seen
}

/// Takes out whoever has to go, says how it went, and notes it at once; what could not be noted is kept for later.
fn take_members_out(
    paths: &HostPaths,
    seen: &Seen,
    take_off: &TakeOff,
    (wait, now): (Duration, &Now),
    unwritten: &mut Vec<Note>,
) -> Went {
    let leaving = members::leaving(&seen.known, take_off, &seen.noted);
    let mut doubts = Doubts::default();
    let mut note = |notes: Vec<Note>| {
        if guard_notes::append(paths, &notes).is_err() {
            unwritten.extend(notes);
        }
    };
    let mut went = members::take_out(paths, &leaving, wait, (&mut doubts, now), &mut note);
    // A gpasswd takes milliseconds. Counted in steps, so that no clock is asked.
    let mut waited = Duration::ZERO;
    while went.surety == Surety::Unsure && waited < wait {
        thread::sleep(TRY_AGAIN);
        waited = waited.saturating_add(TRY_AGAIN);
        let noted = guard_notes::noted(paths).unwrap_or_default();
        let left = members::leaving(&seen.known, take_off, &noted);
        let again = members::take_out(paths, &left, wait, (&mut doubts, now), &mut note);
        went = went.then(again);
    }
    say(&went.said);
    went.wrong.iter().for_each(|line| log::line(line));
    went
}

fn say_if_unknown(known: &Known) {
    match known {
        Known::Damaged(_) | Known::Unreadable(_) => log::line(&members::UNKNOWN),
        Known::Nothing | Known::Grants(_) => {}
    }
}

/// What writers that died left behind.
pub(crate) fn sweep_litter(paths: &HostPaths) {
    for swept in [removal::sweep_litter(paths), groups::sweep_litter(paths)] {
        if let Err(why) = swept {
            log::chain(&why);
        }
    }
}

fn say(lines: &[String]) {
    for line in lines {
        log::line(line);
    }
}

#[cfg(test)]
mod tests;
