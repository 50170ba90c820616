//! The table of states and events, the steps that hold the order, and the registry as the fold of what was recorded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;
use jitd_core::lifecycle::registry::{Grant, Registry, folded};
use jitd_core::lifecycle::state::{EVENTS, Event, Move, STATES, State, drawing, next};
use jitd_core::lifecycle::step::{self, Durable, EndedBy, NewGrant, Owed};
use jitd_core::now::{BootId, NANOS, Now};
use jitd_core::policy::{Authenticate, Command, Commands, RunAs, SudoRole};
use jitd_core::record::{Asked, Cause, Draft, Entry, Origin, Person};

fn at(seconds: i64) -> Now {
    Now { wall: seconds * NANOS, boot: seconds * NANOS, boot_id: BootId("a".into()) }
}

fn new_grant(seconds: u32) -> NewGrant {
    NewGrant {
        id: RequestId::from_random([1, 2, 3, 4, 5]),
        asked: Asked {
            by: Person { uid: 1000, name: "alice".into() },
            from: Origin::default(),
            role: "web-restart".into(),
            seconds: Some(seconds),
            reason: None,
            ticket: None,
        },
        texts: Vec::new(),
        rule: RuleRef { name: "at once".into(), location: "10-web.toml:3".into() },
        policy: "hash".into(),
        conditions: vec!["you are in oncall".into()],
        sudo: SudoRole {
            run_as: RunAs::new("root").unwrap(),
            password: Authenticate::NotAsked,
            commands: Commands::These(vec![Command::new(&["/usr/bin/id".into()]).unwrap()]),
        },
        seconds,
    }
}

/// A ledger in memory, with a disk that may be full.
#[derive(Default)]
struct Memory {
    kept: Vec<Draft>,
    full: Option<()>,
}

impl Durable for Memory {
    type Error = &'static str;

    fn commit(&mut self, drafts: &[Draft]) -> Result<(), &'static str> {
        match self.full {
            Some(()) => Err("disk full"),
            None => {
                self.kept.extend_from_slice(drafts);
                Ok(())
            }
        }
    }
}

fn granted(ledger: &mut Memory, registry: &mut Registry) -> Grant {
    let step = step::grant(new_grant(60), &at(0), |_| vec!["a line".into()]);
    let released = ledger.append(&mut Owed::none(), vec![step]).unwrap();
    registry.take(&released);
    registry.live().next().unwrap().clone()
}

fn write_owed(ledger: &mut Memory, owed: &mut Owed) {
    ledger.commit(owed.drafts()).unwrap();
    owed.clear();
}

#[test]
fn every_state_has_an_answer_to_every_event_and_ends_stay_ended() {
    for state in STATES {
        for (event, name) in EVENTS {
            match next(state, event) {
                Move::To(to) => {
                    assert!(!matches!(state, State::Ended { .. } | State::Refused), "{state:?} {name}");
                    assert!(to != State::Asked, "nothing goes back to the beginning");
                    let raises = !state.is_wanted() && to.is_wanted();
                    assert!(!raises || (state, event) == (State::Asked, Event::Permit), "{state:?} {name}");
                }
                Move::AlreadySo => assert!(event != Event::Permit, "a second permit is never already so"),
                Move::Never => {}
            }
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
    let mut ledger = Memory { full: Some(()), ..Memory::default() };
    let mut owed = Owed::none();
    let step = step::grant(new_grant(60), &at(0), |_| Vec::new());
    assert!(ledger.append(&mut owed, vec![step]).is_err());
    assert!(owed.is_empty(), "a grant that was not recorded is not owed either: it never was");
}

#[test]
fn an_ending_happens_with_a_full_disk_and_is_recorded_first_afterwards() {
    let (mut ledger, mut registry, mut owed) = (Memory::default(), Registry::default(), Owed::none());
    let grant = granted(&mut ledger, &mut registry);
    ledger.full = Some(());
    let ending = step::end(&grant, &at(60), Cause::Expired, EndedBy::default()).unwrap();
    registry.take(&ending.end_anyway(&mut owed));
    assert!(registry.wanted().grants().is_empty());
    let ending = registry.get(grant.id).unwrap().clone();
    registry.take(&step::removed(&ending, &at(61), 1000).unwrap().end_anyway(&mut owed));
    assert!(registry.is_empty());
    ledger.full = None;
    let raising = step::grant(new_grant(60), &at(70), |_| Vec::new());
    let _released = ledger.append(&mut owed, vec![raising]).unwrap();
    let kinds: Vec<&str> = ledger.kept.iter().map(|draft| draft.entry.kind()).collect();
    let grant = ["requested", "decided", "intent"];
    assert_eq!(kinds, [&grant[..], &["ending", "ended"], &grant].concat());
}

#[test]
fn the_registry_is_the_fold_of_the_record_at_every_point() {
    let (mut ledger, mut registry, mut owed) = (Memory::default(), Registry::default(), Owed::none());
    let id = granted(&mut ledger, &mut registry).id;
    assert_eq!(folded(&ledger.kept), registry);
    let steps: [fn(&Grant) -> Option<step::Lowering>; 5] = [
        |grant| step::agreed(grant, &at(1), vec!["/usr/bin/true".into()]),
        |grant| step::end(grant, &at(60), Cause::Revoked, EndedBy::default()),
        |grant| step::not_removed(grant, &at(61), "read-only"),
        |grant| step::not_removed(grant, &at(62), "read-only"),
        |grant| step::removed(grant, &at(63), 0),
    ];
    for make in steps {
        let grant = registry.get(id).unwrap().clone();
        registry.take(&make(&grant).unwrap().end_anyway(&mut owed));
        write_owed(&mut ledger, &mut owed);
        assert_eq!(folded(&ledger.kept), registry);
    }
    assert!(registry.is_empty());
}

#[test]
fn a_grant_that_cannot_be_removed_is_stuck_and_counted() {
    let (mut ledger, mut registry, mut owed) = (Memory::default(), Registry::default(), Owed::none());
    let grant = granted(&mut ledger, &mut registry);
    registry
        .take(&step::end(&grant, &at(60), Cause::Expired, EndedBy::default()).unwrap().end_anyway(&mut owed));
    for tries in 1..4 {
        let grant = registry.get(grant.id).unwrap().clone();
        registry.take(&step::not_removed(&grant, &at(60), "why").unwrap().end_anyway(&mut owed));
        let state = registry.get(grant.id).unwrap().state;
        assert_eq!(state, State::Stuck { cause: Cause::Expired, tries });
    }
    let stuck = registry.get(grant.id).unwrap();
    assert!(
        step::end(stuck, &at(70), Cause::Revoked, EndedBy::default()).is_none(),
        "the first cause stands"
    );
}

#[test]
fn the_kill_switch_needs_no_record_and_its_release_does() {
    let (mut ledger, mut registry, mut owed) = (Memory::default(), Registry::default(), Owed::none());
    let by = || Person { uid: 0, name: "root".into() };
    let draft = |entry| Draft { at: 5, request: None, entry, texts: Vec::new() };
    let locked = Entry::Locked { by: by(), from: Origin::default(), note: None };
    registry.take(&step::lock(draft(locked)).end_anyway(&mut owed));
    assert_eq!(registry.lock().map(|lock| lock.since), Some(5));
    ledger.full = Some(());
    let unlocked = || Entry::Unlocked { by: by(), from: Origin::default(), note: None };
    assert!(ledger.append(&mut owed, vec![step::unlock(draft(unlocked()))]).is_err());
    ledger.full = None;
    registry.take(&ledger.append(&mut owed, vec![step::unlock(draft(unlocked()))]).unwrap());
    assert!(registry.lock().is_none());
}

#[test]
fn what_is_due_is_found_on_both_clocks_and_after_a_reboot() {
    let (mut ledger, mut registry) = (Memory::default(), Registry::default());
    let id = granted(&mut ledger, &mut registry).id;
    assert!(registry.due(&at(59)).is_empty());
    assert_eq!(registry.next_deadline(&at(59)), Some(NANOS));
    assert_eq!(registry.due(&at(60)), [(id, Cause::Expired)]);
    let elsewhere = Now { boot_id: BootId("b".into()), ..at(1) };
    assert_eq!(registry.due(&elsewhere), [(id, Cause::Rebooted)]);
}
