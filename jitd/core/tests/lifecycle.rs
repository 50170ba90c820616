//! The table of states and events, the steps that hold the order, and the registry as the fold of what was recorded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

mod lifecycle_world;

use jitd_core::lifecycle::registry::{Grant, Registry};
use jitd_core::lifecycle::state::{EVENTS, Event, Move, STATES, State, drawing, next};
use jitd_core::lifecycle::step::{self, Durable, EndedBy, Owed};
use jitd_core::now::NANOS;
use jitd_core::record::{Cause, Closed, Draft, Entry, Origin};

use self::lifecycle_world::{World, after_reboot, at, id, new_grant, person, request};

/// Waits for people or for its start.
fn is_open(state: State) -> bool {
    matches!(state, State::Pending | State::Scheduled)
}

fn is_over(state: State) -> bool {
    matches!(state, State::Ended { .. } | State::Refused | State::Closed { .. })
}

#[test]
fn every_state_has_an_answer_to_every_event_and_ends_stay_ended() {
    for state in STATES {
        for (event, name) in EVENTS {
            match next(state, event) {
                Move::To(to) => {
                    assert!(!is_over(state), "{state:?} {name}");
                    assert!(to != State::Asked, "nothing goes back to the beginning");
                    assert!(!is_open(to) || !state.is_live(), "what was granted is never open again");
                    let raises = !state.is_wanted() && to.is_wanted();
                    let may = event == Event::Permit && (state == State::Asked || is_open(state));
                    assert!(!raises || may, "{state:?} {name}");
                }
                Move::AlreadySo => assert!(event != Event::Permit, "a second permit is never already so"),
                Move::Never => {}
            }
        }
    }
}

#[test]
fn an_open_request_is_on_no_host_and_ends_only_in_a_grant_or_closed() {
    for state in STATES.into_iter().filter(|state| is_open(*state)) {
        assert!(!state.is_live() && !state.is_wanted() && state.cause().is_none() && state.tries() == 0);
        for (event, name) in EVENTS {
            match (next(state, event), event) {
                (Move::To(to), Event::Permit) => assert_eq!(to, State::Applying),
                (Move::To(to), Event::Close(cause)) => assert_eq!(to, State::Closed { cause }),
                (Move::To(to), Event::Schedule) => {
                    assert_eq!((state, to), (State::Pending, State::Scheduled));
                }
                (Move::To(to), _) => panic!("{state:?} on {name} becomes {to:?}"),
                (Move::AlreadySo | Move::Never, _) => {}
            }
        }
        for cause in Closed::ALL {
            assert_eq!(next(state, Event::Close(cause)), Move::To(State::Closed { cause }));
        }
    }
}

#[test]
fn a_privilege_that_may_be_on_the_host_is_never_forgotten() {
    for state in STATES.into_iter().filter(|state| state.is_live()) {
        for (event, name) in EVENTS {
            if let Move::To(to) = next(state, event) {
                let forgotten = !to.is_live() && event != Event::Removed;
                assert!(!forgotten, "{state:?} on {name} becomes {to:?} without having been removed");
            }
        }
    }
}

#[test]
fn the_drawing_in_the_docs_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.dot");
    if std::env::var_os("JIT_BLESS").is_some() {
        std::fs::write(path, drawing()).unwrap();
    }
    let drawn = std::fs::read_to_string(path).unwrap();
    assert_eq!(drawn, drawing(), "run this test with JIT_BLESS=1 to draw docs/states.dot anew");
}

#[test]
fn nothing_is_wanted_before_it_is_on_the_record() {
    let mut world = World::default();
    world.ledger.full = Some(());
    assert!(world.raise(step::grant(request(60), new_grant(5, 60), &at(0), |_| Vec::new())).is_err());
    assert!(world.owed.is_empty(), "a grant that was not recorded is not owed either: it never was");
    assert!(world.registry.is_empty() && world.registry.wanted().grants().is_empty());
}

#[test]
fn an_ending_happens_with_a_full_disk_and_is_recorded_first_afterwards() {
    let mut world = World::default();
    let grant = world.granted(5, 60);
    world.ledger.full = Some(());
    world.lower(step::end(&grant, &at(60), Cause::Expired, EndedBy::default()).unwrap());
    assert!(world.registry.wanted().grants().is_empty());
    world.lower(step::removed(&world.grant(5), &at(61), 1000, Vec::new()).unwrap());
    assert!(world.registry.is_empty());
    world.ledger.full = None;
    world.raise(step::grant(request(60), new_grant(6, 60), &at(70), |_| Vec::new())).unwrap();
    let grant = ["requested", "decided", "intent"];
    assert_eq!(world.kinds(), [&grant[..], &["ending", "ended"], &grant].concat());
}

/// A ledger that takes so many commits more.
struct Takes {
    commits: usize,
    kept: Vec<Vec<Draft>>,
}

impl Durable for Takes {
    type Error = &'static str;

    fn commit(&mut self, drafts: &[Draft]) -> Result<(), &'static str> {
        self.commits = self.commits.checked_sub(1).ok_or("disk full")?;
        self.kept.push(drafts.to_vec());
        Ok(())
    }
}

#[test]
fn thousands_owed_are_written_a_lot_at_a_time_and_nothing_is_raised_before_the_last() {
    let mut owed = Owed::in_lots_of(2);
    let draft = |live| Draft { at: 0, request: None, entry: Entry::Stopped { live }, texts: Vec::new() };
    let owes: Vec<Draft> = (0..5).map(draft).collect();
    owes.iter().cloned().for_each(|draft| owed.note(draft));
    let raising = || vec![step::grant(request(60), new_grant(5, 60), &at(0), |_| Vec::new())];
    let mut ledger = Takes { commits: 1, kept: Vec::new() };
    assert!(ledger.append(&mut owed, raising()).is_err());
    assert!(owed.drafts().eq(owes.iter().skip(2)), "what was written is owed no more, the rest is");
    ledger.commits = 1;
    assert!(ledger.append(&mut owed, raising()).is_err());
    assert!(
        owed.drafts().eq(owes.iter().skip(4)),
        "the commit with the grant failed, and the last is still owed"
    );
    assert_eq!(owed.len(), 1);
    ledger.commits = 1;
    let mut registry = Registry::default();
    registry.take(&ledger.append(&mut owed, raising()).unwrap());
    assert_eq!((registry.len(), owed.is_empty()), (1, true));
    assert_eq!(ledger.kept.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1 + 3]);
    assert!(ledger.kept.iter().flatten().take(5).eq(&owes), "in their order");
}

#[test]
fn the_registry_is_the_fold_of_the_record_at_every_point() {
    let mut world = World::default();
    world.granted(5, 60);
    let steps: [fn(&Grant) -> Option<step::Lowering>; 5] = [
        |grant| step::agreed(grant, &at(1), vec!["/usr/bin/true".into()]),
        |grant| step::end(grant, &at(60), Cause::Revoked, EndedBy::default()),
        |grant| step::not_removed(grant, &at(61), "read-only"),
        |grant| step::not_removed(grant, &at(62), "read-only"),
        |grant| step::removed(grant, &at(63), 0, vec!["bash (4711) holds docker".into()]),
    ];
    for make in steps {
        world.lower(make(&world.grant(5)).unwrap());
        world.settle();
        assert_eq!(world.restarted(), world.registry);
    }
    assert!(world.registry.is_empty());
    let Some(Entry::Ended { residue, late_ms, .. }) = world.ledger.kept.last().map(|draft| &draft.entry)
    else {
        panic!("the last entry is not the end");
    };
    assert_eq!((residue.len(), *late_ms), (1, None), "only what expired can be late");
}

#[test]
fn a_grant_that_cannot_be_removed_is_stuck_and_counted() {
    let mut world = World::default();
    let grant = world.granted(5, 60);
    world.lower(step::end(&grant, &at(60), Cause::Expired, EndedBy::default()).unwrap());
    for tries in 1..4 {
        world.lower(step::not_removed(&world.grant(5), &at(60), "why").unwrap());
        assert_eq!(world.grant(5).state, State::Stuck { cause: Cause::Expired, tries });
    }
    assert!(
        step::end(&world.grant(5), &at(70), Cause::Revoked, EndedBy::default()).is_none(),
        "the first cause stands"
    );
}

#[test]
fn the_kill_switch_needs_no_record_and_its_release_does() {
    let mut world = World::default();
    let by = || person(0, "root");
    let draft = |entry| Draft { at: 5, request: None, entry, texts: Vec::new() };
    let locked = Entry::Locked { by: by(), from: Origin::default(), note: None };
    world.lower(step::lock(draft(locked)));
    assert_eq!(world.registry.lock().map(|lock| lock.since), Some(5));
    world.ledger.full = Some(());
    let unlocked = || Entry::Unlocked { by: by(), from: Origin::default(), note: None };
    assert!(world.raise(step::unlock(draft(unlocked()))).is_err());
    assert!(world.registry.lock().is_some());
    world.ledger.full = None;
    world.raise(step::unlock(draft(unlocked()))).unwrap();
    assert!(world.registry.lock().is_none());
}

#[test]
fn what_is_due_is_found_on_both_clocks_and_after_a_reboot() {
    let mut world = World::default();
    world.granted(5, 60);
    let registry = world.registry;
    assert!(registry.due(&at(59)).is_empty());
    assert_eq!(registry.next_deadline(&at(59)), Some(NANOS));
    assert_eq!(registry.due(&at(60)), [(id(5), Cause::Expired)]);
    assert_eq!(registry.due(&after_reboot(1)), [(id(5), Cause::Rebooted)]);
}
