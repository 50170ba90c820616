//! Deciding: the order of the checks, what selects and what is required, and that nothing is told that should not be.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use jit_common::explanation::Verdict;
use jit_common::refusal::{Lookup, Refusal, TextField};
use jitd_core::policy::{
    AccountState, Ask, Facts, GroupState, HasPassword, LiveGrant, check_text, decide, has_duty, may_see,
};
use policy_world::{WEB, ask, facts, policy, refusal, set_time, terms, unreachable, verdict};

fn live(id: &str, role: &str, rule: &str) -> LiveGrant {
    LiveGrant { id: id.into(), role: role.into(), rule: rule.into(), until_unix: 1_795_357_920 }
}

#[test]
fn a_rule_that_fits_permits_on_its_terms() {
    let policy = policy(WEB);
    for (name, groups) in [("alice", &["users", "oncall"][..]), ("dave", &[])] {
        let terms = terms(decide(&policy, &ask("web-restart"), &facts(&policy, name, groups)));
        assert_eq!(terms.rule.to_string(), "\"on-call restarts web at once\" (10-web.toml:14)");
        assert_eq!((terms.duration.to_string(), terms.max_duration.to_string()), ("30m".into(), "1h".into()));
        assert_eq!((terms.role.as_str(), terms.policy), ("web-restart", policy.hash()));
    }
}

#[test]
fn the_length_is_as_asked_else_the_default_else_the_maximum() {
    let policy = policy(WEB);
    let oncall = facts(&policy, "alice", &["oncall"]);
    let dba = facts(&policy, "bob", &["dba"]);
    for (role, facts, asked, length) in [
        ("web-restart", &oncall, Some("45m"), "45m"),
        ("web-restart", &oncall, Some("1h"), "1h"),
        ("web-restart", &oncall, None, "30m"),
        ("db-shell", &dba, None, "2h"),
    ] {
        let ask = Ask { duration: asked.map(|text| text.parse().unwrap()), ..ask(role) };
        assert_eq!(terms(decide(&policy, &ask, facts)).duration.to_string(), length);
    }
}

#[test]
fn each_requirement_refuses_with_its_own_words() {
    let policy = policy(WEB);
    let good = ask("web-restart");
    let facts = facts(&policy, "alice", &["oncall"]);
    for (ask, code, said) in [
        (Ask { duration: Some("61m".parse().unwrap()), ..good }, "too-long", "--for 1h or less"),
        (Ask { reason: None, ..good }, "reason-missing", "(Start with the incident)"),
        (Ask { reason: Some(" \n "), ..good }, "reason-missing", "--reason"),
        (Ask { reason: Some("INC-42"), ..good }, "reason-too-short", "has 6 characters"),
        (Ask { reason: Some("  INC-42    "), ..good }, "reason-too-short", "requires 10"),
        (Ask { reason: Some("nginx is stuck, INC-42"), ..good }, "reason-pattern", "^(INC|CHG)-\\d+"),
    ] {
        let refusal = refusal(decide(&policy, &ask, &facts));
        assert_eq!(refusal.code(), code);
        let said_all = refusal.to_string();
        assert!(said_all.contains(said) && said_all.contains("10-web.toml:14"), "{said_all}");
    }
}

#[test]
fn a_request_that_fails_a_requirement_never_falls_through_to_a_laxer_rule() {
    let policy = policy(WEB);
    let both = facts(&policy, "alice", &["oncall", "web"]);
    let ask = Ask { reason: None, ticket: Some("CHG-7"), ..ask("web-restart") };
    assert_eq!(verdict(&policy, &ask, &both), "reason-missing");
    let long = Ask { duration: Some("3h".parse().unwrap()), ..ask };
    assert_eq!(verdict(&policy, &long, &both), "too-long");
}

#[test]
fn outside_its_hours_a_rule_is_not_chosen_and_the_next_one_may_be() {
    let policy = policy(WEB);
    let mut both = facts(&policy, "alice", &["oncall", "web"]);
    set_time(&policy, &mut both, "2026-11-22T03:12");
    assert_eq!(verdict(&policy, &ask("web-restart"), &both), "ticket-missing", "the second rule decides");
    let with_ticket = Ask { ticket: Some("CHG-7"), ..ask("web-restart") };
    assert_eq!(verdict(&policy, &with_ticket, &both), "web team at any time");
    let wrong_ticket = Ask { ticket: Some("CHG-"), ..ask("web-restart") };
    assert_eq!(verdict(&policy, &wrong_ticket, &both), "ticket-pattern");
}

#[test]
fn outside_the_hours_of_every_rule_the_refusal_says_when() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "alice", &["oncall"]);
    for time in ["2026-11-22T03:12", "2026-11-23T07:59:59", "2026-11-23T19:00", "2026-11-28T12:00"] {
        set_time(&policy, &mut facts, time);
        let refusal = refusal(decide(&policy, &ask("web-restart"), &facts));
        assert_eq!(refusal.code(), "outside-schedule", "{time}");
        assert!(refusal.to_string().contains("Mon-Fri 08:00-19:00 in Europe/Berlin"), "{refusal}");
    }
    for time in ["2026-11-23T08:00", "2026-11-27T18:59:59"] {
        set_time(&policy, &mut facts, time);
        assert_eq!(verdict(&policy, &ask("web-restart"), &facts), "on-call restarts web at once", "{time}");
    }
}

#[test]
fn a_matching_deny_refuses_whatever_the_rules_say() {
    let policy = policy(WEB);
    let facts = facts(&policy, "dave", &["oncall", "contractors"]);
    let decision = decide(&policy, &ask("web-restart"), &facts);
    assert_eq!(decision.explanation.denies[0].verdict, Verdict::Refuses);
    assert_eq!(decision.explanation.rules[0].verdict, Verdict::NotReached);
    let refusal = refusal(decision);
    assert!(refusal.to_string().starts_with("denied by \"contractors never\" (10-web.toml:37)"), "{refusal}");
}

#[test]
fn a_deny_that_cannot_be_evaluated_refuses() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "dave", &[]);
    unreachable(&mut facts, "contractors");
    assert_eq!(verdict(&policy, &ask("web-restart"), &facts), "cannot-evaluate");
    facts.known_groups.insert("contractors".into(), GroupState::Missing);
    let refusal = refusal(decide(&policy, &ask("web-restart"), &facts));
    assert!(refusal.to_string().contains("the group contractors does not exist on this host"), "{refusal}");
    facts.known_groups.remove("contractors");
    assert_eq!(verdict(&policy, &ask("web-restart"), &facts), "cannot-evaluate", "nobody looked it up");
    facts.person.groups.push("dba".into());
    assert_eq!(verdict(&policy, &ask("db-shell"), &facts), "dbas", "the deny is about another role");
}

#[test]
fn a_rule_that_may_or_may_not_fit_is_not_passed_over() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "alice", &["web"]);
    let ask = Ask { ticket: Some("CHG-7"), ..ask("web-restart") };
    assert_eq!(verdict(&policy, &ask, &facts), "web team at any time");
    unreachable(&mut facts, "oncall");
    assert_eq!(
        verdict(&policy, &ask, &facts),
        "cannot-evaluate",
        "the stricter rule was perhaps meant for alice"
    );
    set_time(&policy, &mut facts, "2026-11-22T03:12");
    assert_eq!(verdict(&policy, &ask, &facts), "web team at any time", "now it does not fit in any case");
    facts.local_time.clear();
    assert_eq!(verdict(&policy, &ask, &facts), "cannot-evaluate");
}

#[test]
fn a_group_that_does_not_exist_makes_nobody_eligible() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "alice", &["web"]);
    facts.known_groups.insert("oncall".into(), GroupState::Missing);
    let ask = Ask { ticket: Some("CHG-7"), ..ask("web-restart") };
    assert_eq!(verdict(&policy, &ask, &facts), "web team at any time");
}

#[test]
fn an_unknown_time_zone_refuses() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "alice", &["oncall"]);
    facts.local_time.clear();
    let refusal = refusal(decide(&policy, &ask("web-restart"), &facts));
    assert!(refusal.to_string().contains("does not know the time zone Europe/Berlin"), "{refusal}");
}

#[test]
fn a_role_that_is_for_others_is_told_exactly_like_one_that_does_not_exist() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "mallory", &["contractors"]);
    facts.disabled_roles.insert("web-restart".into(), "visudo does not like it".into());
    for incomplete in [false, true] {
        if incomplete {
            unreachable(&mut facts, "oncall");
        }
        let decision = |role: &'static str| decide(&policy, &ask(role), &facts);
        let told = |role: &'static str| format!("{:?}", decision(role)).replace(role, "ROLE");
        let not_there = told("no-such-role-x");
        assert_eq!(told("web-restart"), not_there);
        assert_eq!(told("db-shell"), not_there, "a lookup that has nothing to do with the role");
        assert!(not_there.contains(if incomplete { "Incomplete" } else { "Complete" }), "{not_there}");
        assert!(decision("web-restart").explanation.rules.is_empty());
    }
}

#[test]
fn what_a_person_may_see_follows_from_eligibility_alone() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "alice", &["oncall", "contractors"]);
    set_time(&policy, &mut facts, "2026-11-22T03:12");
    assert!(may_see(&policy, "web-restart", &facts));
    assert!(!may_see(&policy, "db-shell", &facts));
    assert!(!may_see(&policy, "nope", &facts));
    unreachable(&mut facts, "dba");
    assert!(!may_see(&policy, "db-shell", &facts), "what cannot be looked up shows nothing");
}

#[test]
fn only_an_ordinary_account_is_given_anything() {
    let policy = policy(WEB);
    for (account, code) in [
        (AccountState::Ordinary, "on-call restarts web at once"),
        (AccountState::Root, "root-account"),
        (AccountState::NoAccount, "unknown-account"),
        (AccountState::SharedUid { names: vec!["dave".into(), "toor".into()] }, "shared-uid"),
        (AccountState::Locked, "account-locked"),
        (AccountState::Expired, "account-expired"),
        (AccountState::NoLogin { shell: "/usr/sbin/nologin".into() }, "no-login-account"),
    ] {
        let mut facts = facts(&policy, "dave", &[]);
        facts.person.account = account;
        assert_eq!(verdict(&policy, &ask("web-restart"), &facts), code);
    }
    let mut root = facts(&policy, "dave", &[]);
    root.person.uid = 0;
    assert_eq!(verdict(&policy, &ask("web-restart"), &root), "root-account", "whatever was looked up");
    assert_eq!(
        verdict(&policy, &ask("web-restart"), &Facts::default()),
        "root-account",
        "nothing was looked up"
    );
}

#[test]
fn too_long_a_text_is_refused_before_anything_else_is_looked_at() {
    let policy = policy(WEB);
    let long = "x".repeat(1025);
    let fits = format!("INC-1 {}", "ä".repeat(509));
    assert_eq!(fits.len(), 1024);
    let mut facts = facts(&policy, "dave", &[]);
    assert_eq!(
        verdict(&policy, &Ask { reason: Some(&fits), ..ask("web-restart") }, &facts),
        "on-call restarts web at once"
    );
    facts.person.account = AccountState::Locked;
    for ask in [
        Ask { reason: Some(&long), ..ask("web-restart") },
        Ask { ticket: Some(&long), ..ask("web-restart") },
        Ask { ..ask(&long) },
    ] {
        assert_eq!(verdict(&policy, &ask, &facts), "text-too-long");
    }
    assert!(check_text(TextField::Note, &long).unwrap_err().to_string().contains("1025 bytes"));
}

#[test]
fn a_role_that_this_host_cannot_carry_is_refused_with_the_reason() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "dave", &["dba"]);
    facts.disabled_roles.insert("web-restart".into(), "/usr/bin/systemctl is missing".into());
    let refusal = refusal(decide(&policy, &ask("web-restart"), &facts));
    assert_eq!(refusal.code(), "role-disabled");
    assert!(refusal.to_string().contains("/usr/bin/systemctl is missing"), "{refusal}");
    assert_eq!(verdict(&policy, &ask("db-shell"), &facts), "dbas", "the others go on");
}

#[test]
fn a_role_that_is_live_is_not_given_again() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "dave", &["dba"]);
    facts.live.push(live("7k2m9xqa", "web-restart", "on-call restarts web at once"));
    let refusal = refusal(decide(&policy, &ask("web-restart"), &facts)).to_string();
    for said in ["until 2026-11-22 14:32:00 UTC", "jitctl extend 7k2m9xqa"] {
        assert!(refusal.contains(said), "{refusal}");
    }
    assert_eq!(verdict(&policy, &ask("db-shell"), &facts), "dbas");
}

#[test]
fn max_active_counts_the_live_grants_of_the_rule() {
    let text = WEB.replace("roles            = [\"web-restart\"]", "roles = [\"web-restart\", \"db-shell\"]");
    let policy = policy(&text);
    let mut facts = facts(&policy, "dave", &["dba"]);
    facts.live.push(live("7k2m9xqa", "db-shell", "dbas"));
    assert_eq!(
        verdict(&policy, &ask("web-restart"), &facts),
        "on-call restarts web at once",
        "of another rule"
    );
    facts.live[0].rule = "on-call restarts web at once".into();
    assert_eq!(verdict(&policy, &ask("web-restart"), &facts), "max-active");
}

#[test]
fn a_password_role_is_refused_to_an_account_known_to_have_none() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "bob", &["dba", "oncall"]);
    for (password, code) in
        [(HasPassword::Usable, "dbas"), (HasPassword::Unknown, "dbas"), (HasPassword::None, "no-password")]
    {
        facts.person.password = password;
        assert_eq!(verdict(&policy, &ask("db-shell"), &facts), code);
    }
    assert_eq!(
        verdict(&policy, &ask("web-restart"), &facts),
        "on-call restarts web at once",
        "it asks for none"
    );
}

#[test]
fn a_reason_that_is_given_has_to_fit_even_where_none_is_required() {
    let policy = policy(&WEB.replace("required = true, min_length", "min_length"));
    let facts = facts(&policy, "dave", &[]);
    assert_eq!(
        verdict(&policy, &Ask { reason: None, ..ask("web-restart") }, &facts),
        "on-call restarts web at once"
    );
    let short = Ask { reason: Some("because"), ..ask("web-restart") };
    assert_eq!(verdict(&policy, &short, &facts), "reason-too-short");
}

#[test]
fn nobody_loses_by_a_dead_directory_but_the_ones_it_was_asked_about() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "dave", &[]);
    unreachable(&mut facts, "web");
    assert_eq!(verdict(&policy, &ask("web-restart"), &facts), "on-call restarts web at once");
    unreachable(&mut facts, "oncall");
    assert_eq!(
        verdict(&policy, &ask("web-restart"), &facts),
        "on-call restarts web at once",
        "named by account"
    );
    assert!(matches!(
        refusal(decide(&policy, &ask("db-shell"), &facts)),
        Refusal::NoSuchRole { lookup: Lookup::Incomplete, .. }
    ));
}

#[test]
fn duties_are_of_those_who_can_be_looked_up() {
    let policy =
        policy("[duties]\nauditors = { groups = [\"jit-audit\"] }\noperators = { users = [\"olga\"] }\n");
    let mut auditor = facts(&policy, "otto", &["jit-audit"]);
    assert!(has_duty(&policy.duties().auditors, &auditor));
    assert!(!has_duty(&policy.duties().operators, &auditor));
    auditor.person.groups.clear();
    unreachable(&mut auditor, "jit-audit");
    assert!(!has_duty(&policy.duties().auditors, &auditor));
    assert!(has_duty(&policy.duties().operators, &facts(&policy, "olga", &[])));
}

#[test]
fn what_was_typed_is_never_shown_raw() {
    let policy = policy(WEB);
    let refusal = refusal(decide(&policy, &ask("\x1b]0;gotcha\x07\u{202e}"), &facts(&policy, "dave", &[])));
    let said = refusal.to_string();
    assert!(
        said.contains(r"\u{1b}]0;gotcha\u{7}\u{202e}") && said.chars().all(jit_common::escape::is_plain),
        "{said}"
    );
}
