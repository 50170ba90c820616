//! What time it is on this host. The only file of the module that asks the clock.

use std::fs::File;
use std::io::Read as _;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

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

fn zone() -> Option<TimeZone> {
    let mut bytes = Vec::new();
    File::open(LOCALTIME).ok()?.take(LARGEST_ZONE).read_to_end(&mut bytes).ok()?;
    TimeZone::tzif("", &bytes).ok()
}
