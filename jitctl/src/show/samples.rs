//! Answers as jitd gives them, for the tests of what is shown.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jiff::tz::TimeZone;
use jit_common::duration::GrantDuration;
use jit_common::explanation::{Condition, ConditionKind, Explanation, Held, JudgedRule, Outcome, Verdict};
use jit_common::refusal::{Prompt, Refusal, RuleRef};
use jit_common::response::{
    Armed, GrantView, LogEntry, LogText, PasswordView, PersonView, RoleView, RuleView, SinkView, StateView,
    StatusView, StoryView, SudoView, WayOff,
};

use jitd_core::record::{About, Entry, Person};

use crate::time::Clock;

/// 14:02 in a zone one hour east of Greenwich.
pub(crate) fn clock() -> Clock {
    Clock::fixed("2026-11-22T13:02:00Z", TimeZone::fixed(jiff::tz::offset(1)))
}

pub(crate) fn rule_ref() -> RuleRef {
    RuleRef { name: "on-call restarts web at once".to_owned(), location: "10-web.toml:12".to_owned() }
}

pub(crate) fn person() -> PersonView {
    PersonView { uid: 1000, name: "alice".to_owned() }
}

pub(crate) fn sudo() -> SudoView {
    SudoView {
        run_as: "root".to_owned(),
        password: PasswordView::NotAsked,
        commands: vec![
            "/usr/bin/systemctl restart nginx".to_owned(),
            "/usr/bin/journalctl -u nginx".to_owned(),
        ],
        refused: vec![],
    }
}

pub(crate) fn grant() -> GrantView {
    let minutes = 60 * 1_000_000_000;
    GrantView {
        id: "7k2m9xqa".parse().unwrap(),
        person: person(),
        role: "web-restart".to_owned(),
        rule: RuleView { name: rule_ref().name, location: rule_ref().location },
        state: StateView::Active,
        sudo: sudo(),
        reason: Some("INC-42 nginx stuck".to_owned()),
        ticket: None,
        start: clock().nanos(),
        until: clock().nanos() + 30 * minutes,
        left: 30 * minutes,
        end: None,
    }
}

/// The rule wants a reason, and none was given.
pub(crate) fn reason_missing() -> Explanation {
    let condition = |kind, held, text: &str| Condition { kind, held, text: text.to_owned() };
    let prompt = Prompt("Start with the incident or change number".to_owned());
    Explanation {
        outcome: Outcome::Refused(Refusal::ReasonMissing { rule: rule_ref(), prompt }),
        denies: vec![JudgedRule {
            rule: RuleRef { name: "contractors never".to_owned(), location: "10-web.toml:30".to_owned() },
            verdict: Verdict::DoesNotApply,
            conditions: vec![condition(ConditionKind::Subjects, Held::NotHeld, "you are not in contractors")],
        }],
        rules: vec![JudgedRule {
            rule: rule_ref(),
            verdict: Verdict::Refuses,
            conditions: vec![
                condition(ConditionKind::Eligible, Held::Held, "you are in oncall"),
                condition(ConditionKind::Reason, Held::NotHeld, "no reason is given"),
            ],
        }],
    }
}

pub(crate) fn permitted() -> Explanation {
    let mut explanation = reason_missing();
    let duration = GrantDuration::from_secs(1800).unwrap();
    explanation.outcome = Outcome::Permitted { rule: rule_ref(), duration };
    explanation
}

pub(crate) fn role() -> RoleView {
    RoleView {
        name: "web-restart".to_owned(),
        summary: "Restart and inspect the web tier".to_owned(),
        risk: "low".to_owned(),
        sudo: sudo(),
        equals_root: vec![],
        disabled: vec![],
        now: reason_missing(),
    }
}

pub(crate) fn status() -> StatusView {
    StatusView {
        mine: vec![],
        all: None,
        daemon: "0.1.0".to_owned(),
        not_granting: vec![],
        attention: vec![],
        sudo: "classic 1.9.16p2".to_owned(),
        policy: Some("ab".repeat(32)),
        live: 0,
        entries: 17,
        sinks: vec![SinkView { name: "journald".to_owned(), behind: 0, trouble: None }],
    }
}

fn about() -> About {
    About {
        by: Person { uid: 1000, name: "alice".to_owned() },
        role: "web-restart".to_owned(),
        rule: rule_ref(),
        until: grant().until,
    }
}

fn stored(seq: u64, entry: &Entry) -> LogEntry {
    LogEntry {
        seq,
        at: clock().nanos(),
        kind: entry.kind().to_owned(),
        request: Some(grant().id),
        body: serde_json::to_string(entry).unwrap(),
        hash: [0xab; 32],
        texts: vec![],
    }
}

/// An entry that says that a grant was given.
pub(crate) fn entry() -> LogEntry {
    let text = "INC-42 \x1b[31mnginx".to_owned();
    let texts = vec![LogText { field: "reason".to_owned(), salt: [7; 16], text }];
    LogEntry { texts, ..stored(812, &Entry::Applied { about: about(), refused: vec![] }) }
}

/// The entry of the decision.
fn decided() -> LogEntry {
    let conditions = vec!["alice is in oncall".to_owned()];
    stored(811, &Entry::Decided { about: about(), policy: "ab".to_owned(), conditions })
}

pub(crate) fn story() -> StoryView {
    let way =
        |name: &str, armed, detail: &str| WayOff { name: name.to_owned(), armed, detail: detail.to_owned() };
    StoryView {
        grant: Some(grant()),
        change: vec![
            "+ #1000 ALL=(root) NOTAFTER=20261122133200Z NOPASSWD: NOSETENV: /usr/bin/id".to_owned(),
        ],
        equals_root: vec![],
        side_effects: vec!["sudo forgets cached passwords of yours".to_owned()],
        ways_off: vec![
            way("jitd's timer", Armed::Yes, "ends it at its deadline"),
            way("jit-guard", Armed::No, "the guard does not run"),
        ],
        entries: vec![decided(), entry()],
    }
}
