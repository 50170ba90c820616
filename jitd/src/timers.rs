//! Wakes the engine when something is due: on `CLOCK_BOOTTIME`, which counts suspend, and whenever somebody sets
//! the wall clock.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;

use jitd_core::now::NANOS;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::engine::{Handle, Message};

/// The wall-clock timer only has to notice steps, so it is set to a far day: seconds since 1970.
const FAR: i64 = 200 * 365 * 24 * 60 * 60;

/// The timer that the engine arms.
#[derive(Clone, Debug)]
pub struct Alarm {
    boot: Arc<TimerFd>,
}

impl Alarm {
    /// Makes the timer (timerfd_create(2)).
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn new() -> io::Result<Self> {
        Ok(Self { boot: Arc::new(timer(ClockId::CLOCK_BOOTTIME)?) })
    }

    /// Wakes the engine `nanoseconds` from now. A new call replaces the old one.
    ///
    /// # Errors
    /// When the kernel refuses. Then nothing would end on time, so nothing may be granted.
    pub fn arm(&self, nanoseconds: i64) -> io::Result<()> {
        // Zero would disarm the timer.
        let after = TimeSpec::nanoseconds(nanoseconds.max(1));
        Ok(self.boot.set(Expiration::OneShot(after), TimerSetTimeFlags::empty())?)
    }
}

/// Tells the engine of every alarm and of every step of the wall clock, on a thread of its own, for as long as the
/// engine lives.
///
/// # Errors
/// When the wall clock cannot be watched or the thread cannot be started.
pub fn start(alarm: Alarm, engine: Handle) -> io::Result<()> {
    let wall = timer(ClockId::CLOCK_REALTIME)?;
    watch_for_steps(&wall)?;
    thread::Builder::new().name("timers".into()).spawn(move || {
        if let Err(error) = run(&alarm, &wall, &engine) {
            // Without timers nothing would end on time here. jitd stops, and systemd starts it anew.
            crate::log::error(&format!("the timers cannot be waited for: {error}"));
            let _ = engine.tell_blocking(Message::Fail);
        }
    })?;
    Ok(())
}

fn run(alarm: &Alarm, wall: &TimerFd, engine: &Handle) -> io::Result<()> {
    loop {
        let mut fds = [
            PollFd::new(alarm.boot.as_fd(), PollFlags::POLLIN),
            PollFd::new(wall.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let [boot_rang, wall_rang] = fds.map(|fd| fd.any().unwrap_or(true));
        if boot_rang {
            rung(alarm.boot.wait())?;
        }
        if wall_rang {
            rung(wall.wait())?;
            watch_for_steps(wall)?;
        }
        if engine.tell_blocking(Message::Wake).is_err() {
            return Ok(());
        }
    }
}

fn timer(clock: ClockId) -> io::Result<TimerFd> {
    Ok(TimerFd::new(clock, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?)
}

/// With cancel-on-set, a step of the clock ends the wait with ECANCELED (timerfd_create(2)).
fn watch_for_steps(timer: &TimerFd) -> io::Result<()> {
    let far = TimeSpec::seconds(FAR);
    let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
    Ok(timer.set(Expiration::OneShot(far), flags)?)
}

/// A timer that was rung, was rung early or was cancelled by a step: the engine looks at the clocks itself.
fn rung(waited: nix::Result<()>) -> io::Result<()> {
    match waited {
        Ok(()) | Err(Errno::EAGAIN | Errno::ECANCELED) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

const _: () = assert!(FAR < i64::MAX / NANOS);
