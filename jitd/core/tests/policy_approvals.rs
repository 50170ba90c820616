//! Deciding on requests that wait: who has to approve, and that nobody asks twice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use jitd_core::policy::{HasPassword, LiveGrant, OpenRequest, decide, may_see};
use policy_world::{TEAM, WEB, ask, facts, policy, refusal, terms, unreachable, verdict};

#[test]
fn a_role_that_was_asked_for_is_not_asked_for_again() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "dave", &["dba"]);
    facts.open.push(OpenRequest { id: "7k2m9xqa".into(), role: "web-restart".into() });
    let told = refusal(decide(&policy, &ask("web-restart"), &facts));
    assert_eq!(told.code(), "already-open");
    assert!(told.to_string().contains("jitctl cancel 7k2m9xqa"), "{told}");
    assert_eq!(verdict(&policy, &ask("db-shell"), &facts), "dbas", "the other role");
    // A grant that is live is the better news: there is nothing to wait for.
    facts.live.push(LiveGrant {
        id: "8k2m9xqa".into(),
        role: "web-restart".into(),
        rule: "on-call restarts web at once".into(),
        until_unix: 1_795_357_920,
    });
    assert_eq!(verdict(&policy, &ask("web-restart"), &facts), "already-live");
}

#[test]
fn the_terms_hold_who_has_to_approve_and_how_long_that_may_take() {
    let policy = policy(TEAM);
    let engineer = facts(&policy, "alice", &["engineers"]);
    let waits = terms(decide(&policy, &ask("containers"), &engineer));
    assert_eq!(waits.approvals, policy.rules()[0].approvals);
    assert_eq!(waits.pending_timeout.to_string(), "2h");
    let at_once = terms(decide(&policy, &ask("logs"), &engineer));
    assert!(at_once.approvals.is_empty());
}

#[test]
fn a_dead_directory_of_approvers_does_not_change_the_decision_on_the_request() {
    let policy = policy(TEAM);
    let mut engineer = facts(&policy, "alice", &["engineers"]);
    for group in ["leads", "security"] {
        unreachable(&mut engineer, group);
    }
    assert_eq!(terms(decide(&policy, &ask("containers"), &engineer)).approvals.len(), 2);
    let stranger = facts(&policy, "sam", &["leads", "security"]);
    assert!(!may_see(&policy, "containers", &stranger), "who may approve is not thereby one who may ask");
}

#[test]
fn a_role_of_groups_alone_asks_no_password() {
    let policy = policy(TEAM);
    let mut engineer = facts(&policy, "alice", &["engineers"]);
    engineer.person.password = HasPassword::None;
    assert_eq!(
        verdict(&policy, &ask("containers"), &engineer),
        "engineers get docker with two people behind it"
    );
}
