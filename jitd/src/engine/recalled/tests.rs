//! Which sessions are read on after a restart, by the record alone.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_common::refusal::RuleRef;
use jitd_core::record::{Origin, Person, TypedHash};

use super::*;

const GRANT: &str = "7k2m9xqa";
const OTHER: &str = "7k2m9xqb";

fn about() -> About {
    let by = Person { uid: 1000, name: "alice".into() };
    let rule = RuleRef { name: "r".into(), location: "w.toml:1".into() };
    About { by, role: "root".into(), rule, until: 0 }
}

fn hash() -> TypedHash {
    serde_json::from_value(serde_json::Value::String("0".repeat(64))).unwrap()
}

fn started(boot: &str) -> Entry {
    let boot_id = BootId(boot.into());
    let (version, host, sudo, host_key) = Default::default();
    Entry::Started { version, host, boot_id, sudo, host_key }
}

fn began(pid: i32, read_from: Option<i64>) -> Entry {
    let from = Origin { pid: Some(pid), ..Origin::default() };
    let (target, directory, outside) = Default::default();
    Entry::SessionBegan { about: about(), from, command: hash(), target, directory, outside, read_from }
}

fn commands(pid: i32, read_to: i64) -> Entry {
    Entry::SessionCommands { about: about(), pid, commands: hash(), count: 1, left_out: 0, read_to }
}

fn ended(pid: i32) -> Entry {
    Entry::SessionEnded { about: about(), pid, status: None }
}

/// Of these entries of a boot, each with its grant, one a second.
fn begun(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Begun {
    let mut begun = Begun::default();
    begun.replay(0, None, &started("a"));
    for (at, (grant, entry)) in (1..).zip(entries) {
        begun.replay(at * NANOS, Some(grant.parse().unwrap()), &entry);
    }
    begun
}

fn running(begun: &Begun) -> Vec<(i32, i64, Own)> {
    begun.running.iter().map(|(pid, recorded)| (*pid, recorded.read_to, recorded.own)).collect()
}

#[test]
fn a_session_is_read_on_however_many_came_after_it_and_whatever_became_of_its_grant() {
    let many = (100..1_500).flat_map(|pid| [(GRANT, began(pid, Some(9))), (GRANT, ended(pid))]);
    let first = [(GRANT, began(7, Some(3))), (GRANT, began(8, Some(4))), (GRANT, commands(8, 20))];
    let mut begun = begun(first.into_iter().chain(many));
    assert_eq!(running(&begun), [(7, 3, Own::ToCome), (8, 20, Own::Seen)]);
    assert_eq!(begun.ended.len(), ENDED);
    assert_eq!(begun.ended.back().unwrap().0, 1_499);
    begun.replay(5_000 * NANOS, Some(GRANT.parse().unwrap()), &commands(1_499, 30));
    assert_eq!(begun.ended.back().unwrap().2.read_to, 30, "it was written after its end");
    begun.replay(0, None, &started("a"));
    assert_eq!(begun.running.len(), 2, "jitd was restarted");
    begun.replay(0, None, &started("b"));
    assert!(begun.running.is_empty() && begun.ended.is_empty(), "the host was");
}

#[test]
fn a_number_is_of_one_session_and_what_another_grant_had_with_it_counts_for_nothing() {
    let begun = begun([
        (GRANT, began(7, Some(3))),
        (OTHER, began(7, Some(5))),
        (GRANT, ended(7)),
        (GRANT, commands(7, 6)),
        (GRANT, began(8, Some(7))),
        (OTHER, began(8, None)),
        (GRANT, began(9, None)),
    ]);
    assert_eq!(running(&begun), [(7, 5, Own::ToCome)]);
    assert_eq!(begun.running.get(&7).unwrap().grant.to_string(), OTHER);
    assert!(begun.ended.is_empty());
}
