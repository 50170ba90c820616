//! One home for each heavy or dangerous thing: whoever looks for it knows where, and nowhere else.

use crate::no_breaches;
use crate::sources::{line_of, rust};

/// A thing, the words that give it away, and the files or folders that may have them.
const HOMES: [(&str, &[&str], &[&str]); 6] = [
    ("bincode", &["bincode::"], &["common/src/codec.rs"]),
    ("SQLite", &["rusqlite::"], &["jitd/src/ledger/"]),
    ("D-Bus", &["zbus::"], &["jitd/src/listen/bus"]),
    (
        "names of users and groups",
        &["getgrouplist", "getpwnam", "getpwuid", "getgrnam", "User::from_", "Group::from_", "uzers::"],
        &["jitd/src/people", "pam/src/person.rs"],
    ),
    (
        "the clock",
        &["SystemTime::now", "Instant::now", "clock_gettime", "Timestamp::now", "Zoned::now"],
        // One per program: the core and the mechanisms get the time as an argument.
        &[
            "jitd/src/clock.rs",
            "jitd/guard/src/clock.rs",
            "jitctl/src/time.rs",
            "pam/src/clock.rs",
            "common/examples/crowd/clock.rs",
        ],
    ),
    ("unsafe code", &["unsafe ", "unsafe{"], &["pam/src/"]),
];

#[test]
fn everything_heavy_has_one_home() {
    let mut breaches = Vec::new();
    for source in rust() {
        for (thing, words, homes) in HOMES {
            if homes.iter().any(|home| source.path.starts_with(home)) {
                continue;
            }
            for word in words {
                for (at, _) in source.product_code().match_indices(word) {
                    let line = line_of(&source.code, at);
                    breaches.push(format!(
                        "{}:{line}: {word} ({thing} lives in {})",
                        source.path,
                        homes.join(", ")
                    ));
                }
            }
        }
    }
    no_breaches("one home each", breaches);
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    let mut breaches = Vec::new();
    for source in rust() {
        for (at, _) in source.code.match_indices("unsafe {") {
            let line = line_of(&source.code, at);
            let above = source.text.lines().take(line).collect::<Vec<_>>();
            // On the same line or in the comment right above.
            let near = above.iter().rev().take(8).any(|text| text.contains("SAFETY:"));
            if !near {
                breaches.push(format!("{}:{line}", source.path));
            }
        }
    }
    no_breaches("every unsafe block has a SAFETY comment", breaches);
}
