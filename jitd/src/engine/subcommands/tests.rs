//! Which lines are whose, and how many of them are kept.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
use jit_common::refusal::RuleRef;
use jitd_core::now::BootId;
use jitd_core::record::Person;

use super::reading::{GOES_ON, LINGERS, LINGERS_AT_MOST};
use super::*;
use crate::subcommands::line::{End, Piece, Says};

fn now(boot: i64) -> Now {
    Now { wall: boot, boot, boot_id: BootId("a".into()) }
}

fn line(gid: u32, at: i64, text: &str) -> Line {
    let says = Says::Began(Piece { text: format!("COMMAND={text}"), end: End::AtBlank });
    Line { pid: 7, uid: 1000, gid, at, wall: 0, says }
}

fn reading(runs_as: RunsAs, own: Own, read_to: i64) -> Reading {
    let by = Person { uid: 1000, name: "alice".into() };
    let rule = RuleRef { name: "r".into(), location: "w.toml:1".into() };
    let about = About { by, role: "root".into(), rule, until: 0 };
    Reading::new(("7k2m9xqa".parse().unwrap(), about), runs_as, own, read_to)
}

#[test]
fn the_first_line_is_the_sessions_own_and_what_root_did_not_write_is_counted_alone() {
    let mut starts = Starts::default();
    starts.read.insert(7, reading(RunsAs::Root, Own::ToCome, 10));
    let now = now(0);
    starts.take(line(1000, 10, "of a process before"), &now);
    starts.take(Line { uid: 1001, ..line(0, 11, "of somebody else") }, &now);
    assert_eq!(starts.lately.len(), 2);
    starts.take(line(1000, 12, "own"), &now);
    starts.take(line(0, 13, "/bin/a"), &now);
    starts.take(line(1000, 14, "forged"), &now);
    starts.take(line(0, 13, "/bin/a"), &now);
    starts.take(line(0, 15, "/bin/b"), &now);
    starts.settle(7);
    let commands = &mut starts.read.get_mut(&7).unwrap().commands;
    assert_eq!((commands.left_out, commands.read_to), (1, 15));
    assert_eq!(commands.take(), "/bin/a\n/bin/b");

    starts.read.insert(7, reading(RunsAs::Other, Own::Seen, 15));
    starts.take(line(0, 15, "written already"), &now);
    starts.take(line(1001, 16, "/bin/c"), &now);
    starts.settle(7);
    assert_eq!(starts.read.get_mut(&7).unwrap().commands.take(), "/bin/c");
}

#[test]
fn what_nobody_asked_about_is_kept_for_a_while_and_never_much_of_it() {
    let mut starts = Starts::default();
    for at in 0..10_000 {
        starts.take(line(0, at, "/bin/true"), &now(0));
    }
    assert_eq!(starts.lately.len(), LATELY_EACH);
    assert_eq!(starts.lately.front().map(|line| line.at), Some(9_999), "the newest");
    for uid in 0..1_000 {
        starts.take(Line { uid, ..line(0, 10_000, "/bin/true") }, &now(0));
    }
    assert_eq!(starts.lately.len(), LATELY);
}

#[test]
fn one_person_has_so_many_in_a_minute_and_others_have_their_own() {
    let mut starts = Starts::default();
    let entries = (0..1_000).filter(|_| starts.has_room(1000, 1, &now(MINUTE))).count();
    assert_eq!(entries, IN_A_MINUTE.1);
    assert!(starts.has_room(1001, IN_A_MINUTE.0, &now(MINUTE)));
    assert!(!starts.has_room(1001, 1, &now(2 * MINUTE - 1)));
    assert!(starts.has_room(1001, 1, &now(2 * MINUTE)) && starts.has_room(1000, 1, &now(2 * MINUTE)));
}

#[test]
fn a_command_line_that_may_go_on_waits_and_a_session_that_is_over_lingers() {
    let mut starts = Starts::default();
    starts.read.insert(7, reading(RunsAs::Other, Own::Seen, 0));
    assert_eq!(starts.next(&now(0)), None);
    let says = Says::Began(Piece { text: format!("COMMAND={}", "x".repeat(900)), end: End::AtBlank });
    starts.take(Line { says, ..line(0, 1, "") }, &now(0));
    assert_eq!(starts.next(&now(0)), Some(GOES_ON));
    starts.settle(7);
    assert_eq!(starts.next(&now(0)), None);
    starts.over(7, &now(0));
    starts.take(line(0, 3, "/bin/true"), &now(NANOS));
    starts.settle(7);
    assert_eq!(starts.next(&now(NANOS)), Some(LINGERS));
    starts.take(line(0, 4, "/bin/true"), &now(LINGERS_AT_MOST - NANOS));
    starts.settle(7);
    assert_eq!(
        starts.next(&now(LINGERS_AT_MOST - NANOS)),
        Some(NANOS),
        "whose number it is by then nobody knows"
    );
}

#[test]
fn a_line_by_roots_gid_is_no_sessions_own() {
    let mut starts = Starts::default();
    starts.read.insert(7, reading(RunsAs::Root, Own::ToCome, 0));
    starts.take(line(0, 1, "/bin/a"), &now(0));
    starts.take(line(0, 2, "/bin/b"), &now(0));
    starts.settle(7);
    assert_eq!(starts.read.get_mut(&7).unwrap().commands.take(), "/bin/a\n/bin/b");
}

#[test]
fn what_had_no_room_may_be_of_any_session_of_its_person() {
    let mut starts = Starts::default();
    starts.read.insert(7, reading(RunsAs::Root, Own::Seen, 0));
    starts.leave_out([(1000, 3), (1001, 9)].into());
    assert_eq!(starts.read.get(&7).map(|reading| reading.commands.left_out), Some(3));
}

#[test]
fn what_came_before_a_process_became_sudo_is_counted_alone() {
    let mut starts = Starts::default();
    starts.read.insert(7, reading(RunsAs::Other, Own::ToCome, 0));
    let now = now(0);
    for at in 1..=3 {
        starts.take(line(1000, at, "/bin/forged"), &now);
    }
    starts.becomes(7, "root");
    starts.becomes(8, "root");
    starts.take(line(1000, 4, "on its way meanwhile"), &now);
    starts.take(line(0, 5, "/bin/real"), &now);
    starts.settle(7);
    let commands = &mut starts.read.get_mut(&7).unwrap().commands;
    assert_eq!(commands.left_out, 3);
    assert_eq!(commands.take(), "/bin/real");

    let mut starts = Starts::default();
    starts.read.insert(7, reading(RunsAs::Root, Own::Seen, 0));
    starts.becomes(7, "alice");
    starts.take(line(2000, 1, "/bin/with-a-group"), &now);
    starts.settle(7);
    assert_eq!(starts.read.get_mut(&7).unwrap().commands.take(), "/bin/with-a-group");
}

#[test]
fn a_session_that_ran_and_is_over_without_any_line_is_said() {
    let (grant, now) = ("7k2m9xqa".parse().unwrap(), now(0));
    let mut starts = Starts::default();
    let over = |starts: &mut Starts, own| {
        starts.read.insert(7, reading(RunsAs::Root, own, 0));
        starts.over(7, &now);
        starts.let_go(7);
    };
    over(&mut starts, Own::ToCome);
    assert_eq!(starts.unheard_of(grant), None, "sudo may have refused it");
    starts.read.insert(7, reading(RunsAs::Root, Own::ToCome, 0));
    starts.ran(7);
    starts.let_go(7);
    assert!(starts.unheard_of(grant).is_some());
    assert_eq!(starts.attention().count(), 1);
    over(&mut starts, Own::Seen);
    assert_eq!(starts.attention().count(), 0);
    starts.trouble = Some("there is no journalctl".into());
    starts.read.insert(7, reading(RunsAs::Root, Own::ToCome, 0));
    starts.becomes(7, "root");
    starts.let_go(7);
    assert_eq!(starts.attention().count(), 1, "that nothing is read says it");
    assert!(starts.read.is_empty());
}
