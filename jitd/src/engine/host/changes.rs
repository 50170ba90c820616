//! Changes of the groups by others, heeded at once, and at most so often: whoever undoes what jitd does, again and again, is
//! answered less and less often.

use std::fs;
use std::os::unix::fs::MetadataExt;

use jit_mechanisms::HostPaths;
use jitd_core::limits::LOOK_EVERY;
use jitd_core::now::{NANOS, Now};

/// Which file this is and when it was last changed: device, inode, and its time of change in seconds and nanoseconds.
type Mark = (u64, u64, i64, i64);

/// `/etc/group` and `/etc/gshadow` as they were at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp([Option<Mark>; 2]);

impl Stamp {
    /// As they are now.
    pub(super) fn of(paths: &HostPaths) -> Self {
        Self([&paths.etc_group, &paths.etc_gshadow].map(|path| {
            let meta = fs::symlink_metadata(path).ok()?;
            Some((meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec()))
        }))
    }
}

/// When the host is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookAt {
    /// Not on this account: the files are as jitd left them.
    Never,
    /// Now.
    Once,
    /// At this time of the boot clock.
    Later(i64),
}

/// How often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The last look, on the boot clock.
    last: Option<i64>,
    /// Seconds from one look to the next.
    seconds: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { last: None, seconds: 1 }
    }
}

impl Pace {
    /// When to look, for something has changed.
    pub(super) fn next(&mut self, now: &Now) -> LookAt {
        match self.last.map(|last| last.saturating_add(self.seconds * NANOS)) {
            Some(next) if next > now.boot => LookAt::Later(next),
            Some(_) | None => {
                self.last = Some(now.boot);
                LookAt::Once
            }
        }
    }

    /// Whether somebody had undone what jitd did.
    pub(super) fn undone(&mut self, undone: usize) {
        self.seconds = match undone {
            0 => 1,
            _ => (self.seconds * 2).min(LOOK_EVERY),
        };
    }
}

#[cfg(test)]
mod tests {
    use jitd_core::now::BootId;

    use super::*;

    fn at(seconds: i64) -> Now {
        Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("".into()) }
    }

    #[test]
    fn whoever_undoes_it_again_and_again_is_answered_less_and_less_often() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(&at(10)), LookAt::Once);
        assert_eq!(pace.next(&at(10)), LookAt::Later(11 * NANOS));
        assert_eq!(pace.next(&at(11)), LookAt::Once);
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            pace.undone(1);
            assert_eq!(pace.next(&at(11)), LookAt::Later((11 + seconds) * NANOS));
        }
        pace.undone(0);
        assert_eq!(pace.next(&at(12)), LookAt::Once);
    }
}
