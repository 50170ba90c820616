//! Test cases of a policy: how they are read, and what they say when the policy decides otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use jit_common::refusal::POLICY_CODES;
use jitd_core::policy::cases::{CaseVerdict, parse_cases, run_case};
use jitd_core::policy::{CivilTime, LocalTime};
use policy_world::{TEAM, WEB, policy};

const START: &str = "[[case]]\nwho = \"alice\"\nrole = \"web-restart\"\n";

/// Tokyo is eight hours ahead of Berlin in winter; nothing else is known here.
fn zones(time: CivilTime, from: &str, to: &str) -> Option<LocalTime> {
    if (from, to) != ("Asia/Tokyo", "Europe/Berlin") {
        return None;
    }
    let hour = time.hour.checked_sub(8)?;
    Some(CivilTime { hour, ..time }.local())
}

fn run(keys: &str) -> CaseVerdict {
    let policy = policy(WEB);
    let cases =
        parse_cases("cases.toml", &format!("{START}{keys}")).unwrap_or_else(|errors| panic!("{errors:#?}"));
    run_case(&policy, &cases[0], &zones).verdict
}

#[test]
fn a_case_that_comes_as_expected_says_so() {
    let oncall = "groups = [\"oncall\"]\nreason = \"INC-42 nginx stuck\"\ntime = \"2026-11-23T12:00\"\n";
    for keys in [
        format!("{oncall}expect = \"granted by on-call restarts web at once\""),
        format!("{oncall}expect = \"granted\""),
        format!("{oncall}duration = \"2h\"\nexpect = \"refused too-long\""),
        format!("{oncall}duration = \"2h\"\nexpect = \"refused\""),
        format!("{oncall}unreachable = [\"contractors\"]\nexpect = \"refused cannot-evaluate\""),
        format!("{oncall}missing = [\"contractors\"]\nexpect = \"refused cannot-evaluate\""),
        format!(
            "{oncall}live = [{{ role = \"web-restart\", rule = \"x\" }}]\nexpect = \"refused already-live\""
        ),
        format!("{oncall}open = [\"web-restart\"]\nexpect = \"refused already-open\""),
        format!("{oncall}open = [\"db-shell\"]\napprovals = 0\nexpect = \"granted\""),
        "time = \"2026-11-23T12:00\"\nexpect = \"refused no-such-role\"".into(),
        "groups = [\"oncall\"]\ntime = \"2026-11-22T12:00\"\nexpect = \"refused outside-schedule\"".into(),
    ] {
        assert_eq!(run(&keys), CaseVerdict::AsExpected, "{keys}");
    }
}

#[test]
fn the_time_of_a_case_is_that_of_the_rule_unless_it_names_a_zone() {
    let keys = "groups = [\"oncall\"]\nreason = \"INC-42 nginx stuck\"\ntime = \"2026-11-23T18:30\"\n";
    assert_eq!(run(&format!("{keys}expect = \"granted\"")), CaseVerdict::AsExpected);
    let early = "groups = [\"oncall\"]\ntime = \"2026-11-23T15:00\"\nzone = \"Asia/Tokyo\"\n";
    assert_eq!(run(&format!("{early}expect = \"refused outside-schedule\"")), CaseVerdict::AsExpected);
    let unknown =
        "groups = [\"oncall\"]\ntime = \"2026-11-23T15:00\"\nzone = \"Mars/Olympus\"\nexpect = \"granted\"";
    assert!(matches!(run(unknown), CaseVerdict::Unusable { why } if why.contains("Mars/Olympus")));
}

#[test]
fn a_case_that_comes_otherwise_says_what_came() {
    let CaseVerdict::Wrong { sentence } = run("time = \"2026-11-23T12:00\"\nexpect = \"granted\"") else {
        panic!()
    };
    assert!(sentence.starts_with("expected granted, and it was refused no-such-role: "), "{sentence}");
    let keys = "groups = [\"web\"]\nticket = \"CHG-7\"\ntime = \"2026-11-23T12:00\"\n";
    let CaseVerdict::Wrong { sentence } = run(&format!("{keys}expect = \"granted by dbas\"")) else {
        panic!()
    };
    assert_eq!(
        sentence,
        "expected granted by \"dbas\", and it was granted by \"web team at any time\" (10-web.toml:24) for 4h"
    );
    assert!(matches!(run(&format!("{keys}expect = \"refused denied\"")), CaseVerdict::Wrong { .. }));
}

#[test]
fn a_case_says_how_many_have_to_approve_and_nobody_has_to_unless_it_does() {
    let policy = policy(TEAM);
    let run = |keys: &str| {
        let text =
            format!("[[case]]\nwho = \"alice\"\ngroups = [\"engineers\"]\nrole = \"containers\"\n{keys}");
        let cases = parse_cases("cases.toml", &text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        run_case(&policy, &cases[0], &zones).verdict
    };
    assert_eq!(run("expect = \"granted\"\napprovals = 3"), CaseVerdict::AsExpected);
    for (keys, expected) in [
        ("", "granted"),
        ("approvals = 1", "granted after 1 approval"),
        ("approvals = 4", "granted after 4 approvals"),
    ] {
        let CaseVerdict::Wrong { sentence } = run(&format!("expect = \"granted\"\n{keys}")) else {
            panic!("{keys}")
        };
        assert_eq!(
            sentence,
            format!(
                "expected {expected}, and it was granted by \"engineers get docker with two people behind it\" (10-web.toml:12) for 30m after the approval of 1 person in leads and 2 people: sam or somebody in security"
            )
        );
    }
}

#[test]
fn a_case_that_says_too_little_is_no_success() {
    assert!(
        matches!(run("expect = \"refused\""), CaseVerdict::Unusable { why } if why.contains("give the case a time"))
    );
    let other = "time = \"2026-11-23T12:00\"\nexpect = \"granted by nobody\"";
    assert!(matches!(run(other), CaseVerdict::Unusable { why } if why.contains("no rule \"nobody\"")));
}

#[test]
fn mistakes_in_cases_are_told_with_their_places() {
    for (text, place, said) in [
        ("", "1:1", "needs case"),
        ("case = 1", "1:8", "[[case]]"),
        ("[[case]]\nwho = \"a\"\nrole = \"r\"\n", "1:1", "needs expect"),
        ("[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"maybe\"", "4:10", "granted by RULE"),
        ("[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"refused nonsense\"", "4:10", "no-such-role"),
        ("[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"granted\"\nwhen = \"now\"", "5:1", "unknown key"),
        (
            "[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"granted\"\ntime = \"noon\"",
            "5:8",
            "2026-11-22T14:00",
        ),
        ("[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"granted\"\nduration = \"30\"", "5:12", "no unit"),
        (
            "[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"granted\"\nlive = [{ role = \"r\" }]",
            "5:9",
            "needs rule",
        ),
        (
            "[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"granted\"\napprovals = 161",
            "5:13",
            "from 0 to 160",
        ),
        ("[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"granted\"\nopen = \"r\"", "5:8", "is a list"),
        (
            "[[case]]\nwho = \"a\"\nrole = \"r\"\nexpect = \"refused denied\"\napprovals = 1",
            "5:13",
            "a refusal needs no approvals",
        ),
        ("[[case]\n", "1:", "not TOML"),
    ] {
        let errors = parse_cases("c.toml", text).unwrap_err();
        let shown = errors[0].to_string();
        assert!(shown.starts_with(&format!("c.toml:{place}")) && shown.contains(said), "{text}\n{errors:#?}");
    }
}

#[test]
fn a_case_without_a_name_is_named_after_what_it_asks() {
    let cases = parse_cases("c.toml", &format!("{START}expect = \"granted\"\n[[case]]\nname = \"night\"\nwho = \"bob\"\nrole = \"r\"\nexpect = \"refused\"\n")).unwrap();
    assert_eq!((cases[0].name.as_str(), cases[1].name.as_str()), ("alice asks for web-restart", "night"));
    assert_eq!(cases[1].location.to_string(), "c.toml:5");
}

#[test]
fn every_code_that_a_case_may_expect_is_taken() {
    for code in POLICY_CODES {
        let text = format!("{START}expect = \"refused {code}\"");
        assert!(parse_cases("c.toml", &text).is_ok(), "{code}");
    }
}
