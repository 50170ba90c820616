//! Answers as jitd gives them, for the tests of what is shown.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jiff::tz::TimeZone;
use jit_common::duration::GrantDuration;
use jit_common::explanation::{Condition, ConditionKind, Explanation, Held, JudgedRule, Outcome, Verdict};
use jit_common::refusal::{Prompt, Refusal, RuleRef};
use jit_common::response::{
    Armed, ChoiceView, EarlierView, EndView, GivesView, GrantView, GroupView, LogEntry, LogText, NeedView,
    OpenView, PasswordView, PersonView, Presence, RoleView, RuleView, SinkView, StateView, StatusView,
    StoryView, SudoView, VoteView, WayOff,
};

use jitd_core::record::{About, AboutOpen, Asked, Closed, Entry, Origin, Person};

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

/// A minute in nanoseconds.
pub(crate) const MINUTE: i64 = 60 * 1_000_000_000;

pub(crate) fn gives_sudo() -> GivesView {
    GivesView { sudo: Some(sudo()), groups: vec![] }
}

pub(crate) fn gives_docker() -> GivesView {
    GivesView { sudo: None, groups: vec![GroupView { gid: 998, name: "docker".to_owned() }] }
}

pub(crate) fn choice(uid: u32, name: &str, presence: Presence) -> ChoiceView {
    ChoiceView { person: PersonView { uid, name: name.to_owned() }, presence }
}

fn vote(uid: u32, name: &str, ago: i64) -> VoteView {
    let person = PersonView { uid, name: name.to_owned() };
    VoteView { person, at: clock().nanos() - ago, seconds: None, note: None }
}

/// bert's, who has shortened it.
pub(crate) fn berts_vote() -> VoteView {
    VoteView { seconds: Some(1200), note: Some("ok \x1b[2J".to_owned()), ..vote(2001, "bert", 2 * MINUTE) }
}

/// alice wants docker; bert has approved, and somebody in security has not yet.
pub(crate) fn open() -> OpenView {
    let need = |met, by: &str, could| NeedView { count: 1, met, by: by.to_owned(), could, unlisted: vec![] };
    let now = clock().nanos();
    OpenView {
        id: "7k2m9xqa".parse().unwrap(),
        person: person(),
        role: "docker".to_owned(),
        rule: RuleView { name: "two people behind it".to_owned(), location: "20-docker.toml:4".to_owned() },
        state: StateView::Pending,
        gives: gives_docker(),
        reason: Some("INC-42 nginx stuck".to_owned()),
        ticket: None,
        asked: now - 5 * MINUTE,
        asked_seconds: 1800,
        seconds: 1200,
        start: None,
        lapse: now + 120 * MINUTE,
        left: 120 * MINUTE,
        extends: None,
        needs: vec![
            need(
                1,
                "somebody in leads",
                vec![choice(2001, "bert", Presence::Away), choice(2002, "carl", Presence::Away)],
            ),
            need(
                0,
                "somebody in security",
                vec![choice(2003, "dora", Presence::Away), choice(2004, "sara", Presence::LoggedIn)],
            ),
        ],
        votes: vec![berts_vote()],
        held_up: None,
        not_by_you: None,
        version: 7,
    }
}

/// The same, approved, for 14:30.
pub(crate) fn scheduled() -> OpenView {
    let mut open = open();
    open.state = StateView::Scheduled;
    open.start = Some(clock().nanos() + 28 * MINUTE);
    open.needs.iter_mut().for_each(|need| need.met = need.count);
    open
}

/// A grant of the group, which two people approved.
pub(crate) fn docker() -> GrantView {
    GrantView {
        role: "docker".to_owned(),
        gives: gives_docker(),
        approved_by: vec![berts_vote(), vote(2004, "sara", MINUTE)],
        ..grant()
    }
}

pub(crate) fn grant() -> GrantView {
    let minutes = MINUTE;
    GrantView {
        id: "7k2m9xqa".parse().unwrap(),
        person: person(),
        role: "web-restart".to_owned(),
        rule: RuleView { name: rule_ref().name, location: rule_ref().location },
        state: StateView::Active,
        gives: gives_sudo(),
        reason: Some("INC-42 nginx stuck".to_owned()),
        ticket: None,
        start: clock().nanos(),
        until: clock().nanos() + 30 * minutes,
        left: 30 * minutes,
        end: None,
        approved_by: vec![],
        replaces: None,
        longest: clock().nanos() + 30 * minutes,
        residue: vec![],
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
    explanation.outcome = Outcome::Permitted { rule: rule_ref(), duration, approvals: vec![] };
    explanation
}

pub(crate) fn role() -> RoleView {
    RoleView {
        name: "web-restart".to_owned(),
        summary: "Restart and inspect the web tier".to_owned(),
        risk: "low".to_owned(),
        gives: gives_sudo(),
        equals_root: vec![],
        disabled: vec![],
        now: reason_missing(),
    }
}

pub(crate) fn status() -> StatusView {
    StatusView {
        waiting: None,
        mine: vec![],
        all: None,
        open: vec![],
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

/// An entry that says that lena denied it.
pub(crate) fn denied() -> LogEntry {
    let lena = Person { uid: 2005, name: "lena".to_owned() };
    let about = AboutOpen { by: about().by, role: "docker".to_owned(), rule: rule_ref() };
    let closed = Entry::Closed {
        about,
        cause: Closed::Denied,
        closed_by: Some(lena),
        from: None,
        note: None,
        why: String::new(),
    };
    let texts = vec![LogText { field: "note".to_owned(), salt: [7; 16], text: "no".to_owned() }];
    LogEntry { texts, ..stored(815, &closed) }
}

/// The entry of the decision.
fn decided() -> LogEntry {
    let conditions = vec!["alice is in oncall".to_owned()];
    stored(811, &Entry::Decided { about: about(), policy: "ab".to_owned(), conditions, approved_by: vec![] })
}

pub(crate) fn story() -> StoryView {
    let way =
        |name: &str, armed, detail: &str| WayOff { name: name.to_owned(), armed, detail: detail.to_owned() };
    StoryView {
        running: vec![],
        grant: Some(grant()),
        open: None,
        conditions: vec!["alice is in oncall".to_owned()],
        earlier: vec![],
        live: vec![],
        change: vec![
            "+ #1000 ALL=(root) NOTAFTER=20261122133200Z NOPASSWD: NOSETENV: /usr/bin/id".to_owned(),
        ],
        equals_root: vec![],
        side_effects: vec!["sudo forgets cached passwords of yours".to_owned()],
        not_seen: vec!["what commands start, at present: it has ended".to_owned()],
        ways_off: vec![
            way("jitd's timer", Armed::Yes, "ends it at its deadline"),
            way("jit-guard", Armed::No, "the guard does not run"),
        ],
        entries: vec![decided(), entry()],
    }
}

/// The approver's page: alice's request for docker, her last one of it, and what she has now.
pub(crate) fn question() -> StoryView {
    let ago = |minutes: i64| clock().nanos() - minutes * MINUTE;
    let asked = Asked {
        by: Person { uid: 1000, name: "alice".to_owned() },
        from: Origin {
            tty: Some("pts/3".to_owned()),
            remote: Some("10.0.0.7".to_owned()),
            ..Origin::default()
        },
        role: "docker".to_owned(),
        seconds: Some(1800),
        reason: None,
        ticket: None,
    };
    let earlier = EarlierView {
        id: "4h1kz0ab".parse().unwrap(),
        start: ago(300),
        until: ago(270),
        end: Some(EndView { cause: "dropped".to_owned(), at: ago(280) }),
        reason: Some("INC-41".to_owned()),
        residue: vec!["bash (1234) on pts/3 still holds docker".to_owned()],
    };
    StoryView {
        running: vec![],
        grant: None,
        open: Some(open()),
        conditions: vec!["alice is in engineers".to_owned()],
        earlier: vec![earlier],
        live: vec![grant()],
        change: vec!["+ docker:x:998:alice (/etc/group)".to_owned()],
        equals_root: vec![
            "equal to root: the group docker can start a container that holds the whole host".to_owned(),
        ],
        side_effects: vec![],
        not_seen: vec![],
        ways_off: vec![],
        entries: vec![stored(810, &Entry::Requested { asked })],
    }
}
