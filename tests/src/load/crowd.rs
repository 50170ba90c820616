//! A thousand clients at once, beside one that floods, one that never reads, one that says nothing and one that says half a word,
//! while grants of others fall due.

use std::time::Duration;

use super::figures::Times;
use super::host::{Heard, Host, TROUBLE, What};
use super::watch::{Watch, wall};
use super::{LATE, MEMORY, record};
use crate::{Error, Result};

/// People whose grants fall due meanwhile.
pub(super) const DUE: u32 = 96;

/// Seconds from the start to the first of these ends: everybody has to be granted theirs by then.
const FIRST_END: u64 = 12;

/// Seconds over which they are spread.
const SPREAD: u32 = 6;

/// Sentences that are shown of those that should not have been said.
const SHOWN: usize = 5;

/// What came of it.
#[derive(Debug)]
pub struct Crowd {
    /// How long answers took, by what was asked.
    pub answers: Vec<(&'static str, Times)>,
    /// What was heard instead of answers, a few of them, and how many there were.
    pub unanswered: (Vec<String>, usize),
    /// The most memory that jitd had, in KiB.
    pub memory: u64,
    /// How late endings were, by a look at sudo's file.
    pub seen_late: Times,
    /// How late endings were, as jitd has it.
    pub said_late: Times,
    /// Descriptors of jitd before, at the most that was seen, and after.
    pub descriptors: [usize; 3],
    /// Endings that the guard had to see to.
    pub by_guard: usize,
}

impl Crowd {
    /// What was to hold and does not.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let (shown, unanswered) = &self.unanswered;
        let [before, _, after] = self.descriptors;
        let checks = [
            (*unanswered > 0, format!("{unanswered} questions were not answered, such as {shown:?}")),
            (self.memory >= MEMORY, format!("jitd took {} KiB of memory", self.memory)),
            (self.seen_late.count != DUE as usize, format!("{} endings were seen", self.seen_late.count)),
            (self.seen_late.worst > LATE, format!("endings were late: {}", self.seen_late)),
            (self.said_late.worst > LATE, format!("endings were late by the record: {}", self.said_late)),
            (after > before, format!("{before} descriptors before, and {after} after")),
            (self.by_guard > 0, format!("the guard had to end {}", self.by_guard)),
        ];
        checks.into_iter().filter(|(missed, _)| *missed).map(|(_, why)| why).collect()
    }

    /// The figures, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let answers = self.answers.iter().map(|(what, times)| format!("answers to {what}, {times}"));
        let [before, most, after] = self.descriptors;
        let rest = [
            format!("not answered: {}", self.unanswered.1),
            format!("jitd's memory at the most: {:.1} MiB", mib(self.memory)),
            format!("endings late, seen: {}", self.seen_late),
            format!("endings late, by the record: {}", self.said_late),
            format!("descriptors: {before} before, {most} under load, {after} after"),
        ];
        answers.chain(rest).collect()
    }
}

/// KiB as MiB.
pub(super) fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

/// Loads a host on which `clients` and [`DUE`] more have accounts.
pub(super) fn load(host: &Host, clients: u32) -> Result<Crowd> {
    // Whatever jitd opens at its first call is open by then.
    answered(&host.ask(&[(0, What::Status)], 1)?)?;
    let before = host.settled(usize::MAX)?;
    let watch = Watch::start(host);
    let start = unix();
    let end_of = |number: u32| start + FIRST_END + u64::from(number % SPREAD);
    let due: Vec<_> = (0..DUE).map(|number| (clients + number, What::Elevate(9, end_of(number)))).collect();
    answered(&host.ask(&due, DUE as usize)?)?;
    let trouble =
        TROUBLE.iter().map(|(name, kind, _)| host.trouble(name, kind)).collect::<Result<Vec<_>>>()?;
    let mut most = host.descriptors()?;
    let mut heard = host.ask(&first_round(clients, start + 3000), clients as usize)?;
    while unix() <= start + FIRST_END + u64::from(SPREAD) + 1 {
        most = most.max(host.descriptors()?);
        heard.extend(host.ask(&other_round(clients), clients as usize)?);
    }
    let deadlines = record::deadlines(host)?;
    trouble.iter().try_for_each(|one| one.kill().map(drop))?;
    let after = host.settled(before)?;
    let off = watch.end()?;
    let late = |(id, at): (&String, &i64)| Some(nanos(at - deadlines.get(id)?));
    Ok(Crowd {
        answers: ["status", "roles", "elevate"].map(|what| (what, times(&heard, what))).to_vec(),
        unanswered: unanswered(&heard),
        memory: host.memory("VmHWM")?,
        seen_late: Times::of(off.iter().filter_map(late)),
        said_late: Times::of(record::late(host)?.values().map(|ms| nanos(ms * 1_000_000))),
        descriptors: [before, most, after],
        by_guard: record::count(host, "guard-acted")?,
    })
}

/// Everybody asks: every third for a role, the others how things are and what there is.
fn first_round(clients: u32, until: u64) -> Vec<(u32, What)> {
    let what = |number: u32| match number % 3 {
        0 => What::Elevate(number % 9, until),
        1 => What::Status,
        _ => What::Roles,
    };
    (0..clients).map(|number| (number, what(number))).collect()
}

fn other_round(clients: u32) -> Vec<(u32, What)> {
    let what = |number: u32| if number.is_multiple_of(2) { What::Status } else { What::Roles };
    (0..clients).map(|number| (number, what(number))).collect()
}

fn times(heard: &[Heard], what: &str) -> Times {
    Times::of(heard.iter().filter(|heard| heard.what == what).map(|heard| heard.took))
}

/// A few of those that heard something else, and how many there are.
pub(super) fn unanswered(heard: &[Heard]) -> (Vec<String>, usize) {
    let mut others: Vec<String> = heard
        .iter()
        .filter(|heard| !heard.is_answered())
        .map(|heard| format!("{}: {}", heard.what, heard.answer))
        .collect();
    let count = others.len();
    others.dedup();
    others.truncate(SHOWN);
    (others, count)
}

/// # Errors
/// When somebody heard something else than an answer.
pub(super) fn answered(heard: &[Heard]) -> Result<()> {
    match unanswered(heard) {
        (_, 0) => Ok(()),
        (others, count) => Err(Error::Odd(format!("{count} were not answered, such as {others:?}"))),
    }
}

/// Seconds since 1970.
pub(super) fn unix() -> u64 {
    u64::try_from(wall() / 1_000_000_000).unwrap_or_default()
}

/// Nothing is early: a look is always after what it sees.
pub(super) fn nanos(late: i64) -> Duration {
    Duration::from_nanos(u64::try_from(late).unwrap_or_default())
}
