//! The only file that asks what time it is.

use std::io;

use jitd_core::now::{BootId, NANOS, Now};
use nix::time::{ClockId, clock_gettime};

/// Where the kernel says which boot this is (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Both clocks, and the boot they belong to.
#[derive(Clone, Debug)]
pub struct Clock {
    boot_id: BootId,
}

impl Clock {
    /// Learns which boot this is.
    ///
    /// # Errors
    /// When /proc is not there. Without a boot id no deadline means anything.
    pub fn of_this_boot() -> io::Result<Self> {
        let text = std::fs::read_to_string(BOOT_ID)?;
        Ok(Self { boot_id: BootId(text.trim().into()) })
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            wall: read(ClockId::CLOCK_REALTIME),
            boot: read(ClockId::CLOCK_BOOTTIME),
            boot_id: self.boot_id.clone(),
        }
    }
}

/// What the journal stamps its lines with (`__MONOTONIC_TIMESTAMP`), in microseconds: nobody sets it, and it stands still in a suspend.
#[must_use]
pub fn of_the_journal() -> i64 {
    read(ClockId::CLOCK_MONOTONIC) / 1_000
}

/// Seconds of the wall clock, for what is asked by it.
#[must_use]
pub fn wall_seconds() -> i64 {
    read(ClockId::CLOCK_REALTIME) / NANOS
}

/// Says for so many nanoseconds from now on that there is time.
pub fn time_for(nanoseconds: i64) -> impl FnMut() -> bool {
    let until = read(ClockId::CLOCK_MONOTONIC).saturating_add(nanoseconds);
    move || read(ClockId::CLOCK_MONOTONIC) < until
}

/// Nanoseconds of one clock. A clock that cannot be read has reached every deadline.
fn read(clock: ClockId) -> i64 {
    clock_gettime(clock)
        .map_or(i64::MAX, |time| time.tv_sec().saturating_mul(NANOS).saturating_add(time.tv_nsec()))
}
