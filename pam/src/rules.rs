//! Whether a rule of jitd's stands in sudo's file for somebody: without one no grant has made a session of sudo possible, and
//! jitd need not be asked. sudo has read the same file just before.

use std::fs::File;
use std::io::Read as _;

use jit_common::paths;

use crate::person::Person;

/// More than this is not looked through: jitd is asked.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Whether one may stand. In every doubt it may.
pub(crate) fn may_stand_for(name: &str) -> bool {
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
}
