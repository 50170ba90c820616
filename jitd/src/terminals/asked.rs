//! How often people are told of requests that wait for them: whoever asks, however often, floods nobody's screen.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::now::{NANOS, Now};

/// Notices of requests that one person gets in a minute.
const A_MINUTE: usize = 6;

/// Nanoseconds over which notices are counted.
const MINUTE: i64 = 60 * NANOS;

/// Nanoseconds for which it is known that somebody was told of a request.
const REMEMBERED: i64 = 60 * MINUTE;

/// Whether somebody is told of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Yes.
    Yes,
    /// Yes, and of no other in this minute.
    AndNoMore,
    /// No: they know of this one, or have been told of enough others.
    No,
}

/// Who was told of which requests, and when on the boot clock.
#[derive(Debug, Default)]
pub(super) struct Asked {
    told: BTreeMap<u32, BTreeSet<(i64, RequestId)>>,
}

impl Asked {
    /// Whether `uid` is to be told of the request now; if so, it counts.
    pub(super) fn may_be_told(&mut self, uid: u32, id: RequestId, now: &Now) -> Told {
        let told = self.told.entry(uid).or_default();
        told.retain(|(at, _)| *at > now.boot.saturating_sub(REMEMBERED));
        let lately = told.iter().filter(|(at, _)| *at > now.boot.saturating_sub(MINUTE)).count();
        if lately >= A_MINUTE || told.iter().any(|(_, known)| *known == id) {
            return Told::No;
        }
        told.insert((now.boot, id));
        match lately + 1 < A_MINUTE {
            true => Told::Yes,
            false => Told::AndNoMore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jitd_core::now::BootId;

    fn at(seconds: i64) -> Now {
        Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("a".into()) }
    }

    fn id(number: u8) -> RequestId {
        RequestId::from_random([0, 0, 0, 0, number])
    }

    #[test]
    fn nobody_is_told_twice_of_one_request() {
        let mut asked = Asked::default();
        assert_eq!(asked.may_be_told(1000, id(1), &at(0)), Told::Yes);
        assert_eq!(asked.may_be_told(1000, id(1), &at(1)), Told::No);
        assert_eq!(asked.may_be_told(1001, id(1), &at(1)), Told::Yes, "somebody else");
        assert_eq!(asked.may_be_told(1000, id(2), &at(2)), Told::Yes, "another request");
    }

    #[test]
    fn a_flood_of_requests_is_six_notices_a_minute_and_the_last_says_so() {
        let mut asked = Asked::default();
        let told: Vec<Told> = (0..60).map(|number| asked.may_be_told(1000, id(number), &at(30))).collect();
        let mut expected = vec![Told::Yes; A_MINUTE - 1];
        expected.push(Told::AndNoMore);
        expected.resize(60, Told::No);
        assert_eq!(told, expected);
        assert_eq!(asked.may_be_told(1000, id(60), &at(89)), Told::No);
        assert_eq!(asked.may_be_told(1001, id(60), &at(89)), Told::Yes, "others are told");
        assert_eq!(asked.may_be_told(1000, id(60), &at(90)), Told::Yes, "the minute is over");
        assert_eq!(asked.may_be_told(1000, id(0), &at(91)), Told::No, "still known");
    }

    #[test]
    fn what_is_remembered_does_not_grow() {
        let mut asked = Asked::default();
        for second in 0..100_000_u32 {
            let [a, b, c, d] = second.to_be_bytes();
            asked.may_be_told(1000, RequestId::from_random([0, a, b, c, d]), &at(i64::from(second)));
        }
        assert!(asked.told.values().map(BTreeSet::len).sum::<usize>() <= 61 * A_MINUTE);
    }
}
