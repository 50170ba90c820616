//! What is walked: for each, how the host comes to where it begins, what is done while a call goes wrong, and when it is over.

mod asking;
mod ending;
mod guard;
mod starting;

use super::site::Site;
use crate::Result;

/// Whose calls go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    /// jitd, which runs.
    Jitd,
    /// The guard, which runs.
    Guard,
    /// jitd, from its first call on.
    JitdStart,
    /// A pass of the guard, from its first call on.
    Pass(&'static str),
}

/// What whoever did it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Nobody was told anything.
    Nothing,
    /// That this grant is in force.
    Granted(String),
    /// That it is done.
    Done,
    /// That it is not, or no answer came.
    No(String),
}

/// A thing that is done while a call goes wrong.
#[derive(Debug)]
pub(super) struct Scenario {
    /// What it is called.
    pub(super) name: &'static str,
    /// Whose calls go wrong.
    pub(super) victim: Victim,
    /// Brings the host to where it begins.
    pub(super) prepare: fn(&mut Site) -> Result<()>,
    /// Does it.
    pub(super) act: fn(&Site) -> Result<Told>,
    /// Whether all that belongs to it has been done.
    pub(super) is_over: fn(&Site) -> Result<bool>,
    /// What has to be right before jitd is there again, where the guard alone has to see to it.
    pub(super) alone: fn(&Site) -> Result<()>,
    /// What has to be so beside everything that holds always, given what was told.
    pub(super) outcome: fn(&Site, &Told) -> Result<()>,
    /// Puts back what ending everything does not.
    pub(super) undo: fn(&mut Site) -> Result<()>,
}

/// Everything that is walked.
pub(super) const SCENARIOS: [Scenario; 13] = [
    asking::SUDO,
    asking::GROUP,
    asking::BOTH,
    asking::APPROVED,
    ending::DROPPED,
    ending::EXPIRED,
    starting::RELOAD,
    starting::WITH_NOTES,
    starting::WITHOUT_GUARD,
    starting::FIRST,
    guard::OVERDUE,
    guard::BOOT,
    guard::ALL,
];

fn nothing(_: &mut Site) -> Result<()> {
    Ok(())
}

fn nothing_alone(_: &Site) -> Result<()> {
    Ok(())
}

/// Who was told that a grant is in force has it, or it has ended with a cause: the first is in the list of what is live, and
/// that agrees with the host; the second is on the record.
fn told_is_so(site: &Site, told: &Told) -> Result<()> {
    let Told::Granted(id) = told else { return Ok(()) };
    let intents = site.record(&["intent"])?;
    match intents.iter().any(|entry| entry["id"] == **id) {
        true => Ok(()),
        false => Err(crate::Error::Odd(format!("{id} was told to be granted, and no record of it is there"))),
    }
}
