//! What `/proc/PID/stat` says of a process (proc_pid_stat(5)), as far as anybody here asks.

use std::fs;
use std::path::Path;

/// Ticks of a second in /proc: the same on every kernel, whatever its own clock.
const TICKS: i64 = 100;

/// Nanoseconds of a tick.
pub const TICK: i64 = 1_000_000_000 / TICKS;

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its parent.
    pub parent: u32,
    /// The leader of its session.
    pub session: u32,
    /// The device of its controlling terminal; 0 when it has none.
    pub terminal: u32,
    /// When it began: nanoseconds of the boot clock, at the beginning of the tick.
    pub began: i64,
    /// Whether it has ended and only waits for its parent to hear of it.
    pub is_zombie: bool,
}

impl Stat {
    /// Of a process in this /proc; `None` when it is gone.
    #[must_use]
    pub fn of(proc: &Path, pid: u32) -> Option<Self> {
        let text = fs::read(proc.join(pid.to_string()).join("stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Option<Self> {
        // The second field is a name in parentheses that may hold anything; the last one ends it.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Self {
            is_zombie: *fields.first()? == "Z",
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            terminal: fields.get(4)?.parse().ok()?,
            began: fields.get(19)?.parse::<i64>().ok()?.saturating_mul(TICK),
        })
    }

    /// Its controlling terminal by name. Device numbers as in the kernel's Documentation/admin-guide/devices.txt.
    #[must_use]
    pub fn terminal_name(&self) -> Option<String> {
        let number = self.terminal;
        let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00));
        match (major, minor) {
            (0, 0) => None,
            (4, 0..=63) => Some(format!("tty{minor}")),
            (4, _) => Some(format!("ttyS{}", minor - 64)),
            (136..=143, _) => Some(format!("pts/{}", (major - 136) * 256 + minor)),
            (_, _) => Some(format!("terminal {major}:{minor}")),
        }
    }
}

/// A line of it for tests, of a process with a name that looks like more of it.
#[cfg(test)]
pub(crate) fn line(pid: u32, parent: u32, session: u32, terminal: u32, ticks: i64) -> String {
    format!("{pid} (a) b) S {parent} 1 {session} {terminal} -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {ticks} 0 0\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = Stat::parse(&line(7, 3, 5, 34819, 250)).unwrap();
        let expected = Stat { parent: 3, session: 5, terminal: 34819, began: 250 * TICK, is_zombie: false };
        assert_eq!(stat, expected);
        assert_eq!(Stat::parse("7 (a) S 1 1"), None);
    }

    #[test]
    fn terminals_have_names() {
        let name = |terminal| Stat::parse(&line(7, 3, 5, terminal, 0)).unwrap().terminal_name();
        for (number, expected) in
            [(34816, "pts/0"), (34819, "pts/3"), (1025, "tty1"), (1088, "ttyS0"), (35072, "pts/256")]
        {
            assert_eq!(name(number).as_deref(), Some(expected));
        }
        assert_eq!(name(0), None);
    }

    #[test]
    fn this_process_is_in_the_real_proc() {
        let stat = Stat::of(Path::new("/proc"), std::process::id()).unwrap();
        assert!(stat.parent > 0 && stat.began > 0 && !stat.is_zombie, "{stat:?}");
        assert_eq!(Stat::of(Path::new("/proc"), u32::MAX), None);
    }
}
