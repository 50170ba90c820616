//! Sleeps until something changes or it is time to look again.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use jit_mechanisms::HostPaths;
use jit_mechanisms::paths::name_of;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::plan::{LOOK, Next};

/// What the two directories are watched for: a file put in place, changed in place, or taken away, and the directory
/// itself going away.
const EVENTS: AddWatchFlags = AddWatchFlags::IN_MOVED_TO
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_ONLYDIR)
    .union(AddWatchFlags::IN_DONT_FOLLOW);

/// The watch over `applied` and the sudoers file.
#[derive(Debug)]
pub(crate) struct Watch {
    inotify: Inotify,
    timer: TimerFd,
    paths: HostPaths,
    names: [OsString; 2],
}

/// Whether both directories are being watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// Both.
    Both,
    /// One is missing: look often until it is there.
    NotBoth,
}

impl Watch {
    /// A watch that watches nothing yet.
    pub(crate) fn new(paths: &HostPaths) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        // BOOTTIME: after a suspend, what became due meanwhile is due at once.
        let timer =
            TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        let names = [&paths.applied, &paths.sudoers_file].map(|path| name_of(path).to_owned());
        Ok(Self { inotify, timer, paths: paths.clone(), names })
    }

    /// Watches both directories, again if they were replaced. To be called before every look.
    pub(crate) fn arm(&self) -> Armed {
        // Watching what is watched already changes nothing (inotify_add_watch(2)).
        let watched = |dir: &Path| self.inotify.add_watch(dir, EVENTS).is_ok();
        let (state, sudoers) = (watched(&self.paths.state_dir), watched(&self.paths.sudoers_dir));
        if state && sudoers { Armed::Both } else { Armed::NotBoth }
    }

    /// Sleeps until `next`, or until one of the two files changes.
    pub(crate) fn wait(&self, next: Next, armed: Armed) -> io::Result<()> {
        let within = match (next, armed) {
            (Next::OnChange, Armed::Both) => None,
            (Next::OnChange, Armed::NotBoth) => Some(LOOK),
            (Next::Within(wait), _) => Some(wait),
        };
        match within {
            // A timer of zero would be no timer at all.
            Some(wait) => {
                let wait = TimeSpec::from(wait.max(std::time::Duration::from_millis(1)));
                self.timer.set(Expiration::OneShot(wait), TimerSetTimeFlags::empty())?;
            }
            None => self.timer.unset()?,
        }
        loop {
            let mut fds = [
                PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(why) => return Err(why.into()),
            }
            let timed_out = fds.iter().skip(1).any(|fd| fd.any() == Some(true));
            if self.changed()? || timed_out {
                return Ok(());
            }
        }
    }

    /// Reads what was told; whether any of it is about our two files, their directories, or a lost event.
    fn changed(&self) -> io::Result<bool> {
        let mut changed = false;
        loop {
            match self.inotify.read_events() {
                Ok(events) => {
                    // jitd's ledger lives in the same directory: its files are not our business.
                    changed |= events
                        .iter()
                        .any(|event| event.name.as_ref().is_none_or(|name| self.names.contains(name)));
                }
                Err(Errno::EAGAIN) => return Ok(changed),
                Err(Errno::EINTR) => {}
                Err(why) => return Err(why.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::fs;
    use std::time::Duration;

    use jit_mechanisms::paths::make_directories;
    use jit_mechanisms::scratch::Scratch;

    use super::*;

    #[test]
    fn only_our_files_are_changes_and_a_replaced_directory_is_one() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let watch = Watch::new(&paths).unwrap();
        assert_eq!(watch.arm(), Armed::NotBoth);
        make_directories(&paths).unwrap();
        assert_eq!(watch.arm(), Armed::Both);
        assert!(!watch.changed().unwrap());
        fs::write(paths.state_dir.join("ledger.db"), "x").unwrap();
        fs::write(paths.state_dir.join(".applied.1.0.tmp"), "x").unwrap();
        assert!(!watch.changed().unwrap(), "other files");
        fs::rename(paths.state_dir.join(".applied.1.0.tmp"), &paths.applied).unwrap();
        assert!(watch.changed().unwrap(), "put in place");
        fs::write(&paths.applied, "").unwrap();
        assert!(watch.changed().unwrap(), "changed in place");
        fs::write(&paths.sudoers_file, "").unwrap();
        assert!(watch.changed().unwrap());
        fs::remove_file(&paths.sudoers_file).unwrap();
        fs::remove_dir(&paths.sudoers_dir).unwrap();
        assert!(watch.changed().unwrap(), "the directory went");
        make_directories(&paths).unwrap();
        assert_eq!(watch.arm(), Armed::Both);
        assert!(!watch.changed().unwrap());
        fs::write(&paths.sudoers_file, "").unwrap();
        assert!(watch.changed().unwrap(), "the new directory is watched");
    }

    #[test]
    fn it_wakes_on_time_and_on_a_change_that_happened_before_it_slept() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        make_directories(&paths).unwrap();
        let watch = Watch::new(&paths).unwrap();
        watch.wait(Next::Within(Duration::ZERO), Armed::NotBoth).unwrap();
        let armed = watch.arm();
        fs::write(&paths.applied, "").unwrap();
        watch.wait(Next::OnChange, armed).unwrap();
    }
}
