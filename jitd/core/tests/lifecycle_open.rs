//! Requests that wait for people or for their start: votes, lapse, start, extension, and a disk that is full.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

mod lifecycle_world;

use jit_common::ids::{IdPrefix, RequestId};
use jitd_core::lifecycle::open::{Due, Open};
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step::{self, ClosedBy, EndedBy, Extended, NewGrant};
use jitd_core::now::{NANOS, Now};
use jitd_core::record::{Cause, Closed, Draft, Entry, Origin, Terms};

use self::lifecycle_world::{
    World, after_reboot, alice, approval, at, id, new_grant, person, request, rule, start_at, terms, typed,
};

/// `terms` that nobody has to approve, with a start.
fn planned(start: i64) -> Terms {
    Terms { approvals: Vec::new(), start: start_at(start), ..terms(&at(0)) }
}

fn denied() -> ClosedBy {
    let (note, text) = typed("note", "not tonight");
    ClosedBy {
        person: Some(person(1001, "bob")),
        from: Some(Origin::default()),
        note: Some(note),
        texts: vec![text],
        why: String::new(),
    }
}

#[test]
fn a_request_is_opened_approved_twice_scheduled_and_becomes_a_grant() {
    let mut world = World::default();
    let open = world.opened(5, Terms { start: start_at(600), ..terms(&at(0)) });
    assert_eq!((open.state, open.asked, open.by.clone()), (State::Pending, 0, alice()));
    assert_eq!(open.reason.as_deref(), Some("INC-42 nginx stuck"));
    world.approve(5, person(1001, "bob"), None);
    let open = world.approve(5, person(1002, "carol"), Some(1200));
    assert_eq!(open.votes.iter().map(|vote| vote.by.uid).collect::<Vec<_>>(), [1001, 1002]);
    world.raise(step::scheduled(&open, &at(11)).unwrap()).unwrap();
    let open = world.open(5);
    assert_eq!(open.state, State::Scheduled);
    assert!(step::scheduled(&open, &at(12)).is_none(), "it is scheduled once");
    assert!(
        world.registry.is_empty() && world.registry.wanted().grants().is_empty(),
        "nothing is on the host"
    );
    assert_eq!(world.restarted().open_due(&at(600)), [(id(5), Due::Start)]);
    let grant = world.activate(5, &at(600));
    assert_eq!(world.registry.open().count(), 0, "it is a grant now and nothing else");
    assert_eq!((grant.state, grant.start, grant.deadline.wall), (State::Applying, 600 * NANOS, 1800 * NANOS));
    assert_eq!((grant.reason, grant.ticket, grant.from), (open.reason, open.ticket, open.from));
    assert_eq!((grant.votes, grant.change), (open.votes, open.terms.change));
    assert_eq!(
        world.kinds(),
        ["requested", "pending", "approved", "approved", "scheduled", "decided", "intent"]
    );
}

#[test]
fn what_the_decision_says_names_who_approved() {
    let mut world = World::default();
    world.opened(5, terms(&at(0)));
    world.approve(5, person(1001, "bob"), None);
    world.approve(5, person(1002, "carol"), None);
    world.activate(5, &at(20));
    let decided = world.ledger.kept.iter().find_map(|draft| match &draft.entry {
        Entry::Decided { approved_by, .. } => Some(approved_by.clone()),
        _ => None,
    });
    assert_eq!(decided, Some(vec![person(1001, "bob"), person(1002, "carol")]));
}

#[test]
fn a_request_that_is_closed_is_gone_and_closed_once() {
    for cause in Closed::ALL {
        let mut world = World::default();
        let open = world.opened(5, terms(&at(0)));
        world.lower(step::close(&open, &at(30), cause, denied()).unwrap());
        assert_eq!(world.registry.open().count(), 0);
        world.settle();
        assert_eq!(world.restarted(), world.registry);
        let mut over = open;
        over.state = State::Closed { cause };
        assert!(step::close(&over, &at(31), Closed::Lapsed, ClosedBy::default()).is_none());
        assert!(step::scheduled(&over, &at(31)).is_none());
    }
}

#[test]
fn a_vote_for_what_is_gone_does_nothing() {
    let mut world = World::default();
    let open = world.opened(5, terms(&at(0)));
    world.lower(step::close(&open, &at(30), Closed::Cancelled, denied()).unwrap());
    let before = world.registry.clone();
    let approval = approval(person(1001, "bob"));
    world.raise(step::approved(&open, approval, Vec::new(), Vec::new(), &at(31)).unwrap()).unwrap();
    world.raise(step::scheduled(&Open { terms: planned(60), ..open }, &at(32)).unwrap()).unwrap();
    assert_eq!(world.registry, before);
}

#[test]
fn the_terms_are_those_of_when_it_was_made() {
    let mut world = World::default();
    let made = terms(&at(0));
    world.opened(5, made.clone());
    world.approve(5, person(1001, "bob"), Some(60));
    assert_eq!(world.open(5).terms, made);
    let registry = world.restarted();
    let open = registry.open_request(id(5)).unwrap();
    assert_eq!((&open.terms, &open.rule, &open.role), (&made, &rule(), &"docker".to_owned()));
}

#[test]
fn votes_shorten_and_never_lengthen() {
    let mut world = World::default();
    assert_eq!(world.opened(5, terms(&at(0))).seconds(), 1800);
    for (seconds, left) in [(None, 1800), (Some(9999), 1800), (Some(900), 900), (Some(1200), 900)] {
        assert_eq!(world.approve(5, person(1001, "bob"), seconds).seconds(), left);
    }
    assert_eq!(world.activate(5, &at(20)).deadline.wall, 920 * NANOS);
}

#[test]
fn nobody_to_approve_and_a_start_is_scheduled_at_once() {
    let mut world = World::default();
    let open = world.opened(5, planned(600));
    assert_eq!(open.state, State::Scheduled);
    assert_eq!(world.kinds(), ["requested", "pending", "scheduled"]);
    assert_eq!(world.registry.next_open(&at(100)), Some(500 * NANOS));
    assert!(open.starts_later(&at(599)) && !open.starts_later(&at(600)));
    assert_eq!(open.due(&at(599)), None);
    assert_eq!(open.due(&at(600)), Some(Due::Start));
    assert_eq!(open.due(&after_reboot(600)), Some(Due::Start), "a reboot does not cancel a plan");
    // What stands in the way of a start that has come is waited for, not asked for again and again.
    assert_eq!(open.wait(&at(700)), 7100 * NANOS);
    assert_eq!(open.due(&at(7799)), Some(Due::Start));
    assert_eq!(open.due(&at(7800)), Some(Due::Lapse), "over goes before begun");
    assert_eq!(open.lapses_at(), 7800 * NANOS);
}

#[test]
fn a_start_that_comes_before_the_approvals_begins_nothing() {
    let mut world = World::default();
    let open = world.opened(5, Terms { start: start_at(600), ..terms(&at(0)) });
    assert_eq!((open.due(&at(601)), open.wait(&at(601))), (None, 6599 * NANOS));
    let unplanned = Terms { start: None, ..terms(&at(0)) };
    assert!(step::scheduled(&Open { terms: unplanned, ..open }, &at(1)).is_none(), "no start, no schedule");
}

#[test]
fn a_question_lapses_on_either_clock_and_not_by_a_reboot() {
    let mut world = World::default();
    let open = world.opened(5, terms(&at(0)));
    assert_eq!((open.due(&at(7199)), open.left(&at(7199))), (None, NANOS));
    assert_eq!(open.due(&at(7200)), Some(Due::Lapse));
    let stepped = |wall: i64, boot: i64| Now { wall: wall * NANOS, boot: boot * NANOS, ..at(0) };
    assert_eq!(open.due(&stepped(7200, 5)), Some(Due::Lapse), "the wall clock stepped forward");
    assert_eq!(open.due(&stepped(-5, 7200)), Some(Due::Lapse), "stepped back it does not lengthen");
    assert_eq!(open.due(&after_reboot(60)), None);
    assert_eq!(open.left(&after_reboot(60)), 7140 * NANOS);
    assert_eq!(open.due(&after_reboot(7200)), Some(Due::Lapse));
}

#[test]
fn who_approved_in_time_may_start_long_after_the_question_would_have_lapsed() {
    let mut world = World::default();
    let open = world.opened(5, Terms { start: start_at(90_000), ..terms(&at(0)) });
    assert_eq!(open.due(&at(7200)), Some(Due::Lapse), "nobody has approved");
    assert!(!open.tally(|vote| vote.of.clone()).is_met());
    world.approve(5, person(1001, "bob"), None);
    let open = world.approve(5, person(1002, "carol"), None);
    assert!(open.tally(|vote| vote.of.clone()).is_met());
    assert!(!open.tally(|_| [0].into()).is_met(), "two who may stand for the first only");
    world.raise(step::scheduled(&open, &at(11)).unwrap()).unwrap();
    for now in [at(7200), after_reboot(89_999)] {
        assert_eq!(world.registry.open_due(&now), []);
    }
    assert_eq!(world.registry.open_due(&after_reboot(90_000)), [(id(5), Due::Start)]);
    assert_eq!(world.registry.open_due(&after_reboot(97_200)), [(id(5), Due::Lapse)]);
}

#[test]
fn a_question_lapses_while_jitd_is_down() {
    let mut world = World::default();
    world.opened(5, terms(&at(0)));
    world.opened(6, Terms { lapse: terms(&at(5000)).lapse, ..terms(&at(0)) });
    for now in [at(8000), after_reboot(8000)] {
        let registry = world.restarted();
        assert_eq!(registry.open_due(&now), [(id(5), Due::Lapse)]);
        assert_eq!(registry.next_open(&now), Some(0));
    }
    assert_eq!(world.restarted().next_open(&at(7000)), Some(200 * NANOS));
}

#[test]
fn an_extension_begins_where_its_grant_ends_and_takes_its_place() {
    let mut world = World::default();
    let first = world.granted(5, 600);
    world.opened(6, Terms { extends: Some(id(5)), seconds: 900, ..terms(&at(0)) });
    world.approve(6, person(1001, "bob"), Some(300));
    let second = world.activate(6, &at(400));
    assert_eq!(second.deadline, first.deadline.later_by(300), "on both clocks, in the same boot");
    assert_eq!(second.deadline.wall, 900 * NANOS);
    assert_eq!((second.span.since, second.span.replaces), (first.start, Some(id(5))));
    assert_eq!(second.start, 400 * NANOS);
    world.lower(step::end(&first, &at(400), Cause::Replaced, EndedBy::default()).unwrap());
    world.lower(step::removed(&world.grant(5), &at(400), 0, Vec::new()).unwrap());
    assert_eq!(world.registry.live().map(|grant| grant.id).collect::<Vec<_>>(), [id(6)]);
    // And once more: the row is counted from its first grant.
    world.opened(7, Terms { extends: Some(id(6)), seconds: 60, ..terms(&at(0)) });
    let third = world.activate(7, &at(500));
    assert_eq!((third.span.since, third.deadline.wall), (0, 960 * NANOS));
    let prefix = |last: u8| id(last).as_str().parse::<IdPrefix>().unwrap();
    // While both are live each is the other, to whoever ends one.
    assert_eq!(world.registry.matching(&prefix(6)).count(), 2);
    assert!(second.is_one_with(&third) && third.is_one_with(&second));
    assert!(!second.is_one_with(&world.granted(9, 60)));
    world.lower(step::end(&second, &at(500), Cause::Replaced, EndedBy::default()).unwrap());
    world.lower(step::removed(&world.grant(6), &at(500), 0, Vec::new()).unwrap());
    world.settle();
    // Whoever was told of the first one means the last one, also after a restart.
    assert_eq!(third.replaced, [id(5), id(6)]);
    for (registry, last) in [(&world.registry, 5), (&world.restarted(), 5), (&world.registry, 7)] {
        let named: Vec<_> = registry.matching(&prefix(last)).map(|grant| grant.id).collect();
        assert_eq!(named, [id(7)]);
    }
}

#[test]
fn of_a_very_long_row_of_extensions_the_first_and_the_last_ones_are_remembered() {
    let mut world = World::default();
    let mut before = world.granted(0, 600);
    let first = before.id;
    for number in 1..=300_u16 {
        let [high, low] = number.to_be_bytes();
        let id = RequestId::from_random([9, 9, 9, high, low]);
        let extends = Extended { id: before.id, since: 0, deadline: before.deadline.clone() };
        let grant = NewGrant { id, extends: Some(extends), ..new_grant(0, 1) };
        world.raise(step::grant(request(1), grant, &at(1), |_| Vec::new())).unwrap();
        let last = std::mem::replace(&mut before, world.registry.get(id).unwrap().clone());
        world.lower(step::end(&last, &at(1), Cause::Replaced, EndedBy::default()).unwrap());
        let last = world.registry.get(last.id).unwrap().clone();
        world.lower(step::removed(&last, &at(1), 0, Vec::new()).unwrap());
    }
    assert!(before.replaced.len() <= 256 && before.replaced.first() == Some(&first));
    assert_eq!(before.replaced.last(), before.span.replaces.as_ref());
}

#[test]
fn what_was_typed_is_forgotten_with_the_notes_of_the_votes() {
    let erase = |last: u8| {
        let entry = Entry::TextsErased { by: person(0, "root"), from: Origin::default() };
        step::erase(Draft { at: 50, request: Some(id(last)), entry, texts: Vec::new() })
    };
    let mut world = World::default();
    for last in [5, 6, 7] {
        world.opened(last, terms(&at(0)));
        world.approve(last, person(1001, "bob"), None);
    }
    assert_eq!(world.activate(6, &at(20)).votes[0].note.as_deref(), Some("fine with me"));
    world.raise(erase(5)).unwrap();
    world.raise(erase(6)).unwrap();
    let (open, grant) = (world.open(5), world.grant(6));
    assert_eq!((open.reason, open.ticket, open.votes[0].note.clone()), (None, None, None));
    assert_eq!((grant.reason, grant.ticket, grant.votes[0].note.clone()), (None, None, None));
    assert_eq!(grant.votes[0].by, person(1001, "bob"), "who approved stays");
    assert!(world.open(7).reason.is_some() && world.open(7).votes[0].note.is_some());
}

#[test]
fn a_denial_holds_with_a_full_disk_and_is_recorded_first_afterwards() {
    let mut world = World::default();
    let open = world.opened(5, terms(&at(0)));
    world.ledger.full = Some(());
    world.lower(step::close(&open, &at(30), Closed::Denied, denied()).unwrap());
    assert_eq!(world.registry.open().count(), 0, "nobody can approve it any more");
    assert!(world.raise(step::open(id(6), request(60), rule(), terms(&at(40)), &at(40))).is_err());
    assert_eq!((world.owed.len(), world.registry.open().count()), (1, 0));
    world.ledger.full = None;
    world.opened(6, terms(&at(0)));
    assert_eq!(world.kinds(), ["requested", "pending", "closed", "requested", "pending"]);
    assert_eq!(world.restarted(), world.registry);
}

#[test]
fn a_vote_that_cannot_be_recorded_was_not_cast() {
    let mut world = World::default();
    let open = world.opened(5, terms(&at(0)));
    world.ledger.full = Some(());
    let approval = approval(person(1001, "bob"));
    assert!(world.raise(step::approved(&open, approval, Vec::new(), Vec::new(), &at(10)).unwrap()).is_err());
    assert!(world.owed.is_empty() && world.open(5).votes.is_empty());
}

#[test]
fn open_requests_are_found_by_id_and_person() {
    let mut world = World::default();
    world.opened(5, terms(&at(0)));
    let granted = world.granted(6, 60).id;
    let registry = &world.registry;
    let all: IdPrefix = id(5).as_str().parse().unwrap();
    assert_eq!(registry.open_matching(&all).map(|open| open.id).collect::<Vec<_>>(), [id(5)]);
    assert_eq!(registry.matching(&all).count(), 0);
    assert_eq!((registry.open_of(1000).count(), registry.open_of(1001).count()), (1, 0));
    assert!(registry.open_request(granted).is_none() && registry.get(id(5)).is_none());
}
