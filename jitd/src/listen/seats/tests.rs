//! Nobody keeps others out.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
use super::*;
use jitd_core::now::BootId;

fn at(seconds: i64) -> Now {
    Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("a".into()) }
}

/// Seats of a process with many descriptors, where these uids are known.
fn seats(limits: Limits, known: std::ops::Range<u32>) -> Seats {
    let seats = Seats::new(limits, 16_384);
    known.for_each(|uid| seats.learn(uid, Account::Known));
    seats
}

/// As many as there are.
fn all(seats: &Seats, uid: u32) -> Vec<Seat> {
    std::iter::from_fn(|| seats.take(uid, Kind::Call).ok()).collect()
}

#[test]
fn one_uid_cannot_take_the_place_of_another() {
    let seats = seats(Limits { connections_per_uid: 2, ..Limits::default() }, 1000..1002);
    let held = all(&seats, 1000);
    assert_eq!(held.len(), 2);
    assert_eq!(seats.take(1000, Kind::Call).unwrap_err(), 2);
    assert!(seats.take(1001, Kind::Call).is_ok());
    assert!(seats.take(1000, Kind::Follow).is_ok(), "followers have a limit of their own");
    drop(held);
    assert!(seats.take(1000, Kind::Call).is_ok());
}

#[test]
fn those_who_wait_keep_nobody_out_who_calls() {
    let seats = seats(Limits { waiters_per_uid: 3, ..Limits::default() }, 1000..3000);
    let wait = |uid| std::iter::from_fn(|| seats.take(uid, Kind::Wait).ok()).collect::<Vec<_>>();
    let held = wait(1000);
    assert_eq!(held.len(), 3);
    assert_eq!(seats.take(1000, Kind::Wait).unwrap_err(), 3);
    assert!(seats.take(1000, Kind::Call).is_ok(), "calls have a limit of their own");
    let all: Vec<Seat> = held.into_iter().chain((1001..3000).flat_map(wait)).collect();
    assert_eq!(all.len(), seats.in_all as usize / 4);
    assert!(seats.take(2999, Kind::Wait).is_err() && seats.take(2999, Kind::Call).is_ok());
    assert!(seats.take(0, Kind::Wait).is_ok());
    drop(all);
    assert_eq!(wait(2999).len(), 3);
    let table = seats.lock();
    assert_eq!((table.waiters, table.in_all), (0, 0));
}

#[test]
fn descriptors_are_left_for_root_and_for_jitd() {
    for descriptors in [100, 300, 1024, 4096, 16_384, u64::MAX] {
        let seats = Seats::new(Limits::default(), descriptors);
        (1000..1200).for_each(|uid| seats.learn(uid, Account::Known));
        let held: Vec<Seat> = (1000..1200).flat_map(|uid| all(&seats, uid)).collect();
        let left = descriptors - held.len() as u64;
        assert!(left >= u64::from(KEPT).min(descriptors / 2), "{descriptors}: {left}");
        assert!(!held.is_empty());
        assert!(seats.take(0, Kind::Call).is_ok());
    }
}

#[test]
fn a_thousand_newcomers_at_once_are_let_in_and_any_number_leaves_room_for_those_who_are_known() {
    let seats = seats(Limits::default(), 1000..1001);
    let held: Vec<Seat> = (2000..3000).filter_map(|uid| seats.take(uid, Kind::Call).ok()).collect();
    assert_eq!(held.len(), 1000);
    let more: Vec<Seat> = (3000..9000).filter_map(|uid| seats.take(uid, Kind::Call).ok()).collect();
    assert_eq!(held.len() + more.len(), FOR_OTHERS as usize);
    assert_eq!(all(&seats, 1000).len(), Limits::default().connections_per_uid as usize);
}

#[test]
fn uids_without_an_account_share_one_small_quota() {
    let seats = seats(Limits::default(), 1000..1001);
    let mut held = Vec::new();
    for uid in 300_000..300_500 {
        assert_eq!(seats.account(uid), None);
        for mut seat in all(&seats, uid) {
            if seat.settle(uid, Account::None).is_ok() {
                held.push(seat);
            }
        }
    }
    assert_eq!(held.len(), WITHOUT_ACCOUNT as usize);
    assert!(seats.take(1000, Kind::Call).is_ok());
    let mut new = seats.take(1001, Kind::Call).unwrap();
    new.settle(1001, Account::Known).unwrap();
    assert_eq!(seats.account(1001), Some(Account::Known));
    // They do not even stand in the way of those who are new, until they are looked up again.
    assert_eq!(seats.take(300_000, Kind::Call).unwrap_err(), WITHOUT_ACCOUNT);
    assert!(seats.request(1000, &at(0)).is_ok());
    assert_eq!(seats.account(300_000), None);
}

#[test]
fn places_that_are_given_back_are_free_wherever_they_were_counted() {
    let seats = seats(Limits { connections_per_uid: 1, ..Limits::default() }, 0..0);
    let mut one = seats.take(1000, Kind::Call).unwrap();
    assert_eq!(seats.take(1000, Kind::Call).unwrap_err(), 1);
    one.settle(1000, Account::Known).unwrap();
    assert_eq!(one.settle(1000, Account::Known), Ok(()), "it has its place already");
    let mut two = seats.take(1001, Kind::Call).unwrap();
    two.settle(1001, Account::None).unwrap();
    let three = seats.take(1002, Kind::Call).unwrap();
    assert_eq!(seats.lock().newcomers.in_all(), 1);
    drop((one, two, three));
    assert!(seats.take(1000, Kind::Call).is_ok());
    let table = seats.lock();
    assert_eq!((table.in_all, table.newcomers.in_all()), (0, 0));
    assert!(table.held.is_empty(), "{:?}", table.held);
}

#[test]
fn requests_are_counted_by_the_minute() {
    let seats = seats(Limits { requests_per_minute: 2, ..Limits::default() }, 1000..1001);
    assert!(seats.request(1000, &at(0)).is_ok() && seats.request(1000, &at(1)).is_ok());
    assert_eq!(seats.request(1000, &at(30)), Err(31));
    assert!(seats.request(0, &at(30)).is_ok());
    assert!(seats.request(1000, &at(60)).is_ok());
}

#[test]
fn requests_of_uids_without_an_account_are_counted_together() {
    let seats = seats(Limits { requests_per_minute: 2, ..Limits::default() }, 1000..1001);
    // The first request begins the minute for which such uids are remembered.
    assert!(seats.request(1000, &at(0)).is_ok());
    (300_000..300_003).for_each(|uid| seats.learn(uid, Account::None));
    assert!(seats.request(300_000, &at(0)).is_ok() && seats.request(300_001, &at(0)).is_ok());
    assert!(seats.request(300_002, &at(0)).is_err());
    assert!(seats.request(1000, &at(0)).is_ok());
}

#[test]
fn newcomers_whom_nobody_could_look_up_yet_each_have_a_request_and_all_together_have_an_end() {
    let seats = seats(Limits::default(), 1000..1001);
    let taken = (2000..9000).filter(|uid| seats.request(*uid, &at(0)).is_ok()).count();
    assert_eq!(taken, FOR_OTHERS as usize);
    assert!(seats.request(1000, &at(0)).is_ok());
}

#[test]
fn one_newcomer_whom_nobody_could_look_up_takes_no_more_than_anybody() {
    let limits = Limits { connections_per_uid: 3, requests_per_minute: 2, ..Limits::default() };
    let seats = seats(limits, 1000..1001);
    let held = all(&seats, 2000);
    assert_eq!(held.len(), 3);
    assert_eq!(seats.take(2000, Kind::Call).unwrap_err(), 3);
    assert!(seats.take(2001, Kind::Call).is_ok());
    let taken = (0..100).filter(|_| seats.request(2000, &at(0)).is_ok()).count();
    assert_eq!(taken, 2);
    assert!(seats.request(2001, &at(0)).is_ok());
    // What was counted stays counted when it is known who it was.
    seats.learn(2000, Account::Known);
    assert!(seats.request(2000, &at(0)).is_err());
    assert_eq!(seats.take(2000, Kind::Call).unwrap_err(), 3);
}
