//! The one place where the guard asks what time it is.

use std::fs;
use std::io;

use jit_mechanisms::{BootId, NANOS, Now};
use nix::time::{ClockId, clock_gettime};

/// The kernel's id of this boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Why the time is not known.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// No boot id.
    #[error("{BOOT_ID} cannot be read, so nobody knows which grants are from this boot; mount /proc")]
    BootId(#[source] io::Error),
    /// No clock.
    #[error("the kernel's clocks cannot be read")]
    Clock(#[source] io::Error),
}

/// The clocks of this boot.
#[derive(Debug)]
pub(crate) struct Clock {
    boot_id: BootId,
}

impl Clock {
    /// Learns which boot this is.
    pub(crate) fn start() -> Result<Self, ClockError> {
        let boot_id = fs::read_to_string(BOOT_ID).map_err(ClockError::BootId)?;
        Ok(Self { boot_id: BootId(boot_id.trim().into()) })
    }

    /// Both clocks now.
    pub(crate) fn now(&self) -> Result<Now, ClockError> {
        Ok(Now {
            wall: read(ClockId::CLOCK_REALTIME)?,
            boot: read(ClockId::CLOCK_BOOTTIME)?,
            boot_id: self.boot_id.clone(),
        })
    }
}

fn read(clock: ClockId) -> Result<i64, ClockError> {
    let time = clock_gettime(clock).map_err(|why| ClockError::Clock(why.into()))?;
    Ok(time.tv_sec().saturating_mul(NANOS).saturating_add(time.tv_nsec()))
}
