//! What time it is on this host. The only file of the module that asks the clock.

use std::fs::File;
use std::io::Read as _;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::time::{ClockId, clock_gettime};

/// The host's time zone. `TZ` is not looked at: in sudo it is the caller's.
const LOCALTIME: &str = "/etc/localtime";
/// More than any time zone needs, in bytes.
const LARGEST_ZONE: u64 = 64 * 1024;

/// The present moment, to the second, and the host's time zone.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
}

impl Clock {
    /// Reads both. A host without a readable zone is on UTC, as localtime(5) has it.
    pub(crate) fn read() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let now = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        Self { now, zone: zone().unwrap_or(TimeZone::UTC) }
    }
}

/// The life of this process so far, in nanoseconds of the wall clock, to some hundredths of a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) began: i64,
    pub(crate) now: i64,
}

/// Since when this process runs. `None` without /proc.
///
/// `/proc/self/stat` has it in ticks of a hundredth of a second since the boot, in its 22nd field (proc(5)).
pub(crate) fn life() -> Option<Life> {
    const NANOS: i64 = 1_000_000_000;
    const TICK: i64 = NANOS / 100;
    const STAT: usize = 1024;
    // One read for all of it: what has no length is read in little pieces else.
    let mut stat = Vec::with_capacity(STAT);
    File::open("/proc/self/stat").ok()?.read_to_end(&mut stat).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name is in parentheses and may hold anything.
    let ticks: i64 = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let read = |clock| {
        let time = clock_gettime(clock).ok()?;
        Some(time.tv_sec().saturating_mul(NANOS).saturating_add(time.tv_nsec()))
    };
    let (up, now) = (read(ClockId::CLOCK_BOOTTIME)?, read(ClockId::CLOCK_REALTIME)?);
    Some(Life { began: now.saturating_sub(up.saturating_sub(ticks.saturating_mul(TICK))), now })
}

fn zone() -> Option<TimeZone> {
    let mut bytes = Vec::new();
    File::open(LOCALTIME).ok()?.take(LARGEST_ZONE).read_to_end(&mut bytes).ok()?;
    TimeZone::tzif("", &bytes).ok()
}
