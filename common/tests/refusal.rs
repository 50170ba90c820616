//! Every refusal has its sentence, its own code, and a way over the socket and back.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::collections::BTreeSet;

use jit_common::codec;
use jit_common::duration::GrantDuration;
use jit_common::escape::is_plain;
use jit_common::explanation::{Condition, ConditionKind, Explanation, Held, JudgedRule, Outcome, Verdict};
use jit_common::refusal::{HowClosed, Lookup, POLICY_CODES, Prompt, Refusal, RuleRef, TextField};

/// What a person or a file might hold: nothing of it may reach a terminal raw.
const EVIL: &str = "x\x1b]0;gotcha\x07\nnext\u{202e}";

fn rule() -> RuleRef {
    RuleRef { name: "on-call".into(), location: "10-web.toml:12".into() }
}

fn prompt() -> Prompt {
    Prompt("Start with the incident".into())
}

fn minutes(count: u32) -> GrantDuration {
    GrantDuration::from_secs(count * 60).unwrap()
}

fn of_the_policy() -> Vec<Refusal> {
    vec![
        Refusal::TextTooLong { field: TextField::Reason, bytes: 2000, max: 1024 },
        Refusal::NoSuchRole { role: EVIL.into(), lookup: Lookup::Incomplete },
        Refusal::RoleDisabled { role: "web".into(), why: "visudo says no".into() },
        Refusal::RootAccount,
        Refusal::UnknownAccount { uid: 4711 },
        Refusal::SharedUid { uid: 1000, names: vec!["alice".into(), "toor".into()] },
        Refusal::AccountLocked,
        Refusal::AccountExpired,
        Refusal::NoLoginAccount { name: "backup".into(), shell: "/usr/sbin/nologin".into() },
        Refusal::NoPassword { role: "db".into() },
        Refusal::Denied { deny: rule() },
        Refusal::CannotEvaluate { rule: rule(), what: "the group x could not be looked up".into() },
        Refusal::OutsideSchedule {
            role: "web".into(),
            rule: rule(),
            now: "Sun 03:12 there".into(),
            allowed: "Mon-Fri 08:00-19:00 in Europe/Berlin".into(),
        },
        Refusal::TooLong { asked: minutes(90), max: minutes(60), rule: rule() },
        Refusal::ReasonMissing { rule: rule(), prompt: prompt() },
        Refusal::ReasonTooShort { rule: rule(), length: 3, min: 10, prompt: prompt() },
        Refusal::ReasonPattern { rule: rule(), pattern: "^INC".into(), prompt: prompt() },
        Refusal::TicketMissing { rule: rule(), prompt: prompt() },
        Refusal::TicketPattern { rule: rule(), pattern: "^CHG".into(), prompt: Prompt::default() },
        Refusal::AlreadyLive { id: "7k2m9xqa".into(), role: "web".into(), until_unix: 1_795_357_920 },
        Refusal::MaxActive { rule: rule(), max: 1, live: vec!["7k2m9xqa".into()] },
        Refusal::AlreadyOpen { id: "7k2m9xqa".into(), role: "web".into() },
        Refusal::NobodyCanApprove { rule: rule(), need: "1 person in leads".into() },
        Refusal::TotalTooLong {
            id: "7k2m9xqa".into(),
            max: minutes(60),
            left: Some(minutes(5)),
            rule: rule(),
        },
    ]
}

fn of_people_deciding() -> Vec<Refusal> {
    let id = || "7k2m9xqa".to_owned();
    vec![
        Refusal::BadStart { start_unix: 1_795_357_920, why: "it is over: name a time to come".into() },
        Refusal::OwnRequest { id: id() },
        Refusal::VotedAlready { id: id() },
        Refusal::OnlyShorter { wanted: minutes(60), asked: minutes(30) },
        Refusal::RequestClosed { id: id(), how: HowClosed::Denied { by: "bert".into(), note: EVIL.into() } },
        Refusal::RequestClosed { id: id(), how: HowClosed::Revoked { by: "olga".into(), note: EVIL.into() } },
        Refusal::RequestClosed { id: id(), how: HowClosed::Cancelled },
        Refusal::RequestClosed {
            id: id(),
            how: HowClosed::Lapsed { why: "1 person in leads had not approved".into() },
        },
        Refusal::RequestClosed {
            id: id(),
            how: HowClosed::NoLongerPermitted { why: "you are no longer in engineers".into() },
        },
    ]
}

fn of_the_daemon() -> Vec<Refusal> {
    vec![
        Refusal::Locked { by: "olga".into(), since_unix: i64::MAX, note: EVIL.into() },
        Refusal::RateLimited { wait_secs: 7 },
        Refusal::Busy,
        Refusal::TooManyOpen { what: "connections".into(), max: 16 },
        Refusal::LedgerUnavailable { why: "no space left on device".into() },
        Refusal::PolicyInvalid { why: "10-web.toml:1:1: not TOML".into() },
        Refusal::NotYou { login_uid: 1000, uid: 1001 },
        Refusal::PeerUnknown { why: "it is gone".into() },
        Refusal::NotPermitted { action: "lock".into(), need: "an operator or root".into() },
        Refusal::NoSuchThing { what: "grant".into(), id: EVIL.into() },
        Refusal::AmbiguousId { prefix: EVIL.into(), fits: vec!["7k2m9xqa".into(), "7k2m9xqb".into()] },
        Refusal::NotNow { id: "7k2m9xqa".into(), state: "ended".into(), action: "drop".into() },
        Refusal::SudoDisagrees { role: "web".into(), why: "a later rule forbids it".into() },
        Refusal::ApplyFailed { role: "web".into(), why: "/run is read-only".into() },
        Refusal::BadRequest { why: "it is of another version".into() },
        Refusal::Stopping,
    ]
}

fn all() -> Vec<Refusal> {
    of_the_policy().into_iter().chain(of_people_deciding()).chain(of_the_daemon()).collect()
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let codes: BTreeSet<&str> = all().iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), all().len(), "two share a code");
    // Of how a request was closed, five each have a code of their own, and their line in the first table has none.
    let written = include_str!("../src/refusal/code.rs").matches("            Self::").count() - 1;
    assert_eq!(codes.len(), written, "a refusal is missing in this test");
    for code in &codes {
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
    }
    for code in POLICY_CODES {
        assert!(codes.contains(code), "{code} is no code");
    }
}

#[test]
fn every_sentence_is_whole_and_safe_to_show() {
    for refusal in all() {
        let said = refusal.to_string();
        assert!(said.len() > 30, "too short to help anybody: {said}");
        assert!(said.chars().all(is_plain), "{said:?}");
        assert!(!said.contains('{') || said.contains("\\u{"), "{said}");
    }
}

#[test]
fn every_sentence_of_a_rule_names_the_rule_and_its_place() {
    for refusal in of_the_policy().iter().filter(|refusal| format!("{refusal:?}").contains("RuleRef")) {
        assert!(refusal.to_string().contains("\"on-call\" (10-web.toml:12)"), "{refusal}");
    }
}

#[test]
fn a_prompt_is_shown_and_an_empty_one_leaves_no_trace() {
    let said = |prompt| Refusal::ReasonMissing { rule: rule(), prompt }.to_string();
    assert!(said(prompt()).ends_with(" (Start with the incident)"));
    assert!(!said(Prompt::default()).contains("()"));
}

#[test]
fn an_extension_says_what_is_left_or_that_nothing_is() {
    let said = |left| {
        Refusal::TotalTooLong { id: "7k2m9xqa".into(), max: minutes(60), left, rule: rule() }.to_string()
    };
    assert!(said(Some(minutes(5))).ends_with("extended by 5m at most: ask again with --for 5m or less"));
    assert!(said(None).ends_with("extended no further: when it has ended, ask again"));
}

#[test]
fn every_refusal_crosses_the_socket_and_comes_back_the_same() {
    for refusal in all() {
        let bytes = codec::encode(&refusal).unwrap();
        assert_eq!(codec::decode::<Refusal>(&bytes).unwrap(), refusal);
    }
}

#[test]
fn an_explanation_crosses_the_socket_and_comes_back_the_same() {
    let condition = |kind, held| Condition { kind, held, text: "you are in oncall".into() };
    let judged = JudgedRule {
        rule: rule(),
        verdict: Verdict::Permits,
        conditions: vec![
            condition(ConditionKind::Eligible, Held::Held),
            condition(ConditionKind::Schedule, Held::Unknown),
            condition(ConditionKind::Reason, Held::NotHeld),
        ],
    };
    for outcome in [
        Outcome::Permitted {
            rule: rule(),
            duration: minutes(30),
            approvals: vec!["1 person in leads".into()],
        },
        Outcome::Refused(Refusal::AccountLocked),
    ] {
        let told = Explanation {
            outcome,
            denies: vec![judged.clone()],
            rules: vec![judged.clone(), judged.clone()],
        };
        let bytes = codec::encode(&told).unwrap();
        assert_eq!(codec::decode::<Explanation>(&bytes).unwrap(), told);
    }
}

#[test]
fn a_duration_out_of_range_is_not_taken_from_the_socket() {
    for seconds in [0_u32, 2_592_001, u32::MAX] {
        let bytes = codec::encode(&seconds).unwrap();
        assert!(codec::decode::<GrantDuration>(&bytes).is_err(), "{seconds}");
    }
}

#[test]
fn what_was_not_named_is_not_quoted() {
    let nothing = Refusal::NoSuchThing { what: "live grant".into(), id: String::new() };
    assert!(nothing.to_string().starts_with("there is no live grant that you may see"), "{nothing}");
    let several = Refusal::AmbiguousId { prefix: String::new(), fits: vec!["7k2m9xqa (web)".into()] };
    assert_eq!(several.to_string(), "you did not say which: 7k2m9xqa (web): write more of the id");
}
