//! Who has a terminal of this host now: looked at once a second at most, and never at more terminals than a look may cost.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use jitd_core::now::{NANOS, Now};

use super::{DEV, PTS};

/// Terminals that one look takes in: those of the lowest numbers, which the kernel gives first. Whoever opens thousands
/// costs nobody more, and hides nobody who was there before.
const LOOKED_AT: usize = 512;

/// Entries of a directory that are read for that.
const READ: usize = 4096;

/// Nanoseconds for which a look holds.
const HOLDS: i64 = NANOS;

/// The last look.
#[derive(Debug, Default)]
struct Seen {
    /// When, on the boot clock.
    at: Option<i64>,
    uids: BTreeSet<u32>,
}

/// Who has a terminal.
#[derive(Debug, Default)]
pub struct Present(RefCell<Seen>);

impl Present {
    /// Whether `uid` has a terminal, as seen within the last second. Root never has one: terminals that nobody uses are root's.
    pub fn has(&self, uid: u32, now: &Now) -> bool {
        self.has_by(uid, now, look)
    }

    fn has_by(&self, uid: u32, now: &Now, look: impl FnOnce() -> BTreeSet<u32>) -> bool {
        let mut seen = self.0.borrow_mut();
        let holds = |at: i64| (at..at.saturating_add(HOLDS)).contains(&now.boot);
        if !seen.at.is_some_and(holds) {
            *seen = Seen { at: Some(now.boot), uids: look() };
        }
        seen.uids.contains(&uid)
    }
}

/// The uids that have a terminal. Costs a look at each and opens none.
fn look() -> BTreeSet<u32> {
    let consoles = lowest(DEV, "tty").into_iter().map(|number| format!("{DEV}/tty{number}"));
    let others = lowest(PTS, "").into_iter().map(|number| format!("{PTS}/{number}"));
    let metadata = consoles.chain(others).filter_map(|path| fs::symlink_metadata(path).ok());
    let devices = metadata.filter(|metadata| metadata.file_type().is_char_device());
    devices.map(|metadata| metadata.uid()).filter(|uid| *uid != 0).collect()
}

/// The lowest numbers of the entries of a directory that are `prefix` and a number.
fn lowest(dir: &str, prefix: &str) -> Vec<u32> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().take(READ);
    let number = |name: &str| name.strip_prefix(prefix).and_then(|number| number.parse().ok());
    let mut numbers: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str().and_then(number)).collect();
    numbers.sort_unstable();
    numbers.truncate(LOOKED_AT);
    numbers
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use jitd_core::now::BootId;
    use nix::pty::openpty;
    use nix::unistd::{Uid, fchown};

    fn at(nanos: i64) -> Now {
        Now { wall: 0, boot: nanos, boot_id: BootId("a".into()) }
    }

    #[test]
    fn who_has_a_terminal_is_present_and_idle_consoles_are_nobodys() {
        let pty = openpty(None, None).unwrap();
        let me = Uid::effective();
        let owner = if me.is_root() { Uid::from_raw(61_234) } else { me };
        fchown(&pty.slave, Some(owner), None).unwrap();
        assert!(Present::default().has(owner.as_raw(), &at(0)));
        drop(pty);
        assert!(!me.is_root() || !Present::default().has(owner.as_raw(), &at(0)));
        assert!(!Present::default().has(0, &at(0)));
    }

    #[test]
    fn a_thousand_questions_in_a_second_are_one_look() {
        let (present, mut looks) = (Present::default(), 0);
        for question in 0..1000_u32 {
            let look = || {
                looks += 1;
                BTreeSet::from([7])
            };
            assert_eq!(present.has_by(question, &at(i64::from(question)), look), question == 7);
        }
        assert_eq!(looks, 1);
        assert!(!present.has_by(7, &at(HOLDS), BTreeSet::new), "looked at anew");
        assert!(
            present.has_by(8, &at(0), || BTreeSet::from([8])),
            "a clock that went back is another boot's"
        );
    }

    #[test]
    fn of_thousands_of_terminals_so_many_are_looked_at() {
        let scratch = jit_mechanisms::scratch::Scratch::new();
        for number in 0..700 {
            fs::write(scratch.path().join(number.to_string()), "").unwrap();
        }
        for other in ["ptmx", "-1", "1a", "tty3"] {
            fs::write(scratch.path().join(other), "").unwrap();
        }
        let dir = scratch.path().to_str().unwrap();
        assert_eq!(lowest(dir, ""), (0..u32::try_from(LOOKED_AT).unwrap()).collect::<Vec<_>>());
        assert_eq!(lowest(dir, "tty"), [3]);
    }
}
