//! Both clocks, other boots, damaged files, and a jitd that puts things back.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_mechanisms::applied::Undo;
use jit_mechanisms::groups::Given;
use jit_mechanisms::{BootId, Deadline};

use super::*;

const MS: i64 = NANOS / 1000;

fn id(text: &str) -> RequestId {
    text.parse().unwrap()
}

fn now(wall: i64, boot: i64, boot_id: &str) -> Now {
    Now { wall: wall * MS, boot: boot * MS, boot_id: BootId(boot_id.into()) }
}

/// A grant that ends at 10 000 ms on the wall clock and at 1 000 ms on the boot clock of boot `a`.
fn grant(text: &str) -> AppliedGrant {
    let deadline = Deadline { wall: 10_000 * MS, boot: 1_000 * MS, boot_id: BootId("a".into()) };
    AppliedGrant { id: id(text), uid: 1000, deadline, undo: vec![Undo::Sudoers], groups: vec![] }
}

fn known() -> Known {
    Known::Grants(Applied { grants: vec![grant("aaaaaaaa")], given: Given::new() })
}

fn on_host(ids: &[&str]) -> OnHost {
    OnHost::Grants(ids.iter().map(|text| id(text)).collect())
}

fn these(pairs: &[(&str, Why)]) -> TakeOff {
    TakeOff::These(pairs.iter().map(|(text, why)| (id(text), *why)).collect())
}

fn plan_now(now: &Now) -> (TakeOff, Next) {
    plan(&on_host(&["aaaaaaaa"]), &known(), &BTreeSet::new(), now)
}

#[test]
fn a_grant_goes_a_grace_period_after_its_deadline_and_not_before() {
    let within = |ms| Next::Within(Duration::from_millis(ms));
    assert_eq!(plan_now(&now(9_000, 0, "a")), (these(&[]), within(500)));
    assert_eq!(plan_now(&now(9_900, 900, "a")), (these(&[]), within(500)));
    assert_eq!(plan_now(&now(10_400, 1_400, "a")), (these(&[]), within(100)));
    assert_eq!(plan_now(&now(10_500, 1_500, "a")), (these(&[("aaaaaaaa", Why::Overdue)]), within(500)));
}

#[test]
fn whichever_clock_is_first_counts_and_stepping_back_wins_no_time() {
    let overdue = these(&[("aaaaaaaa", Why::Overdue)]);
    assert_eq!(plan_now(&now(0, 1_500, "a")).0, overdue, "the wall clock was stepped back");
    assert_eq!(plan_now(&now(10_500, 0, "a")).0, overdue, "the wall clock was stepped forward");
    assert_eq!(plan_now(&now(0, i64::MAX / MS, "a")).0, overdue, "after a long suspend");
}

/// 1970, 1900, 2262: a battery that is empty, a server of time that lies.
#[test]
fn a_wall_clock_that_is_decades_off_keeps_nothing_beyond_its_time_on_the_other() {
    let overdue = these(&[("aaaaaaaa", Why::Overdue)]);
    for wall in [i64::MIN / MS, -2_208_988_800_000, 0, 4_102_444_800_000, i64::MAX / MS] {
        assert_eq!(plan_now(&now(wall, 1_500, "a")).0, overdue, "{wall}");
        let (_, next) = plan_now(&now(wall, 0, "a"));
        assert!(matches!(next, Next::Within(wait) if wait <= LOOK), "{wall}: {next:?}");
    }
}

#[test]
fn a_grant_of_another_boot_goes_at_once() {
    assert_eq!(plan_now(&now(0, 0, "b")).0, these(&[("aaaaaaaa", Why::OtherBoot)]));
}

#[test]
fn nothing_applied_is_nothing_to_do_and_costs_nothing() {
    let none = BTreeSet::new();
    let asleep = (these(&[]), Next::OnChange);
    assert_eq!(plan(&OnHost::Nothing, &Known::Nothing, &none, &now(0, 0, "a")), asleep);
    assert_eq!(plan(&OnHost::Nothing, &Known::Grants(Applied::default()), &none, &now(0, 0, "a")), asleep);
}

#[test]
fn a_damaged_file_means_everything() {
    let (take_off, next) =
        plan(&OnHost::Nothing, &Known::Damaged("x".into()), &BTreeSet::new(), &now(0, 0, "a"));
    assert_eq!(take_off, TakeOff::Everything(Why::AppliedDamaged));
    assert_eq!(next, Next::Within(LOOK), "it may hold a grant that is being raised");
}

#[test]
fn what_was_noted_as_removed_must_not_be_there_again() {
    let noted = [id("aaaaaaaa"), id("bbbbbbbb")].into();
    let (take_off, _) = plan(&on_host(&["aaaaaaaa", "cccccccc"]), &known(), &noted, &now(0, 0, "a"));
    assert_eq!(take_off, these(&[("aaaaaaaa", Why::CameBack)]));
    let (take_off, _) = plan(&on_host(&["bbbbbbbb"]), &Known::Nothing, &noted, &now(0, 0, "a"));
    assert_eq!(take_off, these(&[("bbbbbbbb", Why::CameBack)]));
}

#[test]
fn at_boot_only_what_this_boot_granted_stays() {
    let here = on_host(&["aaaaaaaa", "bbbbbbbb"]);
    let this_boot = plan_at_boot(&here, &known(), &now(0, 0, "a"));
    assert_eq!(this_boot, these(&[("bbbbbbbb", Why::NotApplied)]));
    let next_boot = plan_at_boot(&here, &known(), &now(0, 0, "b"));
    assert_eq!(next_boot, these(&[("aaaaaaaa", Why::OtherBoot), ("bbbbbbbb", Why::NotApplied)]));
    let no_file = plan_at_boot(&on_host(&["aaaaaaaa"]), &Known::Nothing, &now(0, 0, "b"));
    assert_eq!(no_file, these(&[("aaaaaaaa", Why::NotApplied)]));
    let damaged = plan_at_boot(&here, &Known::Damaged("x".into()), &now(0, 0, "b"));
    assert_eq!(damaged, TakeOff::Everything(Why::AppliedDamaged));
    let unclear = OnHost::Unclear { named: BTreeSet::new(), why: "x".into() };
    assert_eq!(plan_at_boot(&unclear, &known(), &now(0, 0, "a")), TakeOff::Everything(Why::NotApplied));
}
