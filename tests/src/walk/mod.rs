//! Killed at every step: whatever jitd or the guard are doing, every call by which they change a disk or answer somebody is
//! made to go wrong once, and afterwards the host is what the record says.
//!
//! A run without a fault counts the calls of each thread by strace(1). Then each of them is the one at which the process is
//! killed, or which fails. A point counts as walked when strace says that it has happened, and when everything in
//! `checks` held: while jitd went on, after it was started anew, and after everything was ended.
#![allow(
    clippy::indexing_slicing,
    reason = "what is not in a JSON value is null, and nothing else is indexed here"
)]

mod checks;
mod fault;
mod point;
mod scenarios;
mod site;
mod tracer;

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use self::point::{Met, Walk};
use self::scenarios::{SCENARIOS, Scenario};
use crate::{Error, Release, Result};

pub use self::fault::Fault;

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub enum Extent {
    /// Every point.
    All,
    /// As many as there are in this time.
    For(Duration),
    /// So many of each scenario with each fault.
    Each(usize),
}

/// A walk to be made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// On which release.
    pub release: Release,
    /// How far.
    pub extent: Extent,
    /// Where to begin. Walks with other offsets meet other points first.
    pub offset: usize,
    /// How many scenarios at once.
    pub at_once: usize,
    /// Those whose name has this in it; all, when nothing is said.
    pub only: Option<String>,
    /// Those of their points that have this in them; all, when nothing is said.
    pub point: Option<String>,
}

/// What was walked of one scenario.
#[derive(Debug)]
pub struct Walked {
    /// The scenario.
    pub name: &'static str,
    /// How many points it has.
    pub points: usize,
    /// How many of them were walked with each fault.
    pub walked: BTreeMap<Fault, usize>,
    /// How many of these met another call of the same name and thread than was counted.
    pub elsewhere: usize,
    /// Points at which nothing went wrong however often it was tried: a thread's calls are not the same each time.
    pub never_made: usize,
    /// What did not hold.
    pub broken: Vec<String>,
}

/// Where `JIT_WALK_OFFSET` says that a walk begins.
#[must_use]
pub fn told_offset() -> Option<usize> {
    std::env::var("JIT_WALK_OFFSET").ok()?.parse().ok()
}

/// Another beginning each time.
#[must_use]
pub fn varying_offset() -> usize {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.ok().and_then(|since| usize::try_from(since.as_secs()).ok()).unwrap_or(0)
}

/// Makes a walk and tells `out` of each scenario when it is through.
///
/// # Errors
/// When there can be no such bed, when something did not hold, or when a scenario was not walked at all.
pub fn walk(plan: &Plan, out: &mut (impl Write + Send)) -> Result<Vec<Walked>> {
    let chosen = |scenario: &&'static Scenario| {
        plan.only.as_ref().is_none_or(|only| scenario.name.contains(only.as_str()))
    };
    let queue: VecDeque<&'static Scenario> = SCENARIOS.iter().filter(chosen).collect();
    let share = share(plan, queue.len());
    // Nobody may be there to read it, here and below.
    let _ = writeln!(out, "walk on {}, JIT_WALK_OFFSET={}", plan.release, plan.offset);
    let (queue, out, all) = (Mutex::new(queue), Mutex::new(out), Mutex::new(Vec::new()));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    std::thread::scope(|scope| {
        let one = || {
            while let Some(scenario) = next() {
                let tell = |what: &str| {
                    let _ = writeln!(out.lock().unwrap_or_else(PoisonError::into_inner), "{what}");
                };
                let walked = one(scenario, plan, share, &tell);
                tell(&line(scenario, &walked));
                all.lock().unwrap_or_else(PoisonError::into_inner).push(walked);
            }
        };
        (0..plan.at_once.max(1)).map(|_| scope.spawn(one)).for_each(drop);
    });
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (walked, failed): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    if let Some(Err(error)) = failed.into_iter().next() {
        return Err(error);
    }
    let walked: Vec<Walked> = walked.into_iter().flatten().collect();
    judge(plan, &walked)?;
    Ok(walked)
}

/// How many points a short walk tries for one, should a call not be made.
const NEIGHBOURS: usize = 8;

/// How long each scenario may take, if that is limited.
fn share(plan: &Plan, scenarios: usize) -> Option<Duration> {
    let Extent::For(time) = plan.extent else { return None };
    let rounds = scenarios.div_ceil(plan.at_once.max(1));
    Some(time / u32::try_from(rounds).unwrap_or(u32::MAX).max(1))
}

fn one(
    scenario: &'static Scenario,
    plan: &Plan,
    share: Option<Duration>,
    tell: &dyn Fn(&str),
) -> Result<Walked> {
    let named = |error: Error| match error {
        Error::Missing(why) => Error::Missing(why),
        other => Error::Odd(format!("{}: {}", scenario.name, other.chain())),
    };
    let mut walk = Walk::set_up(scenario, plan.release).map_err(named)?;
    let start = Instant::now();
    let mut points = walk.points.clone();
    points.retain(|point| plan.point.as_ref().is_none_or(|only| point.to_string().contains(only)));
    let mut walked = Walked {
        name: scenario.name,
        points: points.len(),
        walked: Fault::ALL.map(|fault| (fault, 0)).into(),
        elsewhere: 0,
        never_made: 0,
        broken: Vec::new(),
    };
    let (most, neighbours) = match plan.extent {
        Extent::All | Extent::For(_) => (points.len(), 1),
        Extent::Each(count) => (count.min(points.len()), NEIGHBOURS),
    };
    for place in spread(points.len(), plan.offset).take(most) {
        for (turn, fault) in Fault::ALL.into_iter().enumerate() {
            if share.is_some_and(|share| start.elapsed() > share) {
                return Ok(walked);
            }
            // Each fault begins elsewhere, so that a short walk meets more points.
            let place = place + turn * points.len() / Fault::ALL.len();
            for point in points.iter().cycle().skip(place).take(neighbours) {
                match walk.walk(point, fault) {
                    Ok(Met::No) => {
                        walked.never_made += 1;
                        continue;
                    }
                    Ok(met) => {
                        *walked.walked.entry(fault).or_default() += 1;
                        walked.elsewhere += usize::from(met == Met::Elsewhere);
                    }
                    Err(error) => {
                        let broken = format!("{fault} at {point}: {}", error.chain());
                        tell(&format!("BROKEN {}: {broken}", scenario.name));
                        walked.broken.push(broken);
                        walk.anew(plan.release).map_err(named)?;
                    }
                }
                break;
            }
        }
    }
    Ok(walked)
}

/// All numbers below `count`, each once, spread evenly however few of them are taken.
fn spread(count: usize, offset: usize) -> impl Iterator<Item = usize> {
    // Near the golden section, and without a common divisor.
    let step = (count * 618 / 1000..).find(|step| gcd(*step, count) == 1).unwrap_or(1);
    (0..count).map(move |turn| (offset + turn * step) % count.max(1))
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}

fn line(scenario: &Scenario, walked: &Result<Walked>) -> String {
    match walked {
        Ok(Walked { points, walked, elsewhere, never_made, broken, .. }) => {
            let counts: Vec<String> =
                walked.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
            let broken = if broken.is_empty() { String::new() } else { format!(", BROKEN {}", broken.len()) };
            let counts = counts.join(", ");
            let name = scenario.name;
            format!(
                "{name}: {points} points; walked: {counts}; elsewhere {elsewhere}, never made {never_made}{broken}"
            )
        }
        Err(error) => format!("{}: FAILED: {}", scenario.name, error.chain()),
    }
}

/// Everything held, and no scenario was passed over.
fn judge(plan: &Plan, all: &[Walked]) -> Result<()> {
    let broken: Vec<String> =
        all.iter().flat_map(|of| of.broken.iter().map(|what| format!("{}: {what}", of.name))).collect();
    if !broken.is_empty() {
        let again = format!("again: JIT_WALK_OFFSET={} on {}", plan.offset, plan.release);
        return Err(Error::Odd(format!("{again}\n{}", broken.join("\n"))));
    }
    match all.iter().find(|of| of.walked.values().any(|count| *count == 0)) {
        Some(of) => Err(Error::Odd(format!("{}: nothing was walked: {of:?}", of.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_spread_has_every_number_once_and_begins_where_it_is_told() {
        for count in [0, 1, 2, 3, 7, 64, 77, 100] {
            let all: Vec<usize> = spread(count, 5).collect();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), count);
            assert_eq!(all.first().copied(), (count > 0).then(|| 5 % count.max(1)));
        }
    }
}
