//! Walks every refusal there is: each has its exit code here and in the manual.
#![allow(clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

use std::collections::{BTreeMap, BTreeSet};

use jit_common::duration::GrantDuration;
use jit_common::refusal::{HowClosed, Lookup, Prompt, Refusal, RuleRef, TextField};

use super::Exit;

/// Where the codes are defined, so that a new one cannot be forgotten here.
const CODES: &str = include_str!("../../../common/src/refusal/code.rs");
const MANUAL: &str = include_str!("../../../docs/jitctl.md");

fn s() -> String {
    String::from("x")
}

fn rule() -> RuleRef {
    RuleRef { name: s(), location: s() }
}

/// One of each about what was asked and who asks.
fn about_the_request() -> Vec<Refusal> {
    let (asked, max) = (GrantDuration::MAX, GrantDuration::MIN);
    let prompt = Prompt::default;
    vec![
        Refusal::TextTooLong { field: TextField::Reason, bytes: 2, max: 1 },
        Refusal::NoSuchRole { role: s(), lookup: Lookup::Complete },
        Refusal::RoleDisabled { role: s(), why: s() },
        Refusal::RootAccount,
        Refusal::UnknownAccount { uid: 1 },
        Refusal::SharedUid { uid: 1, names: vec![] },
        Refusal::AccountLocked,
        Refusal::AccountExpired,
        Refusal::NoLoginAccount { name: s(), shell: s() },
        Refusal::NoPassword { role: s() },
        Refusal::Denied { deny: rule() },
        Refusal::CannotEvaluate { rule: rule(), what: s() },
        Refusal::OutsideSchedule { role: s(), rule: rule(), now: s(), allowed: s() },
        Refusal::TooLong { asked, max, rule: rule() },
        Refusal::ReasonMissing { rule: rule(), prompt: prompt() },
        Refusal::ReasonTooShort { rule: rule(), length: 1, min: 2, prompt: prompt() },
        Refusal::ReasonPattern { rule: rule(), pattern: s(), prompt: prompt() },
        Refusal::TicketMissing { rule: rule(), prompt: prompt() },
        Refusal::TicketPattern { rule: rule(), pattern: s(), prompt: prompt() },
        Refusal::AlreadyLive { id: s(), role: s(), until_unix: 0 },
        Refusal::MaxActive { rule: rule(), max: 1, live: vec![] },
    ]
}

/// One of each about requests that people decide.
fn about_approvals() -> Vec<Refusal> {
    let (wanted, asked, max) = (GrantDuration::MAX, GrantDuration::MIN, GrantDuration::MIN);
    vec![
        Refusal::AlreadyOpen { id: s(), role: s() },
        Refusal::NobodyCanApprove { rule: rule(), need: s() },
        Refusal::BadStart { start_unix: 0, why: s() },
        Refusal::TotalTooLong { id: s(), max, left: None, rule: rule() },
        Refusal::OwnRequest { id: s() },
        Refusal::VotedAlready { id: s() },
        Refusal::OnlyShorter { wanted, asked },
        Refusal::RequestClosed { id: s(), how: HowClosed::Denied { by: s(), note: s() } },
        Refusal::RequestClosed { id: s(), how: HowClosed::Revoked { by: s(), note: s() } },
        Refusal::RequestClosed { id: s(), how: HowClosed::Cancelled },
        Refusal::RequestClosed { id: s(), how: HowClosed::Lapsed { why: s() } },
        Refusal::RequestClosed { id: s(), how: HowClosed::NoLongerPermitted { why: s() } },
    ]
}

/// One of each about the daemon and the thing named.
fn about_the_daemon() -> Vec<Refusal> {
    vec![
        Refusal::Locked { by: s(), since_unix: 0, note: s() },
        Refusal::RateLimited { wait_secs: 1 },
        Refusal::Busy,
        Refusal::TooManyOpen { what: s(), max: 1 },
        Refusal::LedgerUnavailable { why: s() },
        Refusal::PolicyInvalid { why: s() },
        Refusal::NotYou { login_uid: 1, uid: 2 },
        Refusal::PeerUnknown { why: s() },
        Refusal::NotPermitted { action: s(), need: s() },
        Refusal::NoSuchThing { what: s(), id: s() },
        Refusal::AmbiguousId { prefix: s(), fits: vec![] },
        Refusal::NotNow { id: s(), state: s(), action: s() },
        Refusal::SudoDisagrees { role: s(), why: s() },
        Refusal::ApplyFailed { role: s(), why: s() },
        Refusal::BadRequest { why: s() },
        Refusal::Stopping,
    ]
}

fn table() -> BTreeMap<&'static str, u8> {
    let all = about_the_request().into_iter().chain(about_approvals()).chain(about_the_daemon());
    all.map(|refusal| (refusal.code(), Exit::of(&refusal).code())).collect()
}

#[test]
fn every_refusal_there_is_has_been_walked() {
    let table = table();
    let defined: BTreeSet<&str> = CODES.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert!(defined.len() > 30, "the codes were not found in their file");
    assert_eq!(defined, table.into_keys().collect());
}

#[test]
fn a_refusal_is_never_success_and_never_looks_like_another_kind() {
    for (code, exit) in table() {
        assert_ne!(exit, Exit::Done.code(), "{code}");
        assert_ne!(exit, Exit::Pending.code(), "{code}");
    }
    let table = table();
    assert_eq!(table["denied"], 3);
    assert_eq!(table["request-denied"], 3);
    assert_eq!(table["own-request"], 7);
    assert_eq!(table["no-such-thing"], 6);
    assert_eq!(table["not-permitted"], 7);
    assert_eq!(table["stopping"], 5);
}

#[test]
fn the_manual_has_every_refusal_with_its_exit_code() {
    for (code, exit) in table() {
        let row = format!("| `{code}` | {exit} |");
        assert!(MANUAL.contains(&row), "docs/jitctl.md has no row {row}");
    }
    for (exit, meaning) in Exit::TABLE {
        let row = format!("| {} | {meaning} |", exit.code());
        assert!(MANUAL.contains(&row), "docs/jitctl.md has no row {row}");
    }
}
