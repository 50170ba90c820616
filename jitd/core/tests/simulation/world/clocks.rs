//! The clocks of the simulated machine: what programs read, and what they cannot read.

use jitd_core::now::{BootId, NANOS, Now};

/// All clocks.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    /// Nanoseconds since the beginning: never set, never stopped. No program reads it; the invariants do.
    pub(crate) true_time: i64,
    wall: i64,
    boot: i64,
    boots: u32,
}

impl Clocks {
    /// A machine that has just booted, in November 2023.
    pub(crate) fn new() -> Self {
        Self { true_time: 0, wall: 1_700_000_000 * NANOS + 123_456_789, boot: 5 * NANOS, boots: 1 }
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: self.wall, boot: self.boot, boot_id: BootId(format!("boot-{}", self.boots).into()) }
    }

    /// Time passes, awake or suspended.
    pub(crate) fn pass(&mut self, nanos: i64) {
        self.true_time += nanos;
        self.wall += nanos;
        self.boot += nanos;
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set_wall_by(&mut self, nanos: i64) {
        self.wall = self.wall.saturating_add(nanos).max(NANOS);
    }

    /// The machine is off for a while and boots.
    pub(crate) fn reboot(&mut self, off: i64) {
        self.pass(off);
        self.boot = 3 * NANOS;
        self.boots += 1;
    }
}
