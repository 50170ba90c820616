//! Explaining: every condition of every rule, and never another story than the decision.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use jit_common::explanation::{ConditionKind, Held, Outcome as Told, Verdict};
use jitd_core::policy::{Facts, Policy, decide};
use policy_world::{TEAM, WEB, ask, facts, policy, refusal, set_time, terms, unreachable};

#[test]
fn the_explanation_of_a_yes_has_the_chosen_rule_first_and_every_condition() {
    let policy = policy(WEB);
    let facts = facts(&policy, "alice", &["web", "oncall"]);
    let explanation = decide(&policy, &ask("web-restart"), &facts).explanation;
    assert!(
        matches!(&explanation.outcome, Told::Permitted { rule, .. } if rule.location == "10-web.toml:14")
    );
    assert_eq!(explanation.denies[0].verdict, Verdict::DoesNotApply);
    assert_eq!(explanation.denies[0].conditions[0].text, "you are not in contractors");
    let texts: Vec<&str> = explanation.rules[0].conditions.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "you are in oncall",
            "it is Mon 12:00 in Europe/Berlin, the rule holds Mon-Fri 08:00-19:00",
            "you do not have the role now",
            "you have no open request for the role",
            "30m is within the 1h that the rule permits",
            "your reason is as the rule requires",
            "you have 0 live grants of this rule, and it permits 1",
        ]
    );
    let verdicts: Vec<Verdict> = explanation.rules.iter().map(|rule| rule.verdict).collect();
    assert_eq!(verdicts, [Verdict::Permits, Verdict::NotReached]);
}

#[test]
fn a_yes_that_needs_approvals_says_whose() {
    let policy = policy(TEAM);
    let facts = facts(&policy, "alice", &["engineers"]);
    let Told::Permitted { approvals, .. } = decide(&policy, &ask("containers"), &facts).explanation.outcome
    else {
        panic!()
    };
    assert_eq!(approvals, ["1 person in leads", "2 people: sam or somebody in security"]);
    let Told::Permitted { approvals, .. } = decide(&policy, &ask("logs"), &facts).explanation.outcome else {
        panic!()
    };
    assert!(approvals.is_empty());
}

#[test]
fn the_explanation_of_a_no_has_the_nearest_miss_first() {
    let policy = policy(WEB);
    let mut facts = facts(&policy, "alice", &["web"]);
    set_time(&policy, &mut facts, "2026-11-22T03:12");
    let explanation = decide(&policy, &ask("web-restart"), &facts).explanation;
    let names: Vec<(&str, Verdict)> =
        explanation.rules.iter().map(|rule| (rule.rule.name.as_str(), rule.verdict)).collect();
    assert_eq!(
        names,
        [("web team at any time", Verdict::Refuses), ("on-call restarts web at once", Verdict::DoesNotApply)]
    );
    let not_held: Vec<(ConditionKind, &str)> = explanation.rules[1]
        .conditions
        .iter()
        .filter(|one| one.held == Held::NotHeld)
        .map(|one| (one.kind, one.text.as_str()))
        .collect();
    assert_eq!(
        not_held,
        [
            (ConditionKind::Eligible, "you are not dave and not in oncall"),
            (ConditionKind::Schedule, "it is Sun 03:12 in Europe/Berlin, the rule holds Mon-Fri 08:00-19:00"),
        ]
    );
}

#[test]
fn the_outcome_and_its_explanation_never_differ() {
    let policy = policy(WEB);
    let groups = ["oncall", "web", "dba", "contractors"];
    let times = ["2026-11-22T03:12", "2026-11-23T12:00"];
    for member_of in 0..16_u32 {
        for down in 0..5_usize {
            for (at, time) in times.iter().enumerate() {
                let of: Vec<&str> =
                    (0..4).filter(|bit| member_of & (1 << bit) != 0).map(|bit| groups[bit]).collect();
                let mut facts = facts(&policy, if at == 0 { "alice" } else { "dave" }, &of);
                set_time(&policy, &mut facts, time);
                if let Some(group) = groups.get(down) {
                    unreachable(&mut facts, group);
                }
                for role in ["web-restart", "db-shell", "nope"] {
                    check_agreement(&policy, role, &facts);
                }
            }
        }
    }
}

fn check_agreement(policy: &Policy, role: &str, facts: &Facts) {
    let decision = decide(policy, &ask(role), facts);
    let explanation = decision.explanation.clone();
    let first = explanation.rules.first();
    match &explanation.outcome {
        Told::Permitted { rule, .. } => {
            assert_eq!(terms(decision).rule, *rule);
            assert_eq!(first.map(|judged| (judged.verdict, &judged.rule)), Some((Verdict::Permits, rule)));
            let all_held = first.unwrap().conditions.iter().all(|one| one.held == Held::Held);
            let no_deny = explanation.denies.iter().all(|deny| deny.verdict == Verdict::DoesNotApply);
            assert!(all_held && no_deny, "{explanation:#?}");
        }
        Told::Refused(told) => {
            assert_eq!(refusal(decision), *told);
            assert!(explanation.rules.iter().all(|judged| judged.verdict != Verdict::Permits));
        }
    }
}
