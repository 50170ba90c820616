//! Whether a rule of jitd's stands in sudo's file for somebody: without one no grant has made a session of sudo possible, and
//! jitd need not be asked. sudo has read the same file just before.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jit_common::paths;

use crate::clock::{Life, life};
use crate::person::Person;

/// Nanoseconds by which a time stamp of a file, or the beginning of a process, may be wrong: a tick of the kernel's clock each.
const COARSE: i64 = 20_000_000;

/// More than this is not looked through: jitd is asked.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What sudo's file has for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// No rule, since before this process began.
    None,
    /// A rule, maybe.
    MayStand,
    /// No rule now, but the file has changed since this process began: sudo may have gone by one that is gone.
    Changed,
}

/// What the file has. In every doubt one may stand.
pub(crate) fn of(name: &str) -> Rules {
    match may_stand_for(name) {
        true => Rules::MayStand,
        false if life().is_some_and(has_changed_in) => Rules::Changed,
        false => Rules::None,
    }
}

/// Whether the file, or the folder that holds it, was written since this process began. The time stamp of a file may be some milliseconds old
/// when it is given. One that is to come says nothing: somebody has set the clock back, and nobody is kept out until it is that late.
fn has_changed_in(Life { began, now }: Life) -> bool {
    let file = Path::new(paths::SUDOERS_FILE);
    let places = [Some(file), file.parent()];
    places.into_iter().flatten().any(|place| match std::fs::metadata(place) {
        Ok(meta) => {
            let changed = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
            changed.saturating_add(COARSE) >= began && changed <= now.saturating_add(COARSE)
        }
        Err(why) => why.kind() != std::io::ErrorKind::NotFound,
    })
}

/// Whether one may stand.
fn may_stand_for(name: &str) -> bool {
    let file = match File::open(paths::SUDOERS_FILE) {
        Ok(file) => file,
        Err(why) => return why.kind() != std::io::ErrorKind::NotFound,
    };
    let mut text = Vec::new();
    if file.take(LONGEST).read_to_end(&mut text).is_err() || text.len() as u64 == LONGEST {
        return true;
    }
    // With no live grant there is one line, a comment.
    if !text.windows(2).any(|pair| pair == b"\n#") {
        return false;
    }
    match Person::named(name) {
        Ok(Some(person)) => holds(&text, person.uid()),
        Ok(None) | Err(_) => true,
    }
}

/// Whether a line of this text is a rule for a uid, as jitd writes it: `#1000 ALL=…`.
fn holds(text: &[u8], uid: u32) -> bool {
    let rule = format!("#{uid} ");
    text.split(|byte| *byte == b'\n').any(|line| line.starts_with(rule.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_its_whole_number_alone() {
        let text =
            b"# Written by jitd\n# grant 7k2m9xqa\n#1000 ALL=(root) NOPASSWD: /usr/bin/id\n# end 7k2m9xqa\n";
        assert!(holds(text, 1000));
        for other in [100, 0, 10_000, 1001] {
            assert!(!holds(text, other), "{other}");
        }
    }

    #[test]
    fn what_was_written_before_this_process_or_is_to_come_is_no_change() {
        assert!(!has_changed_in(Life { began: i64::MAX, now: i64::MAX }));
        assert!(!has_changed_in(Life { began: 0, now: 0 }), "the clock was set back");
    }
}
