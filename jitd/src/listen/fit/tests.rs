//! Each answer in frames, and what is said of what is not in them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

use super::*;
use jit_common::explanation::Outcome;
use jit_common::frame;
use jit_common::response::{
    ChoiceView, EarlierView, GivesView, GrantView, GroupView, NeedView, OpenView, PasswordView, PersonView,
    Presence, RuleView, StateView, StoryView, SudoView, VoteView, WasView,
};
use jitd_core::limits::OPEN_REQUESTS;

fn entry(seq: u64, bytes: usize) -> LogEntry {
    let body = format!("\"{}\"", "x".repeat(bytes));
    LogEntry { seq, at: 1, kind: "refused".into(), request: None, body, hash: [0xff; 32], texts: Vec::new() }
}

/// Every frame goes through what the client does with it.
fn heard(response: Response) -> Vec<Response> {
    let bodies = bodies(response).unwrap();
    let framed = bodies.iter().map(|body| frame::wrap(body, MAX_RESPONSE).unwrap());
    framed.map(|frame| codec::decode(&frame[frame::HEADER_LEN..]).unwrap()).collect()
}

#[test]
fn very_many_very_short_things_are_still_an_answer_that_can_be_read() {
    let short = EndedView {
        id: "7k2m9xqa".parse().unwrap(),
        was: WasView::Live,
        person: PersonView { uid: 1000, name: "a".into() },
        role: "r".into(),
        stuck: None,
        residue: Vec::new(),
    };
    for count in [10, 5_000, 10_000, 20_000, 25_000, 40_000] {
        let told = heard(Response::Ended(vec![short.clone(); count]));
        assert_eq!(told.len(), 1, "{count}");
    }
    let entry = LogEntry { hash: [1; 32], ..entry(1, 0) };
    let told = heard(Response::Log(vec![entry; 9_000]));
    let counted = |response: &Response| if let Response::Log(entries) = response { entries.len() } else { 0 };
    assert_eq!(told.iter().map(counted).sum::<usize>(), 9_000);
}

fn gives() -> GivesView {
    let sudo = SudoView {
        run_as: "root".into(),
        password: PasswordView::NotAsked,
        commands: vec!["/usr/bin/id".into()],
        refused: Vec::new(),
    };
    GivesView { sudo: Some(sudo), groups: vec![GroupView { gid: 50, name: "docker".into() }] }
}

fn grant(reason: &str) -> GrantView {
    GrantView {
        id: "7k2m9xqa".parse().unwrap(),
        person: PersonView { uid: 1000, name: "alice".into() },
        role: "ids".into(),
        rule: RuleView { name: "on-call".into(), location: "10-web.toml:12".into() },
        state: StateView::Active,
        gives: gives(),
        reason: Some(reason.into()),
        ticket: Some(reason.into()),
        start: 1,
        until: 2,
        left: 1,
        end: None,
        approved_by: Vec::new(),
        replaces: None,
        longest: 2,
        residue: Vec::new(),
    }
}

fn logged(bytes: usize) -> Vec<LogEntry> {
    let entries = (1..=128).map(|seq| entry(seq, bytes)).collect();
    let frames = heard(Response::Log(entries)).into_iter();
    frames
        .flat_map(|frame| match frame {
            Response::Log(entries) => entries,
            other => unreachable!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_hundred_and_twenty_eight_long_entries_are_cut_into_frames() {
    for bytes in [10, 100_000, ROOM - 200] {
        let read = logged(bytes);
        let expected: Vec<LogEntry> = (1..=128).map(|seq| entry(seq, bytes)).collect();
        assert!(read == expected, "{bytes}");
    }
    assert_eq!(heard(Response::Log((1..=128).map(|seq| entry(seq, 10)).collect())).len(), 1);
}

#[test]
fn an_entry_that_no_frame_can_hold_does_not_stop_the_reading() {
    let read = logged(MAX_RESPONSE);
    assert_eq!(read.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=128).collect::<Vec<_>>());
    let body: serde_json::Value = serde_json::from_str(&read[0].body).unwrap();
    assert!(body["left-out"].as_str().unwrap().contains("too many to be sent"));
}

fn status_view(all: Vec<GrantView>) -> StatusView {
    StatusView {
        waiting: None,
        mine: vec![grant("mine")],
        all: Some(all),
        open: Vec::new(),
        daemon: String::new(),
        not_granting: Vec::new(),
        attention: vec!["look".into()],
        sudo: String::new(),
        policy: None,
        live: 0,
        entries: 0,
        sinks: Vec::new(),
    }
}

fn status_of(all: Vec<GrantView>) -> StatusView {
    match heard(Response::Status(Box::new(status_view(all)))).swap_remove(0) {
        Response::Status(view) => *view,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_long_list_of_grants_is_shown_as_far_as_it_fits() {
    let long = "r".repeat(1024);
    let few = status_of(vec![grant(&long); 100]);
    assert_eq!(few.all.unwrap()[99].reason.as_deref(), Some(long.as_str()));
    assert_eq!(few.attention, ["look"]);

    let cut = status_of(vec![grant(&long); 250]);
    assert_eq!(cut.all.unwrap().len(), 250);
    assert!(cut.attention[1].contains("cut short"), "{:?}", cut.attention);

    let less = status_of(vec![grant(&long); 10_000]);
    let shown = less.all.unwrap().len();
    assert!(shown > 200);
    assert!(less.attention[1].starts_with(&(10_000 - shown).to_string()), "{:?}", less.attention);
    assert_eq!(less.mine.len(), 1);
}

fn explanation(rules: usize) -> Explanation {
    let rule = jit_common::refusal::RuleRef { name: "r".repeat(60), location: "10-web.toml:12".into() };
    let judged = JudgedRule { rule, verdict: Verdict::Refuses, conditions: Vec::new() };
    let refusal = Refusal::RootAccount;
    Explanation { outcome: Outcome::Refused(refusal), denies: Vec::new(), rules: vec![judged; rules] }
}

#[test]
fn a_large_policy_still_lists_its_roles() {
    let role = |number: usize| RoleView {
        name: format!("role-{number}"),
        summary: String::new(),
        risk: "low".into(),
        gives: gives(),
        equals_root: Vec::new(),
        disabled: Vec::new(),
        now: explanation(1000),
    };
    let views: Vec<RoleView> = (0..500).map(role).collect();
    let Response::Roles(heard) = heard(Response::Roles(views)).swap_remove(0) else { unreachable!() };
    assert_eq!(heard.len(), 500);
    assert_eq!(heard[499].now.outcome, explanation(0).outcome);
}

#[test]
fn a_long_explanation_and_a_long_story_and_many_endings_are_cut() {
    let long = Response::Refused { refusal: Refusal::Stopping, explanation: Some(explanation(50_000)) };
    let Response::Refused { refusal, explanation: Some(shown) } = heard(long).swap_remove(0) else {
        unreachable!()
    };
    assert!(refusal == Refusal::Stopping && shown.rules.len() > 1000);

    let view = StoryView {
        running: vec![],
        grant: Some(grant("why")),
        open: None,
        conditions: Vec::new(),
        earlier: Vec::new(),
        live: Vec::new(),
        change: Vec::new(),
        equals_root: Vec::new(),
        side_effects: Vec::new(),
        not_seen: Vec::new(),
        ways_off: Vec::new(),
        entries: (1..=5000).map(|seq| entry(seq, 300)).collect(),
    };
    let Response::Story(told) = heard(Response::Story(Box::new(view))).swap_remove(0) else { unreachable!() };
    assert_eq!((told.entries[0].seq, told.entries.last().unwrap().seq), (1, 5000));
    assert!(told.side_effects[0].contains("of the 5000 entries are left out"), "{:?}", told.side_effects);

    let ended = |number: u64| EndedView {
        id: "7k2m9xqa".parse().unwrap(),
        was: WasView::Live,
        person: PersonView { uid: 1000, name: "n".repeat(32) },
        role: "r".repeat(64),
        stuck: (number == 9_999).then(|| "in the way".into()),
        residue: Vec::new(),
    };
    let Response::Ended(told) = heard(Response::Ended((0..10_000).map(ended).collect())).swap_remove(0)
    else {
        unreachable!()
    };
    assert!(told.len() > 3000 && told[0].stuck.is_some());
}

fn person(uid: u32) -> PersonView {
    PersonView { uid, name: format!("person-{uid}") }
}

/// A request as long as people and policy can make it.
fn open(number: usize) -> OpenView {
    let long = "r".repeat(1024);
    let could = |uid| {
        let presence = if uid == 250 { Presence::LoggedIn } else { Presence::Away };
        ChoiceView { person: person(uid), presence }
    };
    let vote =
        |uid| VoteView { person: person(uid), at: i64::MAX, seconds: Some(60), note: Some(long.clone()) };
    let need = NeedView {
        count: 2,
        met: 1,
        by: "2 people in leads".into(),
        could: (0..256).map(could).collect(),
        unlisted: vec!["security".into(), "audit".into()],
    };
    let mut gives = gives();
    if let Some(sudo) = &mut gives.sudo {
        sudo.commands = vec!["/usr/bin/".to_owned() + &long; 100];
    }
    gives.groups = vec![GroupView { gid: 50, name: "docker".into() }; 20];
    OpenView {
        id: "7k2m9xqa".parse().unwrap(),
        person: person(1000),
        role: "r".repeat(63),
        rule: RuleView { name: "n".repeat(80), location: "10-web.toml:12".into() },
        state: StateView::Pending,
        gives,
        reason: Some(long.clone()),
        ticket: Some(long.clone()),
        asked: i64::try_from(number).unwrap() + i64::MAX / 2,
        asked_seconds: 3600,
        seconds: 1800,
        start: Some(i64::MAX),
        lapse: i64::MAX,
        left: i64::MAX,
        extends: Some("7k2m9xqa".parse().unwrap()),
        needs: vec![need.clone(), need],
        votes: vec![vote(7), vote(8)],
        held_up: Some(long.clone()),
        not_by_you: (number != 0).then(|| "you are not in leads".into()),
        version: u64::MAX,
    }
}

fn pending(views: Vec<OpenView>) -> Vec<OpenView> {
    match heard(Response::Pending(views)).swap_remove(0) {
        Response::Pending(views) => views,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn what_fits_is_told_in_full() {
    let few: Vec<OpenView> = (0..3).map(open).collect();
    assert!(pending(few.clone()) == few);
    let one = heard(Response::Open(Box::new(open(1)))).swap_remove(0);
    assert!(one == Response::Open(Box::new(open(1))));
}

#[test]
fn one_open_request_fits_however_long() {
    let mut long = open(1);
    long.needs = vec![long.needs[0].clone(); 200];
    let Response::Open(told) = heard(Response::Open(Box::new(long))).swap_remove(0) else { unreachable!() };
    assert_eq!((told.needs.len(), told.needs[199].could.len()), (200, 16));
    assert_eq!(told.needs[99].could[0].presence, Presence::LoggedIn);
}

#[test]
fn as_many_open_requests_as_there_can_be_are_all_listed() {
    let asked = |views: &[OpenView]| views.iter().map(|view| view.asked).collect::<Vec<_>>();
    let all: Vec<OpenView> = (0..OPEN_REQUESTS).map(open).collect();
    let told = pending(all.clone());
    assert!(asked(&told) == asked(&all), "{} of {}", told.len(), all.len());
    let last = told.last().unwrap();
    assert_eq!((&last.person, &last.role, last.seconds), (&person(1000), &"r".repeat(63), 1800));
    let need = &last.needs[0];
    assert_eq!((need.count, need.met, need.could.len()), (2, 1, 0));
    assert_eq!(need.by, "2 people in le… (256 left out)");
    assert_eq!(need.unlisted, ["… and 2 more"]);
    assert_eq!(last.gives.sudo.as_ref().unwrap().commands, ["… and 100 more"]);
    assert_eq!(last.gives.groups.last().unwrap().name, "… and 20 more");
}

#[test]
fn what_the_caller_may_decide_is_never_what_is_left_out() {
    let mut views: Vec<OpenView> = (1..3000).map(open).collect();
    views.push(OpenView { asked: i64::MAX, ..open(0) });
    let told = pending(views);
    assert!(told.len() >= OPEN_REQUESTS / 10 * 9 && told.len() < 3000);
    assert_eq!(told.last().unwrap().not_by_you, None);
    assert!(told.is_sorted_by_key(|view| view.asked));
}

#[test]
fn the_story_of_an_open_request_fits_whatever_came_before() {
    let long = "r".repeat(1024);
    let earlier = EarlierView {
        id: "7k2m9xqa".parse().unwrap(),
        start: 1,
        until: 2,
        end: None,
        reason: Some(long.clone()),
        residue: vec![long.clone(); 100],
    };
    let view = StoryView {
        running: vec![],
        grant: None,
        open: Some(open(0)),
        conditions: vec!["you are in oncall".into()],
        earlier: vec![earlier; 100],
        live: vec![grant(&long); 1000],
        change: Vec::new(),
        equals_root: Vec::new(),
        side_effects: Vec::new(),
        not_seen: Vec::new(),
        ways_off: Vec::new(),
        entries: (1..=100).map(|seq| entry(seq, 300)).collect(),
    };
    let Response::Story(told) = heard(Response::Story(Box::new(view))).swap_remove(0) else { unreachable!() };
    let shown = told.live.len() + told.earlier.len();
    assert!(shown > 50);
    assert!(told.side_effects[0].starts_with(&(1100 - shown).to_string()), "{:?}", told.side_effects);
    assert_eq!((told.entries.len(), told.conditions.len()), (100, 1));
    assert_eq!(told.open.unwrap().role, "r".repeat(63));
}

#[test]
fn the_state_of_things_tells_how_many_open_requests_are_not_in_it() {
    let mut view = status_view(vec![grant("why"); 100]);
    view.open = (0..OPEN_REQUESTS).map(open).collect();
    let Response::Status(told) = heard(Response::Status(Box::new(view))).swap_remove(0) else {
        unreachable!()
    };
    let left_out = OPEN_REQUESTS - told.open.len();
    assert!(left_out > 0 && !told.open.is_empty());
    assert!(told.attention.last().unwrap().starts_with(&left_out.to_string()), "{:?}", told.attention);
    assert_eq!(told.all.unwrap().len(), 100);
}
