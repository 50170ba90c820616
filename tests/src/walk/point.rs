//! One scenario on one host: its points counted in a run without a fault, and one point after the other walked.

use super::checks::{Expected, holds};
use super::fault::{Fault, Point};
use super::scenarios::{Scenario, Told, Victim};
use super::site::{SOON, Site};
use super::tracer::{self, Tracer};
use crate::{Error, Release, Result, Running, until};

/// How often a point is tried at which nothing went wrong: a thread's calls are not quite the same each time.
const TRIES: u32 = 3;

/// The name of a program's first thread.
fn first_thread(victim: Victim) -> &'static str {
    match victim {
        Victim::Jitd | Victim::JitdStart => "jitd",
        Victim::Guard | Victim::Pass(_) => "jit-guard",
    }
}

/// Whether the call that was to go wrong was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    /// It was.
    Yes,
    /// A call of that name and number was made, and it was about something else.
    Elsewhere,
    /// There were not so many.
    No,
}

/// A scenario on a host of its own.
#[derive(Debug)]
pub(super) struct Walk {
    scenario: &'static Scenario,
    site: Site,
    /// Every call at which something can go wrong.
    pub(super) points: Vec<Point>,
}

impl Walk {
    /// Makes the host and counts the points.
    pub(super) fn set_up(scenario: &'static Scenario, release: Release) -> Result<Walk> {
        let mut walk = Walk { scenario, site: Site::set_up(release)?, points: Vec::new() };
        walk.points = walk.count()?;
        walk.clear()?;
        Ok(walk)
    }

    /// What happened in a run in which nothing goes wrong.
    fn count(&mut self) -> Result<Vec<Point>> {
        (self.scenario.prepare)(&mut self.site)?;
        let started = self.start()?;
        let victim = self.victim(started.as_ref())?;
        let mut names = tracer::threads(&victim)?;
        if started.is_some() {
            // It is a shell yet.
            names =
                names.into_keys().map(|tid| (tid, first_thread(self.scenario.victim).to_owned())).collect();
        }
        let tracer = Tracer::count(&self.site, &victim)?;
        if started.is_some() {
            tracer::let_go(&victim)?;
        }
        (self.scenario.act)(&self.site)?;
        let answers = said(&tracer::counted(&tracer.trace(), &names));
        self.wait_over(&victim)?;
        let mut points = tracer::counted(&tracer.trace(), &names);
        tracer.detach()?;
        self.keep(started);
        self.recover()?;
        // Answers to whoever asks whether it is over are no part of it.
        points.retain(|point| !is_said(point) || point.nth <= answers);
        Ok(points)
    }

    /// Starts what the scenario starts, held before its first call.
    fn start(&mut self) -> Result<Option<Running>> {
        match self.scenario.victim {
            Victim::Jitd | Victim::Guard => Ok(None),
            Victim::JitdStart => tracer::hold(&self.site, &["/usr/sbin/jitd"]).map(Some),
            Victim::Pass(option) => tracer::hold(&self.site, &["/usr/sbin/jit-guard", option]).map(Some),
        }
    }

    fn victim(&self, started: Option<&Running>) -> Result<Running> {
        match (started, self.scenario.victim) {
            (Some(started), _) => Ok(started.clone()),
            (None, Victim::Guard) => self.site.guard().cloned(),
            (None, Victim::Jitd | Victim::JitdStart | Victim::Pass(_)) => self.site.jitd().cloned(),
        }
    }

    /// A jitd that was started is the host's from now on.
    fn keep(&mut self, started: Option<Running>) {
        match (self.scenario.victim, started) {
            (Victim::JitdStart, Some(jitd)) => self.site.jitd = Some(jitd),
            (Victim::Jitd | Victim::Guard | Victim::Pass(_) | Victim::JitdStart, _) => {}
        }
    }

    fn wait_over(&self, victim: &Running) -> Result<()> {
        until(&format!("{} to be over", self.scenario.name), SOON, || self.is_over(victim).then_some(()))
    }

    fn is_over(&self, victim: &Running) -> bool {
        let ended = match self.scenario.victim {
            Victim::Jitd | Victim::Guard | Victim::JitdStart => true,
            Victim::Pass(_) => !victim.is_running(),
        };
        ended && (self.scenario.is_over)(&self.site).unwrap_or(false)
    }

    /// Walks one point, and says whether it was met.
    ///
    /// # Errors
    /// What did not hold.
    pub(super) fn walk(&mut self, point: &Point, fault: Fault) -> Result<Met> {
        let mut best = Met::No;
        for _ in 0..TRIES {
            let met = self.attempt(point, fault);
            match met.map_err(|error| Error::Odd(format!("{}\n{}", error.chain(), self.site.story())))? {
                Met::Yes => return Ok(Met::Yes),
                Met::Elsewhere => best = Met::Elsewhere,
                Met::No => {}
            }
        }
        Ok(best)
    }

    fn attempt(&mut self, point: &Point, fault: Fault) -> Result<Met> {
        (self.scenario.prepare)(&mut self.site)?;
        let started = self.start()?;
        let victim = self.victim(started.as_ref())?;
        let first = first_thread(self.scenario.victim);
        let tid = match &started {
            Some(held) if point.thread == first => Some(held.pid_inside()?),
            Some(held) => tracer::hold_at(&self.site, held, &point.thread)?,
            None => Some(tracer::thread(&victim, &point.thread)?),
        };
        let Some(tid) = tid else {
            self.keep(started);
            return self.clear().map(|()| Met::No);
        };
        let tracer = Tracer::inject(&self.site, tid, point, fault)?;
        if started.is_some() {
            tracer::let_go(&victim)?;
        }
        let told = (self.scenario.act)(&self.site)?;
        self.wait_fired(&tracer, &victim, fault)?;
        let told = match self.scenario.victim {
            Victim::Pass(_) => self.wait_pass(&victim)?,
            Victim::Jitd | Victim::Guard | Victim::JitdStart => told,
        };
        // What happens until strace is gone has happened.
        let met = match tracer::fired(&tracer.detach()?, fault) {
            Some(line) if point.is_in(&line) => Met::Yes,
            Some(_) => Met::Elsewhere,
            None => Met::No,
        };
        if met != Met::No && fault == Fault::Killed {
            victim.wait_end(SOON)?;
        }
        self.keep(started);
        if met != Met::No {
            self.look(&told, fault)?;
        }
        self.clear()?;
        Ok(met)
    }

    /// What a pass of the guard said by its exit status.
    fn wait_pass(&self, pass: &Running) -> Result<Told> {
        let output = pass.wait_end(SOON)?;
        Ok(if output.success() { Told::Done } else { Told::No(output.to_string()) })
    }

    /// Waits until the call went wrong, or all is over without it.
    fn wait_fired(&self, tracer: &Tracer<'_>, victim: &Running, fault: Fault) -> Result<()> {
        let over = || tracer.fired(fault).is_some() || self.is_over(victim);
        until("the call", SOON, || over().then_some(()))
    }

    /// Everything that has to hold: while jitd goes on, and after it was started anew.
    fn look(&mut self, told: &Told, fault: Fault) -> Result<()> {
        match fault {
            Fault::Killed => {}
            Fault::Eio | Fault::Enospc => {
                // One that cannot wake a thread of its own ends by itself, as it should.
                if self.site.is_heard_or_gone()? {
                    match self.refuses()? {
                        // Without its record it leaves the host as it is.
                        true => self.site.refuses_everybody()?,
                        false => self.right("while jitd goes on", told)?,
                    }
                    self.site.kill_jitd()?;
                }
            }
        }
        self.recover()?;
        self.right("after a start", told)
    }

    /// Whether a jitd that was just started can grant nothing until it is started again.
    fn refuses(&self) -> Result<bool> {
        let refuses =
            |status: &serde_json::Value| status["not_granting"].as_array().is_some_and(|why| !why.is_empty());
        Ok(self.scenario.victim == Victim::JitdStart && refuses(&self.site.status()?))
    }

    /// What has ended is started, as the units do it; the guard alone has done its part before.
    fn recover(&mut self) -> Result<()> {
        self.site.start_guard_if_away()?;
        (self.scenario.alone)(&self.site)?;
        self.site.start_what_is_away()
    }

    fn right(&self, when: &str, told: &Told) -> Result<()> {
        let odd = |error: Error| Error::Odd(format!("{when}, told {told:?}: {}", error.chain()));
        holds(&self.site, Expected::WhatIsLive).map_err(odd)?;
        (self.scenario.outcome)(&self.site, told).map_err(odd)
    }

    /// Ends everything, by jitd as it is, and looks whether the host is as it was before all.
    fn clear(&mut self) -> Result<()> {
        self.site.start_what_is_away()?;
        self.site.wait_until_heard()?;
        (self.scenario.undo)(&mut self.site)?;
        self.site.end_everything()?;
        let odd = |error: Error| Error::Odd(format!("after everything was ended: {}", error.chain()));
        holds(&self.site, Expected::Nothing).map_err(odd)
    }

    /// A host on which something did not hold is not walked any further.
    pub(super) fn anew(&mut self, release: Release) -> Result<()> {
        self.site = Site::set_up(release)?;
        Ok(())
    }
}

/// Whether a call says something to somebody.
fn is_said(point: &Point) -> bool {
    ["sendto", "sendmsg"].contains(&point.call.as_str())
}

/// The number of the last one of those.
fn said(points: &[Point]) -> u32 {
    points.iter().filter(|point| is_said(point)).map(|point| point.nth).max().unwrap_or(0)
}
