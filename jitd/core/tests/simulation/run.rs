//! One run: a world from a seed, and one event after the other, each followed by every check.

use std::collections::{BTreeMap, VecDeque};

use crate::actions;
use crate::checks::{self, Act};
use crate::daemon::Jitd;
use crate::invariants::Broken;
use crate::witness::Witness;
use crate::world::guard::Runs;
use crate::world::messages::Message;
use crate::world::{Died, World};

/// Events that are told when something does not hold.
const TOLD: usize = 40;

/// The most wakes of one stretch of time.
const MOST_WAKES: usize = 2_000;

/// A run under way.
pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) jitd: Option<Jitd>,
    pub(crate) witness: Witness,
    /// Events so far.
    pub(crate) events: u64,
    last: VecDeque<String>,
    /// The clocks have jumped since jitd worked last, so nothing can be told of its timer.
    pub(crate) jumped: bool,
    /// How much of each action this run has.
    pub(crate) temper: Vec<usize>,
}

/// Something did not hold.
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) step: u64,
    pub(crate) broken: Broken,
    pub(crate) last: Vec<String>,
}

/// What came of a run.
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) counts: BTreeMap<String, u64>,
}

/// Runs a seed for so many steps, of one event or a few.
pub(crate) fn run(seed: u64, steps: u64) -> Result<Tally, Box<Failure>> {
    let mut world = World::new(seed);
    let mut run = Run {
        temper: actions::temper(&mut world.chance),
        world,
        jitd: None,
        witness: Witness::new(),
        events: 0,
        last: VecDeque::new(),
        jumped: true,
    };
    for step in 0..steps {
        let stepped = actions::step(&mut run);
        if let Err(broken) = stepped {
            return Err(Box::new(Failure { seed, step, broken, last: run.last.into() }));
        }
    }
    Ok(Tally { events: run.events, counts: run.witness.counts })
}

impl Run {
    /// Remembers what happens, for the story of a failure.
    pub(crate) fn tell(&mut self, what: impl Into<String>) {
        let now = self.world.now();
        let line = format!(
            "{:>6} wall {} boot {} {}: {}",
            self.events,
            now.wall,
            now.boot,
            now.boot_id,
            what.into()
        );
        self.last.push_back(line);
        if self.last.len() > TOLD {
            self.last.pop_front();
        }
    }

    /// An event has happened: everything is checked.
    pub(crate) fn check(&mut self, act: Act) -> Result<(), Broken> {
        self.events += 1;
        checks::check(&self.world, self.jitd.as_ref(), &mut self.witness, act)
    }

    /// jitd works through these messages and whatever is due.
    pub(crate) fn pass(&mut self, messages: Vec<Message>) -> Result<(), Broken> {
        let Some(mut jitd) = self.jitd.take() else { return Ok(()) };
        if self.world.chance.once_in(60) {
            let points = self.world.chance.below(24);
            self.world.fate.set(u32::try_from(points).unwrap_or(0));
        }
        let lived = jitd.pass(&mut self.world, messages);
        self.after(lived.map(|()| jitd), Act::Jitd)
    }

    /// jitd starts.
    pub(crate) fn start(&mut self) -> Result<(), Broken> {
        if self.world.chance.once_in(10) {
            let points = self.world.chance.below(24);
            self.world.fate.set(u32::try_from(points).unwrap_or(0));
        }
        let started = Jitd::start(&mut self.world);
        self.tell("jitd starts");
        self.after(started, Act::Start)
    }

    fn after(&mut self, lived: Result<Jitd, Died>, act: Act) -> Result<(), Broken> {
        self.world.fate.clear();
        self.jumped = false;
        match lived {
            Ok(jitd) => {
                self.jitd = Some(jitd);
                // Whom jitd knows of by the record alone, it writes down as soon as it can.
                let host = &mut self.world.host;
                let given = host.applied.as_ref().map(|applied| &applied.given);
                host.applied_is_old &=
                    !host.put_in.iter().all(|of| given.is_some_and(|given| given.contains(of)));
                self.check(act)
            }
            Err(Died) => {
                self.tell("jitd dies in the middle of it");
                self.witness.count("died in the middle".into());
                self.kill()
            }
        }
    }

    /// jitd is gone, with everything that it knew and everybody who waited for it.
    pub(crate) fn kill(&mut self) -> Result<(), Broken> {
        self.jitd = None;
        self.world.inbox.clear();
        self.world.lookups.clear();
        self.world.sudo_asked.clear();
        self.check(Act::World)
    }

    /// The guard looks.
    pub(crate) fn sweep(&mut self) -> Result<(), Broken> {
        if self.world.guard.runs == Runs::No {
            return Ok(());
        }
        let now = self.world.now();
        let World { guard, host, clocks, .. } = &mut self.world;
        guard.sweep(host, &now, clocks.true_time);
        self.check(Act::Guard)
    }

    /// Time passes, and whoever set a timer wakes up.
    pub(crate) fn pass_time(&mut self, nanos: i64) -> Result<(), Broken> {
        let mut left = nanos;
        for _ in 0..MOST_WAKES {
            if left <= 0 {
                break;
            }
            let now = self.world.now();
            // A second timer wakes it when somebody sets the wall clock.
            let alarm = |jitd: &Jitd| if self.jumped { 0 } else { jitd.until_alarm(&now) };
            let wake = self.jitd.as_ref().map_or(i64::MAX, alarm).max(1);
            let guard = &self.world.guard;
            let look =
                guard.next(&self.world.host, &now).filter(|_| guard.runs == Runs::Yes).unwrap_or(i64::MAX);
            let step = left.min(wake).min(look.max(1));
            self.world.clocks.pass(step);
            left -= step;
            self.check(Act::World)?;
            let guard_first = self.world.chance.once_in(2);
            if step >= look && guard_first {
                self.sweep()?;
            }
            if step >= wake {
                let now = self.world.now();
                if let Some(jitd) = self.jitd.as_ref().filter(|_| !self.jumped) {
                    checks::on_time(jitd, &now)?;
                }
                self.pass(Vec::new())?;
            }
            if step >= look && !guard_first {
                self.sweep()?;
            }
        }
        Ok(())
    }
}
